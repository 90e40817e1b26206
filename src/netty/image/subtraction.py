"""Digital subtraction: contrast frames less mask frames (PS3.3 C.7.6.10)."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from netty.image.pixel_data import Array


class MaskOperation(StrEnum):
    """Mask Operation (0028,6101): those that say which frames are the mask of a frame."""

    AVERAGE = "AVG_SUB"
    TIME_INTERVAL_DIFFERENCE = "TID"


@dataclass(frozen=True, slots=True)
class MaskSubtraction:
    """An item of the Mask Subtraction Sequence. `ranges` are frames, ends included; none: all that are no mask."""

    operation: MaskOperation
    mask_frames: tuple[int, ...] = ()
    ranges: tuple[tuple[int, int], ...] = ()
    averaged: int = 1
    offset: int = 1  # TID Offset


@dataclass(frozen=True, slots=True)
class Subtraction:
    """What is subtracted from what to make one frame: both averaged, frames counted from 1."""

    contrast_frames: tuple[int, ...]
    mask_frames: tuple[int, ...]

    def as_recipe(self) -> dict[str, Any]:
        """Its numbers."""
        return {"contrast_frames": list(self.contrast_frames), "mask_frames": list(self.mask_frames)}


def subtraction_of(mask: MaskSubtraction, frame: int, frames: int) -> Subtraction | None:
    """What frame `frame` of `frames` is made of; None where the operation does not apply to it (C.7.6.10.1.1)."""
    if mask.operation is MaskOperation.TIME_INTERVAL_DIFFERENCE:
        masks: tuple[int, ...] = (frame - mask.offset,)
    else:
        masks = mask.mask_frames
    if not masks or not all(1 <= number <= frames for number in masks):
        return None
    stated = any(first <= frame <= last for first, last in mask.ranges)
    if not (stated if mask.ranges else frame not in masks):
        return None
    averaged = max(1, mask.averaged)
    return Subtraction(tuple(range(frame, min(frame + averaged, frames + 1))), masks)


def difference(contrast: Iterable[Array], mask: Iterable[Array]) -> Array:
    """The average of the contrast frames less that of the mask frames, as whole signed numbers."""
    values: Array = np.rint(_average(contrast) - _average(mask)).astype(np.int32)
    return values


def _average(frames: Iterable[Array]) -> Array:
    total: Array = np.zeros(1)
    count = 0
    for frame in frames:
        total = total + frame
        count += 1
    return total / count
