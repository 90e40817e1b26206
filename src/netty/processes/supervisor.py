"""The supervisor: starts the children of one `netty serve`, hands them connections, and restarts those that die.

It does as little as it can, so that it has little to die of: no database, no DICOM, no pages. Nor may it have threads:
its children are forked from it (forking.py).
"""

import asyncio
import logging
import signal
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from netty.processes.channel import Channel, Message, channel_pair
from netty.processes.child import Child
from netty.processes.forking import Forked
from netty.processes.reserve import NO_DESCRIPTOR, Reserve

log = logging.getLogger(__name__)

_RESTART_SECONDS = 0.5
_RESTART_AT_MOST_SECONDS = 30.0
_HEALTHY_SECONDS = 60.0
_BUSY_SECONDS = 0.01
_FULL_SECONDS = 0.2
_TELL_SECONDS = 10.0  # a flood of connections must not become one of lines in the log


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """How one child is started.

    Attributes:
        run: what it does, in a process of its own.
        announcements: its end of the pipe on which children tell each other what lies ready.
        listener: a bound socket that it serves itself.
        takes_connections: the supervisor's DICOM connections are handed to it.
    """

    name: str
    run: Callable[[Child], None]
    announcements: int | None = None
    listener: socket.socket | None = None
    takes_connections: bool = False


@dataclass(slots=True)
class _Child:
    spec: ChildSpec
    process: Forked | None = None
    channel: Channel | None = None
    ready: bool = False
    handed: int = 0  # connections handed over and not yet reported closed
    started_at: float = 0.0
    pause: float = _RESTART_SECONDS


@dataclass
class Supervisor:
    """Runs children until it is told to stop.

    Attributes:
        on_ready: called once, when all of them are ready.
        no_room: what a connection is answered for which no descriptor is left.
    """

    specs: Sequence[ChildSpec]
    listener: socket.socket | None
    on_ready: Callable[[], None]
    no_room: bytes = b""
    grace_seconds: float = 15.0
    _children: list[_Child] = field(default_factory=list)
    _announced: bool = False
    _can_accept: asyncio.Event = field(default_factory=asyncio.Event)

    def run(self) -> None:
        """Run until SIGTERM or SIGINT; then let the children drain, and return."""
        asyncio.run(self._run())

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        self._children = [_Child(spec) for spec in self.specs]
        keepers = [asyncio.create_task(self._keep(child)) for child in self._children]
        accepting = asyncio.create_task(self._accept()) if self.listener is not None else None
        waiting = [asyncio.create_task(stop.wait()), *keepers]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        tasks = [*keepers, *([accepting] if accepting else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self.listener is not None:
            self.listener.close()
        await self._drain()
        for keeper in keepers:
            if not keeper.cancelled():
                keeper.result()  # what went wrong with it

    async def _keep(self, child: _Child) -> None:
        """Start a child, wait for its end, and start it again: at once at first, slower when it keeps dying."""
        while True:
            try:
                gone = self._start(child)
            except OSError as error:  # out of descriptors or memory: that passes
                if child.process is None:
                    raise
                log.error("supervisor: cannot start %s (%s)", child.spec.name, error)
                await asyncio.sleep(child.pause)
                continue
            await gone.wait()
            code = await self._reap(child)
            lived = time.monotonic() - child.started_at
            child.pause = _RESTART_SECONDS if lived > _HEALTHY_SECONDS else child.pause
            log.error("supervisor: %s ended (%s) after %.1f s; starting it again", child.spec.name, code, lived)
            await asyncio.sleep(child.pause)
            child.pause = min(child.pause * 2, _RESTART_AT_MOST_SECONDS)

    def _start(self, child: _Child) -> asyncio.Event:
        ours, theirs = channel_pair()
        spec = child.spec
        kept = [theirs.fileno()]
        if spec.announcements is not None:
            kept.append(spec.announcements)
        if spec.listener is not None:
            kept.append(spec.listener.fileno())
        with theirs:
            try:
                child.process = Forked(lambda: spec.run(Child(theirs, spec.listener, spec.announcements)), kept)
            except OSError:
                ours.close()
                raise
        child.channel, child.ready, child.handed, child.started_at = Channel(ours), False, 0, time.monotonic()
        gone = asyncio.Event()
        child.channel.listen(lambda message, _: self._heard(child, message), gone.set)
        return gone

    async def _reap(self, child: _Child) -> str:
        assert child.process is not None
        assert child.channel is not None
        child.ready = False
        child.channel.close()
        child.channel = None
        self._open_or_close_the_door()
        code = await wait_ended(child.process)
        return signal.Signals(-code).name if code < 0 else f"exit {code}"

    def _heard(self, child: _Child, message: Message) -> None:
        if message.get("closed"):
            child.handed -= int(message["closed"])
        if message.get("ready"):
            child.ready = True
            self._open_or_close_the_door()
            if not self._announced and all(one.ready for one in self._children):
                self._announced = True
                self.on_ready()

    def _open_or_close_the_door(self) -> None:
        if any(child.ready and child.spec.takes_connections for child in self._children):
            self._can_accept.set()
        else:
            self._can_accept.clear()

    async def _accept(self) -> None:
        assert self.listener is not None
        loop = asyncio.get_running_loop()
        reserve, tell_from = Reserve(), 0.0
        while True:
            await self._can_accept.wait()  # until then they wait in the backlog
            try:
                connection, _address = await loop.sock_accept(self.listener)
            except OSError as error:
                turned_away = error.errno in NO_DESCRIPTOR and await reserve.turn_away(self.listener, self.no_room)
                if loop.time() >= tell_from:
                    log.error("supervisor: cannot accept connections (%s)", error)
                    tell_from = loop.time() + _TELL_SECONDS
                if not turned_away:
                    await asyncio.sleep(_FULL_SECONDS)
                continue
            reserve.refill()
            with connection:
                while not self._hand_over(connection):
                    await asyncio.sleep(_BUSY_SECONDS)
                    await self._can_accept.wait()

    def _hand_over(self, connection: socket.socket) -> bool:
        """Hand it to the least loaded receiver; False if none lives or keeps up just now."""
        able = [one for one in self._children if one.spec.takes_connections and one.ready]
        for child in sorted(able, key=lambda one: one.handed):
            assert child.channel is not None
            if child.channel.send({"connection": True}, connection):
                child.handed += 1
                return True
        return False

    async def _drain(self) -> None:
        """Ask every child to end, wait, and end those that do not."""
        running = [child for child in self._children if child.process is not None]
        for child in running:
            if child.channel is not None:
                child.channel.send({"stop": True})
        processes = [child.process for child in running if child.process is not None]
        try:
            async with asyncio.timeout(self.grace_seconds):
                await asyncio.gather(*(wait_ended(process) for process in processes))
        except TimeoutError:
            for process in processes:
                process.kill()
            log.warning("supervisor: not all children ended in time; they were ended")
            await asyncio.gather(*(wait_ended(process) for process in processes))


async def wait_ended(process: Forked) -> int:
    """Its exit code, or minus the number of the signal that ended it. One task may wait for one process at a time."""
    if process.code is None:
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()
        loop.add_reader(process.descriptor, ended.set)
        try:
            await ended.wait()
        finally:
            loop.remove_reader(process.descriptor)
    return process.wait()
