"""Registration: from received files to rows, and from rendered frames to rows."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, and_, exists, or_, select, update

from netty.archive.database import Database
from netty.archive.held import RenderState
from netty.archive.intake import LEDGER_STATES, Intake
from netty.archive.received import KeptBlob, NewRendition, Received, Registered, ToRender
from netty.archive.retrievals import UNFINISHED
from netty.archive.tables import instances, ledger, quarantined, receipts, renditions, retrievals, series, studies
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

    def unrendered(self, limit: int) -> list[ToRender]:
        """Instances that wait for the renderer: the least tried first, then the oldest."""
        query = select(instances, series.c.series_instance_uid, studies.c.study_instance_uid)
        query = query.join(series, instances.c.series == series.c.id).join(studies, series.c.study == studies.c.id)
        query = query.where(instances.c.state == RenderState.WAITING)
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(instances.c.attempts, instances.c.id).limit(limit))
            return [_to_render(row) for row in rows]

    def rendered(self, instance_id: int, new: Sequence[NewRendition], kept_blob: KeptBlob | None = None) -> bool:
        """Rows of renditions whose blobs are synced; the ledgers say RENDERED. False where it was deleted meanwhile."""
        rows = [_rendition_row(instance_id, one) for one in new]
        with self._database.write() as connection:
            if not _settle(connection, instance_id, RenderState.RENDERED, "", kept_blob):
                return False
            connection.execute(renditions.delete().where(renditions.c.instance == instance_id))
            if rows:
                connection.execute(renditions.insert(), rows)
        return True

    def not_rendered(
        self, instance_id: int, state: RenderState, reason: str, kept_blob: KeptBlob | None = None
    ) -> bool:
        """No renditions: NO_PICTURE and FAILED are final (ledger RENDERED, FAILED); WAITING counts a failed attempt."""
        with self._database.write() as connection:
            return _settle(connection, instance_id, state, reason, kept_blob)

    def spool_names(self) -> set[str]:
        """The spool files that have a row: whatever else lies sealed in the spool is to be registered."""
        with self._database.read() as connection:
            return set(connection.scalars(select(receipts.c.spool_name).where(receipts.c.in_spool)))

    def finished_spool_files(self, settled_before: datetime, limit: int = 1000) -> list[str]:
        """Spool files that nothing needs any more: rendered, and their study has settled before this moment.

        What has no picture or could not be rendered, and is not kept, stays.
        """
        query = (
            select(receipts.c.spool_name)
            .outerjoin(instances, _its_file())
            .where(
                receipts.c.in_spool,
                ~exists().where(quarantined.c.receipt == receipts.c.id),
                or_(instances.c.id.is_(None), and_(_done(), ~_unsettled(settled_before))),
            )
        )
        with self._database.read() as connection:
            return list(connection.scalars(query.order_by(receipts.c.id).limit(limit)))

    def spool_files_removed(self, names: Collection[str]) -> None:
        """Say that these files are gone from the spool."""
        with self._database.write() as connection:
            connection.execute(update(receipts).where(receipts.c.spool_name.in_(names)).values(in_spool=False))
            connection.execute(update(instances).where(instances.c.spool_name.in_(names)).values(spool_name=None))

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


def _unsettled(before: datetime) -> ColumnElement[bool]:
    """Whether a retrieval of the study still runs, or ended only just: a presentation state may still come."""
    return exists().where(
        retrievals.c.study_instance_uid == receipts.c.study_instance_uid,
        or_(retrievals.c.state.in_(UNFINISHED), retrievals.c.ended_at > before),
    )


def _settle(
    connection: Connection, instance_id: int, state: RenderState, reason: str, kept_blob: KeptBlob | None
) -> bool:
    """Write how the rendering of an instance went, and tell all ledgers."""
    values: dict[str, Any] = {"state": state, "reason": reason, "attempts": instances.c.attempts + 1}
    if kept_blob is not None:
        values |= {
            "kept_blob": kept_blob.blob_key,
            "kept_bytes": kept_blob.bytes,
            "kept_sha256": kept_blob.sha256,
        }
    statement = update(instances).where(instances.c.id == instance_id).values(values)
    uid = connection.scalar(statement.returning(instances.c.sop_instance_uid))
    if uid is None:
        return False
    told = and_(ledger.c.sop_instance_uid == uid, ledger.c.state.in_(_HELD))
    connection.execute(update(ledger).where(told).values(state=LEDGER_STATES[state], reason=reason))
    return True


def _to_render(row: Row[Any]) -> ToRender:
    return ToRender(
        instance_id=row.id,
        key=row.key,
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
    )


def _rendition_row(instance_id: int, one: NewRendition) -> dict[str, Any]:
    return {
        "instance": instance_id,
        "format": one.format,
        "frame": one.frame,
        "blob_key": one.blob_key,
        "width": one.width,
        "height": one.height,
        "bytes": one.bytes,
        "sha256": one.sha256,
        "recipe": dict(one.recipe),
        "window": one.window,
        "presentation_state": one.presentation_state,
        "flags": list(one.flags),
    }
