"""netty's acceptor with its real receiver on a loop in a thread, for peers that block; leases are opened by hand."""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from netty.archive.audit import Audit
from netty.archive.database import Database
from netty.archive.leases import Leases
from netty.archive.patients import Patients
from netty.archive.registration import Registration
from netty.archive.remotes import Remotes
from netty.archive.retrievals import Retrievals
from netty.archive.spool import Spool
from netty.dicom.uids import VERIFICATION
from netty.dicom.walk import WalkLimits
from netty.model.lease import Lease
from netty.model.remote import Remote
from netty.network.accepted import AssociationReport
from netty.network.acceptor import AssociationServer, Callers
from netty.network.service import Offer
from netty.network.settings import AeSettings, ReceiveLimits
from netty.network.storage_scp import STATUSES, storage_offers
from netty.network.verification_scp import VerificationScp
from netty.workflow.admission import Admissions
from netty.workflow.callers import CallerBook
from netty.workflow.conclusions import Concluder
from netty.workflow.receive import Receiver
from netty.workflow.register import Registrar
from netty.workflow.settings import Keep, ReceiveSettings
from support.catalogue import entry, new_database, patient, retrieval
from support.raw_peer import Image
from support.waiting import wait_until

T = TypeVar("T")
PATIENCE = 15.0


@dataclass
class Receiving:
    """The parts, the port, and the loop on which they run. Its remote "central" calls as RAW_PACS from 127.0.0.1."""

    folder: Path
    database: Database
    spool: Spool
    loop: asyncio.AbstractEventLoop
    server: AssociationServer
    reports: list[AssociationReport]
    port: int = 0
    counter: list[int] = field(default_factory=lambda: [0])

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something on the loop, and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(PATIENCE)

    def begin(self, work: Coroutine[Any, Any, T]) -> Callable[[], T]:
        """Run something on the loop; what is returned waits for it."""
        future = asyncio.run_coroutine_threadsafe(work, self.loop)
        return lambda: future.result(PATIENCE)

    def open_lease(self, image: Image, *, patient_id: str = "", remote: str = "central", seconds: float = 600) -> Lease:
        """Let images of this study in."""
        self.counter[0] += 1
        id = f"r{self.counter[0]}"
        asked = retrieval(
            id,
            remote=remote,
            study_instance_uid=image.study,
            patient_id=patient_id or image.patient_id,
            patient_key="hanako",
        )
        Retrievals(self.database).create(asked, [entry(image.sop, sop_class_uid=image.sop_class)])
        return Leases(self.database).open(asked, time.time() + seconds)

    def audited(self) -> list[str]:
        """The kinds of the audit's events, the newest first."""
        return [each.event.kind.value for each in Audit(self.database).list()]

    def spooled(self) -> list[str]:
        """Whatever lies in the spool folder, finished or not."""
        return sorted(path.name for path in (self.folder / "spool").iterdir())

    def registered(self) -> list[str]:
        """The spool files that have a row."""
        return sorted(Registration(self.database).spool_names())

    def add_remote(self, name: str, title: str) -> None:
        """Register another remote, that calls from here too."""
        Remotes(self.database).add(Remote(name, title, "127.0.0.1", 104))

    @staticmethod
    async def grace(seconds: float) -> None:
        """Let time pass on the loop."""
        await asyncio.sleep(seconds)

    def ended(self, count: int = 1) -> AssociationReport:
        """The report of the association that ended last, once `count` have."""
        wait_until(lambda: len(self.reports) >= count, PATIENCE, "the association is over")
        return self.reports[-1]


@contextmanager
def receiving(
    folder: Path,
    receive: ReceiveSettings | None = None,
    *,
    keep: Keep = Keep.NONE,
    ae: AeSettings | None = None,
    limits: ReceiveLimits | None = None,
    closes: bool = False,
) -> Iterator[Receiving]:
    """It, on a free port of the loopback."""
    receive, ae = receive or ReceiveSettings(), ae or AeSettings()
    for name in ("spool", "quarantine"):
        (folder / name).mkdir(mode=0o700, parents=True)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    with new_database(folder) as database:
        spool = Spool(folder / "spool", folder / "quarantine")
        Remotes(database).add(Remote("central", "RAW_PACS", "127.0.0.1", 104))
        Patients(database).add(patient())
        registrar = Registrar(Registration(database), spool)
        book = CallerBook(Remotes(database).list)
        receiver = Receiver(
            spool=spool,
            admissions=Admissions(Leases(database), ae.title),
            audit=Audit(database),
            announce=registrar.put,
            ae=ae,
            settings=receive,
            limits=WalkLimits(),
            concluder=Concluder(keep, receive.warn_changes),
        )
        statuses, syntaxes = STATUSES[receive.statuses], receive.transfer_syntaxes
        offers = {
            VERIFICATION: Offer(VerificationScp(), syntaxes),
            **storage_offers(receiver, receive.accepted_classes, syntaxes, statuses),
        }
        reports: list[AssociationReport] = []
        thread.start()
        registrar.start()

        async def make() -> tuple[AssociationServer, int]:
            server = AssociationServer(
                ae,
                Callers(book.known, book.known_address if closes else None),
                offers,
                limits,
                stopping_status=statuses.stopping,
                ended=reports.append,
            )
            return server, await server.serve("127.0.0.1", 0)

        server, port = asyncio.run_coroutine_threadsafe(make(), loop).result(PATIENCE)
        running = Receiving(folder, database, spool, loop, server, reports, port)
        try:
            yield running
        finally:
            running.run(server.stop())
            registrar.stop()
            book.stop()
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()
            spool.close()
