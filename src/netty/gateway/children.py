"""The child processes of `netty serve`, each built from the parts and run on its own event loop.

They are forked from the supervisor: what this module imports is loaded once, before, and shared by all of them. What
only one of them needs, or what starts threads when it is loaded, is imported where that one begins.
"""

import asyncio
import contextlib
import logging
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any

from netty.archive.errors import DatabaseFault, DiskFault
from netty.archive.spool import Spool
from netty.archive.spool_ahead import SpoolAhead
from netty.config import Settings
from netty.dicom.uids import VERIFICATION
from netty.errors import LocalError
from netty.gateway.desk import Desk, open_desk
from netty.gateway.logs import configure_logging
from netty.network.acceptor import AssociationServer, Callers
from netty.network.loop import run_to_end
from netty.network.service import Offer
from netty.network.storage_scp import STATUSES, storage_offers
from netty.network.verification_scp import VerificationScp
from netty.processes.announcements import Announcer, read_announcements
from netty.processes.bell import hang, hear, take_down
from netty.processes.child import Child
from netty.processes.clerk import CarryOut, Clerk, listen_for_errands
from netty.processes.errand import address, program_identity
from netty.processes.forking import name_process
from netty.processes.limits import associations_at_once, share_one_heap
from netty.workflow.admission import Admissions
from netty.workflow.callers import CallerBook
from netty.workflow.conclusions import Concluder
from netty.workflow.receive import Receiver
from netty.workflow.refused import RefusedCallers
from netty.workflow.register import unregistered
from netty.workflow.settings import Durability, Unregistered

log = logging.getLogger(__name__)

_DRAIN_SECONDS = 5.0
_ABANDONED_SECONDS = 3600.0
_SWEEP_SECONDS = 600.0
_SPARE_THREADS = 1  # has a child draw while another thread puts pictures away
_NICENESS = {"renderer": 10}  # an image that comes in, and a page that somebody waits for, go before a picture
_LOOK_SECONDS = 0.05  # between two looks for what has been asked for
_LOOK_SECONDS_WITH_BELL = 0.5
_ANNOUNCE_SECONDS = 0.005  # several at once: each wakes another process up


def child(settings: Settings, role: str) -> Callable[[Child], None]:
    """What a child does in its role until the supervisor ends it; to be called in a process of its own."""

    def run(one: Child) -> None:
        configure_logging(role)
        name_process(f"netty {role}")
        share_one_heap()
        os.nice(_NICENESS.get(role, 0))  # before it has children of its own: they step back further than this
        with open_desk(settings) as desk:
            run_to_end(_ROLES[role](desk, one))
        # Then the process ends, though threads of the job engine may be in the middle of a C-MOVE: it is taken up
        # again at the next start.

    return run


def clerk(settings: Settings, load_commands: Callable[[], None], carry_out: CarryOut) -> Callable[[Child], None]:
    """What the child does that carries out commands for terminals; what it holds itself is its memory of modules."""
    program = program_identity()  # as it is loaded now: who comes with newer files is not served

    async def work(one: Child) -> None:
        one.listen()
        try:
            listener = listen_for_errands(address(settings.file))
        except OSError as error:
            log.warning("clerk: commands start by themselves, and slower (%s)", error)
            one.ready()
            await one.stopping.wait()
            return
        with listener:
            one.ready()
            await Clerk(listener, program, carry_out).run(one.stopping)

    def run(one: Child) -> None:
        configure_logging("clerk")
        name_process("netty clerk")
        load_commands()
        asyncio.run(work(one))  # not uvloop: it forks, and one that is running is not made for that

    return run


def render_command() -> tuple[str, ...]:
    """The argument vector of a render child: a new program, which has seen neither settings nor patients."""
    return (sys.executable, "-m", "netty", "child", "render")


