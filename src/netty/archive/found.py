"""The last answers of the remotes, so that pages need no network."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, bindparam, select

from netty.archive.audit import AuditEvent, write_events
from netty.archive.database import Database, insert_or_replace
from netty.archive.tables import found_studies, searches
from netty.model.found import FoundInstance, FoundSeries, FoundStudy
from netty.model.identity import trimmed


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


_OF_SEARCH: Final = select(found_studies).where(found_studies.c.search == bindparam("number"))
_NUMBER: Final = select(searches.c.id).where(
    searches.c.remote == bindparam("of_remote"), searches.c.patient_id == bindparam("of_patient")
)


class FoundStudies:
    """The last answer of each remote for each Patient ID."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def note(
        self, remote: str, patient_id: str, studies: Sequence[FoundStudy], at: datetime, *told: AuditEvent
    ) -> None:
        """Write down a remote's answer in place of the last one, and what the audit trail is told of it."""
        key = {"remote": remote, "patient_id": trimmed(patient_id)}
        with self._database.write() as connection:
            row = key | {"searched_at": at, "failure": "", "failed_at": None}
            insert_or_replace(connection, searches, [row], ["remote", "patient_id"])
            number = _number(connection, remote, patient_id)
            before = {
                one.study_instance_uid: (one.place, one.study)
                for one in connection.execute(_OF_SEARCH, {"number": number})
            }
            now = {one.study_instance_uid: (place, _document(one)) for place, one in enumerate(studies)}
            gone = [uid for uid in before if uid not in now]
            if gone:
                connection.execute(
                    found_studies.delete().where(
                        found_studies.c.search == number, found_studies.c.study_instance_uid.in_(gone)
                    )
                )
            changed = [
                {"search": number, "place": place, "study_instance_uid": uid, "study": study}
                for uid, (place, study) in now.items()
                if before.get(uid) != (place, study)  # most searches bring nothing new
            ]
            insert_or_replace(connection, found_studies, changed, ["search", "study_instance_uid"])
            write_events(connection, told)

    def note_failure(self, remote: str, patient_id: str, reason: str, at: datetime, *told: AuditEvent) -> None:
        """Write down that a search failed, and what the audit trail is told of it; the last answer stays."""
        failed = {"failure": reason, "failed_at": at}
        key = {"remote": remote, "patient_id": trimmed(patient_id)}
        with self._database.write() as connection:
            insert_or_replace(connection, searches, [key | failed], ["remote", "patient_id"])
            write_events(connection, told)

    def of(self, remote: str, patient_id: str) -> Noted | None:
        """The last answer; None where nobody ever searched."""
        with self._database.read() as connection:
            row = connection.execute(
                select(searches).where(searches.c.remote == remote, searches.c.patient_id == trimmed(patient_id))
            ).one_or_none()
            if row is None:
                return None
            documents = connection.scalars(
                select(found_studies.c.study).where(found_studies.c.search == row.id).order_by(found_studies.c.place)
            )
            studies = tuple(_study(document) for document in documents)
        return Noted(remote, patient_id, row.searched_at, row.failure, studies, row.failed_at)


def _number(connection: Connection, remote: str, patient_id: str) -> int:
    asked = {"of_remote": remote, "of_patient": trimmed(patient_id)}
    number: int = connection.execute(_NUMBER, asked).scalar_one()
    return number


def _document(study: FoundStudy) -> dict[str, Any]:
    """A study as JSON; its instances, of which there may be thousands, as plain lists."""
    return {
        "study_instance_uid": study.study_instance_uid,
        "patient_id": study.patient_id,
        "study_date": study.study_date,
        "study_time": study.study_time,
        "accession_number": study.accession_number,
        "series": [
            [
                series.series_instance_uid,
                series.modality,
                [[one.sop_instance_uid, one.sop_class_uid, one.instance_number] for one in series.instances],
            ]
            for series in study.series
        ],
    }


def _study(document: dict[str, Any]) -> FoundStudy:
    series = tuple(
        FoundSeries(uid, modality, tuple(FoundInstance(*one) for one in instances))
        for uid, modality, instances in document["series"]
    )
    return FoundStudy(**document | {"series": series})
