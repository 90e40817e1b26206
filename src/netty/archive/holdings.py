"""What is held: visible, and readable from our own disk."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    Row,
    Select,
    and_,
    bindparam,
    case,
    distinct,
    exists,
    func,
    select,
    union_all,
)

from netty.archive.audit import AuditEvent, AuditKind, write_events
from netty.archive.database import Database, portions
from netty.archive.held import (
    HeldInstance,
    HeldRendition,
    HeldSeries,
    HeldStudy,
    RenderState,
    RenditionPlace,
)
from netty.archive.tables import (
    instances,
    ledger,
    patient_links,
    patients,
    presentations,
    renditions,
    retrievals,
    series,
    studies,
)
from netty.image.rendition import RenditionKind
from netty.model.difference import StudyState
from netty.model.identity import trimmed
from netty.model.retrieval import LedgerState

_EXPECTED_YET: Final = (LedgerState.EXPECTED, LedgerState.ON_HOLD)


class Holdings:
    """The studies that may be shown. What is on hold is in no answer of this class."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def held(self, study_instance_uid: str) -> frozenset[str]:
        """The SOP Instance UIDs of a study that are here."""
        return self.held_of([study_instance_uid])[study_instance_uid]

    def held_of(self, study_instance_uids: Collection[str], patient_key: str = "") -> dict[str, frozenset[str]]:
        """The same of several studies; studies of which nothing is here have an empty set.

        Where a `patient_key` is given, what is held for another registered patient is not here.
        """
        found: dict[str, set[str]] = {uid: set() for uid in study_instance_uids}
        query, whose = (_HELD_FOR, {"whose": ["", patient_key]}) if patient_key else (_HELD, {})
        with self._database.read() as connection:
            for some in portions(list(found)):
                rows = connection.execute(query, {"uids": some, **whose})
                for study_instance_uid, sop_instance_uid in rows:
                    found[study_instance_uid].add(sop_instance_uid)
        return {uid: frozenset(held) for uid, held in found.items()}

    def studies(
        self,
        patient_ids: Collection[str] | None = None,
        *,
        patient_key: str = "",
        study_instance_uids: Collection[str] | None = None,
        limit: int | None = None,
    ) -> list[HeldStudy]:
        """Studies, newest first, with counts and without series; all of them where nothing is asked for.

        Where a Patient ID of two facilities names two people, `patient_key` is the right question.
        """
        chosen = select(studies.c.id)
        if patient_ids is not None:
            chosen = chosen.where(studies.c.patient_id.in_([trimmed(one) for one in patient_ids]))
        if patient_key:
            chosen = chosen.where(studies.c.id.in_(_of_patient(patient_key)))
        if study_instance_uids is not None:
            chosen = chosen.where(studies.c.study_instance_uid.in_(study_instance_uids))
        # First which studies, then what is in them: else every image that is held would be looked at.
        query = _overview().where(studies.c.id.in_(_newest(chosen).limit(limit)))
        with self._database.read() as connection:
            return _held_studies(connection, connection.execute(_newest(query)).all())

    def study(self, study_instance_uid: str) -> HeldStudy | None:
        """One study with its series, instances and renditions."""
        query = _overview().where(studies.c.study_instance_uid == study_instance_uid)
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
            if row is None:
                return None
            return _held_studies(connection, [row], _series_of(connection, row.id))[0]

    def rendition(self, rendition_id: int) -> RenditionPlace | None:
        """One rendition by its number."""
        query = select(
            renditions,
            instances.c.sop_instance_uid,
            *(studies.c[name] for name in ("study_instance_uid", "patient_key", "patient_id", "remote")),
        )
        query = _visible(query.join(instances, renditions.c.instance == instances.c.id), joined=True)
        with self._database.read() as connection:
            row = connection.execute(query.where(renditions.c.id == rendition_id)).one_or_none()
        if row is None:
            return None
        return RenditionPlace(
            _rendition(row),
            row.instance,
            row.sop_instance_uid,
            row.study_instance_uid,
            row.patient_key,
            row.patient_id,
            row.remote,
        )

    def delete_study(self, study_instance_uid: str, who: str) -> list[str]:
        """Forget a study, audited; gives the blob keys that are to be removed afterwards.

        Its spool files are among `Registration.finished_spool_files` from then on.
        """
        this = studies.c.study_instance_uid == study_instance_uid
        pictures = _visible(
            select(renditions.c.blob_key).join(instances, renditions.c.instance == instances.c.id), True
        )
        kept = _visible(select(instances.c.kept_blob)).where(instances.c.kept_blob.is_not(None))
        with self._database.write() as connection:
            study = connection.execute(select(studies).where(this)).one_or_none()
            if study is None:
                return []
            keys = [*connection.scalars(pictures.where(this)), *connection.scalars(kept.where(this))]
            count = connection.scalar(_visible(select(func.count(instances.c.id))).where(this))
            connection.execute(studies.delete().where(this))
            event = AuditEvent(
                AuditKind.DELETED,
                who,
                study.patient_key,
                study_instance_uid,
                study.remote,
                detail={"instances": count},
            )
            write_events(connection, [event])
        return [key for key in keys if key is not None]


