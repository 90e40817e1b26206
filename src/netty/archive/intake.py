"""The intake: decides on each received file of a batch, within one transaction, and writes its rows.

It reads what the batch touches once, keeps it up to date as it goes, and writes the ledger at the end.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import BindParameter, Column, ColumnElement, Connection, bindparam, or_, select, update

from netty.archive.audit import AuditEvent, write_events
from netty.archive.database import insert_if_new, run_many
from netty.archive.held import RenderState
from netty.archive.intake_rows import cleaned, instance_row, receipt_row, set_aside_event
from netty.archive.received import Received, Registered, RegistrationOutcome
from netty.archive.retrievals import UNFINISHED
from netty.archive.tables import (
    instances,
    ledger,
    patient_links,
    patients,
    quarantined,
    receipts,
    retrievals,
    series,
    studies,
)
from netty.model import reasons
from netty.model.identity import same_patient_id, trimmed
from netty.model.retrieval import LedgerState

LEDGER_STATES: Final = {
    RenderState.WAITING: LedgerState.RECEIVED,
    RenderState.RENDERED: LedgerState.RENDERED,
    RenderState.NO_PICTURE: LedgerState.RENDERED,
    RenderState.FAILED: LedgerState.FAILED,
}
_NOT_HELD: Final = (LedgerState.EXPECTED, LedgerState.UNOBTAINABLE, LedgerState.ON_HOLD)


def _is_one_of(column: Column[str], values: Iterable[str]) -> ColumnElement[bool]:
    """IN (...), for statements that are run with many rows: SQLAlchemy's own cannot."""
    return or_(*(column == value for value in values))


def _any_of(name: str) -> BindParameter[Any]:
    return bindparam(name, expanding=True)


# Made once: to put a statement together takes SQLAlchemy longer than to run it takes SQLite.
_EARLIER: Final = (
    select(receipts, quarantined.c.id.is_not(None).label("aside"))
    .outerjoin(quarantined)
    .where(receipts.c.spool_name.in_(_any_of("names")))
)
_HELD: Final = (
    select(
        instances.c.id,
        instances.c.sop_instance_uid,
        instances.c.digest,
        instances.c.state,
        instances.c.reason,
        studies.c.study_instance_uid,
    )
    .join(series, instances.c.series == series.c.id)
    .join(studies, series.c.study == studies.c.id)
    .where(instances.c.sop_instance_uid.in_(_any_of("uids")))
)
_STUDIES: Final = select(studies).where(studies.c.study_instance_uid.in_(_any_of("uids")))
_SERIES: Final = select(series).where(series.c.study.in_(_any_of("ids")))
_RETRIEVALS: Final = select(retrievals.c.id).where(retrievals.c.id.in_(_any_of("ids")))
_INSERT: Final = {table: table.insert().returning(table.c.id) for table in (studies, series)}
# Many rows at once, and so found again by what names them.
_ADD_INSTANCES: Final = instances.insert().returning(instances.c.id, instances.c.sop_instance_uid)
_NUMBERS: Final = select(receipts.c.id, receipts.c.spool_name).where(receipts.c.spool_name.in_(_any_of("names")))
_ADD_RECEIPTS: Final = receipts.insert().values(
    {each.name: bindparam(each.name) for each in receipts.columns if each.name != "id"}
)
_SET_ASIDE: Final = quarantined.insert()
_ENTRY: Final = ("retrieval", "sop_instance_uid")
_LISTED: Final = select(ledger.c.retrieval, ledger.c.sop_instance_uid).where(
    *(ledger.c[name].in_(_any_of(name)) for name in _ENTRY)
)
_MARK: Final = (
    update(ledger)
    .where(
        ledger.c.sop_instance_uid.in_(_any_of("uids")),
        _is_one_of(ledger.c.state, _NOT_HELD),
        or_(
            ledger.c.retrieval == bindparam("own"),
            ledger.c.retrieval.in_(
                select(retrievals.c.id).where(
                    retrievals.c.study_instance_uid == bindparam("study"), _is_one_of(retrievals.c.state, UNFINISHED)
                )
            ),
        ),
    )
    .values(state=bindparam("new_state"), reason=bindparam("new_reason"))
)


