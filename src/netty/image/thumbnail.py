"""A picture, small: what lists show of an instance."""

from collections.abc import Callable
from math import ceil
from typing import Final

import numpy as np
import PIL
import simplejpeg
from PIL import Image

from netty import native
from netty.image.pixel_data import Array

SIDE: Final = 320
QUALITY: Final = 80
_ENOUGH: Final = 8  # times the side: of what is larger still, not every pixel is looked at
SUBSAMPLING: Final = "420"
_LONGEST: Final = 255  # steps of the compiled twin, which adds up rows in 16 bits


def thumbnail(picture: Array, side: int = SIDE) -> bytes:
    """A JPEG of a picture, whose longer side is `side` at most and half of it at least; a smaller one keeps its size.

    Each of its pixels is the mean of a square of pixels: an eighth of the work of scaling by a fraction, which for a
    CT took as long as all else that its picture takes.
    """
    stride, step = _steps(picture.shape[0], picture.shape[1], side)
    picture = picture[::stride, ::stride]
    if picture.dtype == np.uint16:
        picture = (picture >> 8).astype(np.uint8)
    small = reduced(np.ascontiguousarray(picture), step)
    colour = small.ndim == 3
    data: bytes = simplejpeg.encode_jpeg(
        np.ascontiguousarray(small if colour else small[:, :, np.newaxis]),
        quality=QUALITY,
        colorspace="RGB" if colour else "GRAY",
        colorsubsampling=SUBSAMPLING if colour else "Gray",
    )
    return data


def thumbnail_size(rows: int, columns: int, side: int = SIDE) -> tuple[int, int]:
    """Rows and columns of the thumbnail of a picture of that size."""
    stride, step = _steps(rows, columns, side)
    return ceil(ceil(rows / stride) / step), ceil(ceil(columns / stride) / step)


def reduced(picture: Array, step: int) -> Array:
    """Each pixel the mean of a square of `step` times `step`, or of what there is of it at the ends."""
    return picture if step == 1 else REDUCING(picture, step)


def _reduced(picture: Array, step: int) -> Array:
    if step == 2 and picture.ndim == 2 and not picture.shape[0] % 2 and not picture.shape[1] % 2:
        return _halved(picture)
    return np.asarray(Image.fromarray(picture).reduce(step))


def _halved(picture: Array) -> Array:
    """The same greys as Pillow's, which takes twice as long: of a CT of 512 x 512, 60 us."""
    pairs = picture.view(np.uint16)
    sums = (pairs & 0xFF) + (pairs >> 8)
    squares = sums[0::2] + sums[1::2]
    squares += 2  # so that halves are rounded up
    squares >>= 2
    return squares.astype(np.uint8)


def _reduced_compiled(picture: Array, step: int) -> Array:
    """A fifth to a third of the time, of greys and of colours."""
    rows, columns, *samples = picture.shape
    if picture.dtype != np.uint8 or samples not in ([], [3]) or step > _LONGEST or not picture.flags.c_contiguous:
        return _reduced(picture, step)
    small = np.empty((ceil(rows / step), ceil(columns / step), *samples), np.uint8)
    native.compiled.reduce(small, picture, rows, columns, *samples or (1,), step)  # type: ignore[union-attr]
    return small


Reducing = Callable[[Array, int], Array]

BY_PYTHON: Final[Reducing] = _reduced

COMPILED: Final[Reducing | None] = _reduced_compiled if native.compiled else None
"""Its twin; None where it is not installed."""

REDUCING: Final = COMPILED or BY_PYTHON


def _steps(rows: int, columns: int, side: int) -> tuple[int, int]:
    """Of how many pixels one is looked at, and of how many of those the mean is taken, in both directions."""
    longer = max(rows, columns)
    stride = max(1, longer // (_ENOUGH * side))
    return stride, ceil(ceil(longer / stride) / side)


def thumbnail_encoder() -> str:
    """Who makes it small and encodes it, and which versions."""
    return f"Pillow {PIL.__version__}, simplejpeg {simplejpeg.__version__}"
