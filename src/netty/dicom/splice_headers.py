"""The headers of the elements of a data set in a file (PS3.5 sections 7.1 and 7.5), read where they stand."""

import struct
from typing import BinaryIO, Final

from netty.dicom.errors import DataSetError
from netty.dicom.plain_elements import UNDEFINED
from netty.dicom.splice_policy import LONGEST_READ, Element
from netty.dicom.tags import BINARY, BINARY_GROUPS, SHORT_REPRESENTATIONS, format_tag

_ELEMENTS: Final = 1_000_000
_WINDOW: Final = 1 << 16

_IMPLICIT: Final = struct.Struct("<HHL")
_EXPLICIT: Final = struct.Struct("<HH2sH")
_LONG: Final = struct.Struct("<L")
_SHORT: Final = frozenset(vr.encode() for vr in SHORT_REPRESENTATIONS)
_ITEM_BYTES: Final = b"\xfe\xff\x00\xe0"


class ExcessError(DataSetError):
    """A data set that asks too much of us; no guess about a private value explains it away."""


class Headers:
    """Small pieces of the data set, read in larger ones; positions count from its start."""

    def __init__(self, file: BinaryIO, offset: int, length: int) -> None:
        self._file, self._offset, self.length = file, offset, length
        self._start, self._bytes = 0, b""
        self._elements = 0

    def read(self, position: int, count: int) -> bytes:
        """`count` bytes, or as many as there are."""
        count = min(count, self.length - position)
        if not self._start <= position <= position + count <= self._start + len(self._bytes):
            self._file.seek(self._offset + position)
            self._bytes = self._file.read(min(max(count, _WINDOW), self.length - position))
            self._start = position
            if len(self._bytes) < count:
                raise DataSetError("The data set is cut off: {position} bytes came.", position=position)
        first = position - self._start
        return self._bytes[first : first + count]

    def header(self, position: int, end: int, explicit: bool) -> Element:
        """The header at `position`; what it is of ends at `end` or before. Raises DataSetError where there is none."""
        self._elements += 1
        if self._elements > _ELEMENTS:
            raise ExcessError("The data set has more than {limit} elements.", limit=_ELEMENTS)
        head = self.read(position, min(12, end - position))
        if len(head) < 8:
            raise DataSetError("The data set has bytes at {position} that are no element.", position=position)
        group, number, length = _IMPLICIT.unpack_from(head)
        vr, place, size = b"", 4, 4
        if explicit and group != 0xFFFE:
            _, _, vr, length = _EXPLICIT.unpack_from(head)
            place, size = 6, 2
            if vr not in _SHORT:
                if len(head) < 12 or not (vr.isalpha() and vr.isupper()):
                    raise DataSetError("The data set is not in Explicit VR, although its transfer syntax says so.")
                place, size, length = 8, 4, _LONG.unpack_from(head, 8)[0]
        value, tag = position + place + size, group << 16 | number
        if length != UNDEFINED and value + length > end:
            raise DataSetError("Element {tag} of the data set is longer than what encloses it.", tag=format_tag(tag))
        if vr:
            sequence = vr == b"SQ" or (length == UNDEFINED and vr == b"UN")
        else:
            sequence = group != 0xFFFE and self._looks_like_sequence(tag, value, length)
        return Element(tag, vr, length, position + place, size, value, sequence)

    def _looks_like_sequence(self, tag: int, value: int, length: int) -> bool:
        """Implicit VR does not say what is a sequence: the walk at reception guesses by the same rule."""
        if length == UNDEFINED:
            return True
        if length < 8 or tag in BINARY or tag >> 16 & 0xFF00 in BINARY_GROUPS:
            return False
        return self.read(value, 4) == _ITEM_BYTES

    def value(self, element: Element) -> bytes:
        """The value, or the first bytes of a long one; none of an element without a length."""
        return b"" if element.length == UNDEFINED else self.read(element.value, min(element.length, LONGEST_READ))
