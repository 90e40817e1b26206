"""Text burned into pixels: which images may show who the patient is, and which regions of them to blank.

(0028,0301) Burned In Annotation decides where it is there. Where it is not, the class does: ultrasound, captures,
angiography and photographs often carry names and dates in their pixels, sections and projections hardly ever do.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from netty.dicom.deidentify_pixels import Region

_STORAGE: Final = "1.2.840.10008.5.1.4.1.1."

CLASS_NAMES: Final = {  # as in a file of masks
    "CR": (_STORAGE + "1",),
    "DX": (_STORAGE + "1.1",),
    "MG": (_STORAGE + "1.2",),
    "CT": (_STORAGE + "2",),
    "MR": (_STORAGE + "4",),
    "US": (_STORAGE + "6.1", _STORAGE + "3.1"),
    "SC": (_STORAGE + "7",),
    "XA": (_STORAGE + "12.1",),
    "RF": (_STORAGE + "12.2",),
    "VL": (_STORAGE + "77.1.4",),
    "PT": (_STORAGE + "128",),
}
_HARDLY_EVER: Final = frozenset(
    uid for name in ("CR", "DX", "MG", "CT", "MR", "RF", "PT") for uid in CLASS_NAMES[name]
)  # every other class counts as one that often does
_CAPTURES: Final = ("SCREEN SAVE", "SCREENSHOT")  # (0008,0008) of protocol pages that CT scanners store as CT


class BurnedIn(StrEnum):
    """What becomes of an image that may show who the patient is."""

    AUTO = "auto"  # quarantine where the level claims that the identity is removed, else keep
    KEEP = "keep"
    QUARANTINE = "quarantine"
    MASK = "mask"  # quarantine where no mask fits


@dataclass(frozen=True, slots=True)
class Shown:
    """What is known of an image before its pixels."""

    sop_class_uid: str
    burned_in_annotation: str = ""
    image_type: str = ""
    manufacturer: str = ""
    model: str = ""
    rows: int = 0
    columns: int = 0
    has_pixels: bool = True


def may_show_identity(image: Shown) -> bool:
    """Whether the pixels may tell who the patient is."""
    if not image.has_pixels or image.burned_in_annotation == "NO":
        return False
    if image.burned_in_annotation == "YES" or image.sop_class_uid not in _HARDLY_EVER:
        return True
    return any(word in image.image_type.upper() for word in _CAPTURES)


@dataclass(frozen=True, slots=True)
class Mask:
    """Regions to blank in images of a kind; what is empty or 0 fits every image. Names may hold ``*``."""

    regions: tuple[Region, ...]
    manufacturer: str = ""
    model: str = ""
    sop_classes: frozenset[str] = frozenset()
    rows: int = 0
    columns: int = 0

    def fits(self, image: Shown) -> bool:
        """Whether an image is of that kind."""
        return (
            _matches(self.manufacturer, image.manufacturer)
            and _matches(self.model, image.model)
            and (not self.sop_classes or image.sop_class_uid in self.sop_classes)
            and self.rows in (0, image.rows)
            and self.columns in (0, image.columns)
        )


def regions_of(masks: Iterable[Mask], image: Shown) -> tuple[Region, ...] | None:
    """The regions of the first mask that fits; None where none does."""
    return next((mask.regions for mask in masks if mask.fits(image)), None)


def _matches(pattern: str, text: str) -> bool:
    if not pattern:
        return True
    expression = ".*".join(re.escape(part) for part in pattern.split("*"))
    return re.fullmatch(expression, text.strip(), re.IGNORECASE | re.DOTALL) is not None
