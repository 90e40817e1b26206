"""Greys that run in a straight line from one end to the other, as those of a window do (PS3.3 C.11.2.1.2.1).

They need not be looked up: a processor computes them for many cells at once, and fetches from a table one by one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from netty.image.pixel_data import Array, PixelDescription

_FRACTION: Final = 24  # bits behind the point of a grey while it is computed; the 8 before it are the grey
_ONE: Final = 1 << _FRACTION
_STRIP: Final = 1 << 16  # cells computed at once: what lies between stays in the cache


@dataclass(frozen=True, slots=True)
class Ramp:
    """The grey of a cell of 16 bits: its value, held between `low` and `high`, times `factor`, plus `start`.

    Values count from the smallest that can be stored, greys in fixed point, in 32 bits that wrap around.
    """

    stored_bits: int
    signed: bool
    low: int
    high: int
    factor: int
    start: int

    def into(self, greys: Array, cells: Array) -> None:
        """Writes the grey of each cell to `greys`."""
        room = min(cells.size, _STRIP)
        values, products = np.empty(room, np.uint16), np.empty(room, np.uint32)
        for start in range(0, cells.size, _STRIP):
            part = cells[start : start + _STRIP]
            self._strip_into(greys[start : start + part.size], part, values[: part.size], products[: part.size])

    def _strip_into(self, greys: Array, cells: Array, values: Array, products: Array) -> None:
        if self.stored_bits < 16:  # what stands above is no part of the value
            cells = np.bitwise_and(cells, np.uint16((1 << self.stored_bits) - 1), out=values)
        if self.signed:
            cells = np.bitwise_xor(cells, np.uint16(1 << (self.stored_bits - 1)), out=values)
        cells.clip(np.uint16(self.low), np.uint16(self.high), out=values)
        products[:] = values  # by itself: where the product widens its factors, numpy takes a buffer between
        np.multiply(products, np.uint32(self.factor), out=products)
        np.add(products, np.uint32(self.start), out=products)
        np.right_shift(products, np.uint32(_FRACTION), out=products)
        greys[:] = products


def ramp_of(greys: Array, description: PixelDescription, exact: Callable[[Array], Array]) -> Ramp | None:
    """The ramp that makes of every cell what `greys` say, which hold the grey of each value from the smallest on.

    None where there is none: nothing is rounded otherwise than there. `exact` are greys before they are rounded, of
    values counted likewise.
    """
    if (description.bits_allocated, description.high_bit + 1) != (16, description.bits_stored):
        return None
    steps = np.flatnonzero(greys[1:] != greys[:-1])
    if not steps.size or steps[-1] - steps[0] < 2:  # a threshold: too short to tell how steep it is
        return None
    low, high = int(steps[0]), int(steps[-1]) + 1
    one, other = exact(np.array([low + 1, high - 1])).tolist()
    factor = round((other - one) / (high - low - 2) * _ONE)
    # Each value demands that what is added lets its grey begin, and not the next one.
    begins = greys[low : high + 1].astype(np.int64) * _ONE - np.arange(low, high + 1) * factor
    least, most = int(begins.max()), int(begins.min()) + _ONE - 1
    if least > most:
        return None
    start = (least + most) // 2
    return Ramp(description.bits_stored, description.signed, low, high, factor % (1 << 32), start % (1 << 32))
