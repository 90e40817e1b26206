"""What was set aside, and a person's decision on it: released as if it had been admitted, or discarded.

Each decision is one transaction with its audit. The files are moved by the caller: before a release (a crash in between
puts them back at the next start), after a discard (a crash in between leaves a file that the next start removes).
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, Select, delete, exists, select, update

from netty.archive.audit import AuditEvent, AuditKind, write_events
from netty.archive.database import Database, insert_or_replace
from netty.archive.intake import LEDGER_STATES, Intake
from netty.archive.received import Received, RegistrationOutcome
from netty.archive.renewal import await_pictures
from netty.archive.set_aside import WHY_OF, SetAside, Why, split_id
from netty.archive.set_aside_rows import FILES, TEXT, People, of_file, of_text
from netty.archive.tables import (
    instances,
    ledger,
    quarantined,
    receipts,
    renditions,
    retrievals,
    series,
    studies,
    unobtainable,
)
from netty.errors import UsageError
from netty.model import reasons
from netty.model.retrieval import LedgerState, RetrievalState, count, verdict

_AT_ONCE: Final = 500
_UNDECIDED: Final = (LedgerState.ON_HOLD, LedgerState.FAILED)
_JUDGED: Final = (RetrievalState.ON_HOLD, RetrievalState.COMPLETE)


@dataclass(slots=True)
class Decided:
    """What is to be done with files once a decision stands: blobs and spool files that nothing names any more."""

    count: int = 0
    blob_keys: list[str] = field(default_factory=list)
    spool_names: list[str] = field(default_factory=list)


class Quarantine:
    """Everything that waits for a person: images on hold, other bytes under a known UID, text in pixels."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # --- looking ---

    def waiting(self, study_instance_uid: str = "") -> list[SetAside]:
        """Everything, the oldest first; of one study, where it is named."""
        files, text = FILES.order_by(quarantined.c.id), TEXT.order_by(instances.c.id)
        if study_instance_uid:
            files = files.where(quarantined.c.study_instance_uid == study_instance_uid)
            text = text.where(studies.c.study_instance_uid == study_instance_uid)
        return self._found(files, text)

    def get(self, ids: Collection[str]) -> list[SetAside]:
        """These. Raises UsageError where one of them is not, or no longer, set aside."""
        found = {one.id: one for one in self._some(ids)}
        for one in ids:
            if one not in found:
                raise UsageError("{id} names nothing in the quarantine. See: netty quarantine list", id=repr(one))
        return [found[one] for one in dict.fromkeys(ids)]

    def names_discarded(self, names: Collection[str]) -> set[str]:
        """Those of these files that a person has discarded."""
        query = select(receipts.c.spool_name).where(receipts.c.outcome == RegistrationOutcome.DISCARDED)
        found: set[str] = set()
        with self._database.read() as connection:
            for some in _portions(sorted(names)):
                found.update(connection.scalars(query.where(receipts.c.spool_name.in_(some))))
        return found

    def keys_with_text(self) -> set[str]:
        """The keys of all images with text in their pixels that wait."""
        with self._database.read() as connection:
            return {row.key for row in connection.execute(TEXT)}

    def _some(self, ids: Collection[str]) -> list[SetAside]:
        files, text = _numbers(ids)
        found: list[SetAside] = []
        for some in _portions(files):
            found += self._found(FILES.where(quarantined.c.id.in_(some)), None)
        for some in _portions(text):
            found += self._found(None, TEXT.where(instances.c.id.in_(some)))
        return found

    def _found(self, files: Select[Any] | None, text: Select[Any] | None) -> list[SetAside]:
        with self._database.read() as connection:
            people = People(connection)
            found = [] if files is None else [of_file(row, people) for row in connection.execute(files).all()]
            found += [] if text is None else [of_text(row, people) for row in connection.execute(text).all()]
        return found

    # --- deciding ---

    def release(self, ids: Collection[str], who: str) -> Decided:
        """Register these as if they had been admitted; their files lie in the spool again.

        What is shown under the same UID with other content gives way. A study that is shown keeps its patient.

        Raises:
            UsageError: where one is not there any more, or two of them have one UID; nothing is changed then.
        """
        files, text = _numbers(ids)
        decided = Decided(len(files) + len(text))
        with self._database.write() as connection:
            rows = _still_there(connection, files, text)
            batch = [Received.from_receipt(row.spool_name, row.received) for row in rows]
            if len({one.sop_instance_uid for one in batch}) < len(batch):
                raise UsageError("Two of these images have the same UID: release the one that is right.")
            events = [_event(AuditKind.QUARANTINE_RELEASED, who, row) for row in rows]
            connection.execute(delete(receipts).where(receipts.c.id.in_([row.receipt for row in rows])))
            old = [_give_way(connection, one, decided) for one in batch]
            for outcome in Intake(connection, batch, released=True).register() if batch else ():
                if outcome.outcome is RegistrationOutcome.SAME:
                    decided.spool_names.append(outcome.spool_name)
            connection.execute(delete(instances).where(instances.c.id.in_(old)))
            _remove_empty(connection)
            events += [_text_event(AuditKind.QUARANTINE_RELEASED, who, row) for row in _text_rows(connection, text)]
            these = instances.c.id.in_(text)
            connection.execute(update(instances).where(these).values(pixels_released=True))
            await_pictures(connection, these)
            uids = [event.detail["sop_instance_uid"] for event in events]
            for state, ledger_state in LEDGER_STATES.items():
                held = (instances.c.sop_instance_uid.in_(uids)) & (instances.c.state == state)
                these_uids = connection.scalars(select(instances.c.sop_instance_uid).where(held)).all()
                _settle_ledgers(connection, these_uids, ledger_state, "")
            write_events(connection, events)
        return decided

    def discard(self, ids: Collection[str], who: str, *, fetch_again: bool = False) -> Decided:
        """Forget these; their files are to be removed afterwards. They are not fetched again unless `fetch_again`.

        Raises:
            UsageError: where one is not there any more; nothing is changed then.
        """
        files, text = _numbers(ids)
        decided = Decided(len(files) + len(text))
        with self._database.write() as connection:
            rows, images = _still_there(connection, files, text), _text_rows(connection, text)
            events = [_event(AuditKind.QUARANTINE_DISCARDED, who, row) for row in rows]
            events += [_text_event(AuditKind.QUARANTINE_DISCARDED, who, row) for row in images]
            decided.spool_names += [row.spool_name for row in (*rows, *images) if row.spool_name]
            decided.blob_keys += [row.kept_blob for row in images if row.kept_blob]
            receipts_of = receipts.c.id.in_([row.receipt for row in rows])
            gone = {"outcome": RegistrationOutcome.DISCARDED, "in_spool": False}
            connection.execute(update(receipts).where(receipts_of).values(gone))
            connection.execute(delete(quarantined).where(quarantined.c.id.in_(files)))
            connection.execute(delete(instances).where(instances.c.id.in_(text)))
            _remove_empty(connection)
            unwanted = [row for row in rows if row.reason != reasons.OTHER_BYTES] + images
            if not fetch_again:
                _never_again(connection, unwanted)
            uids = [row.sop_instance_uid for row in unwanted]
            _settle_ledgers(connection, uids, LedgerState.UNOBTAINABLE, reasons.DISCARDED)
            write_events(connection, events)
        return decided


