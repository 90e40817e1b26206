"""The parts that read and write rows and files: what the command line works at, and every process starts from."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from netty.archive.audit import Audit
from netty.archive.blobs import Blobs
from netty.archive.database import Database, migrate, open_database
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
from netty.archive.users import Sessions, Users
from netty.archive.verify import Part, Verification, verify
from netty.config import Settings
from netty.errors import LocalError
from netty.processes.bell import ring
from netty.processes.listening import folder_in_use
from netty.workflow.linkage import Linkage
from netty.workflow.quarantine import QuarantineDesk


@dataclass(frozen=True, slots=True)
class Desk:
    """All that works on the database and the data folder, opened for one process."""

    settings: Settings
    database: Database
    remotes: Remotes
    patients: Patients
    found: FoundStudies
    holdings: Holdings
    retrievals: Retrievals
    leases: Leases
    registration: Registration
    renewal: Renewal
    unobtainables: Unobtainables
    audit: Audit
    users: Users
    sessions: Sessions
    spool: Spool
    blobs: Blobs
    linkage: Linkage
    quarantine: QuarantineDesk

    def service_running(self) -> bool:
        """Whether a `netty serve` works on this data folder."""
        return folder_in_use(self.settings.data)

    def verify(self, repair: bool = False, part: Part | None = None) -> Verification:
        """Compare rows with files, and files with rows; of a part, only its images with their files."""
        return verify(self.database, self.spool, self.blobs, repair, part)


@contextmanager
def open_desk(settings: Settings) -> Iterator[Desk]:
    """Open the parts.

    Raises:
        LocalError: where there is no database yet, or it does not fit the program.
    """
    database = open_database(settings.database.url)
    try:
        desk = _desk(settings, database)
        try:
            yield desk
        finally:
            desk.spool.close()
    finally:
        database.close()


def _desk(settings: Settings, database: Database) -> Desk:
    remotes, patients, found = Remotes(database), Patients(database), FoundStudies(database)
    holdings, retrievals = Holdings(database), Retrievals(database)
    unobtainables, audit = Unobtainables(database), Audit(database)
    linkage = Linkage(
        remotes=remotes,
        patients=patients,
        found=found,
        holdings=holdings,
        retrievals=retrievals,
        unobtainables=unobtainables,
        audit=audit,
        together=database.together,
        ae=settings.ae,
        timers=settings.timers,
        query=settings.query,
        accepted_classes=settings.receive.accepted_classes,
        asked=partial(ring, settings.data),
    )
    registration = Registration(database)
    spool = Spool(settings.data / "spool", settings.data / "quarantine")
    blobs = Blobs(settings.blobs.url, settings.file.parent)
    return Desk(
        settings=settings,
        database=database,
        remotes=remotes,
        patients=patients,
        found=found,
        holdings=holdings,
        retrievals=retrievals,
        leases=Leases(database),
        registration=registration,
        renewal=Renewal(database),
        unobtainables=unobtainables,
        audit=audit,
        users=Users(database),
        sessions=Sessions(database),
        spool=spool,
        blobs=blobs,
        linkage=linkage,
        quarantine=QuarantineDesk(Quarantine(database), registration, spool, blobs, audit),
    )


def initialise(settings: Settings) -> None:
    """Make the data folder and the database, or bring the database up to date; the settings' remotes go into it."""
    make_folders(settings)
    migrate(settings.database.url, settings.data / "backup")
    database = open_database(settings.database.url)
    try:
        Remotes(database).replace_managed(settings.remotes)
    finally:
        database.close()


def make_folders(settings: Settings) -> None:
    """The data folder and what is in it, readable by netty's user only."""
    for folder in (settings.data, *(settings.data / name for name in ("spool", "quarantine", "backup"))):
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            probe = folder / ".writable"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise LocalError(
                "The data folder {folder} cannot be written ({error}). Give netty's user write access, or set `data`.",
                folder=folder,
                error=error.strerror,
            ) from error
