"""Deciding on what was set aside: a person looks at it, then releases or discards it; a crash in between loses nothing.

A release moves the file back into the spool before the rows are written: should they not be, the next start finds it
there without its row and puts it aside again. A discard forgets the rows first: should the file outlive them, the next
start finds it named as discarded, and removes it.
"""

import logging
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from netty.archive.audit import Audit, AuditEvent, AuditKind
from netty.archive.blobs import Blobs
from netty.archive.quarantine import Decided, Quarantine
from netty.archive.registration import Registration
from netty.archive.set_aside import HELD_FOLDER, FilePlace, SetAside
from netty.archive.spool import Spool
from netty.errors import UsageError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class QuarantineDesk:
    """What the pages and the command line do with the quarantine. All methods block."""

    quarantine: Quarantine
    registration: Registration
    spool: Spool
    blobs: Blobs
    audit: Audit

    def waiting(self, study_instance_uid: str = "") -> list[SetAside]:
        """Everything that waits for a person, the oldest first; of one study, where it is named."""
        return self.quarantine.waiting(study_instance_uid)

    def case_of(self, id: str) -> list[SetAside]:
        """Everything of the same study that waits for the same reason and names the same patient, that one first."""
        (one,) = self.quarantine.get([id])
        alike = [each for each in self.quarantine.waiting(one.study_instance_uid) if same_case(each, one)]
        return sorted(alike, key=lambda each: each.id != one.id)

    def look(self, some: Collection[SetAside], who: str) -> None:
        """Note that somebody looks at these: they may be another patient's."""
        self.audit.write(
            *(
                AuditEvent(
                    AuditKind.QUARANTINE_LOOKED_AT,
                    who=who,
                    patient_key=one.asked.patient_key,
                    study_instance_uid=one.study_instance_uid,
                    remote=one.remote,
                    outcome=one.why,
                    detail={"id": one.id, "sop_instance_uid": one.sop_instance_uid, "patient_id": one.said.patient_id},
                )
                for one in some
            )
        )

    def path(self, place: FilePlace) -> Path:
        """Where a file lies: in the quarantine, or still or again in the spool. UsageError where it is gone."""
        paths = [self.spool.path(place.name)]
        if not place.in_spool:
            paths.insert(0, self.spool.quarantined_path(place.name))
        for path in paths:
            if path.is_file():
                return path
        raise UsageError("The file {name} is gone. netty verify --repair forgets it.", name=place.name)

    def release(self, ids: Collection[str], who: str) -> Decided:
        """Register these as if they had been admitted: rendered, kept and shown as the settings say.

        Raises:
            UsageError: where one is not there any more, or its file is gone.
            DatabaseFault, DiskFault: nothing is decided then, and nothing is lost.
        """
        found = self.quarantine.get(ids)
        for one in found:
            self.path(one.place)
        self.spool.release(*(one.place.name for one in found if not one.place.in_spool))
        decided = self.quarantine.release(ids, who)
        self._clear(decided, found)
        return decided

    def discard(self, ids: Collection[str], who: str, *, fetch_again: bool = False) -> Decided:
        """Forget these and remove their files; with `fetch_again` the next search may fetch them once more.

        Raises:
            UsageError: where one is not there any more.
        """
        found = self.quarantine.get(ids)
        decided = self.quarantine.discard(ids, who, fetch_again=fetch_again)
        self.spool.remove_quarantined(*decided.spool_names)
        self._clear(decided, found)
        return decided

    def remove_remnants(self) -> int:
        """Remove the files of decisions that a crash cut short; gives how many. Only at the start of the service."""
        discarded = self.quarantine.names_discarded(self.spool.quarantined_names())
        self.spool.remove_quarantined(*discarded)
        folder = self.spool.quarantined_path(HELD_FOLDER)
        held = self.quarantine.keys_with_text()
        stale = [path for path in folder.glob("*.dcm") if path.stem not in held]
        for path in stale:
            path.unlink(missing_ok=True)
        return len(discarded) + len(stale)

    def _clear(self, decided: Decided, found: Collection[SetAside]) -> None:
        """Remove what nothing names any more."""
        self.spool.remove(*decided.spool_names)
        self.registration.spool_files_removed(decided.spool_names)
        self.blobs.remove(decided.blob_keys)
        for one in found:
            if one.key:
                (self.spool.quarantined_path(HELD_FOLDER) / f"{one.key}.dcm").unlink(missing_ok=True)


def same_case(one: SetAside, other: SetAside) -> bool:
    """Whether a person would decide on both at once."""
    return _case(one) == _case(other)


def _case(one: SetAside) -> tuple[object, ...]:
    return one.study_instance_uid, one.why, one.remote, one.said, one.asked, one.shown