# --- steps of a decision ---------------------------------------------------------------------------------------------


def _numbers(ids: Iterable[str]) -> tuple[list[int], list[int]]:
    """The numbers of files and of images with text."""
    split = [split_id(one) for one in dict.fromkeys(ids)]
    return [number for kind, number in split if kind == "q"], [number for kind, number in split if kind == "t"]


def _still_there(connection: Connection, files: Sequence[int], text: Sequence[int]) -> list[Row[Any]]:
    """The rows of the files. Raises UsageError where somebody else has decided meanwhile."""
    rows = connection.execute(FILES.where(quarantined.c.id.in_(files)).order_by(quarantined.c.id)).all()
    if len(rows) != len(files) or len(_text_rows(connection, text)) != len(text):
        raise UsageError("Somebody has decided on some of these already. Look again, then decide on the rest.")
    return list(rows)


def _text_rows(connection: Connection, text: Sequence[int]) -> list[Row[Any]]:
    return list(connection.execute(TEXT.where(instances.c.id.in_(text)).order_by(instances.c.id)))


def _give_way(connection: Connection, one: Received, decided: Decided) -> int | None:
    """What is shown under the same UID with other content goes: its number, its blobs are to be removed.

    It is deleted when the new one is there, so that its number is not used again: a renderer may be drawing it.
    """
    other = (instances.c.sop_instance_uid == one.sop_instance_uid) & (instances.c.digest != one.digest)
    row = connection.execute(select(instances).where(other)).one_or_none()
    if row is None:
        return None
    decided.blob_keys += connection.scalars(select(renditions.c.blob_key).where(renditions.c.instance == row.id))
    decided.blob_keys += [row.kept_blob] if row.kept_blob else []
    nameless = {"sop_instance_uid": f"{row.sop_instance_uid} gives way"}
    connection.execute(update(instances).where(instances.c.id == row.id).values(nameless))
    return int(row.id)