def _visible(query: Select[Any], joined: bool = False) -> Select[Any]:
    """The query over instances (already `joined` or not), their series and studies."""
    query = query if joined else query.select_from(instances)
    return query.join(series, instances.c.series == series.c.id).join(studies, series.c.study == studies.c.id)


_HELD: Final = _visible(select(studies.c.study_instance_uid, instances.c.sop_instance_uid)).where(
    studies.c.study_instance_uid.in_(bindparam("uids", expanding=True))
)
_HELD_FOR: Final = _HELD.where(studies.c.patient_key.in_(bindparam("whose", expanding=True)))


def _overview() -> Select[Any]:
    def number_of(*states: RenderState) -> ColumnElement[int]:
        return func.sum(case((instances.c.state.in_(states), 1), else_=0))

    return _visible(
        select(
            studies,
            func.count(distinct(series.c.id)).label("series_count"),
            func.count(instances.c.id).label("instance_count"),
            number_of(RenderState.WAITING).label("waiting"),
            number_of(RenderState.RENDERED, RenderState.NO_PICTURE).label("rendered"),
            number_of(RenderState.FAILED).label("failed"),
            func.max(instances.c.received_at).label("received_at"),
        )
    ).group_by(studies.c.id)


def _newest(query: Select[Any]) -> Select[Any]:
    return query.order_by(studies.c.study_date.desc(), studies.c.study_time.desc(), studies.c.id.desc())


def _of_patient(key: str) -> CompoundSelect[Any]:
    """Studies fetched for the patient, and those of nobody registered that carry one of the patient's numbers.

    Two questions, each of which has its index: joined by OR they would be put to every study that is held.
    """
    registered = patients.alias("registered")
    of_nobody = ~exists().where(registered.c.key == studies.c.patient_key)
    linked = (
        select(studies.c.id)
        .join(
            patient_links,
            and_(patient_links.c.remote == studies.c.remote, patient_links.c.patient_id == studies.c.patient_id),
        )
        .join(patients, patient_links.c.patient == patients.c.id)
        .where(patients.c.key == key, of_nobody)
    )
    return union_all(select(studies.c.id).where(studies.c.patient_key == key), linked)


def _held_studies(
    connection: Connection, rows: Sequence[Row[Any]], found: tuple[HeldSeries, ...] = ()
) -> list[HeldStudy]:
    modalities: dict[int, set[str]] = {row.id: set() for row in rows}
    incomplete: set[str] = set()
    for some in portions(rows):
        query = select(series.c.study, series.c.modality).distinct()
        for study, modality in connection.execute(query.where(series.c.study.in_([row.id for row in some]))):
            modalities[study].update([modality] if modality else [])
        incomplete.update(_incomplete(connection, [row.study_instance_uid for row in some]))
    return [
        HeldStudy(
            id=row.id,
            study_instance_uid=row.study_instance_uid,
            patient_key=row.patient_key,
            patient_id=row.patient_id,
            patient_name=row.patient_name,
            birth_date=row.birth_date,
            sex=row.sex,
            study_date=row.study_date,
            study_time=row.study_time,
            accession_number=row.accession_number,
            description=row.description,
            modalities=tuple(sorted(modalities[row.id])),
            remote=row.remote,
            state=StudyState.PARTIAL if row.study_instance_uid in incomplete else StudyState.HELD,
            series_count=row.series_count,
            instance_count=row.instance_count,
            waiting=row.waiting,
            rendered=row.rendered,
            failed=row.failed,
            received_at=row.received_at,
            series=found,
        )
        for row in rows
    ]


