"""Modality, VOI and lookup tables as images and presentation states write them (PS3.3 C.11)."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TypeVar

import numpy as np
from pydicom.dataset import Dataset

from netty.dicom.dataset import decimals, integers, items, places, text, texts, words
from netty.image.flags import Flag
from netty.image.grayscale import GrayscaleTransforms
from netty.image.lookup_table import LookupTable, descriptor, lookup_table
from netty.image.modality import Modality, Rescale, modality_limits
from netty.image.pixel_data import PixelDescription, value_limits
from netty.image.voi import VoiLutFunction, Window

WINDOW_CENTER = 0x00281050
WINDOW_WIDTH = 0x00281051
RESCALE_INTERCEPT = 0x00281052
RESCALE_SLOPE = 0x00281053
RESCALE_TYPE = 0x00281054
WINDOW_EXPLANATION = 0x00281055
VOI_LUT_FUNCTION = 0x00281056
MODALITY_LUT_SEQUENCE = 0x00283000
LUT_DESCRIPTOR = 0x00283002
LUT_EXPLANATION = 0x00283003
LUT_DATA = 0x00283006
VOI_LUT_SEQUENCE = 0x00283010

_Member = TypeVar("_Member", bound=StrEnum)


def member(names: type[_Member], name: str) -> _Member | None:
    """The member that is written so."""
    return next((member for member in names if member.value == name), None)


@dataclass(slots=True)
class TransformReader:
    """Reads transforms, and collects what there is to remark."""

    flags: dict[Flag, None] = field(default_factory=dict)  # an ordered set

    def remark(self, flag: Flag) -> None:
        """Note a flag, once."""
        self.flags[flag] = None

    def modality(self, source: Dataset, signed: bool) -> Modality:
        """The Modality LUT or the rescale, never both (C.11.1); `signed` is what the stored values are."""
        for item in items(source, MODALITY_LUT_SEQUENCE):
            if table := self.table(item, signed):
                return table
        slopes, intercepts = decimals(source, RESCALE_SLOPE), decimals(source, RESCALE_INTERCEPT)
        if not slopes and not intercepts:
            return None
        slope = slopes[0] if slopes else 1.0
        if slope == 0:
            self.remark(Flag.RESCALE_IGNORED)
            return None
        return Rescale(slope, intercepts[0] if intercepts else 0.0, text(source, RESCALE_TYPE))

    def voi(self, source: Dataset, modality: Modality, pixels: PixelDescription) -> GrayscaleTransforms:
        """The windows and VOI LUTs of `source`, behind a modality transform."""
        low, _ = modality_limits(*value_limits(pixels), modality)
        tables = (self.table(item, signed=low < 0) for item in items(source, VOI_LUT_SEQUENCE))
        return GrayscaleTransforms(modality, tuple(self.windows(source)), tuple(table for table in tables if table))

    def windows(self, source: Dataset) -> Iterator[Window]:
        """The windows that have a meaning (C.11.2.1.2), in their order."""
        centers, widths = places(source, WINDOW_CENTER), places(source, WINDOW_WIDTH)
        explanations = texts(source, WINDOW_EXPLANATION)
        name = text(source, VOI_LUT_FUNCTION).upper()
        stated = member(VoiLutFunction, name)
        function = stated or VoiLutFunction.LINEAR
        ignored = len(centers) != len(widths) or bool(name and stated is None)
        for index, (center, width) in enumerate(zip(centers, widths, strict=False)):
            if center is None or width is None:
                ignored = ignored or center is not width  # both empty is an absent window, not a wrong one
                continue
            window = Window(center, width, function, explanations[index] if index < len(explanations) else "")
            if function is VoiLutFunction.LINEAR and 0 < width < 1:
                # Forbidden, but written for SUV and other small units, and meant as LINEAR_EXACT.
                window = replace(window, function=VoiLutFunction.LINEAR_EXACT)
            if window.has_meaning:
                yield window
            else:
                ignored = True
        if ignored:
            self.remark(Flag.WINDOW_IGNORED)

    def table(self, item: Dataset, signed: bool) -> LookupTable | None:
        """A LUT of an item of the Modality, VOI or Presentation LUT Sequence."""
        described = descriptor(integers(item, LUT_DESCRIPTOR), signed)
        made = lookup_table(described, np.array(words(item, LUT_DATA), np.uint16), text(item, LUT_EXPLANATION))
        if made is None:
            self.remark(Flag.LUT_IGNORED)
            return None
        table, corrected = made
        if corrected:
            self.remark(Flag.LUT_DEPTH_CORRECTED)
        return table
