"""Deflated data sets in files (PS3.5 section A.5), as the plain ones that the splice can read."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, Final, cast

from netty.dicom.deflated import inflated_pieces
from netty.dicom.uids import DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_LITTLE_ENDIAN
from netty.workflow.deidentify import DataSet

_PIECE: Final = 1 << 20
_LARGEST: Final = 4 << 30  # what was received was within its limits; this one guards our disk


@contextmanager
def plain(data_set: DataSet, folder: Path | None = None) -> Iterator[DataSet]:
    """The data set itself, or for as long as the block runs what it inflates to, in an unnamed file in `folder`.

    Raises:
        DataSetError: where it cannot be inflated to its end.
    """
    if data_set.transfer_syntax != DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN:
        yield data_set
        return
    with tempfile.TemporaryFile(dir=folder) as unnamed:
        made = cast(BinaryIO, unnamed)
        size = sum(map(made.write, inflated_pieces(_pieces(data_set), _LARGEST)))
        made.flush()
        yield replace(data_set, file=made, offset=0, length=size, transfer_syntax=EXPLICIT_VR_LITTLE_ENDIAN)


def _pieces(data_set: DataSet) -> Iterator[bytes]:
    data_set.file.seek(data_set.offset)
    left = data_set.length
    while left and (piece := data_set.file.read(min(left, _PIECE))):
        left -= len(piece)
        yield piece
