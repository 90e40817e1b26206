"""A whole netty in one process: real database, spool, Storage SCP and renderer, and simulated hospitals beside it."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from netty.archive.audit import Audit
from netty.archive.blobs import Blobs
from netty.archive.database import Database
from netty.archive.found import FoundStudies
from netty.archive.holdings import Holdings
from netty.archive.leases import Leases
from netty.archive.patients import Patients
from netty.archive.quarantine import Quarantine
from netty.archive.registration import Registration
from netty.archive.remotes import Remotes
from netty.archive.renewal import Renewal
from netty.archive.retrievals import Retrievals
from netty.archive.spool import Spool
from netty.archive.unobtainable import Unobtainables
from netty.archive.verify import Verification, verify
from netty.dicom.uids import IMPLICIT_VR_LITTLE_ENDIAN, VERIFICATION
from netty.dicom.walk import WalkLimits
from netty.image.settings import RenderSettings
from netty.model.patient import Patient, PatientLink
from netty.model.remote import Remote, RetrieveLevel
from netty.model.retrieval import Retrieval
from netty.network.acceptor import AssociationServer, Callers
from netty.network.service import Offer
from netty.network.settings import AeSettings, QuerySettings, Timers
from netty.network.storage_scp import storage_offers
from netty.network.verification_scp import VerificationScp
from netty.processes.render_pool import Reply
from netty.simulator.hospital import Destination, Hospital
from netty.simulator.quirks import Quirk
from netty.workflow.admission import Admissions
from netty.workflow.callers import CallerBook
from netty.workflow.conclusions import Concluder
from netty.workflow.deidentify import Deidentifier
from netty.workflow.group_commit import GroupCommit
from netty.workflow.keep import Keeper
from netty.workflow.linkage import Linkage
from netty.workflow.pictures import Drawer
from netty.workflow.quarantine import QuarantineDesk
from netty.workflow.receive import Receiver
from netty.workflow.register import Registrar, awaits_rows
from netty.workflow.render import Renderer
from netty.workflow.render_job import render_job
from netty.workflow.rerender import Rerenderer
from netty.workflow.retrieve import Retriever
from netty.workflow.settings import Keep, KeepSettings, ReceiveSettings
from support.catalogue import new_database

TITLE = "HAPPY_netty"
PATIENT_ID = "TEST-1"


@dataclass
class Linked:
    """The parts, opened on a folder; `ae` has the port on which the Storage SCP listens."""

    folder: Path
    database: Database
    ae: AeSettings
    receive: ReceiveSettings
    timers: Timers
    keep: KeepSettings
    levels: tuple[RetrieveLevel, ...] = (RetrieveLevel.STUDY,)
    render: RenderSettings = field(default_factory=RenderSettings)
    stopping: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.remotes, self.patients = Remotes(self.database), Patients(self.database)
        self.retrievals, self.leases = Retrievals(self.database), Leases(self.database)
        self.holdings, self.registration = Holdings(self.database), Registration(self.database)
        self.renewal = Renewal(self.database)
        self.audit, self.unobtainables = Audit(self.database), Unobtainables(self.database)
        self.found = FoundStudies(self.database)
        self.spool = Spool(self.folder / "spool", self.folder / "quarantine")
        self.blobs = Blobs("file:blobs", self.folder)
        self.quarantine = QuarantineDesk(
            Quarantine(self.database), self.registration, self.spool, self.blobs, self.audit
        )
        self.linkage = Linkage(
            remotes=self.remotes,
            patients=self.patients,
            found=self.found,
            holdings=self.holdings,
            retrievals=self.retrievals,
            unobtainables=self.unobtainables,
            audit=self.audit,
            together=self.database.together,
            ae=self.ae,
            timers=self.timers,
            query=QuerySettings(),
            accepted_classes=self.receive.accepted_classes,
        )
        self.retriever = Retriever(
            remotes=self.remotes,
            retrievals=self.retrievals,
            holdings=self.holdings,
            leases=self.leases,
            audit=self.audit,
            ae=self.ae,
            timers=self.timers,
            levels=self.levels,
            quiet_time=self.receive.quiet_time,
            stopping=self.stopping,
            awaits_rows=partial(awaits_rows, self.registration, self.spool),
        )

    def register(self, patient_id: str = PATIENT_ID, remote: str = "central", key: str = "hanako") -> Patient:
        """Link a patient."""
        patient = Patient(key, "花子", links=(PatientLink(remote, patient_id),))
        self.patients.add(patient)
        return patient

    async def request(self, remote: str = "central", key: str = "hanako") -> list[Retrieval]:
        """Search at a remote, and request what is missing."""
        return list(await self.linkage.sweep(remote, key, asked_by="test"))

    async def fetch(self, remote: str = "central", key: str = "hanako") -> list[Retrieval]:
        """Search at a remote, request what is missing, and run the retrievals to their end."""
        requested = await self.request(remote, key)
        for retrieval in requested:
            await self.run(retrieval.id)
        return [self.retrievals.get(retrieval.id) for retrieval in requested]

    async def run(self, retrieval_id: str) -> Retrieval:
        """Run one retrieval as the job engine does: its two steps, in a thread."""
        await asyncio.to_thread(self.retriever.move, retrieval_id)
        await asyncio.to_thread(self.retriever.settle, retrieval_id)
        return self.retrievals.get(retrieval_id)

    def verify(self) -> Verification:
        """Compare rows with files."""
        return verify(self.database, self.spool, self.blobs)


@asynccontextmanager
async def linked(
    folder: Path,
    *,
    receive: ReceiveSettings | None = None,
    timers: Timers | None = None,
    levels: tuple[RetrieveLevel, ...] = (RetrieveLevel.STUDY,),
    keep: KeepSettings | None = None,
    render: RenderSettings | None = None,
) -> AsyncIterator[Linked]:
    """Run it for the length of a block."""
    receive, keep = receive or ReceiveSettings(quiet_time=2), keep or KeepSettings()
    for name in ("spool", "quarantine"):
        (folder / name).mkdir(mode=0o700)
    with new_database(folder) as database:
        async with _serving(folder, database, receive) as port:
            ae, timers = AeSettings(port=port), timers or Timers(10, 10, 30)
            parts = Linked(
                folder, database, ae, receive, timers, keep, levels=levels, render=render or RenderSettings()
            )
            rendering = threading.Thread(target=_renderer(parts).run, args=(parts.stopping,))
            rendering.start()
            try:
                yield parts
            finally:
                parts.stopping.set()
                await asyncio.to_thread(rendering.join)
                parts.spool.close()


@asynccontextmanager
async def _serving(folder: Path, database: Database, receive: ReceiveSettings) -> AsyncIterator[int]:
    """The Storage SCP on a free port."""
    spool = Spool(folder / "spool", folder / "quarantine")
    registrar = Registrar(Registration(database), spool)
    registrar.start()
    book = CallerBook(Remotes(database).list)
    receiver = Receiver(
        spool=spool,
        admissions=Admissions(Leases(database), TITLE),
        audit=Audit(database),
        announce=registrar.put,
        ae=AeSettings(),
        settings=receive,
        limits=WalkLimits(),
        concluder=Concluder(Keep.NONE, receive.warn_changes),
    )
    offers = {
        VERIFICATION: Offer(VerificationScp(), (IMPLICIT_VR_LITTLE_ENDIAN,)),
        **storage_offers(receiver, receive.accepted_classes, receive.transfer_syntaxes),
    }
    server = AssociationServer(AeSettings(), Callers(book.known), offers)
    port = await server.serve("127.0.0.1", 0)
    try:
        yield port
    finally:
        await server.stop()
        book.stop()
        await asyncio.to_thread(registrar.stop)
        spool.close()


def _renderer(parts: Linked) -> Renderer:
    """The renderer, with its child's work done in this process."""

    def render(jobs: Sequence[Mapping[str, Any]]) -> Iterator[Reply]:
        return (Reply(header, data, number) for number, job in enumerate(jobs) for header, data in render_job(job))

    keeper = Keeper(parts.spool, parts.blobs, Deidentifier.of(parts.keep, parts.folder, parts.folder, parts.ae))
    commits = GroupCommit(parts.database.together, parts.blobs.sync)
    drawer = Drawer(parts.spool, parts.blobs, render, parts.render, keeper, commits)
    return Renderer(parts.registration, drawer, Rerenderer(parts.renewal, drawer), workers=1)


@asynccontextmanager
async def hospital(
    parts: Linked, folder: Path, *quirks: Quirk, name: str = "central", **options: Any
) -> AsyncIterator[Hospital]:
    """A simulated hospital that is registered as a remote of netty, and knows netty as a move destination."""
    simulated = Hospital(
        name.upper(), folder, 0, [Destination(TITLE, "127.0.0.1", parts.ae.port)], frozenset(quirks), **options
    )
    port = await simulated.start()
    parts.remotes.add(Remote(name, name.upper(), "127.0.0.1", port))
    try:
        yield simulated
    finally:
        await simulated.stop()
