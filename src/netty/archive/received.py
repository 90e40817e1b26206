"""What goes into the register, as values: a received file, what became of it, what is to be rendered and was."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final, Self

from netty.archive.held import Rendition
from netty.dicom.stencil import Gap

TEXT_FACTS: Final = (
    "patient_id",
    "patient_name",
    "birth_date",
    "sex",
    "study_date",
    "study_time",
    "accession_number",
    "study_description",
    "series_number",
    "series_description",
    "modality",
    "instance_number",
    "number_of_frames",
    "rows",
    "columns",
    "burned_in",
)
"""The names that `Received.facts` may hold: decoded text, all read before anything is cleared from the file."""


@dataclass(frozen=True, slots=True)
class Received:
    """One data set that is safe in the spool: the receipt.

    Attributes:
        spool_name: the file's name in the spool.
        size: of the data set in bytes, which equals `data_length`.
        digest: of the data set's bytes as received (not of the file: its meta header is ours); see `digest.py`.
        data_offset, data_length: where in the file the data set lies.
        facts: text of the attributes named in `TEXT_FACTS`; what is absent may be left out.
        remote: the registered remote that called.
        patient_key: the registered patient of the retrieval; empty with an operator's override.
        on_hold_reason: why admission put it on hold; empty where it did not.
    """

    spool_name: str
    size: int
    digest: str
    data_offset: int
    data_length: int
    transfer_syntax: str
    sop_class_uid: str
    sop_instance_uid: str
    study_instance_uid: str
    series_instance_uid: str
    remote: str
    calling_ae_title: str
    address: str
    retrieval_id: str
    lease_id: int
    patient_key: str
    received_at: datetime
    facts: Mapping[str, str] = field(default_factory=dict)
    on_hold_reason: str = ""

    def fact(self, name: str) -> str:
        """One fact, empty where the data set has none."""
        return self.facts.get(name, "")

    def receipt(self) -> dict[str, Any]:
        """As JSON, for the trailer of the spool file."""
        values = {name: getattr(self, name) for name in _IN_RECEIPTS}
        values["facts"], values["received_at"] = dict(self.facts), self.received_at.timestamp()
        return values

    def receipt_of_another(self) -> dict[str, Any]:
        """The same for an image that differs in what names it alone: with gaps instead of that."""
        facts = {**self.facts, "instance_number": Gap.NUMBER}
        return self.receipt() | _GAPS | {"facts": facts}

    @classmethod
    def from_receipt(cls, spool_name: str, receipt: Mapping[str, Any]) -> Self:
        """From the trailer of a spool file."""
        values = dict(receipt)
        if values.keys() != _NAMES_IN_RECEIPTS:  # of another version of netty
            values = {name: value for name, value in receipt.items() if name in _NAMES_IN_RECEIPTS}
            values.setdefault("digest", receipt.get("sha256", ""))  # so it was called when that was the only one
        values["received_at"] = datetime.fromtimestamp(receipt["received_at"], UTC)
        return cls(spool_name, **values)


_IN_RECEIPTS: Final = tuple(one.name for one in dataclasses.fields(Received) if one.name != "spool_name")


_NAMES_IN_RECEIPTS: Final = frozenset(_IN_RECEIPTS)
_GAPS: Final = {
    "size": Gap.SIZE,
    "data_length": Gap.SIZE,
    "data_offset": Gap.OFFSET,
    "digest": Gap.DIGEST,
    "sop_instance_uid": Gap.UID_TEXT,
    "received_at": Gap.TIME,
}


class RegistrationOutcome(StrEnum):
    """What became of a received file."""

    NEW = "new"
    SAME = "same"  # already held, same bytes: nothing changes, the spool file may go
    DIFFERENT = "different"  # already held, other bytes: the first stays visible, this one goes to quarantine
    ON_HOLD = "on_hold"  # perhaps another person's: invisible, goes to quarantine
    DISCARDED = "discarded"  # it lay in the quarantine, and a person discarded it


@dataclass(frozen=True, slots=True)
class Registered:
    """The answer for one received file.

    Attributes:
        instance_id: the visible instance of its SOP Instance UID, None where it is on hold.
        to_quarantine: its file is to be moved to the quarantine; where the same bytes lie there already, it is not.
    """

    spool_name: str
    outcome: RegistrationOutcome
    instance_id: int | None
    reason: str = ""
    to_quarantine: bool = False


@dataclass(frozen=True, slots=True)
class ToRender:
    """One instance that waits for the renderer.

    Attributes:
        key: random hex, in its blobs' names (``renditions/<of the series>/<key>-<frame>.jpg``, ``kept/<key>.dcm``).
        series: number of its row.
        spool_name: its file; empty where only the kept DICOM is left, which is `kept_blob` then.
        attempts: how often it was tried before.
        has_pictures: whether it was rendered before; those renditions are seen until new ones take their place.
        pixels_released: a person has looked at its pixels, and they may be shown.
    """

    instance_id: int
    key: str
    series: int
    spool_name: str
    data_offset: int
    data_length: int
    transfer_syntax: str
    sop_class_uid: str
    sop_instance_uid: str
    series_instance_uid: str
    study_instance_uid: str
    attempts: int
    kept_blob: str | None = None
    has_pictures: bool = False
    pixels_released: bool = False


@dataclass(frozen=True, slots=True)
class KeptBlob:
    """A kept, de-identified DICOM file that is synced, to be registered."""

    blob_key: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Rendered:
    """An instance that was rendered: its pictures, whose blobs are synced, and the kept file, if one was made now."""

    instance_id: int
    renditions: Sequence[Rendition]
    kept_blob: KeptBlob | None = None
