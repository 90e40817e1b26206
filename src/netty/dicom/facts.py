"""The facts of a data set that the catalogue keeps: read while it arrives, before anything is cleared from it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from netty.dicom import tags
from netty.dicom.text import character_sets, decode_text

Decode = Callable[[bytes, Sequence[str]], str]


def _plain(value: bytes, _declared: Sequence[str]) -> str:
    """Codes, dates, numbers: the default repertoire (PS3.5 6.2)."""
    return value.decode("ascii", "replace").strip(" \0")


def _unsigned_short(value: bytes, _declared: Sequence[str]) -> str:
    return str(int.from_bytes(value[:2], "little")) if len(value) >= 2 else ""


FACTS: Final[dict[int, tuple[str, Decode]]] = {
    tags.PATIENT_ID: ("patient_id", decode_text),
    tags.PATIENT_NAME: ("patient_name", decode_text),
    tags.PATIENT_BIRTH_DATE: ("birth_date", _plain),
    tags.PATIENT_SEX: ("sex", _plain),
    tags.STUDY_DATE: ("study_date", _plain),
    tags.STUDY_TIME: ("study_time", _plain),
    tags.ACCESSION_NUMBER: ("accession_number", decode_text),
    tags.STUDY_DESCRIPTION: ("study_description", decode_text),
    tags.SERIES_NUMBER: ("series_number", _plain),
    tags.SERIES_DESCRIPTION: ("series_description", decode_text),
    tags.MODALITY: ("modality", _plain),
    tags.INSTANCE_NUMBER: ("instance_number", _plain),
    tags.NUMBER_OF_FRAMES: ("number_of_frames", _plain),
    tags.ROWS: ("rows", _unsigned_short),
    tags.COLUMNS: ("columns", _unsigned_short),
    tags.BURNED_IN_ANNOTATION: ("burned_in", _plain),
}
"""Tag -> name of the fact and how its value is read."""

IDENTIFIERS: Final = (
    tags.SOP_CLASS_UID,
    tags.SOP_INSTANCE_UID,
    tags.STUDY_INSTANCE_UID,
    tags.SERIES_INSTANCE_UID,
)

WANTED: Final = frozenset({*FACTS, *IDENTIFIERS, tags.SPECIFIC_CHARACTER_SET})
"""What a walk has to collect."""


def facts_of(values: Mapping[int, bytes]) -> dict[str, str]:
    """The facts that a data set has, as text."""
    declared = character_sets(values.get(tags.SPECIFIC_CHARACTER_SET, b""))
    return {name: decode(values[tag], declared) for tag, (name, decode) in FACTS.items() if tag in values}


def uid_of(values: Mapping[int, bytes], tag: int) -> str:
    """A UID without its padding (PS3.5 9.1; some pad with spaces), empty where there is none."""
    return values.get(tag, b"").decode("ascii", "replace").strip(" \0")
