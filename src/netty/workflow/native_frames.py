"""The frames of an image with native pixel data: the cells of each, strip by strip or all at once."""

import os
from collections.abc import Iterator
from typing import Final

import numpy as np

from netty.image.errors import CannotRender
from netty.image.pixel_data import Array, PixelDescription, frame_cells

STRIP: Final = 1 << 18  # bytes: what is read stays in the cache until it is looked up; whole cells and words
_NOTHING: Final = memoryview(b"")


class NativeFrames:
    """The pixel data from byte `start` of an open file on, which ends after `length` bytes at the latest."""

    def __init__(
        self, descriptor: int, start: int, length: int, pixels: PixelDescription, read: memoryview = _NOTHING
    ) -> None:
        """`read` is the beginning of the pixel data, as far as it was read with the header: it is not read again."""
        self._descriptor, self._start, self._length, self._pixels = descriptor, start, length, pixels
        self._cells_per_frame = pixels.cells_per_frame
        self._known = read
        self._whole = np.empty(0, np.uint8)

    def strips(self, frame: int) -> Iterator[Array]:
        """The cells of frame `frame` (from 1), one strip after the other; what lacks is 0.

        Each stands in memory that the next one is read to. Raises CannotRender where less than half a frame is there.
        """
        return self._strips(*self._present_span(frame))

    def _strips(self, first: int, size: int, leading_bits: int) -> Iterator[Array]:
        if first + size <= len(self._known):
            yield frame_cells(self._known[first : first + size], self._pixels, leading_bits)
            return
        room, left = np.empty(min(size, STRIP), np.uint8).data, self._cells_per_frame
        for start in range(0, size, STRIP):
            strip = room[: size - start]
            self._read(strip, first + start)
            cells = frame_cells(strip, self._pixels, leading_bits, left)
            left, leading_bits = left - cells.size, 0
            yield cells

    def cells(self, frame: int) -> Array:
        """All of them, in memory that the next call fills anew."""
        first, size, leading_bits = self._present_span(frame)
        if self._whole.size != size:
            self._whole = np.empty(size, np.uint8)
        self._read(self._whole.data, first)
        return frame_cells(self._whole.data, self._pixels, leading_bits)

    def is_cut(self, frame: int) -> bool:
        """Whether the pixel data ends within the frame; where the file has shrunk, that is known when it was read."""
        first, size, _ = self._pixels.frame_span(frame - 1)
        return first + size > self._length

    def _present_span(self, frame: int) -> tuple[int, int, int]:
        """As `frame_span`, of a frame that is there: before memory is taken for what a few numbers claim."""
        first, size, leading_bits = self._pixels.frame_span(frame - 1)
        present = min(size, self._length - first)
        if present <= 0:
            raise CannotRender(
                "The pixel data ends before frame {frame} of {frames}.", frame=frame, frames=self._pixels.frames
            )
        if present * 2 < size:
            raise CannotRender(
                "The pixel data ends in frame {frame}: {present} of {size} bytes are there.",
                frame=frame,
                present=present,
                size=size,
            )
        return first, size, leading_bits

    def _read(self, view: memoryview, first: int) -> None:
        """Fills `view` with the pixel data from byte `first` on."""
        wanted, filled = min(len(view), self._length - first), 0
        while filled < wanted:
            count = os.preadv(self._descriptor, [view[filled:wanted]], self._start + first + filled)
            if count == 0:  # the file has become shorter
                self._length = first + filled
                break
            filled += count
        if filled < len(view):
            view[filled:] = bytes(len(view) - filled)
