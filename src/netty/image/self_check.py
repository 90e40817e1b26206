"""Does the picture show what it should? Looks at the picture itself, not at how it was made."""

import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import numpy as np

from netty import native
from netty.image.flags import Flag
from netty.image.padding import Padding, is_padding
from netty.image.pixel_data import Array, PhotometricInterpretation, PixelDescription, stored_values

_NEARLY_BLACK: Final = 12  # of 255
_NEARLY_ALL: Final = 0.999
_MOST: Final = 0.99  # of the samples: fewer, and the picture is not nearly black
_SAMPLES: Final = 1 << 11  # enough to see which way greys run; BLACK is then counted in all of them
_GRID: Final = 16  # pixels each way
_CLEARLY: Final = 0.2  # a correlation


Sums = tuple[int, ...]
"""Of pairs of a grey and a stored value, these counted from the first: how many there are, the sums of the greys, of
the values, of the greys' squares, of the products, and of the values' squares. Whole numbers, and exact up to 16 bits.
"""


def content_flags(picture: Array) -> Iterator[Flag]:
    """FLAT where there is one grey only, BLACK where there is hardly more than black."""
    found = LOOKING.content(picture)
    if found is not None:
        yield found


class Sample:
    """Some of the cells of one frame, kept while it goes by in strips."""

    def __init__(self, description: PixelDescription) -> None:
        self._step = _step(description.cells_per_frame)
        self._kept: list[Array] = []

    def of(self, strips: Iterable[Array]) -> Iterator[Array]:
        """The strips, as they are."""
        first = 0  # the next cell to keep, counted from the beginning of the strip
        for cells in strips:
            kept = cells[first :: self._step].copy()
            self._kept.append(kept)
            first += kept.size * self._step - cells.size
            yield cells

    @property
    def cells(self) -> Array:
        """Those that were kept so far."""
        return self._kept[0] if len(self._kept) == 1 else np.concatenate(self._kept)


def is_inverted_against(
    greys: Array, sample: Array, description: PixelDescription, padding: Padding | None = None
) -> bool:
    """Whether greys fall where the photometric interpretation lets them rise (PS3.3 C.7.6.3.1.2), over one frame.

    `sample` are those of its cells that a `Sample` keeps.
    """
    together = _correlation(*LOOKING.sums(greys.reshape(-1), sample, description, padding))
    falls = description.photometric_interpretation is PhotometricInterpretation.MONOCHROME1
    return together > _CLEARLY if falls else together < -_CLEARLY


def _correlation(count: int, greys: int, values: int, grey_squares: int, products: int, value_squares: int) -> float:
    """Pearson's; 0 where one of the two is the same everywhere."""
    spread = (count * grey_squares - greys * greys) * (count * value_squares - values * values)
    return (count * products - greys * values) / math.sqrt(spread) if spread > 0 else 0.0


class InNumpy:
    """What is looked at, by numpy."""

    @staticmethod
    def content(picture: Array) -> Flag | None:
        """Whether there is one grey only, or hardly more than black."""
        if _is_flat(picture):
            return Flag.FLAT
        sampled = _sampled(picture.reshape(-1))
        is_dark = np.count_nonzero(sampled <= _NEARLY_BLACK) >= _MOST * sampled.size
        return Flag.BLACK if is_dark and _is_black(picture) else None

    @staticmethod
    def sums(greys: Array, sample: Array, description: PixelDescription, padding: Padding | None) -> Sums:
        """The sums over those greys that belong to the cells of a sample, and over what these store."""
        shown, stored = _sampled(greys), stored_values(sample, description)
        if padding is not None:
            kept = ~is_padding(stored, padding)
            shown, stored = shown[kept], stored[kept]
        one, other = shown.astype(np.float64), stored.astype(np.float64)
        other -= other[:1]
        return one.size, *map(int, (one.sum(), other.sum(), one.dot(one), one.dot(other), other.dot(other)))


class Compiled:
    """The same by compiled twins, where they have a form for it."""

    _FOUND: Final = (None, Flag.FLAT, Flag.BLACK)

    def __init__(self, twins: Any) -> None:
        self._content: Callable[[Array, int], int] = twins.content
        self._sums: Callable[..., Sums] = twins.sums

    def content(self, picture: Array) -> Flag | None:
        """As in numpy."""
        if not _are_octets(picture):
            return InNumpy.content(picture)
        return self._FOUND[self._content(picture, 1 if picture.ndim == 2 else picture.shape[2])]

    def sums(self, greys: Array, sample: Array, description: PixelDescription, padding: Padding | None) -> Sums:
        """As in numpy."""
        cells = sample.dtype
        are_plain = cells.kind == "u" and cells.isnative and sample.flags.c_contiguous
        if cells.itemsize > 2 or not are_plain or not _are_octets(greys):
            return InNumpy.sums(greys, sample, description, padding)
        stored, signed = description.bits_stored, description.signed and description.bits_allocated > 1
        ends = None if padding is None else (padding.low, padding.high)
        return self._sums(greys, _step(greys.size), sample, description.high_bit + 1 - stored, stored, signed, ends)


def _are_octets(array: Array) -> bool:
    return array.itemsize == 1 and array.flags.c_contiguous


def _is_flat(picture: Array) -> bool:
    """Whether every pixel is the same; most pictures show the contrary in a few pixels of theirs."""
    rows, columns = picture.shape[:2]
    few = picture[:: rows // _GRID + 1, :: columns // _GRID + 1]
    if (few != picture[0, 0]).any() or (picture[0] != picture[0, 0]).any():
        return False
    # Row by row, as pixels of three samples beside one pixel would cost forty times as much.
    return bool((picture[1:] == picture[:-1]).all())


def _is_black(picture: Array) -> bool:
    return bool(np.count_nonzero(picture <= _NEARLY_BLACK) >= _NEARLY_ALL * picture.size)


def _sampled(values: Array) -> Array:
    return values[:: _step(values.size)]


def _step(size: int) -> int:
    """Of how many values one is looked at; odd, so that they do not run along columns."""
    return max(1, size // _SAMPLES) | 1


BY_PYTHON: Final = InNumpy()

COMPILED: Final = Compiled(native.compiled) if native.compiled else None
"""Its twin; None where it is not installed."""

LOOKING: Final = COMPILED or BY_PYTHON
