"""The last answers of the remotes, so that pages need no network."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from netty.archive.database import Database
from netty.model.found import FoundStudy


@dataclass(frozen=True, slots=True)
class Noted:
    """What is known of one patient at one remote.

    Attributes:
        searched_at: when the remote last answered; None where it never did.
        failure: why the newest search failed; empty where it succeeded. `studies` is the last good answer then.
        failed_at: when it failed.
    """

    remote: str
    patient_id: str
    searched_at: datetime | None
    failure: str
    studies: tuple[FoundStudy, ...]
    failed_at: datetime | None = None


class FoundStudies:
    """The last answer of each remote for each Patient ID."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def note(self, remote: str, patient_id: str, studies: Sequence[FoundStudy], at: datetime) -> None:
        """Write down a remote's answer in place of the last one."""
        raise NotImplementedError

    def note_failure(self, remote: str, patient_id: str, reason: str, at: datetime) -> None:
        """Write down that a search failed; the last answer stays."""
        raise NotImplementedError

    def of(self, remote: str, patient_id: str) -> Noted | None:
        """The last answer; None where nobody ever searched."""
        raise NotImplementedError
