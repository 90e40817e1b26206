"""The audit trail: append only; it says who saw, asked for, received or changed what, and when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from netty.archive.database import Database


class AuditKind(StrEnum):
    """What happened."""

    SEARCH = "search"
    RETRIEVAL_REQUESTED = "retrieval_requested"
    RETRIEVAL_ENDED = "retrieval_ended"
    RETRIEVAL_CANCELLED = "retrieval_cancelled"
    STORE_DISCARDED = "store_discarded"
    STORE_ON_HOLD = "store_on_hold"
    DUPLICATE_DIFFERS = "duplicate_differs"
    ASSOCIATION = "association"
    LOGIN = "login"
    LOGIN_FAILED = "login_failed"
    LOGOUT = "logout"
    VIEWED_PATIENT = "viewed_patient"
    VIEWED_STUDY = "viewed_study"
    VIEWED_IMAGE = "viewed_image"
    EXPORTED = "exported"
    PATIENTS_CHANGED = "patients_changed"
    REMOTES_CHANGED = "remotes_changed"
    USERS_CHANGED = "users_changed"
    SETTINGS_CHANGED = "settings_changed"
    OVERRIDE = "override"
    DELETED = "deleted"
    LOST = "lost"
    REPAIRED = "repaired"
    AUDIT_READ = "audit_read"


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One event. `who` is a user's name, ``schedule``, ``cli`` or empty for netty itself; `at` None means now."""

    kind: AuditKind
    who: str = ""
    patient_key: str = ""
    study_instance_uid: str = ""
    remote: str = ""
    outcome: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """One event as it was written: `seq` gives the order, also where the clock was set back."""

    seq: int
    at: datetime
    event: AuditEvent


class Audit:
    """The audit trail. There is no way to change or remove what was written."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def write(self, *events: AuditEvent) -> None:
        """Write events, in one transaction."""
        raise NotImplementedError

    def list(
        self,
        kinds: Sequence[AuditKind] | None = None,
        patient_key: str = "",
        study_instance_uid: str = "",
        since: datetime | None = None,
        after_seq: int = 0,
        limit: int = 1000,
    ) -> list[AuditRecord]:
        """The newest events that match, newest first."""
        raise NotImplementedError