async def _receive(desk: Desk, child: Child) -> None:
    """A receiver: Verification and Storage SCP."""
    settings = desk.settings
    assert child.announcements is not None
    announcer = Announcer(child.announcements)

    def flush() -> None:
        if not announcer.flush():
            asyncio.get_running_loop().call_later(_ANNOUNCE_SECONDS, flush)

    def announce(name: str) -> None:
        if announcer.put(name):
            asyncio.get_running_loop().call_later(_ANNOUNCE_SECONDS, flush)

    for name in await asyncio.to_thread(unregistered, desk.registration, desk.spool):
        announce(name)  # what an earlier receiver could not announce before it died
    book = CallerBook(desk.remotes.list)
    await asyncio.to_thread(book.start)
    ahead = SpoolAhead(desk.spool)
    receiver = Receiver(
        spool=desk.spool,
        admissions=Admissions(desk.leases, settings.ae.title),
        audit=desk.audit,
        announce=announce,
        ae=settings.ae,
        settings=settings.receive,
        limits=settings.limits.of_data_set,
        concluder=Concluder(settings.keep.dicom, settings.receive.warn_changes),
        ahead=ahead if settings.receive.durability is Durability.FSYNC else None,
        alone=lambda: server.associations == 1,
    )
    statuses = STATUSES[settings.receive.statuses]
    syntaxes = settings.receive.transfer_syntaxes
    closes = settings.receive.unregistered is Unregistered.CLOSE
    refused = RefusedCallers(desk.audit)
    server = AssociationServer(
        settings.ae,
        Callers(book.known, book.known_address if closes else None),
        {
            VERIFICATION: Offer(VerificationScp(), syntaxes),
            **storage_offers(receiver, settings.receive.accepted_classes, syntaxes, statuses),
        },
        settings.limits.of_association(settings.receive.idle),
        stopping_status=statuses.stopping,
        capacity=associations_at_once(),
        ended=refused.report,
    )
    serving: set[asyncio.Task[None]] = set()

    def take(connection: socket.socket) -> None:
        task = asyncio.get_running_loop().create_task(server.handle(connection))
        serving.add(task)
        task.add_done_callback(serving.discard)
        task.add_done_callback(lambda _: child.connection_closed())

    sweeping = asyncio.create_task(_sweep(desk.spool))
    child.listen(take)
    child.ready()
    await child.stopping.wait()
    await server.stop(_DRAIN_SECONDS)
    await refused.settle()
    sweeping.cancel()
    book.stop()
    ahead.close()
    announcer.flush()


async def _sweep(spool: Spool) -> None:
    """Remove, now and then, what a receiver that died had half written; the start of the service removes the rest."""
    while True:
        try:
            removed = await asyncio.to_thread(spool.remove_abandoned, time.time() - _ABANDONED_SECONDS)
        except DiskFault as error:
            log.error("spool: %s", error)
        else:
            if removed:
                log.info("spool: %d half-written files removed", len(removed))
        await asyncio.sleep(_SWEEP_SECONDS)


async def _render(desk: Desk, child: Child) -> None:
    """The renderer: registers what receivers announce, hands it to render children, registers what comes back."""
    from netty.processes.render_pool import ChildPool
    from netty.workflow.deidentify import Deidentifier
    from netty.workflow.group_commit import GroupCommit
    from netty.workflow.keep import Keeper
    from netty.workflow.pictures import Drawer
    from netty.workflow.register import Registrar
    from netty.workflow.render import Renderer
    from netty.workflow.rerender import Rerenderer
    from netty.workflow.tasks import InHand

    settings = desk.settings
    deidentifier = Deidentifier.of(settings.keep, settings.data, settings.file.parent, settings.ae)
    keeper = Keeper(desk.spool, desk.blobs, deidentifier)
    keeper.remove_remnants()
    workers = os.cpu_count() or 1
    pool = ChildPool(render_command(), workers)
    commits = GroupCommit(desk.database.together, desk.blobs.sync)
    drawer = Drawer(desk.spool, desk.blobs, pool.run_all, settings.render, keeper, commits)
    in_hand = InHand()
    registrar = Registrar(desk.registration, desk.spool, in_hand.want)
    for name in await asyncio.to_thread(unregistered, desk.registration, desk.spool):
        registrar.put(name)
    registrar.start()

    def warm_up() -> None:
        with contextlib.suppress(LocalError):  # it is being closed
            pool.start()

    cold = threading.Lock()

    def get_ready() -> None:
        """Start the render children, once, whichever thread asks first: memory that a netty at rest does without."""
        if cold.acquire(blocking=False):
            threading.Thread(target=warm_up, name="warm-up", daemon=True).start()

    def hear(names: list[str]) -> None:
        get_ready()
        for name in names:
            registrar.put(name)

    committed = desk.database.watch()

    def changed() -> bool:
        """Images are to come as soon as a retrieval is asked for: the children load what they need meanwhile."""
        if not committed():
            return False
        with contextlib.suppress(DatabaseFault):  # the renderer's own look will say so
            if not cold.locked() and desk.retrievals.any_unfinished():
                get_ready()
        return True

    renderer = Renderer(
        registration=desk.registration,
        drawer=drawer,
        rerenderer=Rerenderer(desk.renewal, drawer),
        workers=workers + _SPARE_THREADS,
        changed=changed,
        in_hand=in_hand,
    )
    assert child.announcements is not None
    threading.Thread(target=read_announcements, args=(child.announcements, hear), daemon=True).start()
    stopping = threading.Event()
    thread = threading.Thread(target=renderer.run, args=(stopping,), name="renderer")
    child.listen()
    thread.start()
    child.ready()
    await child.stopping.wait()
    stopping.set()
    await asyncio.to_thread(thread.join)
    await asyncio.to_thread(registrar.stop)
    pool.close()


