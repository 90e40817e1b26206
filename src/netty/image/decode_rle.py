"""RLE Lossless (PS3.5 Annex G): byte planes, each packed by itself."""

import itertools
import struct
from typing import Any, Final

import imagecodecs
import numpy as np

from netty.image.errors import CannotRender
from netty.image.pixel_data import Array, PixelDescription

_HEADER: Final = struct.Struct("<16L")
LARGEST_EXPANSION: Final = 64  # two bytes make 128 at most (G.3.1)


def rle_cells(data: bytes, pixels: PixelDescription) -> tuple[Array, bool]:
    """The cells of a frame, the samples of a pixel together, and whether all were there; what lacks is 0.

    The segments are the bytes of a sample, the most significant first, sample after sample (G.2).
    """
    width, samples, size = pixels.bits_allocated // 8, pixels.samples, pixels.rows * pixels.columns
    count, *offsets = _HEADER.unpack_from(data) if len(data) >= _HEADER.size else (0,)
    if count != width * samples or width == 0:
        raise CannotRender(
            "A frame of RLE has {count} segments; {expected} are needed.", count=count, expected=width * samples
        )
    bounds = [*offsets[:count], len(data)]
    if any(not _HEADER.size <= one <= other for one, other in itertools.pairwise(bounds)):
        raise CannotRender("The segments of a frame of RLE do not stand one behind the other.")
    if len(data) * LARGEST_EXPANSION < size:  # before memory is taken for what a few numbers claim
        raise CannotRender("A frame of RLE has {bytes} bytes, too few for its size.", bytes=len(data))
    planes = np.zeros((size, samples, width), np.uint8)
    complete = True
    for segment, (start, end) in enumerate(itertools.pairwise(bounds)):
        unpacked = _unpacked(data[start:end], size)
        sample, byte = divmod(segment, width)
        planes[: len(unpacked), sample, width - 1 - byte] = unpacked
        complete &= len(unpacked) == size
    return planes.reshape(-1).view(np.dtype(f"<u{width}")), complete


def _unpacked(segment: bytes, size: int) -> Array:
    """At most `size` bytes of a segment; one padding byte may end it."""
    room = bytearray(size + 128)
    try:
        made: Any = imagecodecs.packbits_decode(segment, out=room)
    except RuntimeError as error:
        raise CannotRender("A frame of RLE cannot be unpacked: {cause}.", cause=error) from error
    return np.frombuffer(made, np.uint8)[:size]
