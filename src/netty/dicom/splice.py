"""Changing elements of a data set where they stand (PS3.5 section 7): what a policy keeps, stays byte for byte.

Two passes over a file: the first walks the headers, asks the policy about every element, and plans which bytes go,
which come, and which lengths change with them; the second copies. So a large value is never in memory whole, and no
element is ever decoded and encoded anew.
"""

from collections.abc import Iterator
from typing import BinaryIO, Final

from netty.dicom.errors import DataSetError
from netty.dicom.splice_headers import Headers
from netty.dicom.splice_plan import Change, Plan
from netty.dicom.splice_policy import Policy

PIECE: Final = 1 << 20


def spliced(file: BinaryIO, offset: int, length: int, *, explicit: bool, policy: Policy) -> Iterator[bytes]:
    """The data set at `offset` of a seekable file as `policy` wants it, in pieces.

    What encloses a changed element (items, sequences, group lengths) has its length set right.

    Args:
        explicit: Explicit VR Little Endian; else Implicit VR Little Endian.

    Raises:
        DataSetError: where the data set cannot be read to its end; before the first piece.
    """
    return _copied(file, offset, length, Plan(Headers(file, offset, length), policy, explicit).changes())


def walked(file: BinaryIO, offset: int, length: int, *, explicit: bool, policy: Policy) -> None:
    """Show every element to `policy` as `spliced` does, and change nothing."""
    Plan(Headers(file, offset, length), policy, explicit).changes()


def _copied(file: BinaryIO, offset: int, length: int, changes: list[Change]) -> Iterator[bytes]:
    """The bytes of the data set with the changes made."""
    position = 0
    gathered = bytearray()
    for change in [*changes, Change(length, 0)]:
        for piece in _pieces(file, offset + position, change.position - position):
            gathered += piece
            if len(gathered) >= PIECE:
                yield bytes(gathered)
                gathered.clear()
        if change.pieces is None:
            gathered += change.added
        else:
            if gathered:
                yield bytes(gathered)
                gathered.clear()
            yield from change.pieces(_pieces(file, offset + change.position, change.removed))
        position = change.position + change.removed
    if gathered:
        yield bytes(gathered)


def _pieces(file: BinaryIO, start: int, count: int) -> Iterator[bytes]:
    if count:
        file.seek(start)
    while count:
        piece = file.read(min(count, PIECE))
        if not piece:
            raise DataSetError("The data set is cut off: {position} bytes came.", position=start)
        count -= len(piece)
        yield piece