def _incomplete(connection: Connection, study_instance_uids: list[str]) -> Iterator[str]:
    """The studies of which the newest retrieval from some remote expected an image that is not here."""
    these = retrievals.c.study_instance_uid.in_(study_instance_uids)
    newest = (
        select(retrievals.c.remote, retrievals.c.study_instance_uid, func.max(retrievals.c.requested_at).label("last"))
        .where(these)
        .group_by(retrievals.c.remote, retrievals.c.study_instance_uid)
        .subquery()
    )
    query = (
        select(retrievals.c.study_instance_uid)
        .distinct()
        .join(ledger, ledger.c.retrieval == retrievals.c.id)
        .join(
            newest,
            and_(
                newest.c.remote == retrievals.c.remote,
                newest.c.study_instance_uid == retrievals.c.study_instance_uid,
                newest.c.last == retrievals.c.requested_at,
            ),
        )
        .where(
            ledger.c.state.in_(_EXPECTED_YET),
            ~select(instances.c.id).where(instances.c.sop_instance_uid == ledger.c.sop_instance_uid).exists(),
        )
    )
    return iter(connection.scalars(query))


def _series_of(connection: Connection, study: int) -> tuple[HeldSeries, ...]:
    pictures: dict[int, list[HeldRendition]] = {}
    of_study = series.c.study == study
    query = select(renditions).join(instances, renditions.c.instance == instances.c.id)
    query = query.join(series, instances.c.series == series.c.id).where(of_study)
    for row in connection.execute(query.order_by(renditions.c.frame, renditions.c.id)):
        pictures.setdefault(row.instance, []).append(_rendition(row))
    reasons = _not_presented(connection, of_study)
    images: dict[int, list[HeldInstance]] = {}
    query = select(instances).join(series, instances.c.series == series.c.id).where(of_study)
    for row in connection.execute(query.order_by(instances.c.id)):
        images.setdefault(row.series, []).append(
            _instance(row, tuple(pictures.get(row.id, ())), reasons.get(row.id, {}))
        )
    rows = connection.execute(select(series).where(of_study).order_by(series.c.id))
    found = [
        HeldSeries(
            row.id,
            row.series_instance_uid,
            row.modality,
            row.number,
            row.description,
            tuple(sorted(images.get(row.id, ()), key=lambda one: _in_order(one.instance_number))),
        )
        for row in rows
    ]
    return tuple(sorted(found, key=lambda one: _in_order(one.number)))


def _not_presented(connection: Connection, of_study: ColumnElement[bool]) -> dict[int, dict[str, str]]:
    state = instances.alias("state")
    query = select(presentations.c.image, state.c.sop_instance_uid, presentations.c.reason)
    query = query.join(state, presentations.c.presentation_state == state.c.id)
    query = query.join(series, state.c.series == series.c.id)
    reasons: dict[int, dict[str, str]] = {}
    for image, uid, reason in connection.execute(query.where(of_study, presentations.c.reason != "")):
        reasons.setdefault(image, {})[uid] = reason
    return reasons


def _in_order(number: str) -> tuple[bool, int, str]:
    """Numbers by value, what is none of them behind."""
    try:
        return False, int(number), ""
    except ValueError:
        return True, 0, number


def _instance(row: Row[Any], pictures: tuple[HeldRendition, ...], not_presented: Mapping[str, str]) -> HeldInstance:
    return HeldInstance(
        id=row.id,
        sop_instance_uid=row.sop_instance_uid,
        sop_class_uid=row.sop_class_uid,
        instance_number=row.instance_number,
        frames=row.frames,
        rows=row.rows,
        columns=row.columns,
        state=RenderState(row.state),
        reason=row.reason,
        kept_blob=row.kept_blob,
        renditions=pictures,
        not_presented=not_presented,
    )


def _rendition(row: Row[Any]) -> HeldRendition:
    values = {each.name: getattr(row, each.name) for each in fields(HeldRendition)}
    return HeldRendition(**values | {"flags": tuple(row.flags), "kind": RenditionKind(row.kind)})
