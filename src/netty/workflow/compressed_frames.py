"""The frames of an image with compressed pixel data: which bytes of its file are whose."""

import os
from dataclasses import dataclass, replace
from typing import BinaryIO, Final

from pydicom.dataset import Dataset

from netty.dicom.dataset import octets
from netty.dicom.encapsulated import Fragment, extended_offset_table, frames_of, read_encapsulated
from netty.image.decode import Compression, begins_codestream
from netty.image.errors import CannotRender
from netty.image.flags import Flag
from netty.image.renderable import RenderableImage

EXTENDED_OFFSET_TABLE: Final = 0x7FE00001
_SLACK: Final = 1 << 20  # application segments and the like, beside a frame that compression made no smaller


@dataclass(frozen=True, slots=True)
class CompressedFrames:
    """The fragments of each frame, and how they are compressed; no frame is read beyond `largest` bytes."""

    compression: Compression
    frames: tuple[tuple[Fragment, ...], ...]
    complete: bool
    largest: int

    def agreed(self, image: RenderableImage) -> RenderableImage:
        """The image with no more frames than there are, and a remark where the header says otherwise."""
        stated, present = image.pixels.frames, len(self.frames)
        if present == 0:
            raise CannotRender("The compressed pixel data holds no frame.")
        if present > stated:
            return replace(image, flags=(*image.flags, Flag.SIZE_MISMATCH))
        if present < stated:
            pixels = replace(image.pixels, frames=present)
            return replace(image, pixels=pixels, flags=(*image.flags, Flag.FRAMES_MISSING))
        return image

    def bytes_of(self, descriptor: int, frame: int) -> bytes:
        """What frame `frame` (from 1) was compressed to."""
        parts, left = [], self.largest
        for fragment in self.frames[frame - 1]:
            part = os.pread(descriptor, min(fragment.length, left), fragment.offset)
            parts.append(part)
            left -= len(part)
        return b"".join(parts)

    def is_cut(self, frame: int) -> bool:
        """Whether the file ends within the frame."""
        return not self.complete and frame == len(self.frames)


def compressed_frames(
    file: BinaryIO, start: int, end: int, image: RenderableImage, dataset: Dataset
) -> CompressedFrames:
    """The frames of the pixel data from `start` on, which ends at `end` at the latest."""
    assert image.compression is not None
    encapsulated = read_encapsulated(file, start, end)

    def begins(fragment: Fragment) -> bool:
        return begins_codestream(os.pread(file.fileno(), min(8, fragment.length), fragment.offset))

    offsets = extended_offset_table(octets(dataset, EXTENDED_OFFSET_TABLE))
    frames = frames_of(encapsulated, image.pixels.frames, begins, offsets)
    return CompressedFrames(image.compression, frames, encapsulated.complete, 2 * image.pixels.frame_size + _SLACK)
