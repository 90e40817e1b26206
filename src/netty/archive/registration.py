"""Registration: from received files to rows, and from rendered frames to rows."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    FromClause,
    Row,
    Select,
    and_,
    bindparam,
    exists,
    or_,
    select,
    update,
)

from netty.archive.database import Database, insert_if_new, run_many
from netty.archive.held import RenderState, Rendition
from netty.archive.intake import LEDGER_STATES, Intake
from netty.archive.received import KeptBlob, Received, Registered, Rendered, ToRender
from netty.archive.retrievals import UNFINISHED
from netty.archive.tables import (
    instances,
    ledger,
    presentations,
    quarantined,
    receipts,
    renditions,
    retrievals,
    series,
    series_ranges,
    studies,
)
from netty.image.flags import Flag
from netty.model.retrieval import LedgerState

_HELD: Final = (LedgerState.RECEIVED, LedgerState.RENDERED, LedgerState.FAILED)


class Registration:
    """Writes what was received and rendered. A SOP instance is visible once."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def register(self, batch: Sequence[Received]) -> list[Registered]:
        """Receipt, study, series, instance, ledger and audit of a batch in one transaction.

        Idempotent by spool name: a name registered before gives the answer of that time.
        """
        if not batch:
            return []
        with self._database.write() as connection:
            return Intake(connection, batch).register()

    def unrendered(self, limit: int, but_for: Collection[int] = ()) -> list[ToRender]:
        """Instances that wait for the renderer, `but_for` some numbers: the least tried first, then the oldest."""
        with self._database.read() as connection:
            asked = {"most": limit, "others": list(but_for)}
            return [to_render(row) for row in connection.execute(_WAITING, asked)]

    def rendered(self, batch: Sequence[Rendered]) -> list[list[str] | None]:
        """Rows of renditions whose blobs are synced; the ledgers say RENDERED. All of it in one transaction.

        Gives for each the blob keys that nothing names any more; None where the instance was deleted meanwhile.
        """
        with self._database.write() as connection:
            settled = [Settled(one.instance_id, RenderState.RENDERED, "", one.kept_blob) for one in batch]
            of_series = settle(connection, settled)
            there = {one.instance_id: one.renditions for one in batch if one.instance_id in of_series}
            alone = {of_series[number] for number, new in there.items() if any(map(_is_alone, new))}
            insert_if_new(connection, series_ranges, [{"series": number} for number in sorted(alone)], ["series"])
            unnamed = replace_renditions(connection, "", there)
        return [unnamed.get(one.instance_id) for one in batch]

    def not_rendered(
        self,
        instance_id: int,
        state: RenderState,
        reason: str,
        kept_blob: KeptBlob | None = None,
        references: Collection[str] = (),
    ) -> bool:
        """No renditions: NO_PICTURE and FAILED are final (ledger RENDERED, FAILED); WAITING counts a failed attempt.

        `references`: the SOP Instance UIDs of the images that a presentation state is for.
        """
        rows = [
            {"presentation_state": instance_id, "sop_instance_uid": uid, "reason": "", "attempts": 0}
            for uid in references
        ]
        with self._database.write() as connection:
            if not settle(connection, [Settled(instance_id, state, reason, kept_blob)]):
                return False
            insert_if_new(connection, presentations, rows, ["presentation_state", "sop_instance_uid"])
        return True

    def spool_names(self) -> set[str]:
        """The spool files that have a row: whatever else lies sealed in the spool is to be registered."""
        with self._database.read() as connection:
            return set(connection.scalars(select(receipts.c.spool_name).where(receipts.c.in_spool)))

    def finished_spool_files(self, settled_before: datetime, limit: int = 1000) -> list[str]:
        """Spool files that nothing needs any more: rendered, and their study has settled before this moment.

        What has no picture or could not be rendered, and is not kept, stays; so does what is to be rendered once more,
        through a presentation state or with the range of its series.
        """
        with self._database.read() as connection:
            return list(connection.scalars(_FINISHED, {"before": settled_before, "most": limit}))

    def clear_finished(self, settled_before: datetime, remove: Callable[[Sequence[str]], None], limit: int) -> int:
        """Have `remove` delete finished spool files, and say so; gives how many.

        In one transaction: an image that is to be drawn again meanwhile must not count on a file that is about to go.
        """
        if not self.finished_spool_files(settled_before, limit=1):  # nearly always: no turn to write is waited for
            return 0
        with self._database.write() as connection:
            names = list(connection.scalars(_FINISHED, {"before": settled_before, "most": limit}))
            remove(names)
            for statement in _REMOVED:
                connection.execute(statement, {"names": names})
        return len(names)

    def spool_files_removed(self, names: Collection[str]) -> None:
        """Say that these files are gone from the spool."""
        with self._database.write() as connection:
            for statement in _REMOVED:
                connection.execute(statement, {"names": list(names)})

    def to_quarantine(self) -> list[str]:
        """Spool files on hold or with other bytes that are still to be moved to the quarantine."""
        query = select(receipts.c.spool_name).join(quarantined).where(~quarantined.c.moved)
        with self._database.read() as connection:
            return list(connection.scalars(query.order_by(receipts.c.id)))

    def quarantined(self, names: Collection[str]) -> None:
        """Say that these files lie in the quarantine now."""
        moved = select(receipts.c.id).where(receipts.c.spool_name.in_(names))
        with self._database.write() as connection:
            connection.execute(update(quarantined).where(quarantined.c.receipt.in_(moved)).values(moved=True))
            connection.execute(update(receipts).where(receipts.c.spool_name.in_(names)).values(in_spool=False))


