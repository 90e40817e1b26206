"""An image in a file: what its header says, and its cells frame by frame, so that none is too long for the memory."""

from collections.abc import Iterator
from pathlib import Path

from netty.errors import PeerError
from netty.image.decode import SYNTAXES, Decoding, decode_frame
from netty.image.errors import CannotRender
from netty.image.pixel_data import Array
from netty.image.renderable import NotRenderable, RenderableImage
from netty.workflow.compressed_frames import CompressedFrames, compressed_frames
from netty.workflow.frame_times import frame_times
from netty.workflow.image_header import read_header
from netty.workflow.inflating import PlainDataSet, plain_data_set
from netty.workflow.native_frames import NativeFrames
from netty.workflow.swallowed import no_error_swallowed


class NoPicture(PeerError):
    """The instance has no picture by its nature, such as a presentation state: a final state, not a failure."""


class ImageFile:
    """An image in a file, open for reading. Holds one frame at a time."""

    def __init__(self, path: Path | str, offset: int, transfer_syntax: str, length: int | None = None) -> None:
        """The data set of `length` bytes (None: to the end of the file) at `offset` of the file.

        Raises NoPicture where there is none by nature, CannotRender or another PeerError where none can be made.
        """
        plain = plain_data_set(path, offset, transfer_syntax, length)
        self._file = plain.file
        self._decoded: tuple[int, Decoding] | None = None
        try:
            self._read_header(plain)
        except BaseException:
            self.close()
            raise

    def _read_header(self, plain: PlainDataSet) -> None:
        file, offset, length, transfer_syntax = plain
        header = read_header(file, transfer_syntax, offset, length)
        start = offset + header.start
        image = _renderable(header.image)
        self._compressed: CompressedFrames | None = None
        if image.compression is not None:
            self._compressed = compressed_frames(file, start, offset + length, image, header.dataset)
            image = self._compressed.agreed(image)
        self.image, self.sop_instance_uid = image, header.sop_instance_uid
        self._dataset = header.dataset
        self._native = NativeFrames(file.fileno(), start, header.length, image.pixels, header.read)

    @property
    def frame_times(self) -> tuple[int, ...]:
        """How many milliseconds each frame is shown."""
        return frame_times(self._dataset, self.image.pixels.frames)

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def compressed_bytes(self, frame: int) -> bytes | None:
        """What frame `frame` (from 1) was compressed to; None where it is not compressed."""
        return None if self._compressed is None else self._compressed.bytes_of(self._file.fileno(), frame)

    def strips(self, frame: int) -> Iterator[Array]:
        """The cells of a frame (from 1), one strip after the other; what lacks is 0.

        Each stands in memory that the next one is read to.
        """
        if self._compressed is None:
            return self._native.strips(frame)
        return iter((self._decoding(self._compressed, frame).cells,))

    def cells(self, frame: int) -> Array:
        """All of them, in memory that the next call fills anew."""
        return self._native.cells(frame) if self._compressed is None else self._decoding(self._compressed, frame).cells

    def is_complete(self, frame: int) -> bool:
        """Whether the pixel data held all cells of a frame that was read."""
        if self._compressed is None:
            return not self._native.is_cut(frame)
        return self._decoding(self._compressed, frame).complete and not self._compressed.is_cut(frame)

    def _decoding(self, compressed: CompressedFrames, frame: int) -> Decoding:
        """A compressed frame; the last one is kept, as it is often asked for again."""
        if self._decoded is None or self._decoded[0] != frame:
            self._decoded = None
            data = compressed.bytes_of(self._file.fileno(), frame)
            with no_error_swallowed(SYNTAXES[compressed.compression.transfer_syntax].name):
                decoding = decode_frame(data, compressed.compression, self.image.pixels)
            self._decoded = frame, decoding
        return self._decoded[1]


def _renderable(image: RenderableImage | NotRenderable) -> RenderableImage:
    if isinstance(image, NotRenderable):
        # The sentence stands where it was decided (image_attributes, image/pixel_data).
        kind = NoPicture if image.expected else CannotRender
        raise kind(image.template, **dict(image.values))
    return image