async def _work(desk: Desk, child: Child) -> None:
    """The worker: pages and jobs."""
    import uvicorn

    from netty.archive.set_aside import SetAside
    from netty.jobs import Jobs, jobs_database_url
    from netty.processes.render_pool import ChildPool
    from netty.web.app import create_app
    from netty.web.parts import WebParts
    from netty.workflow.automation import Automation
    from netty.workflow.quarantine_picture import picture_of
    from netty.workflow.register import awaits_rows
    from netty.workflow.retrieve import Retriever

    settings = desk.settings
    stopping = threading.Event()
    retriever = Retriever(
        remotes=desk.remotes,
        retrievals=desk.retrievals,
        holdings=desk.holdings,
        leases=desk.leases,
        audit=desk.audit,
        ae=settings.ae,
        timers=settings.timers,
        levels=settings.retrieve.levels,
        quiet_time=settings.receive.quiet_time,
        stopping=stopping,
        awaits_rows=partial(awaits_rows, desk.registration, desk.spool),
    )
    automation = Automation(desk.linkage, desk.retrievals, retriever, settings.search, changed=desk.database.watch())
    bell = _bell(settings.data)
    look_seconds = _LOOK_SECONDS if bell is None else _LOOK_SECONDS_WITH_BELL
    jobs = Jobs(jobs_database_url(settings.database.url), "netty", automation, look_seconds)
    pool = ChildPool(render_command(), 1)  # starts its child when somebody looks

    def preview(one: SetAside, frame: int) -> bytes:
        return picture_of(desk.quarantine, one, frame, pool.run)

    app = create_app(
        WebParts(
            settings=settings.web,
            linkage=desk.linkage,
            remotes=desk.remotes,
            patients=desk.patients,
            holdings=desk.holdings,
            retrievals=desk.retrievals,
            users=desk.users,
            sessions=desk.sessions,
            audit=desk.audit,
            blobs=desk.blobs,
            quarantine=desk.quarantine,
            preview=preview,
        )
    )
    server = uvicorn.Server(
        uvicorn.Config(
            app, log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=2, lifespan="on"
        )
    )
    child.listen()
    if bell is not None:
        asyncio.get_running_loop().add_reader(bell, _when_rung, bell, jobs.wake)
    await asyncio.to_thread(jobs.launch)
    assert child.listener is not None
    serving = asyncio.create_task(server.serve(sockets=[child.listener]))
    child.ready()
    await child.stopping.wait()
    stopping.set()
    app.state.bulletin.close()  # the pages' event streams would hold the stop up
    server.should_exit = True
    await serving
    pool.close()
    if bell is not None:
        asyncio.get_running_loop().remove_reader(bell)
        take_down(settings.data, bell)
    await asyncio.to_thread(jobs.stop)


def _when_rung(bell: socket.socket, wake: Callable[[], None]) -> None:
    if hear(bell):
        wake()


def _bell(folder: Path) -> socket.socket | None:
    """What whoever asks for a retrieval rings; None where there can be none, and looks have to do."""
    try:
        return hang(folder)
    except OSError as error:
        log.warning("worker: retrievals begin a moment later, as nobody can ring (%s)", error)
        return None


_ROLES: dict[str, Callable[[Desk, Child], Coroutine[Any, Any, None]]] = {
    "receiver": _receive,
    "renderer": _render,
    "worker": _work,
}
