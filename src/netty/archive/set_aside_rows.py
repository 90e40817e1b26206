"""What was set aside, read from its rows: whom the data name, who was asked for, whose image is shown already."""

from typing import Any, Final

from sqlalchemy import Connection, Row, Select, exists, select

from netty.archive.held import RenderState
from netty.archive.received import Received
from netty.archive.set_aside import WHY_OF, FilePlace, Person, SetAside, Why
from netty.archive.tables import (
    instances,
    patient_links,
    patients,
    quarantined,
    receipts,
    retrievals,
    series,
    studies,
)
from netty.model import reasons
from netty.model.identity import trimmed

FILES: Final = select(quarantined, receipts.c.spool_name, receipts.c.reason, receipts.c.remote).join(receipts)
TEXT: Final = (
    select(instances, series.c.series_instance_uid, series.c.modality, *(one for one in studies.c if one.name != "id"))
    .join(series, instances.c.series == series.c.id)
    .join(studies, series.c.study == studies.c.id)
    .where(instances.c.state == RenderState.FAILED, instances.c.reason == reasons.TEXT_IN_PIXELS)
)


class People:
    """The registered patients, and whose images are shown, asked once for a list."""

    def __init__(self, connection: Connection) -> None:
        rows = connection.execute(select(patients))
        self.registered = {row.key: Person(row.key, "", row.name, row.birth_date) for row in rows}
        linked = select(patient_links.c.remote, patient_links.c.patient_id, patients.c.key).join(patients)
        self._linked = {(row.remote, row.patient_id): row.key for row in connection.execute(linked)}
        self._ids = {(key, remote): patient_id for (remote, patient_id), key in self._linked.items()}
        asked = select(retrievals.c.id, retrievals.c.patient_id).where(
            exists().where(receipts.c.retrieval == retrievals.c.id, quarantined.c.receipt == receipts.c.id)
        )
        self._searched: dict[str, str] = {row.id: row.patient_id for row in connection.execute(asked)}
        self._connection = connection

    def said(self, remote: str, patient_id: str, name: str, birth_date: str, sex: str) -> Person:
        """Whom a data set names."""
        return Person(self._linked.get((remote, trimmed(patient_id)), ""), patient_id.strip(), name, birth_date, sex)

    def asked(self, key: str, remote: str, retrieval: str) -> Person:
        """Whom a retrieval was for."""
        known = self.registered.get(key, Person(key))
        patient_id = self._searched.get(retrieval) or self._ids.get((key, remote), "")
        return Person(key, patient_id, known.name, known.birth_date)

    def shown(self, study_instance_uid: str, sop_instance_uid: str) -> tuple[Person, bool]:
        """Whose image of this UID, or else whose study, is shown; and whether it is the image."""
        image = _joined(select(studies)).where(instances.c.sop_instance_uid == sop_instance_uid)
        row = self._connection.execute(image).first()
        study = (
            row
            or self._connection.execute(
                select(studies).where(studies.c.study_instance_uid == study_instance_uid)
            ).first()
        )
        if study is None:
            return Person(), False
        person = Person(study.patient_key, study.patient_id, study.patient_name, study.birth_date, study.sex)
        return person, row is not None


def _joined(query: Select[Any]) -> Select[Any]:
    return query.select_from(instances).join(series, instances.c.series == series.c.id).join(studies)


def of_file(row: Row[Any], people: People) -> SetAside:
    """A file in the quarantine, from a row of `FILES`."""
    one = Received.from_receipt(row.spool_name, row.received)
    asked = people.asked(one.patient_key, one.remote, one.retrieval_id) if one.lease_id else Person()
    shown, replaces = people.shown(one.study_instance_uid, one.sop_instance_uid)
    names = ("patient_id", "patient_name", "birth_date", "sex")
    frames = one.fact("number_of_frames").strip()
    return SetAside(
        id=f"q{row.id}",
        why=WHY_OF.get(row.reason, Why.UNSOLICITED),
        reason=row.reason,
        said=people.said(one.remote, *(one.fact(name).strip() for name in names)),
        asked=asked,
        shown=shown,
        replaces=replaces,
        study_instance_uid=one.study_instance_uid,
        series_instance_uid=one.series_instance_uid,
        sop_instance_uid=one.sop_instance_uid,
        sop_class_uid=one.sop_class_uid,
        study_date=one.fact("study_date").strip(),
        study_description=one.fact("study_description").strip(),
        modality=one.fact("modality").strip(),
        instance_number=one.fact("instance_number").strip(),
        frames=int(frames) if frames.isdigit() and len(frames) < 10 else 1,
        size=one.size,
        received_at=one.received_at,
        remote=one.remote,
        calling_ae_title=one.calling_ae_title,
        address=one.address,
        retrieval_id=one.retrieval_id,
        place=FilePlace(row.spool_name, False, one.data_offset, one.data_length, one.transfer_syntax),
    )


def of_text(row: Row[Any], people: People) -> SetAside:
    """An image with text in its pixels, from a row of `TEXT`."""
    return SetAside(
        id=f"t{row.id}",
        why=Why.TEXT_IN_PIXELS,
        reason=row.reason,
        said=people.said(row.remote, row.patient_id, row.patient_name, row.birth_date, row.sex),
        asked=people.asked(row.patient_key, row.remote, ""),
        shown=Person(),
        replaces=False,
        study_instance_uid=row.study_instance_uid,
        series_instance_uid=row.series_instance_uid,
        sop_instance_uid=row.sop_instance_uid,
        sop_class_uid=row.sop_class_uid,
        study_date=row.study_date,
        study_description=row.description,
        modality=row.modality,
        instance_number=row.instance_number,
        frames=row.frames,
        size=row.data_length,
        received_at=row.received_at,
        remote=row.remote,
        calling_ae_title="",
        address="",
        retrieval_id="",
        place=FilePlace(row.spool_name or "-", True, row.data_offset, row.data_length, row.transfer_syntax),
        key=row.key,
    )
