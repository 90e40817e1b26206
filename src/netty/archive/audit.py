"""The audit trail: append only; it says who saw, asked for, received or changed what, and when."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, select

from netty.archive.database import Database
from netty.archive.tables import audit


class AuditKind(StrEnum):
    """What happened."""

    SEARCH = "search"
    RETRIEVAL_REQUESTED = "retrieval_requested"
    RETRIEVAL_ENDED = "retrieval_ended"
    RETRIEVAL_CANCELLED = "retrieval_cancelled"
    STORE_DISCARDED = "store_discarded"
    STORE_ON_HOLD = "store_on_hold"
    DUPLICATE_DIFFERS = "duplicate_differs"
    QUARANTINE_LOOKED_AT = "quarantine_looked_at"
    QUARANTINE_RELEASED = "quarantine_released"
    QUARANTINE_DISCARDED = "quarantine_discarded"
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
    RENDERED_AGAIN = "rendered_again"
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
        with self._database.write() as connection:
            write_events(connection, events)

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
        query = select(audit).where(audit.c.seq > after_seq).order_by(audit.c.seq.desc()).limit(limit)
        if kinds is not None:
            query = query.where(audit.c.kind.in_(kinds))
        if patient_key:
            query = query.where(audit.c.patient_key == patient_key)
        if study_instance_uid:
            query = query.where(audit.c.study_instance_uid == study_instance_uid)
        if since is not None:
            query = query.where(audit.c.at >= since)
        with self._database.read() as connection:
            return [_record(row) for row in connection.execute(query)]


def write_events(connection: Connection, events: Iterable[AuditEvent]) -> None:
    """Write events in a transaction that is under way, so that they stand or fall with what they tell of."""
    if rows := [_row(one) for one in events]:
        connection.execute(audit.insert(), rows)


def _row(one: AuditEvent) -> dict[str, Any]:
    return {
        "at": one.at or datetime.now(UTC),
        "kind": one.kind,
        "who": one.who,
        "patient_key": one.patient_key,
        "study_instance_uid": one.study_instance_uid,
        "remote": one.remote,
        "outcome": one.outcome,
        "detail": dict(one.detail),
    }


def _record(row: Row[Any]) -> AuditRecord:
    return AuditRecord(
        row.seq,
        row.at,
        AuditEvent(
            AuditKind(row.kind),
            row.who,
            row.patient_key,
            row.study_instance_uid,
            row.remote,
            row.outcome,
            row.detail,
            row.at,
        ),
    )