def _its_file() -> ColumnElement[bool]:
    """The instance whose pictures come from this very file; not so for a file with the same bytes that came later."""
    return and_(receipts.c.instance == instances.c.id, receipts.c.spool_name == instances.c.spool_name)


def _done() -> ColumnElement[bool]:
    without_picture = instances.c.state.in_([RenderState.NO_PICTURE, RenderState.FAILED])
    return or_(instances.c.state == RenderState.RENDERED, and_(without_picture, instances.c.kept_blob.is_not(None)))


def _unsettled() -> ColumnElement[bool]:
    """Whether a retrieval of the study still runs, or ended only just: a presentation state may still come."""
    return exists().where(
        retrievals.c.study_instance_uid == receipts.c.study_instance_uid,
        or_(retrievals.c.state.in_(UNFINISHED), retrievals.c.ended_at > bindparam("before")),
    )


def yet_to_be_rendered() -> ColumnElement[bool]:
    """Whether any renditions of an instance are still to be made."""
    return or_(instances.c.state == RenderState.WAITING, _to_be_seen_again())


def _to_be_seen_again() -> ColumnElement[bool]:
    """Whether more renditions are to be made of an instance, or with it as the presentation state."""
    other = instances.alias("other")
    as_image = exists().where(to_be_presented(instances, other))
    as_state = exists().where(to_be_presented(other, instances))
    return or_(as_image, as_state, exists().where(series_ranges.c.series == instances.c.series))


def to_be_presented(image: FromClause, state: FromClause) -> ColumnElement[bool]:
    """That a row of `presentations` says that these two instances, both of one study, are yet to be seen together."""
    series_of_image, series_of_state = series.alias("series_of_image"), series.alias("series_of_state")
    return and_(
        presentations.c.image.is_(None),
        presentations.c.presentation_state == state.c.id,
        presentations.c.sop_instance_uid == image.c.sop_instance_uid,
        image.c.state == RenderState.RENDERED,
        state.c.state == RenderState.NO_PICTURE,
        exists().where(
            series_of_image.c.id == image.c.series,
            series_of_state.c.id == state.c.series,
            series_of_image.c.study == series_of_state.c.study,
        ),
    )


# Made once: to put a statement together takes SQLAlchemy longer than to run it takes SQLite.
_NAMES: Final[BindParameter[Any]] = bindparam("names", expanding=True)
_REMOVED: Final = (
    update(receipts).where(receipts.c.spool_name.in_(_NAMES)).values(in_spool=False),
    update(instances).where(instances.c.spool_name.in_(_NAMES)).values(spool_name=None),
)
_FINISHED: Final = (
    select(receipts.c.spool_name)
    .outerjoin(instances, _its_file())
    .where(
        receipts.c.in_spool,
        ~exists().where(quarantined.c.receipt == receipts.c.id),
        or_(instances.c.id.is_(None), and_(_done(), ~_to_be_seen_again(), ~_unsettled())),
    )
    .order_by(receipts.c.id)
    .limit(bindparam("most"))
)
_THESE: Final[BindParameter[Any]] = bindparam("ids", expanding=True)
_SETTLE: Final = (
    update(instances)
    .where(instances.c.id.in_(_THESE))
    .values(state=bindparam("new_state"), reason=bindparam("new_reason"), attempts=instances.c.attempts + 1)
)
_KEEP: Final = (
    update(instances)
    .where(instances.c.id == bindparam("instance"))
    .values(kept_blob=bindparam("blob"), kept_bytes=bindparam("size"), kept_sha256=bindparam("checksum"))
)
_SETTLED: Final = select(instances.c.id, instances.c.sop_instance_uid, instances.c.series).where(
    instances.c.id.in_(_THESE)
)
_TELL: Final = (
    update(ledger)
    .where(
        ledger.c.sop_instance_uid.in_(bindparam("uids", expanding=True)),
        or_(*(ledger.c.state == held for held in _HELD)),
    )
    .values(state=bindparam("new_state"), reason=bindparam("new_reason"))
)
_NAMED: Final = select(renditions.c.instance, renditions.c.blob_key).where(
    renditions.c.instance.in_(bindparam("instances", expanding=True)),
    renditions.c.presentation_state == bindparam("seen_through"),
)
_FORGET: Final = renditions.delete().where(
    renditions.c.instance.in_(bindparam("instances", expanding=True)),
    renditions.c.presentation_state == bindparam("seen_through"),
)
_ADD: Final = renditions.insert().values(
    {each.name: bindparam(each.name) for each in renditions.columns if each.name != "id"}
)


