"""Pixels that are no part of the image (PS3.3 C.7.5.1.1.2)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netty.image.pixel_data import Array


@dataclass(frozen=True, slots=True)
class Padding:
    """Pixel Padding Value to Pixel Padding Range Limit, both included, as stored values."""

    low: int
    high: int

    def as_recipe(self) -> dict[str, Any]:
        """Its numbers."""
        return {"low": self.low, "high": self.high}


def padding(value: int, limit: int | None, signed: bool) -> Padding:
    """The padding, whichever of US and SS the numbers were read as; the limit may stand on either side."""
    ends = [_as_stored(number, signed) for number in (value, value if limit is None else limit)]
    return Padding(min(ends), max(ends))


def is_padding(stored: Array, padding: Padding) -> NDArray[np.bool_]:
    """For each stored value whether it is padding."""
    if padding.low == padding.high:
        return np.equal(stored, padding.low)
    return np.greater_equal(stored, padding.low) & np.less_equal(stored, padding.high)


def _as_stored(number: int, signed: bool) -> int:
    word = number & 0xFFFF
    return word - 0x10000 if signed and word >= 0x8000 else word
