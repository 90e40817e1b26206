"""Digital subtraction: contrast frames less mask frames (PS3.3 C.7.6.10)."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

import numpy as np

from netty.image.pixel_data import Array

Shift: TypeAlias = tuple[float, float]
"""By how many rows the mask moves down, and by how many columns to the right (C.7.6.10.1.2)."""


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
    shift: "Shift" = (0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Subtraction:
    """What is subtracted from what to make one frame: both averaged, frames counted from 1."""

    contrast_frames: tuple[int, ...]
    mask_frames: tuple[int, ...]
    shift: Shift = (0.0, 0.0)

    def as_recipe(self) -> dict[str, Any]:
        """Its numbers."""
        return {
            "contrast_frames": list(self.contrast_frames),
            "mask_frames": list(self.mask_frames),
            "mask_shift": list(self.shift),
        }


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
    return Subtraction(tuple(range(frame, min(frame + averaged, frames + 1))), masks, mask.shift)


def difference(contrast: Iterable[Array], mask: Iterable[Array], shift: Shift = (0.0, 0.0)) -> Array:
    """The average of the contrast frames less that of the mask frames, shifted, as whole signed numbers."""
    values: Array = np.rint(_average(contrast) - shifted(_average(mask), *shift)).astype(np.int32)
    return values


def shifted(mask: Array, down: float, right: float) -> Array:
    """The mask moved by parts of a pixel (C.7.6.10.1.2), bilinear between pixels.

    The standard leaves the interpolation open. Where the mask has moved away its edge stands, so that the difference
    there stays a difference.
    """
    return _moved(_moved(mask, down, axis=0), right, axis=1)


def _moved(values: Array, by: float, axis: int) -> Array:
    if by == 0:
        return values
    count = values.shape[axis]
    places = np.clip(np.arange(count) - by, 0, count - 1)
    before = np.floor(places).astype(np.intp)
    behind = np.minimum(before + 1, count - 1)
    share = (places - before).reshape([-1 if each == axis else 1 for each in range(values.ndim)])
    moved: Array = values.take(before, axis) * (1 - share) + values.take(behind, axis) * share
    return moved


def _average(frames: Iterable[Array]) -> Array:
    total: Array = np.zeros(1)
    count = 0
    for frame in frames:
        total = total + frame
        count += 1
    return total / count
