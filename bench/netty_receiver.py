"""netty's receiving side as in `netty serve`: a receiver's event loop, and the registrar in a process beside it."""

import asyncio
import logging
import os
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from bench.load import CT_IMAGE_STORAGE
from bench.receivers import CALLING
from netty.archive.audit import Audit
from netty.archive.database import Database, migrate, open_database
from netty.archive.leases import Leases
from netty.archive.registration import Registration
from netty.archive.remotes import Remotes
from netty.archive.retrievals import Retrievals
from netty.archive.spool import Spool
from netty.dicom.walk import WalkLimits
from netty.model.remote import Remote
from netty.model.retrieval import Retrieval, RetrievalState
from netty.network.acceptor import AssociationServer, Callers
from netty.network.settings import AeSettings
from netty.network.storage_scp import storage_offers
from netty.processes.announcements import Announcer, announcement_pipe, read_announcements
from netty.workflow.admission import Admissions
from netty.workflow.receive import Receiver
from netty.workflow.register import Registrar
from netty.workflow.settings import Durability, ReceiveSettings

_ANNOUNCE_SECONDS = 0.005  # as netty's receivers do


def _open_lease(database: Database, study_instance_uid: str) -> None:
    """What a retrieval writes before its C-MOVE leaves."""
    Remotes(database).add(Remote(CALLING, CALLING, "127.0.0.1", 104))
    retrieval = Retrieval(
        id="bench",
        remote=CALLING,
        study_instance_uid=study_instance_uid,
        patient_key="",
        patient_id="BENCH",
        state=RetrievalState.MOVING,
        requested_by="bench",
        requested_at=datetime.now(UTC),
    )
    Leases(database).open(Retrievals(database).create(retrieval, ()), time.time() + 3600)


def _register(descriptor: int, url: str, folder: str) -> None:
    """What the renderer does first: rows of what is announced, until the receiver has gone."""
    database = open_database(url)
    registrar = Registrar(Registration(database), _spool(folder))
    registrar.start()

    def hear(names: list[str]) -> None:
        for name in names:
            registrar.put(name)

    read_announcements(descriptor, hear)
    registrar.stop()
    database.close()


def _spool(folder: str) -> Spool:
    return Spool(Path(folder) / "spool", Path(folder) / "quarantine")


async def _serve(
    port: int, database: Database, spool: Spool, announcer: Announcer, durability: Durability, max_pdu: int
) -> None:
    settings = ReceiveSettings(durability=durability)
    ae = AeSettings(max_pdu=max_pdu)
    loop = asyncio.get_running_loop()

    def announce(name: str) -> None:
        if announcer.put(name):
            loop.call_later(_ANNOUNCE_SECONDS, announcer.flush)

    receiver = Receiver(
        spool=spool,
        admissions=Admissions(Leases(database), ae.title),
        audit=Audit(database),
        announce=announce,
        ae=ae,
        settings=settings,
        limits=WalkLimits(),
    )
    offers = storage_offers(receiver, (CT_IMAGE_STORAGE,), settings.transfer_syntaxes)
    server = AssociationServer(ae, Callers(lambda title, _: (CALLING,) if title == CALLING else ()), offers)
    stopped = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    await server.serve("127.0.0.1", port)
    await stopped.wait()
    await server.stop()
    announcer.flush()
    announcer.close()


def main(port: str, study_instance_uid: str, folder: str, durability: str, max_pdu: str = "16384") -> None:
    """Listen until SIGTERM."""
    logging.basicConfig(level=logging.WARNING)
    url = f"sqlite:///{folder}/netty.db"
    migrate(url, Path(folder) / "backup")
    hears, tells = announcement_pipe()
    registrar = os.fork()
    if registrar == 0:
        os.close(tells)
        _register(hears, url, folder)
        os._exit(0)
    os.close(hears)
    database = open_database(url)
    _open_lease(database, study_instance_uid)
    work = _serve(int(port), database, _spool(folder), Announcer(tells), Durability(durability), int(max_pdu))
    try:
        import uvloop
    except ImportError:
        asyncio.run(work)
    else:
        uvloop.run(work)
    os.waitpid(registrar, 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
