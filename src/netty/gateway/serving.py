"""`netty serve`: the data folder locked and recovered, the ports bound, the children started."""

import logging
import resource
import sys
from collections.abc import Callable

from netty.config import Settings
from netty.errors import LocalError
from netty.gateway.children import child, clerk
from netty.gateway.desk import initialise, make_folders, open_desk
from netty.gateway.logs import configure_logging
from netty.processes.announcements import announcement_pipe
from netty.processes.clerk import CarryOut
from netty.processes.listening import bind, folder_lock
from netty.processes.supervisor import ChildSpec, Supervisor
from netty.ul.codec import encode_associate_reject
from netty.ul.reasons import LOCAL_LIMIT_EXCEEDED
from netty.workflow.register import register_leftovers

log = logging.getLogger(__name__)


def serve(settings: Settings, role: str, load_commands: Callable[[], None], carry_out: CarryOut) -> int:
    """Run until SIGTERM or Ctrl-C; 0 after an orderly end.

    `load_commands` imports the commands that terminals hand over, and `carry_out` does one.

    Raises:
        LocalError: where the folder, a port or the database is not to be had.
    """
    if role != "all":
        raise LocalError(
            "--role {role} needs a PostgreSQL database and a blob store that all nodes share; "
            "this version runs everything on one machine. Use --role all.",
            role=role,
        )
    configure_logging("supervisor")
    _raise_descriptor_limit()
    make_folders(settings)
    with folder_lock(settings.data):
        initialise(settings)
        _recover(settings)
        dicom = bind(settings.ae.host, settings.ae.port, "DICOM")
        pages = bind(settings.web.host, settings.web.port, "the pages")
        hears, tells = announcement_pipe()
        receiver = ChildSpec("receiver", child(settings, "receiver"), announcements=tells, takes_connections=True)
        specs = [
            *[receiver] * settings.receive.receivers,
            ChildSpec("renderer", child(settings, "renderer"), announcements=hears),
            ChildSpec("worker", child(settings, "worker"), listener=pages),
            ChildSpec("clerk", clerk(settings, load_commands, carry_out)),
        ]
        dicom_at, pages_at = dicom.getsockname()[:2], pages.getsockname()[:2]

        def announce() -> None:
            print(  # noqa: T201 - for people and scripts that wait for it
                f"netty is ready: AE {settings.ae.title} on {dicom_at[0]}:{dicom_at[1]}, "
                f"pages at http://{pages_at[0]}:{pages_at[1]}/",
                file=sys.stderr,
                flush=True,
            )

        Supervisor(specs, dicom, announce, no_room=encode_associate_reject(LOCAL_LIMIT_EXCEEDED)).run()
    log.info("netty has stopped")
    return 0


def _recover(settings: Settings) -> None:
    """What a crash left: half-written files go, and what was answered 0x0000 is registered before anything else."""
    with open_desk(settings) as desk:
        half_written = desk.spool.remove_unsealed()
        registered = register_leftovers(desk.registration, desk.spool)
        desk.quarantine.remove_remnants()
    if half_written or registered:
        log.info("recovered: %d images registered, %d half-written files removed", registered, len(half_written))


def _raise_descriptor_limit() -> None:
    """Statement 4.2.2: the number of associations has no limit but the system's, so we take all that it gives."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