def _remove_empty(connection: Connection) -> None:
    """Series and studies of which nothing is left."""
    connection.execute(delete(series).where(~exists().where(instances.c.series == series.c.id)))
    connection.execute(delete(studies).where(~exists().where(series.c.study == studies.c.id)))


def _never_again(connection: Connection, rows: Sequence[Row[Any]]) -> None:
    """The remotes that sent these are not asked for them again."""
    known = [
        {
            "remote": row.remote,
            "study_instance_uid": row.study_instance_uid,
            "sop_instance_uid": row.sop_instance_uid,
            "reason": reasons.DISCARDED,
            "at": datetime.now(UTC),
        }
        for row in rows
        if row.remote
    ]
    if known:
        insert_or_replace(connection, unobtainable, known, ["remote", "study_instance_uid", "sop_instance_uid"])


def _settle_ledgers(connection: Connection, uids: Sequence[str], after: LedgerState, reason: str) -> None:
    """Tell all ledgers that wait for these, and speak the verdict anew on retrievals that had ended with them."""
    for some in _portions(uids):
        these: ColumnElement[bool] = ledger.c.sop_instance_uid.in_(some)
        touched = list(connection.scalars(select(ledger.c.retrieval).where(these).distinct()))
        undecided = these & ledger.c.state.in_(_UNDECIDED)
        connection.execute(update(ledger).where(undecided).values(state=after, reason=reason))
        ended = retrievals.c.id.in_(touched) & retrievals.c.state.in_(_JUDGED)
        for one in connection.scalars(select(retrievals.c.id).where(ended)).all():
            states = connection.scalars(select(ledger.c.state).where(ledger.c.retrieval == one))
            state, why = verdict(count(Counter(map(LedgerState, states))))
            connection.execute(update(retrievals).where(retrievals.c.id == one).values(state=state, reason=why))


def _event(kind: AuditKind, who: str, row: Row[Any]) -> AuditEvent:
    one = Received.from_receipt(row.spool_name, row.received)
    return AuditEvent(
        kind,
        who=who,
        patient_key=row.patient_key,
        study_instance_uid=row.study_instance_uid,
        remote=row.remote,
        outcome=WHY_OF.get(row.reason, Why.UNSOLICITED),
        detail={
            "id": f"q{row.id}",
            "reason": row.reason,
            "sop_instance_uid": row.sop_instance_uid,
            "patient_id": one.fact("patient_id"),
            "digest": one.digest,
            "spool_name": row.spool_name,
            "retrieval": one.retrieval_id,
        },
    )


def _text_event(kind: AuditKind, who: str, row: Row[Any]) -> AuditEvent:
    return AuditEvent(
        kind,
        who=who,
        patient_key=row.patient_key,
        study_instance_uid=row.study_instance_uid,
        remote=row.remote,
        outcome=Why.TEXT_IN_PIXELS,
        detail={
            "id": f"t{row.id}",
            "reason": row.reason,
            "sop_instance_uid": row.sop_instance_uid,
            "patient_id": row.patient_id,
            "digest": row.digest,
        },
    )


def _portions(values: Sequence[Any]) -> Iterable[Sequence[Any]]:
    return (values[start : start + _AT_ONCE] for start in range(0, len(values), _AT_ONCE))
