"""Putting rows right where their files are gone; every step is audited."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, delete, select, update

from netty.archive.audit import AuditEvent, AuditKind, write_events
from netty.archive.database import Database
from netty.archive.renewal import await_pictures
from netty.archive.tables import instances, quarantined, receipts, renditions, series, studies


class Mending:
    """What `verify` changes when it may repair."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def render_again(self, instance_id: int) -> None:
        """Its pictures are gone, what they are made from is there. Their rows stay until new ones replace them."""
        with self._database.write() as connection:
            await_pictures(connection, instances.c.id == instance_id)
            _audit(connection, instance_id, AuditKind.REPAIRED, "render again")

    def forget_kept(self, instance_id: int) -> None:
        """Its kept DICOM is gone; its pictures are there."""
        with self._database.write() as connection:
            nothing = {"kept_blob": None, "kept_bytes": None, "kept_sha256": None}
            connection.execute(update(instances).where(instances.c.id == instance_id).values(nothing))
            _audit(connection, instance_id, AuditKind.REPAIRED, "kept DICOM lost")

    def lose(self, instance_id: int) -> list[str]:
        """It cannot be shown any more: then it is not held, and the next search finds it missing.

        Gives the blob keys that nothing names any more.
        """
        with self._database.write() as connection:
            keys = list(connection.scalars(select(renditions.c.blob_key).where(renditions.c.instance == instance_id)))
            kept = connection.scalar(select(instances.c.kept_blob).where(instances.c.id == instance_id))
            _audit(connection, instance_id, AuditKind.LOST, "lost")
            connection.execute(delete(instances).where(instances.c.id == instance_id))
            connection.execute(
                delete(series).where(~select(instances).where(instances.c.series == series.c.id).exists())
            )
            connection.execute(delete(studies).where(~select(series).where(series.c.study == studies.c.id).exists()))
        return [*keys, *([kept] if kept else [])]

    def forget_quarantined(self, spool_name: str) -> None:
        """A quarantined file is gone; what was known of it goes into the audit trail."""
        with self._database.write() as connection:
            query = select(quarantined, receipts.c.reason).join(receipts).where(receipts.c.spool_name == spool_name)
            row = connection.execute(query).one_or_none()
            if row is None:
                return
            event = AuditEvent(
                AuditKind.LOST,
                patient_key=row.patient_key,
                study_instance_uid=row.study_instance_uid,
                outcome="quarantined file lost",
                detail={"sop_instance_uid": row.sop_instance_uid, "spool_name": spool_name, "reason": row.reason},
            )
            write_events(connection, [event])
            connection.execute(delete(quarantined).where(quarantined.c.id == row.id))
            connection.execute(update(receipts).where(receipts.c.id == row.receipt).values(in_spool=False))

    def removed_orphans(self, names: Sequence[str]) -> None:
        """Files without a row were removed."""
        with self._database.write() as connection:
            detail = {"names": list(names[:100]), "count": len(names)}
            write_events(connection, [AuditEvent(AuditKind.REPAIRED, outcome="orphans removed", detail=detail)])


def _audit(connection: Connection, instance_id: int, kind: AuditKind, outcome: str) -> None:
    query: Any = select(
        instances.c.sop_instance_uid, studies.c.study_instance_uid, studies.c.patient_key, studies.c.remote
    )
    query = query.join(series, instances.c.series == series.c.id).join(studies, series.c.study == studies.c.id)
    row = connection.execute(query.where(instances.c.id == instance_id)).one_or_none()
    if row is not None:
        event = AuditEvent(
            kind,
            patient_key=row.patient_key,
            study_instance_uid=row.study_instance_uid,
            remote=row.remote,
            outcome=outcome,
            detail={"sop_instance_uid": row.sop_instance_uid},
        )
        write_events(connection, [event])
