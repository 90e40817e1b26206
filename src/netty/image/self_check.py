"""Does the picture show what it should? Looks at the picture itself, not at how it was made."""

import math
from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np

from netty.image.flags import Flag
from netty.image.padding import Padding, is_padding
from netty.image.pixel_data import Array, PhotometricInterpretation, PixelDescription, stored_values

_NEARLY_BLACK: Final = 12  # of 255
_NEARLY_ALL: Final = 0.999
_MOST: Final = 0.99  # of the samples: fewer, and the picture is not nearly black
_SAMPLES: Final = 1 << 11  # enough to see which way greys run; BLACK is then counted in all of them
_GRID: Final = 16  # pixels each way
_CLEARLY: Final = 0.2  # a correlation


def content_flags(picture: Array) -> Iterator[Flag]:
    """FLAT where there is one grey only, BLACK where there is hardly more than black."""
    if _is_flat(picture):
        yield Flag.FLAT
    else:
        sampled = _sampled(picture.reshape(-1))
        if np.count_nonzero(sampled <= _NEARLY_BLACK) >= _MOST * sampled.size and _is_black(picture):
            yield Flag.BLACK


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
    shown, stored = _sampled(greys.reshape(-1)), stored_values(sample, description)
    if padding is not None:
        kept = ~is_padding(stored, padding)
        shown, stored = shown[kept], stored[kept]
    together = _correlation(shown, stored)
    falls = description.photometric_interpretation is PhotometricInterpretation.MONOCHROME1
    return together > _CLEARLY if falls else together < -_CLEARLY


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


def _correlation(one: Array, other: Array) -> float:
    """Pearson's; 0 where one of them is the same everywhere."""
    if one.size < 2:
        return 0.0
    one, other = one.astype(np.float64), other.astype(np.float64)
    one -= one.sum() / one.size  # exact where all are the same whole number
    other -= other.sum() / other.size
    spread = float(one.dot(one)) * float(other.dot(other))
    return float(one.dot(other)) / math.sqrt(spread) if spread else 0.0


def _sampled(values: Array) -> Array:
    return values[:: _step(values.size)]


def _step(size: int) -> int:
    """Of how many values one is looked at; odd, so that they do not run along columns."""
    return max(1, size // _SAMPLES) | 1
