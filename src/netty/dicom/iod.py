"""What an image object must have to be what its SOP class says (PS3.3 C.7.6.3): asked before 0x0000 is answered.

No data set is turned away for it: it is kept, shown as far as it can be, and answered with 0xB007 (PS3.4 B.2.3).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from netty.dicom import tags
from netty.dicom.uids import GRAYSCALE_SOFTCOPY_PRESENTATION_STATE, STORAGE_CLASSES
from netty.dicom.walk import PixelDataPlace

IMAGE_CLASSES: Final = frozenset(STORAGE_CLASSES) - {GRAYSCALE_SOFTCOPY_PRESENTATION_STATE}

IOD_VALUES: Final = frozenset(
    {
        tags.SAMPLES_PER_PIXEL,
        tags.PHOTOMETRIC_INTERPRETATION,
        tags.NUMBER_OF_FRAMES,
        tags.ROWS,
        tags.COLUMNS,
        tags.BITS_ALLOCATED,
    }
)
"""What a walk has to collect for `departure`."""

_TYPE_1: Final = (tags.ROWS, tags.COLUMNS, tags.BITS_ALLOCATED)


@dataclass(frozen=True, slots=True)
class Departure:
    """How a data set departs from its IOD, short enough for an Error Comment, and the element in question."""

    comment: str
    element: int


def departure(sop_class_uid: str, values: Mapping[int, bytes], pixel_data: PixelDataPlace | None) -> Departure | None:
    """Whether an image lacks its size or its pixels; None for a good one, and for what is no image."""
    if sop_class_uid not in IMAGE_CLASSES:
        return None
    for tag in _TYPE_1:
        if not _number(values, tag):
            return Departure("Kept, but the image lacks an element of its IOD.", tag)
    if pixel_data is None:
        return Departure("Kept, but the image has no pixel data.", tags.PIXEL_DATA)
    if pixel_data.length is not None and pixel_data.length < _native_size(values):
        return Departure("Kept, but the pixel data is shorter than the header says.", tags.PIXEL_DATA)
    return None


def _native_size(values: Mapping[int, bytes]) -> int:
    """The bytes that native pixel data takes (PS3.5 section 8.1.1)."""
    subsampled = values.get(tags.PHOTOMETRIC_INTERPRETATION, b"").strip(b" \0") == b"YBR_FULL_422"
    samples = 2 if subsampled else _number(values, tags.SAMPLES_PER_PIXEL) or 1
    cells = _number(values, tags.ROWS) * _number(values, tags.COLUMNS) * samples * _frames(values)
    return (cells * _number(values, tags.BITS_ALLOCATED) + 7) // 8


def _number(values: Mapping[int, bytes], tag: int) -> int:
    """A value of VR US, 0 where there is none."""
    value = values.get(tag, b"")
    return int.from_bytes(value[:2], "little") if len(value) >= 2 else 0


def _frames(values: Mapping[int, bytes]) -> int:
    text = values.get(tags.NUMBER_OF_FRAMES, b"").strip(b" \0")
    return max(1, int(text)) if text.isdigit() and len(text) <= 12 else 1  # IS (PS3.5 section 6.2)
