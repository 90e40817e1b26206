"""Native data sets to Implicit VR Little Endian, value by value: nothing is interpreted or lost (PS3.5 A.1)."""

import struct
import zlib
from array import array
from collections.abc import Mapping
from typing import Final

from netty.dicom import uids
from netty.dicom.tags import SHORT_REPRESENTATIONS, format_tag
from netty.errors import PeerError

Buffer = bytes | memoryview

NATIVE: Final[Mapping[str, tuple[bool, bool]]] = {  # explicit VR, little endian
    uids.IMPLICIT_VR_LITTLE_ENDIAN: (False, True),
    uids.EXPLICIT_VR_LITTLE_ENDIAN: (True, True),
    uids.EXPLICIT_VR_BIG_ENDIAN: (True, False),
    uids.DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN: (True, True),
}

_UNDEFINED: Final = 0xFFFFFFFF
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_HEADER: Final = struct.Struct("<HHL")
_SHORT: Final = frozenset(vr.encode() for vr in SHORT_REPRESENTATIONS)
_WORD_SIZES: Final = (  # of what changes with the byte order (PS3.5 7.3)
    dict.fromkeys((b"US", b"SS", b"OW", b"AT"), "H")
    | dict.fromkeys((b"UL", b"SL", b"FL", b"OF", b"OL"), "I")
    | dict.fromkeys((b"FD", b"OD", b"SV", b"UV", b"OV"), "Q")
)
_LARGE: Final = 65536
_DEPTH: Final = 64


class TranscodeError(PeerError):
    """The data set cannot be read to its end."""


def to_implicit(data_set: Buffer, transfer_syntax: str, replaced: Mapping[int, bytes] | None = None) -> list[Buffer]:
    """The data set in Implicit VR Little Endian, in parts; large values are not copied.

    Args:
        data_set: in one of the `NATIVE` transfer syntaxes.
        replaced: new values of top-level elements that are there.
    """
    if transfer_syntax == uids.DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN:
        data_set = zlib.decompress(data_set, wbits=-zlib.MAX_WBITS)
    explicit, little_endian = NATIVE[transfer_syntax]
    writer = _Writer(memoryview(data_set), little_endian, replaced or {})
    writer.elements(0, len(data_set), explicit, depth=0)
    return writer.parts()


class _Writer:
    def __init__(self, data: memoryview, little_endian: bool, replaced: Mapping[int, bytes]) -> None:
        self._data = data
        self._order = "<" if little_endian else ">"
        self._little_endian = little_endian
        self._replaced = replaced
        self._small = bytearray()
        self._parts: list[Buffer] = []

    def parts(self) -> list[Buffer]:
        """What has been written."""
        if self._small:
            self._parts.append(bytes(self._small))
            self._small = bytearray()
        return self._parts

    def elements(self, position: int, end: int, explicit: bool, depth: int) -> int:
        """Write the elements up to `end`, or behind an item delimitation; where it stopped."""
        if depth > _DEPTH:
            raise TranscodeError("The data set nests sequences more than {limit} deep.", limit=_DEPTH)
        while position < end:
            tag, vr, length, position = self._header(position, explicit)
            if tag == _ITEM_END:
                self._write_header(tag, 0)
                return position
            if length == _UNDEFINED or vr == b"SQ":
                position = self._sequence(tag, vr, position, length, explicit and vr != b"UN", depth)
                continue
            self._check(tag, position, length, end)
            value = self._data[position : position + length]
            if depth == 0 and tag in self._replaced:
                new = self._replaced[tag]
                self._write(tag, vr, memoryview(new + b" " * (len(new) % 2)))
            else:
                self._write(tag, vr, value)
            position += length
        return position

    def _sequence(self, tag: int, vr: bytes, position: int, length: int, explicit: bool, depth: int) -> int:
        """A sequence becomes one of undefined length: its items may change in size."""
        end = len(self._data) if length == _UNDEFINED else position + length
        self._check(tag, position, end - position, len(self._data))
        self._write_header(tag, _UNDEFINED)
        while position < end:
            item, _, size, position = self._header(position, explicit=False)
            if item == _SEQUENCE_END:
                break
            if item != _ITEM:
                raise TranscodeError("The sequence {tag} holds something that is no item.", tag=format_tag(tag))
            item_end = end if size == _UNDEFINED else position + size
            self._check(tag, position, item_end - position, end)
            self._write_header(_ITEM, _UNDEFINED)
            position = self.elements(position, item_end, explicit, depth + 1)
            if size != _UNDEFINED:
                self._write_header(_ITEM_END, 0)
        self._write_header(_SEQUENCE_END, 0)
        return position

    def _header(self, position: int, explicit: bool) -> tuple[int, bytes, int, int]:
        """Tag, VR, length, and where the value begins."""
        try:
            group, element, length = struct.unpack_from(self._order + "HHL", self._data, position)
            tag = group << 16 | element
            if not explicit or group == 0xFFFE:
                return tag, b"", length, position + 8
            vr, short = struct.unpack_from(self._order + "2sH", self._data, position + 4)
            if vr in _SHORT:
                return tag, vr, short, position + 8
            (length,) = struct.unpack_from(self._order + "L", self._data, position + 8)
        except struct.error as error:
            raise TranscodeError("The data set is cut off at byte {position}.", position=position) from error
        return tag, vr, length, position + 12

    def _check(self, tag: int, position: int, length: int, end: int) -> None:
        if position + length > end:
            raise TranscodeError("Element {tag} ends behind what encloses it.", tag=format_tag(tag))

    def _write(self, tag: int, vr: bytes, value: memoryview) -> None:
        if not self._little_endian and vr in _WORD_SIZES:
            words = array(_WORD_SIZES[vr], bytes(value))
            words.byteswap()
            value = memoryview(words.tobytes())
        self._write_header(tag, len(value))
        if len(value) < _LARGE:
            self._small += value
        else:
            self._parts += (bytes(self._small), value)
            self._small = bytearray()

    def _write_header(self, tag: int, length: int) -> None:
        self._small += _HEADER.pack(tag >> 16, tag & 0xFFFF, length)
