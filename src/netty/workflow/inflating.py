"""Deflated data sets (PS3.5 A.5) brought back to Explicit VR Little Endian, no further than what they announce."""

import io
import os
import tempfile
import zlib
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple, cast

from netty.dicom.dataset import Attributes, decimals, integer, read_attributes
from netty.dicom.uids import DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_LITTLE_ENDIAN
from netty.image.errors import CannotRender
from netty.workflow.image_attributes import BITS_ALLOCATED, COLUMNS, NUMBER_OF_FRAMES, ROWS, SAMPLES_PER_PIXEL

MARGIN: Final = 1 << 20  # what may stand behind the pixel data
HEAD: Final = 16 << 20  # what comes before the pixel data, or a whole small image
LARGEST: Final = 2 << 30  # whatever is announced
_CHUNK: Final = 1 << 18


class PlainDataSet(NamedTuple):
    """An open file with a data set, which whoever asked for it closes; where in it, and how long."""

    file: BinaryIO
    offset: int
    length: int
    transfer_syntax: str


def plain_data_set(path: Path | str, offset: int, transfer_syntax: str, length: int | None) -> PlainDataSet:
    """The data set of `length` bytes (None: to the end) at `offset` of a file: inflated where it is deflated."""
    file = cast(BinaryIO, io.FileIO(path))
    try:
        room = max(0, os.fstat(file.fileno()).st_size - offset)
        length = room if length is None else max(0, min(length, room))
        if transfer_syntax != DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN:
            return PlainDataSet(file, offset, length, transfer_syntax)
        with file:
            return _inflated(file, offset, length)
    except BaseException:
        file.close()
        raise


def _inflated(file: BinaryIO, offset: int, length: int) -> PlainDataSet:
    """In a file without a name, which goes when it is closed."""
    made = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115
    try:
        file.seek(offset)
        return PlainDataSet(made, 0, _inflate(file, length, made), EXPLICIT_VR_LITTLE_ENDIAN)
    except BaseException:
        made.close()
        raise


def _inflate(file: BinaryIO, length: int, made: BinaryIO) -> int:
    inflater, size, limit = zlib.decompressobj(-zlib.MAX_WBITS), 0, HEAD
    waiting = b""
    try:
        while not inflater.eof:
            if not waiting:
                waiting = file.read(min(_CHUNK, length))
                length -= len(waiting)
                if not waiting:
                    break  # cut off: what there is may do
            size += made.write(inflater.decompress(waiting, _CHUNK))
            waiting = inflater.unconsumed_tail
            if size > limit:
                made.flush()
                if limit > HEAD or size > (limit := _announced(made, size)):
                    raise CannotRender("The deflated data set is larger than its header says: {size} bytes.", size=size)
    except zlib.error as error:
        raise CannotRender("The deflated data set cannot be inflated: {cause}", cause=error) from error
    made.flush()
    return size


def _announced(made: BinaryIO, size: int) -> int:
    """The size that the data set may have, by the numbers before its pixel data."""
    attributes = read_attributes(made, EXPLICIT_VR_LITTLE_ENDIAN, 0, size)
    made.seek(size)
    if attributes.pixel_data is None:
        return 0
    return min(LARGEST, attributes.pixel_data.offset + _pixel_bytes(attributes) + MARGIN)


def _pixel_bytes(attributes: Attributes) -> int:
    numbers = [integer(attributes.dataset, tag, 1) or 1 for tag in (ROWS, COLUMNS, SAMPLES_PER_PIXEL)]
    rows, columns, samples = numbers
    frames = max(1, int(next(iter(decimals(attributes.dataset, NUMBER_OF_FRAMES)), 1)))
    return rows * columns * samples * frames * (integer(attributes.dataset, BITS_ALLOCATED, 8) or 8) // 8