@dataclass(slots=True)
class _Study:
    """A study that is held, as far as the decisions need it."""

    id: int
    patient_key: str
    patient_id: str
    remote: str
    series: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Held:
    """An instance that is held; one of this very batch has no number until its row is written."""

    id: int | None
    study_instance_uid: str
    digest: str
    state: RenderState
    reason: str


@dataclass(frozen=True, slots=True)
class _Decision:
    """What becomes of one file of the batch."""

    received: Received
    outcome: RegistrationOutcome
    reason: str

    @property
    def to_quarantine(self) -> bool:
        return self.outcome in (RegistrationOutcome.ON_HOLD, RegistrationOutcome.DIFFERENT)


class Intake:
    """Registers one batch on one connection. What a person has `released` is not put on hold again."""

    def __init__(self, connection: Connection, batch: Sequence[Received], released: bool = False) -> None:
        self._connection = connection
        self._released = released
        self._batch = [cleaned(one) for one in batch]
        self._answers = {} if released else self._earlier_answers()
        self._instances = self._held_instances()
        self._studies = self._held_studies()
        self._retrievals = set(
            connection.scalars(_RETRIEVALS, {"ids": list({one.retrieval_id for one in self._batch})})
        )
        self._persons: dict[tuple[str, str, str], str] = {}
        self._new: list[dict[str, Any]] = []  # rows of instances
        self._marks: list[dict[str, Any]] = []
        self._unlisted: list[dict[str, Any]] = []
        self._events: list[AuditEvent] = []

    def register(self) -> list[Registered]:
        """Decide on all files of the batch, in order, and write everything."""
        decisions: dict[str, _Decision] = {}
        for one in self._batch:
            if one.spool_name not in self._answers and one.spool_name not in decisions:
                decisions[one.spool_name] = self._take_in(one)
        self._write_instances()
        self._write_receipts(list(decisions.values()))
        self._write_ledger()
        write_events(self._connection, self._events)
        return [self._answers[one.spool_name] for one in self._batch]

    # --- deciding ---

    def _decide(self, one: Received) -> tuple[RegistrationOutcome, str]:
        study = self._studies.get(one.study_instance_uid)
        held = self._instances.get(one.sop_instance_uid)
        elsewhere = self._studies.get(held.study_instance_uid) if held else None
        if self._released and held is None:
            return RegistrationOutcome.NEW, ""
        if self._released and held is not None and held.digest == one.digest:
            return RegistrationOutcome.SAME, ""
        if one.on_hold_reason:
            return RegistrationOutcome.ON_HOLD, one.on_hold_reason
        if any(other is not None and not self._same_person(one, other) for other in (study, elsewhere)):
            return RegistrationOutcome.ON_HOLD, reasons.TWO_PATIENTS
        if held is None:
            return RegistrationOutcome.NEW, ""
        if held.digest == one.digest:
            return RegistrationOutcome.SAME, ""
        return RegistrationOutcome.DIFFERENT, reasons.OTHER_BYTES

    def _same_person(self, one: Received, study: _Study) -> bool:
        """By registered patient where both are known, else by Patient ID."""
        here = self._person(study.patient_key, study.remote, study.patient_id)
        there = self._person(one.patient_key, one.remote, one.fact("patient_id"))
        return here == there if here and there else same_patient_id(study.patient_id, one.fact("patient_id"))

    def _person(self, key: str, remote: str, patient_id: str) -> str:
        """The registered patient: by the key, if it is still registered, else by the Patient ID at the remote."""
        question = (key, remote, trimmed(patient_id))
        if question not in self._persons:
            linked = select(patients.c.key).join(patient_links)
            linked = linked.where(patient_links.c.remote == remote, patient_links.c.patient_id == question[2])
            registered = select(patients.c.key).where(patients.c.key == key)
            found = self._connection.scalar(registered) or self._connection.scalar(linked)
            self._persons[question] = found or ""
        return self._persons[question]

    # --- writing ---

    def _take_in(self, one: Received) -> _Decision:
        """Decide on one file. A new instance is known from here on to those behind it in the batch."""
        decision = _Decision(one, *self._decide(one))
        if decision.outcome is RegistrationOutcome.NEW:
            self._new.append(instance_row(one, self._series(one)))
            held = _Held(None, one.study_instance_uid, one.digest, RenderState.WAITING, "")
            self._instances[one.sop_instance_uid] = held
        self._mark(one, decision.outcome, decision.reason)
        return decision

    def _write_instances(self) -> None:
        if self._new:
            for row in self._connection.execute(_ADD_INSTANCES, self._new):
                self._instances[row.sop_instance_uid].id = row.id

    def _series(self, one: Received) -> int:
        study = self._study(one)
        if one.series_instance_uid not in study.series:
            study.series[one.series_instance_uid] = self._insert(
                series,
                study=study.id,
                series_instance_uid=one.series_instance_uid,
                modality=one.fact("modality").strip(),
                number=one.fact("series_number").strip(),
                description=one.fact("series_description").strip(),
            )
        return study.series[one.series_instance_uid]

    def _study(self, one: Received) -> _Study:
        person = self._person(one.patient_key, one.remote, one.fact("patient_id")) or one.patient_key
        study = self._studies.get(one.study_instance_uid)
        if study is None:
            number = self._insert(
                studies,
                study_instance_uid=one.study_instance_uid,
                patient_key=person,
                patient_id=trimmed(one.fact("patient_id")),
                patient_name=one.fact("patient_name").strip(),
                birth_date=one.fact("birth_date").strip(),
                sex=one.fact("sex").strip(),
                study_date=one.fact("study_date").strip(),
                study_time=one.fact("study_time").strip(),
                accession_number=one.fact("accession_number").strip(),
                description=one.fact("study_description").strip(),
                remote=one.remote,
                created_at=one.received_at,
            )
            study = _Study(number, person, trimmed(one.fact("patient_id")), one.remote)
            self._studies[one.study_instance_uid] = study
        elif person and study.patient_key != person and not self._released:
            # It was fetched by an override, or its patient was registered anew: `_same_person` has agreed.
            study.patient_key = person
            self._connection.execute(update(studies).where(studies.c.id == study.id).values(patient_key=person))
        return study

    def _write_receipts(self, decisions: Sequence[_Decision]) -> None:
        """The receipts, and the answers that they stand for."""
        if not decisions:
            return
        rows = [receipt_row(one.received, one.outcome, one.reason, self._instance_of(one)) for one in decisions]
        run_many(self._connection, _ADD_RECEIPTS, rows)
        aside = [one.received.spool_name for one in decisions if one.to_quarantine]
        numbers: dict[str, int] = {}
        if aside:
            numbers = {row.spool_name: row.id for row in self._connection.execute(_NUMBERS, {"names": aside})}
        for decision in decisions:
            one, to_quarantine = decision.received, decision.to_quarantine
            if to_quarantine:
                to_quarantine = self._set_aside(one, numbers[one.spool_name])
                self._events.append(set_aside_event(one, decision.outcome, decision.reason))
            self._answers[one.spool_name] = Registered(
                one.spool_name, decision.outcome, self._instance_of(decision), decision.reason, to_quarantine
            )

    def _instance_of(self, decision: _Decision) -> int | None:
        """The number of the visible instance that a file is about; none where it is on hold."""
        if decision.outcome is RegistrationOutcome.ON_HOLD:
            return None
        return self._instances[decision.received.sop_instance_uid].id

    def _set_aside(self, one: Received, receipt: int) -> bool:
        """A row for the quarantine, unless these very bytes lie there already: a retrieval may be tried often."""
        query = select(quarantined.c.id).join(receipts)
        query = query.where(quarantined.c.sop_instance_uid == one.sop_instance_uid, receipts.c.digest == one.digest)
        if self._connection.scalar(query) is not None:
            return False
        row = {
            "receipt": receipt,
            "patient_key": one.patient_key,
            "study_instance_uid": one.study_instance_uid,
            "sop_instance_uid": one.sop_instance_uid,
            "received": one.receipt(),
            "moved": False,
        }
        self._connection.execute(_SET_ASIDE, row)
        return True

    def _mark(self, one: Received, outcome: RegistrationOutcome, reason: str) -> None:
        """Note what becomes of the ledger: of this retrieval, and of others that wait for the same instance."""
        if outcome is RegistrationOutcome.ON_HOLD:
            state = LedgerState.ON_HOLD
        else:
            held = self._instances[one.sop_instance_uid]
            state = LEDGER_STATES[held.state]
            reason = reason or held.reason
        mark = {
            "own": one.retrieval_id,
            "study": "" if outcome is RegistrationOutcome.ON_HOLD else one.study_instance_uid,
            "new_state": state,
            "new_reason": reason,
        }
        if not self._marks or self._marks[-1] | {"uids": None} != mark | {"uids": None}:
            self._marks.append(mark | {"uids": []})
        self._marks[-1]["uids"].append(one.sop_instance_uid)  # a batch mostly is of one mind
        listed_late = outcome in (RegistrationOutcome.NEW, RegistrationOutcome.ON_HOLD)
        if listed_late and one.retrieval_id in self._retrievals:
            self._unlisted.append(
                {
                    "retrieval": one.retrieval_id,
                    "sop_instance_uid": one.sop_instance_uid,
                    "sop_class_uid": one.sop_class_uid,
                    "series_instance_uid": one.series_instance_uid,
                    "instance_number": one.fact("instance_number").strip(),
                    "state": state,
                    "reason": reason,
                }
            )

    def _write_ledger(self) -> None:
        if not self._marks:
            return
        if self._unlisted:  # most are listed: to ask for all at once takes less than to try with each
            asked = {name: list({one[name] for one in self._unlisted}) for name in _ENTRY}
            listed = {tuple(row) for row in self._connection.execute(_LISTED, asked)}
            missing = [one for one in self._unlisted if tuple(one[name] for name in _ENTRY) not in listed]
            insert_if_new(self._connection, ledger, missing, _ENTRY)
        for mark in self._marks:
            self._connection.execute(_MARK, mark)

    # --- reading ---

    def _earlier_answers(self) -> dict[str, Registered]:
        rows = self._connection.execute(_EARLIER, {"names": [one.spool_name for one in self._batch]}).all()
        # A removal that a power cut undid: the file is there again, and is to go again.
        back = [row.id for row in rows if not row.in_spool and not row.aside]
        if back:
            self._connection.execute(update(receipts).where(receipts.c.id.in_(back)).values(in_spool=True))
        return {
            row.spool_name: Registered(
                row.spool_name, RegistrationOutcome(row.outcome), row.instance, row.reason, row.aside
            )
            for row in rows
        }

    def _held_instances(self) -> dict[str, _Held]:
        uids = list({one.sop_instance_uid for one in self._batch})
        return {
            row.sop_instance_uid: _Held(row.id, row.study_instance_uid, row.digest, RenderState(row.state), row.reason)
            for row in self._connection.execute(_HELD, {"uids": uids})
        }

    def _held_studies(self) -> dict[str, _Study]:
        uids = {one.study_instance_uid for one in self._batch}
        uids |= {held.study_instance_uid for held in self._instances.values()}
        found: dict[str, _Study] = {}
        by_number: dict[int, _Study] = {}
        for row in self._connection.execute(_STUDIES, {"uids": list(uids)}):
            study = _Study(row.id, row.patient_key, row.patient_id, row.remote)
            found[row.study_instance_uid] = by_number[row.id] = study
        if by_number:
            for row in self._connection.execute(_SERIES, {"ids": list(by_number)}):
                by_number[row.study].series[row.series_instance_uid] = row.id
        return found

    def _insert(self, table: Any, **values: Any) -> int:
        number: int = self._connection.execute(_INSERT[table], values).scalar_one()
        return number
