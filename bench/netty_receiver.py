"""``python -m bench.netty_receiver --config FILE serve``: netty as it serves, but for drawing.

Other receivers draw no pictures, and on two cores netty's would be counted against its receiving. So this is the whole
of `netty serve`, only that its renderer does no more than it does first: write the rows of what receivers announce.
"""

import asyncio
import sys
import threading

from netty.cli.main import run
from netty.gateway import children
from netty.gateway.desk import Desk
from netty.processes.announcements import read_announcements
from netty.processes.child import Child
from netty.workflow.register import Registrar


async def _register(desk: Desk, child: Child) -> None:
    """The renderer, without rendering."""
    registrar = Registrar(desk.registration, desk.spool)
    registrar.start()

    def hear(names: list[str]) -> None:
        for name in names:
            registrar.put(name)

    assert child.announcements is not None
    threading.Thread(target=read_announcements, args=(child.announcements, hear), daemon=True).start()
    child.listen()
    child.ready()
    await child.stopping.wait()
    await asyncio.to_thread(registrar.stop)


if __name__ == "__main__":
    children._ROLES["renderer"] = _register
    sys.exit(run(sys.argv[1:]))
