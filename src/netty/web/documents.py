"""The documents of the REST interface, with the keys of the command line's JSON."""

from dataclasses import dataclass
from datetime import datetime

from netty.archive.held import HeldInstance, HeldSeries, HeldStudy
from netty.model.patient import Patient
from netty.model.retrieval import LedgerCount, Retrieval
from netty.web.film import rendition_address
from netty.web.jobs import seconds_of
from netty.web.table import Table


@dataclass(frozen=True, slots=True)
class LinkDocument:
    """The Patient ID at one remote."""

    remote: str
    patient_id: str


@dataclass(frozen=True, slots=True)
class PatientDocument:
    """A registered patient."""

    patient: str
    name: str
    birth_date: str
    links: list[LinkDocument]


@dataclass(frozen=True, slots=True)
class AnswerDocument:
    """The last answer of one remote."""

    remote: str
    patient_id: str
    searched_at: datetime | None
    failure: str
    searching: bool


@dataclass(frozen=True, slots=True)
class PlaceDocument:
    """One study at one remote; `state` is a cell's."""

    remote: str
    state: str
    fetchable: bool
    reason: str


@dataclass(frozen=True, slots=True)
class ListedStudyDocument:
    """One study over all remotes."""

    study_instance_uid: str
    study_date: str
    study_time: str
    modalities: list[str]
    description: str
    accession_number: str
    instances_held: int
    state: str
    remotes: list[PlaceDocument]


@dataclass(frozen=True, slots=True)
class PatientTableDocument:
    """A patient with the answers of all remotes and all studies."""

    patient: PatientDocument
    remotes: list[AnswerDocument]
    studies: list[ListedStudyDocument]


@dataclass(frozen=True, slots=True)
class ClaimedDocument:
    """What the remote says it did; evidence only."""

    completed: int | None
    failed: int | None
    warning: int | None
    status: int | None


@dataclass(frozen=True, slots=True)
class RetrievalDocument:
    """One study from one remote."""

    id: str
    study_instance_uid: str
    remote: str
    patient: str
    state: str
    expected: int
    received: int
    rendered: int
    claimed: ClaimedDocument
    reason: str
    requested_by: str
    requested_at: datetime
    seconds: int | None


@dataclass(frozen=True, slots=True)
class RenditionDocument:
    """One encoded frame (`kind` picture or thumbnail), or all frames as a loop (frame 0)."""

    kind: str
    format: str
    frame: int
    url: str
    width: int
    height: int
    bytes: int
    window: str
    view: str
    presentation_state: str
    flags: list[str]


@dataclass(frozen=True, slots=True)
class InstanceDocument:
    """One image of ours."""

    sop_instance_uid: str
    sop_class_uid: str
    instance_number: str
    frames: int
    renditions: list[RenditionDocument]


@dataclass(frozen=True, slots=True)
class SeriesDocument:
    """One series of ours."""

    series_instance_uid: str
    modality: str
    instances: list[InstanceDocument]


@dataclass(frozen=True, slots=True)
class StudyDocument:
    """One study of ours."""

    study_instance_uid: str
    patient_id: str
    state: str
    series: list[SeriesDocument]


def patient_document(patient: Patient) -> PatientDocument:
    """A patient."""
    links = [LinkDocument(link.remote, link.patient_id) for link in patient.links]
    return PatientDocument(patient.key, patient.name, patient.birth_date, links)


def table_document(patient: Patient, table: Table) -> PatientTableDocument:
    """A patient's truth table."""
    answers = [
        AnswerDocument(column.remote, column.patient_id, column.searched_at, column.failure, column.searching)
        for column in table.columns
    ]
    studies = [
        ListedStudyDocument(
            row.study_instance_uid,
            row.study_date,
            row.study_time,
            list(row.modalities),
            row.description,
            row.accession_number,
            row.held,
            row.state,
            [PlaceDocument(one.remote, one.state, one.fetchable, one.reason or one.last_failure) for one in row.cells],
        )
        for row in table.rows
    ]
    return PatientTableDocument(patient_document(patient), answers, studies)


def retrieval_document(retrieval: Retrieval, count: LedgerCount) -> RetrievalDocument:
    """A retrieval with its ledger counted."""
    claimed = retrieval.claimed
    return RetrievalDocument(
        id=retrieval.id,
        study_instance_uid=retrieval.study_instance_uid,
        remote=retrieval.remote,
        patient=retrieval.patient_key,
        state=retrieval.state,
        expected=count.expected,
        received=count.received,
        rendered=count.rendered,
        claimed=ClaimedDocument(claimed.completed, claimed.failed, claimed.warning, claimed.status),
        reason=retrieval.reason,
        requested_by=retrieval.requested_by,
        requested_at=retrieval.requested_at,
        seconds=seconds_of(retrieval),
    )


def study_document(study: HeldStudy) -> StudyDocument:
    """A study with its series, images and renditions."""
    series = [_series_document(one) for one in study.series]
    return StudyDocument(study.study_instance_uid, study.patient_id, study.state, series)


def _series_document(series: HeldSeries) -> SeriesDocument:
    instances = [_instance_document(one) for one in series.instances]
    return SeriesDocument(series.series_instance_uid, series.modality, instances)


def _instance_document(instance: HeldInstance) -> InstanceDocument:
    return InstanceDocument(
        instance.sop_instance_uid,
        instance.sop_class_uid,
        instance.instance_number,
        instance.frames,
        [
            RenditionDocument(
                one.kind,
                one.format,
                one.frame,
                rendition_address(one),
                one.width,
                one.height,
                one.bytes,
                one.window,
                one.view,
                one.presentation_state,
                list(one.flags),
            )
            for one in instance.renditions
        ],
    )
