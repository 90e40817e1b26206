"""Retrievals and their ledgers."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, Select, bindparam, func, select

from netty.archive.database import Database, insert_if_new
from netty.archive.tables import ledger, receipts, retrievals
from netty.errors import UsageError
from netty.model.retrieval import Claimed, LedgerCount, LedgerEntry, LedgerState, Retrieval, RetrievalState, count

UNFINISHED: Final = tuple(state for state in RetrievalState if not state.final)


class Retrievals:
    """Retrievals with what each expects."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, retrieval: Retrieval, entries: Iterable[LedgerEntry]) -> Retrieval:
        """Write a retrieval with its ledger; where one of this remote and study has not ended, gives that one."""
        with self._database.write() as connection:
            running = connection.execute(_unfinished(retrieval.remote, retrieval.study_instance_uid)).first()
            if running is not None:
                return _retrieval(running)
            connection.execute(retrievals.insert(), _row(retrieval))
            rows = [_entry_row(retrieval.id, entry) for entry in entries]
            insert_if_new(connection, ledger, rows, ["retrieval", "sop_instance_uid"])
        return retrieval

    def get(self, retrieval_id: str) -> Retrieval:
        """One retrieval; UsageError where there is none."""
        with self._database.read() as connection:
            row = connection.execute(select(retrievals).where(retrievals.c.id == retrieval_id)).one_or_none()
        if row is None:
            raise UsageError("There is no retrieval {id}. See: netty jobs list", id=retrieval_id)
        return _retrieval(row)

    def of_studies(self, study_instance_uids: Collection[str]) -> list[Retrieval]:
        """All retrievals of these studies, newest first."""
        query = select(retrievals).where(retrievals.c.study_instance_uid.in_(study_instance_uids))
        with self._database.read() as connection:
            return [_retrieval(row) for row in connection.execute(query.order_by(retrievals.c.requested_at.desc()))]

    def update(
        self,
        retrieval_id: str,
        *,
        state: RetrievalState | None = None,
        claimed: Claimed | None = None,
        reason: str | None = None,
        started_at: datetime | None = None,
        ended_at: datetime | None = None,
    ) -> None:
        """Change what is given, leave the rest."""
        given = {"state": state, "reason": reason, "started_at": started_at, "ended_at": ended_at}
        values: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        values |= {} if claimed is None else _claimed_row(claimed)
        with self._database.write() as connection:
            if values:
                connection.execute(retrievals.update().where(retrievals.c.id == retrieval_id).values(**values))

    def request_cancel(self, retrieval_id: str) -> bool:
        """Ask an unfinished retrieval to stop; False where it has ended already."""
        with self._database.write() as connection:
            running = (retrievals.c.id == retrieval_id) & retrievals.c.state.in_(UNFINISHED)
            asked = connection.execute(retrievals.update().where(running).values(cancel_requested=True))
            return asked.rowcount > 0

    def unfinished_of(self, remote: str, study_instance_uid: str) -> Retrieval | None:
        """The retrieval of a study from a remote that has not ended."""
        with self._database.read() as connection:
            row = connection.execute(_unfinished(remote, study_instance_uid)).first()
        return None if row is None else _retrieval(row)

    def any_unfinished(self) -> bool:
        """Whether a retrieval waits or is under way."""
        query = select(retrievals.c.id).where(retrievals.c.state.in_(UNFINISHED)).limit(1)
        with self._database.read() as connection:
            return connection.scalar(query) is not None

    def queued(self, of_each: int = 100) -> list[Retrieval]:
        """Those that wait, oldest first; so many at most of each remote and who asked, so that none hides others."""
        with self._database.read() as connection:
            return [_retrieval(row) for row in connection.execute(_QUEUED, {"of_each": of_each})]

    def under_way(self) -> list[Retrieval]:
        """Those that have begun and not ended."""
        query = select(retrievals).where(retrievals.c.state.in_([RetrievalState.MOVING, RetrievalState.SETTLING]))
        with self._database.read() as connection:
            return [_retrieval(row) for row in connection.execute(query.order_by(retrievals.c.requested_at))]

    def ledger(self, retrieval_id: str) -> list[LedgerEntry]:
        """The whole ledger, in the order in which it was written."""
        query = select(ledger).where(ledger.c.retrieval == retrieval_id).order_by(ledger.c.id)
        with self._database.read() as connection:
            return [_entry(row) for row in connection.execute(query)]

    def count(self, retrieval_id: str) -> LedgerCount:
        """The ledger, counted."""
        return self.counts([retrieval_id])[retrieval_id]

    def counts(self, retrieval_ids: Collection[str]) -> dict[str, LedgerCount]:
        """The ledgers of several retrievals, counted in one query."""
        query = select(ledger.c.retrieval, ledger.c.state, func.count()).where(ledger.c.retrieval.in_(retrieval_ids))
        tally: dict[str, dict[LedgerState, int]] = {one: {} for one in retrieval_ids}
        with self._database.read() as connection:
            for retrieval_id, state, number in connection.execute(query.group_by(ledger.c.retrieval, ledger.c.state)):
                tally[retrieval_id][LedgerState(state)] = number
        return {one: count(states) for one, states in tally.items()}

    def mark(self, retrieval_id: str, states: Mapping[str, tuple[LedgerState, str]]) -> None:
        """Set state and reason of entries by SOP Instance UID."""
        rows = [{"uid": uid, "new_state": state, "new_reason": reason} for uid, (state, reason) in states.items()]
        if not rows:
            return
        statement = (
            ledger.update()
            .where(ledger.c.retrieval == retrieval_id, ledger.c.sop_instance_uid == bindparam("uid"))
            .values(state=bindparam("new_state"), reason=bindparam("new_reason"))
        )
        with self._database.write() as connection:
            connection.execute(statement, rows)

    def last_arrival(self, retrieval_id: str) -> datetime | None:
        """When the last image of a retrieval was received."""
        query = select(func.max(receipts.c.received_at)).where(receipts.c.retrieval == retrieval_id)
        with self._database.read() as connection:
            last: datetime | None = connection.scalar(query)
        return last

    def list(self, states: Collection[RetrievalState] | None = None, limit: int = 100) -> list[Retrieval]:
        """Newest first."""
        query = select(retrievals).order_by(retrievals.c.requested_at.desc(), retrievals.c.id).limit(limit)
        if states is not None:
            query = query.where(retrievals.c.state.in_(states))
        with self._database.read() as connection:
            return [_retrieval(row) for row in connection.execute(query)]


