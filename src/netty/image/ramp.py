"""Greys that run in a straight line from one end to the other, as those of a window do (PS3.3 C.11.2.1.2.1).

They need not be looked up: a processor computes them for many cells at once, and fetches from a table one by one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from netty import native
from netty.image.pixel_data import Array, PixelDescription

_FRACTION: Final = 24  # bits behind the point of a grey while it is computed; the 8 before it are the grey
_ONE: Final = 1 << _FRACTION
_STRIP: Final = 1 << 16  # cells computed at once: what lies between stays in the cache
_COMPUTED: Final = (8, 16) if native.compiled else (16,)  # bits allocated: numpy looks octets up sooner, in pairs


@dataclass(frozen=True, slots=True)
class Ramp:
    """The grey of a cell of 8 or 16 bits: its value, held between `low` and `high`, times `factor`, plus `start`.

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
        PAINTING(self, greys, cells)


def _paint(ramp: Ramp, greys: Array, cells: Array) -> None:
    room = min(cells.size, _STRIP)
    values, products = np.empty(room, np.uint16), np.empty(room, np.uint32)
    for start in range(0, cells.size, _STRIP):
        part = cells[start : start + _STRIP]
        _paint_strip(ramp, greys[start : start + part.size], part, values[: part.size], products[: part.size])


def _paint_strip(ramp: Ramp, greys: Array, cells: Array, values: Array, products: Array) -> None:
    if ramp.stored_bits < 16:  # what stands above is no part of the value
        cells = np.bitwise_and(cells, np.uint16((1 << ramp.stored_bits) - 1), out=values)
    if ramp.signed:
        cells = np.bitwise_xor(cells, np.uint16(1 << (ramp.stored_bits - 1)), out=values)
    cells.clip(np.uint16(ramp.low), np.uint16(ramp.high), out=values)
    products[:] = values  # by itself: where the product widens its factors, numpy takes a buffer between
    np.multiply(products, np.uint32(ramp.factor), out=products)
    np.add(products, np.uint32(ramp.start), out=products)
    np.right_shift(products, np.uint32(_FRACTION), out=products)
    greys[:] = products


def _paint_compiled(ramp: Ramp, greys: Array, cells: Array) -> None:
    if cells.dtype.isnative and cells.flags.c_contiguous and greys.flags.c_contiguous:
        numbers = ramp.stored_bits, ramp.signed, ramp.low, ramp.high, ramp.factor, ramp.start
        native.compiled.paint_ramp(greys, cells, *numbers)  # type: ignore[union-attr]
    else:
        _paint(ramp, greys, cells)


Painting = Callable[[Ramp, Array, Array], None]

BY_PYTHON: Final[Painting] = _paint

COMPILED: Final[Painting | None] = _paint_compiled if native.compiled else None
"""Its twin; None where it is not installed."""

PAINTING: Final = COMPILED or BY_PYTHON


def ramp_of(greys: Array, description: PixelDescription, exact: Callable[[Array], Array]) -> Ramp | None:
    """The ramp that makes of every cell what `greys` say, which hold the grey of each value from the smallest on.

    None where there is none: nothing is rounded otherwise than there. `exact` are greys before they are rounded, of
    values counted likewise.
    """
    if description.bits_allocated not in _COMPUTED or description.high_bit + 1 != description.bits_stored:
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
