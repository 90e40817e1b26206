"""What the archive holds and shows, as values: study, series, instance, rendition."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from netty.image.rendition import RenditionKind
from netty.model.difference import StudyState


class RenderState(StrEnum):
    """How far an instance has come on its way to pictures."""

    WAITING = "waiting"
    RENDERED = "rendered"
    NO_PICTURE = "no_picture"  # a presentation state: nothing to render, and nothing wrong
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Rendition:
    """One encoded frame, or one loop of all frames.

    Attributes:
        frame: from 1, as DICOM numbers frames; 0 for a loop of all frames.
        blob_key: its name in the blob store; `Blobs.path` makes a path of it where the store is a folder.
        recipe: how it was made, enough to make it again.
        window: the window in words (``40/400``), empty where there was none.
        view: the further window of the settings (``lung``) through which it shows a CT image, else empty.
        presentation_state: SOP Instance UID of the presentation state applied, else empty.
    """

    format: str
    frame: int
    blob_key: str
    width: int
    height: int
    bytes: int
    sha256: str
    recipe: Mapping[str, Any] = field(default_factory=dict)
    window: str = ""
    presentation_state: str = ""
    flags: tuple[str, ...] = ()
    kind: RenditionKind = RenditionKind.PICTURE
    view: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldRendition(Rendition):
    """A rendition with its number, which is never given to another one."""

    id: int


@dataclass(frozen=True, slots=True)
class RenditionPlace:
    """A rendition with where it belongs, for whoever asks by its number alone."""

    rendition: HeldRendition
    instance_id: int
    sop_instance_uid: str
    study_instance_uid: str
    patient_key: str
    patient_id: str
    remote: str


@dataclass(frozen=True, slots=True)
class HeldInstance:
    """One image (or presentation state) of ours.

    Attributes:
        kept_blob: the blob key of its kept DICOM file, if any.
        not_presented: why it is not seen through a presentation state that refers to it, by the state's
            SOP Instance UID.
    """

    id: int
    sop_instance_uid: str
    sop_class_uid: str
    instance_number: str
    frames: int
    rows: int
    columns: int
    state: RenderState
    reason: str
    kept_blob: str | None
    renditions: tuple[HeldRendition, ...] = ()
    not_presented: Mapping[str, str] = field(default_factory=dict)

    @property
    def pictures(self) -> tuple[HeldRendition, ...]:
        """Its renditions but for thumbnails and loops."""
        return tuple(one for one in self.renditions if one.kind is RenditionKind.PICTURE)


@dataclass(frozen=True, slots=True)
class HeldSeries:
    """One series of ours."""

    id: int
    series_instance_uid: str
    modality: str
    number: str
    description: str
    instances: tuple[HeldInstance, ...] = ()


@dataclass(frozen=True, slots=True)
class HeldStudy:
    """One study of ours; the counts always hold, `series` is filled by `Holdings.study` only.

    Attributes:
        patient_key: the registered patient, empty where it was fetched by an operator's override.
        remote: the remote from which its first image came.
        state: `PARTIAL` where the last retrieval from a remote expected images that are not here.
        modalities: each once, sorted.
        failed: how many instances could not be rendered.
        received_at: when its last image arrived.
    """

    id: int
    study_instance_uid: str
    patient_key: str
    patient_id: str
    patient_name: str
    birth_date: str
    sex: str
    study_date: str
    study_time: str
    accession_number: str
    description: str
    modalities: tuple[str, ...]
    remote: str
    state: StudyState
    series_count: int
    instance_count: int
    waiting: int
    rendered: int
    failed: int
    received_at: datetime
    series: tuple[HeldSeries, ...] = ()

    @property
    def instances(self) -> Iterator[HeldInstance]:
        """All its instances, series by series."""
        return (instance for series in self.series for instance in series.instances)