@dataclass(frozen=True, slots=True)
class Settled:
    """How the rendering of an instance went."""

    instance_id: int
    state: RenderState
    reason: str
    kept_blob: KeptBlob | None


def settle(connection: Connection, batch: Sequence[Settled]) -> dict[int, int]:
    """Write how it went, and tell all ledgers; gives the series of each instance, but for those that are gone.

    One statement for all that went alike, as a batch of images mostly does.
    """
    found = {row.id: row for row in connection.execute(_SETTLED, {"ids": [one.instance_id for one in batch]})}
    alike: dict[tuple[RenderState, str], list[int]] = {}
    for one in batch:
        if one.instance_id in found:
            alike.setdefault((one.state, one.reason), []).append(one.instance_id)
    for (state, reason), numbers in alike.items():
        connection.execute(_SETTLE, {"ids": numbers, "new_state": state, "new_reason": reason})
        uids = [found[number].sop_instance_uid for number in numbers]
        connection.execute(_TELL, {"uids": uids, "new_state": LEDGER_STATES[state], "new_reason": reason})
    kept = [
        {"instance": one.instance_id, "blob": blob.blob_key, "size": blob.bytes, "checksum": blob.sha256}
        for one in batch
        if (blob := one.kept_blob) is not None and one.instance_id in found
    ]
    if kept:
        connection.execute(_KEEP, kept)
    return {number: row.series for number, row in found.items()}


def replace_renditions(
    connection: Connection, presentation_state: str, new: Mapping[int, Sequence[Rendition]]
) -> dict[int, list[str]]:
    """Rows of instances, seen through this state (empty: none), instead of those before; gives unnamed blob keys."""
    those = {"instances": list(new), "seen_through": presentation_state}
    unnamed: dict[int, set[str]] = {number: set() for number in new}
    for row in connection.execute(_NAMED, those):
        unnamed[row.instance].add(row.blob_key)
    if any(unnamed.values()):
        connection.execute(_FORGET, those)
    run_many(connection, _ADD, list(_rendition_rows(new)))
    return {number: sorted(keys - {one.blob_key for one in new[number]}) for number, keys in unnamed.items()}


def _is_alone(one: Rendition) -> bool:
    return Flag.RANGE_OF_ONE_IMAGE in one.flags


def instances_to_render() -> Select[Any]:
    """What `to_render` takes: instances with their series and studies, and whether they have pictures already."""
    has_pictures = exists().where(renditions.c.instance == instances.c.id, renditions.c.presentation_state == "")
    query = select(
        instances,
        series.c.series_instance_uid,
        studies.c.study_instance_uid,
        has_pictures.correlate(instances).label("has_pictures"),
    )
    return query.join(series, instances.c.series == series.c.id).join(studies, series.c.study == studies.c.id)


_WAITING: Final = (
    instances_to_render()
    .where(instances.c.state == RenderState.WAITING, instances.c.id.not_in(bindparam("others", expanding=True)))
    .order_by(instances.c.attempts, instances.c.id)
    .limit(bindparam("most"))
)


def to_render(row: Row[Any]) -> ToRender:
    return ToRender(
        instance_id=row.id,
        key=row.key,
        series=row.series,
        spool_name=row.spool_name or "",
        data_offset=row.data_offset,
        data_length=row.data_length,
        transfer_syntax=row.transfer_syntax,
        sop_class_uid=row.sop_class_uid,
        sop_instance_uid=row.sop_instance_uid,
        series_instance_uid=row.series_instance_uid,
        study_instance_uid=row.study_instance_uid,
        attempts=row.attempts,
        kept_blob=row.kept_blob,
        has_pictures=bool(row.has_pictures),
        pixels_released=bool(row.pixels_released),
    )


def _rendition_rows(new: Mapping[int, Sequence[Rendition]]) -> Iterator[dict[str, Any]]:
    """Rows in the words of the driver: what the slices of a series say alike is made once."""
    texts: dict[int, str] = {}

    def as_json(value: Any) -> str:
        if id(value) not in texts:  # it lives as long as `new` does
            texts[id(value)] = json.dumps(value)
        return texts[id(value)]

    for number, some in new.items():
        for one in some:
            row = {name: getattr(one, name) for name in _COLUMNS}
            row["instance"], row["kind"] = number, one.kind.value
            row["recipe"], row["flags"] = as_json(one.recipe), as_json(one.flags)
            yield row


_COLUMNS: Final = tuple(each.name for each in fields(Rendition))
