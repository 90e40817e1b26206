"""What was set aside for a person to decide, as values: why, whose it says it is, and who was asked for."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from netty.errors import UsageError
from netty.model import reasons
from netty.model.identity import same_patient_id

HELD_FOLDER: Final = "burned-in"
"""In the quarantine: images with text in their pixels, their headers de-identified."""


class Why(StrEnum):
    """Why a file is not shown."""

    OTHER_PATIENT_ID = "other_patient_id"  # not the Patient ID that was searched for
    TWO_PATIENTS = "two_patients"  # its study or SOP UID is held for another registered patient
    OTHER_BYTES = "other_bytes"  # its SOP UID is held with other content
    UNSOLICITED = "unsolicited"  # no lease admitted it
    TEXT_IN_PIXELS = "text_in_pixels"  # its pixels may show who the patient is


WHY_OF: Final = {
    reasons.OTHER_PATIENT_ID: Why.OTHER_PATIENT_ID,
    reasons.TWO_PATIENTS: Why.TWO_PATIENTS,
    reasons.OTHER_BYTES: Why.OTHER_BYTES,
    reasons.UNSOLICITED: Why.UNSOLICITED,
    reasons.TEXT_IN_PIXELS: Why.TEXT_IN_PIXELS,
}


@dataclass(frozen=True, slots=True)
class Person:
    """A patient as somebody names them; what is not known is empty."""

    patient_key: str = ""
    patient_id: str = ""
    name: str = ""
    birth_date: str = ""
    sex: str = ""

    @property
    def is_known(self) -> bool:
        """Whether anything is said at all."""
        return bool(self.patient_key or self.patient_id or self.name or self.birth_date)

    def document(self) -> dict[str, str] | None:
        """As JSON for programs; None where nobody is named."""
        if not self.is_known:
            return None
        return {
            "patient": self.patient_key,
            "patient_id": self.patient_id,
            "name": self.name,
            "birth_date": self.birth_date,
        }


@dataclass(frozen=True, slots=True)
class FilePlace:
    """Where the data set lies: `path` is told by the spool, in the quarantine or (`in_spool`) beside the others."""

    name: str
    in_spool: bool
    data_offset: int
    data_length: int
    transfer_syntax: str


@dataclass(frozen=True, slots=True)
class SetAside:
    """One file that waits for a person's decision.

    Attributes:
        id: `q` and a number for a file in the quarantine, `t` and a number for an image with text in its pixels.
        said: whom the data set itself names; `patient_key` where that Patient ID is linked at the remote.
        asked: whom the retrieval was for; nothing known where nobody asked.
        shown: whose image or study of the same UID is shown already; nothing known where there is none.
        replaces: an image with its UID and other content is shown, whose place it would take.
    """

    id: str
    why: Why
    reason: str
    said: Person
    asked: Person
    shown: Person
    replaces: bool
    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str
    sop_class_uid: str
    study_date: str
    study_description: str
    modality: str
    instance_number: str
    frames: int
    size: int
    received_at: datetime
    remote: str
    calling_ae_title: str
    address: str
    retrieval_id: str
    place: FilePlace
    key: str = ""
    """The stem of its blobs' names, of an image with text in its pixels."""

    @property
    def is_another_patient(self) -> bool:
        """Whether the data name another patient than the one asked for, or than the one it is shown for."""
        if not self.asked.is_known or same_patient_id(self.said.patient_id, self.asked.patient_id):
            return self.why is Why.TWO_PATIENTS
        return True

    def document(self) -> dict[str, Any]:
        """As JSON for programs, the same from the command line and the REST interface."""
        return {
            "id": self.id,
            "why": self.why.value,
            "reason": self.reason,
            "another_patient": self.is_another_patient,
            "said": self.said.document(),
            "asked": self.asked.document(),
            "shown": self.shown.document(),
            "replaces": self.replaces,
            "study_instance_uid": self.study_instance_uid,
            "series_instance_uid": self.series_instance_uid,
            "sop_instance_uid": self.sop_instance_uid,
            "sop_class_uid": self.sop_class_uid,
            "study_date": self.study_date,
            "modality": self.modality,
            "instance_number": self.instance_number,
            "frames": self.frames,
            "bytes": self.size,
            "received_at": self.received_at,
            "remote": self.remote,
            "calling_ae_title": self.calling_ae_title,
            "address": self.address,
            "retrieval": self.retrieval_id,
        }


def split_id(text: str) -> tuple[str, int]:
    """The kind and the number of an id. Raises UsageError for what is none."""
    kind, digits = text[:1], text[1:]
    if kind not in ("q", "t") or not (digits.isascii() and digits.isdigit()) or len(digits) > 18:
        raise UsageError("{id} names nothing in the quarantine. See: netty quarantine list", id=repr(text))
    return kind, int(digits)
