"""The container of an animated WebP, written frame by frame: however long it is, two pictures are in memory.

Of each picture only the rectangle is encoded in which it differs from the one before.
"""

import io
from collections.abc import Iterator, Sequence
from typing import BinaryIO, Final

import numpy as np
from PIL import Image

from netty.image.pixel_data import Array

_ANIMATION: Final = 0x02
_PROFILE: Final = 0x20
_DO_NOT_BLEND: Final = 0x02
_EFFORT: Final = 2  # of 6
_HEAD: Final = 12  # RIFF, size, WEBP


def write_webp(
    file: BinaryIO, pictures: Iterator[Array], durations: Sequence[int], quality: int, icc_profile: bytes
) -> None:
    """Pictures of one size, each shown for its milliseconds, again and again."""
    file.write(b"RIFF" + bytes(4) + b"WEBP")
    before: Array | None = None
    for picture, duration in zip(pictures, durations, strict=True):
        if before is None:
            rows, columns = picture.shape[:2]
            flags = _ANIMATION | (_PROFILE if icc_profile else 0)
            file.write(_chunk(b"VP8X", bytes([flags, 0, 0, 0]) + _three(columns - 1) + _three(rows - 1)))
            if icc_profile:
                file.write(_chunk(b"ICCP", icc_profile))
            file.write(_chunk(b"ANIM", bytes(6)))  # nothing behind the pictures, and no last time
        top, bottom, left, right = _changed(picture, before)
        place = _three(left // 2) + _three(top // 2) + _three(right - left - 1) + _three(bottom - top - 1)
        shown = _three(duration) + bytes([_DO_NOT_BLEND])
        file.write(_chunk(b"ANMF", place + shown + _still(picture[top:bottom, left:right], quality)))
        before = np.array(picture)  # the next one may come in the same memory
    size = file.tell()
    file.seek(4)
    file.write((size - 8).to_bytes(4, "little"))


def _changed(picture: Array, before: Array | None) -> tuple[int, int, int, int]:
    """First and last row and column (the last ones excluded) of what is new; the first ones are even."""
    if before is None:
        return 0, picture.shape[0], 0, picture.shape[1]
    new = picture != before
    if new.ndim == 3:
        new = new.any(-1)
    rows, columns = np.flatnonzero(new.any(1)), np.flatnonzero(new.any(0))
    if not rows.size:
        return 0, 1, 0, 1
    return int(rows[0]) // 2 * 2, int(rows[-1]) + 1, int(columns[0]) // 2 * 2, int(columns[-1]) + 1


def _still(picture: Array, quality: int) -> bytes:
    """The chunks of a WebP of one picture."""
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture)).save(file, "WEBP", quality=quality, method=_EFFORT)
    return file.getvalue()[_HEAD:]


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + len(content).to_bytes(4, "little") + content + bytes(len(content) % 2)


def _three(number: int) -> bytes:
    return number.to_bytes(3, "little")
