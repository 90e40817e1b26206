"""An image in a file: what its header says, and its cells frame by frame, so that none is too long for the memory."""

import os
from pathlib import Path

import numpy as np

from netty.errors import PeerError
from netty.image.decode import SYNTAXES, Decoding, decode_frame
from netty.image.errors import CannotRender
from netty.image.pixel_data import Array, frame_cells
from netty.image.renderable import NotRenderable, RenderableImage
from netty.workflow.compressed_frames import CompressedFrames, compressed_frames
from netty.workflow.frame_times import frame_times
from netty.workflow.image_header import read_header
from netty.workflow.inflating import plain_data_set
from netty.workflow.swallowed import no_error_swallowed


class NoPicture(PeerError):
    """The instance has no picture by its nature, such as a presentation state: a final state, not a failure."""


class ImageFile:
    """An image in a file, open for reading. Holds one frame at a time."""

    def __init__(self, path: Path, offset: int, transfer_syntax: str, length: int | None = None) -> None:
        """The data set of `length` bytes (None: to the end of the file) at `offset` of the file.

        Raises NoPicture where there is none by nature, CannotRender or another PeerError where none can be made.
        """
        with plain_data_set(path, offset, transfer_syntax, length) as (file, offset, length, transfer_syntax):
            header = read_header(file, transfer_syntax, offset, length)
            self._start, self._length = offset + header.start, header.length
            image = _renderable(header.image)
            self._compressed: CompressedFrames | None = None
            if image.compression is not None:
                self._compressed = compressed_frames(file, self._start, offset + length, image, header.dataset)
                image = self._compressed.agreed(image)
            self.image = image
            self._dataset = header.dataset
            self._descriptor = os.dup(file.fileno())
        self._buffer = np.empty(0, np.uint8)
        self._decoded: tuple[int, Decoding] | None = None

    @property
    def frame_times(self) -> tuple[int, ...]:
        """How many milliseconds each frame is shown."""
        return frame_times(self._dataset, self.image.pixels.frames)

    def close(self) -> None:
        """Closes the file."""
        os.close(self._descriptor)

    def compressed_bytes(self, frame: int) -> bytes | None:
        """What frame `frame` (from 1) was compressed to; None where it is not compressed."""
        return None if self._compressed is None else self._compressed.bytes_of(self._descriptor, frame)

    def cells(self, frame: int) -> tuple[Array, bool]:
        """The cells of a frame (from 1), and whether the pixel data held them all; what lacks is 0.

        They stand in a buffer that the next call fills anew.
        """
        pixels = self.image.pixels
        if self._compressed is not None:
            return self._decoded_cells(self._compressed, frame)
        first, size, leading_bits = pixels.frame_span(frame - 1)
        wanted = min(size, self._length - first)
        if wanted <= 0:
            raise CannotRender(
                "The pixel data ends before frame {frame} of {frames}.", frame=frame, frames=pixels.frames
            )
        if wanted * 2 < size:  # before memory is taken for what a few numbers claim
            raise CannotRender(
                "The pixel data ends in frame {frame}: {present} of {size} bytes are there.",
                frame=frame,
                present=wanted,
                size=size,
            )
        if self._buffer.size != size:
            self._buffer = np.empty(size, np.uint8)  # the next frame goes into the same memory
        view = self._buffer.data
        filled = 0
        while filled < wanted:
            count = os.preadv(self._descriptor, [view[filled:wanted]], self._start + first + filled)
            if count == 0:
                break
            filled += count
        if filled < size:
            view[filled:] = bytes(size - filled)
        return frame_cells(view, pixels, leading_bits), filled == size

    def _decoded_cells(self, compressed: CompressedFrames, frame: int) -> tuple[Array, bool]:
        """The same of a compressed image; the last frame is kept, as it is often asked for again."""
        if self._decoded is None or self._decoded[0] != frame:
            self._decoded = None
            data = compressed.bytes_of(self._descriptor, frame)
            with no_error_swallowed(SYNTAXES[compressed.compression.transfer_syntax].name):
                decoding = decode_frame(data, compressed.compression, self.image.pixels)
            self._decoded = frame, decoding
        decoding = self._decoded[1]
        return decoding.cells, decoding.complete and not compressed.is_cut(frame)


def _renderable(image: RenderableImage | NotRenderable) -> RenderableImage:
    if isinstance(image, NotRenderable):
        # The sentence stands where it was decided (image_attributes, image/pixel_data).
        kind = NoPicture if image.expected else CannotRender
        raise kind(image.template, **dict(image.values))
    return image