def _unfinished(remote: str, study_instance_uid: str) -> Select[Any]:
    return select(retrievals).where(
        retrievals.c.remote == remote,
        retrievals.c.study_instance_uid == study_instance_uid,
        retrievals.c.state.in_(UNFINISHED),
    )


def _claimed_row(claimed: Claimed) -> dict[str, int | None]:
    return {
        "claimed_completed": claimed.completed,
        "claimed_failed": claimed.failed,
        "claimed_warning": claimed.warning,
        "claimed_status": claimed.status,
    }


def _row(retrieval: Retrieval) -> dict[str, Any]:
    return {
        "id": retrieval.id,
        "remote": retrieval.remote,
        "study_instance_uid": retrieval.study_instance_uid,
        "patient_key": retrieval.patient_key,
        "patient_id": retrieval.patient_id,
        "state": retrieval.state,
        "requested_by": retrieval.requested_by,
        "requested_at": retrieval.requested_at,
        "started_at": retrieval.started_at,
        "ended_at": retrieval.ended_at,
        "reason": retrieval.reason,
        "cancel_requested": retrieval.cancel_requested,
        **_claimed_row(retrieval.claimed),
    }


def _retrieval(row: Row[Any]) -> Retrieval:
    return Retrieval(
        id=row.id,
        remote=row.remote,
        study_instance_uid=row.study_instance_uid,
        patient_key=row.patient_key,
        patient_id=row.patient_id,
        state=RetrievalState(row.state),
        requested_by=row.requested_by,
        requested_at=row.requested_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
        claimed=Claimed(row.claimed_completed, row.claimed_failed, row.claimed_warning, row.claimed_status),
        reason=row.reason,
        cancel_requested=row.cancel_requested,
    )


_TURN: Final = (
    select(
        retrievals.c.id,
        func.row_number()
        .over(
            partition_by=(retrievals.c.remote, retrievals.c.requested_by),
            order_by=(retrievals.c.requested_at, retrievals.c.id),
        )
        .label("turn"),
    )
    .where(retrievals.c.state == RetrievalState.QUEUED)
    .subquery()
)
_QUEUED: Final = (
    select(retrievals)
    .join(_TURN, _TURN.c.id == retrievals.c.id)
    .where(_TURN.c.turn <= bindparam("of_each"))
    .order_by(retrievals.c.requested_at, retrievals.c.id)
)


def _entry_row(retrieval_id: str, entry: LedgerEntry) -> dict[str, Any]:
    return {
        "retrieval": retrieval_id,
        "sop_instance_uid": entry.sop_instance_uid,
        "sop_class_uid": entry.sop_class_uid,
        "series_instance_uid": entry.series_instance_uid,
        "instance_number": entry.instance_number,
        "state": entry.state,
        "reason": entry.reason,
    }


def _entry(row: Row[Any]) -> LedgerEntry:
    return LedgerEntry(
        row.sop_instance_uid,
        row.sop_class_uid,
        row.series_instance_uid,
        row.instance_number,
        LedgerState(row.state),
        row.reason,
    )
