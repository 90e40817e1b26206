"""The few elements of a header that somebody asks for, cut out of its bytes without reading the others.

A header has a hundred elements, and a picture is made from fifteen. What is cut out is a data set by itself, and the
same for all slices of a series where those fifteen say the same: what was read of one holds for the next.
"""

import struct
from dataclasses import dataclass
from functools import cache
from typing import Final

from netty.dicom.dataset import NATIVE_SYNTAXES, PIXEL_DATA_TAGS, UNDEFINED_LENGTH, PixelDataElement

_HEADER: Final = struct.Struct("<HH2sH")
_TAG_LENGTH: Final = struct.Struct("<HHI")
_LENGTH: Final = struct.Struct("<I")
_SHORT_VRS: Final = frozenset(
    {b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FL", b"FD", b"IS", b"LO", b"LT", b"PN", b"SH", b"SL", b"SS"}
    | {b"ST", b"TM", b"UI", b"UL", b"US"}
)
_LONG_VRS: Final = frozenset(
    {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"}
)
_ITEM, _ITEM_END, _SEQUENCE_END = (0xFFFE, 0xE000), (0xFFFE, 0xE00D), (0xFFFE, 0xE0DD)
_DEEPEST: Final = 16


@dataclass(frozen=True, slots=True)
class Wanted:
    """Elements of the top level: those of whole `groups`, but for `unwanted`, and single `tags`."""

    groups: frozenset[int]
    tags: frozenset[int]
    unwanted: frozenset[int] = frozenset()
    apart: int = 0
    """One tag whose value is given by itself and is not among the others: what differs in each image."""


@dataclass(frozen=True, slots=True)
class Excerpt:
    """What was wanted, as it stands in the data set, element behind element; and where the pixel data is."""

    elements: bytes
    apart: bytes
    pixel_data: PixelDataElement


class _Irregular(ValueError):
    """Anything that is not plain to see: the excerpt is left to those who read every element."""


def excerpt(head: bytes, transfer_syntax: str, wanted: Wanted) -> Excerpt | None:
    """The excerpt of a data set that begins with `head`.

    None where its pixel data does not begin in there, or where there is anything irregular on the way, or Big Endian.
    """
    implicit, little = NATIVE_SYNTAXES.get(transfer_syntax, (False, False))
    if not little:
        return None
    try:
        return _cut_out(head, implicit, wanted)
    except (_Irregular, struct.error):  # struct.error: the head ends in an element's header
        return None


@cache
def _looked_at(wanted: Wanted) -> frozenset[int]:
    """The groups that anything may be wanted of."""
    return frozenset({*wanted.groups, *(tag >> 16 for tag in (*wanted.tags, *PIXEL_DATA_TAGS, wanted.apart))})


def _cut_out(head: bytes, implicit: bool, wanted: Wanted) -> Excerpt:
    groups, tags, unwanted, looked_at = wanted.groups, wanted.tags, wanted.unwanted, _looked_at(wanted)
    read_short, read_header, short_vrs = _TAG_LENGTH.unpack_from, _HEADER.unpack_from, _SHORT_VRS
    pieces: list[bytes] = []
    apart, position, size = b"", 0, len(head)
    while True:  # a hundred times in each image: most elements are to be passed over quickly
        if implicit:
            group, element, length = read_short(head, position)
            vr, start = b"", position + 8
        else:
            group, element, vr, length = read_header(head, position)
            start = position + 8
            if vr not in short_vrs:
                group, element, vr, length, start = _element(head, position, False)
        if group not in looked_at and length != UNDEFINED_LENGTH:
            position = start + length
            continue
        tag = group << 16 | element
        if tag in PIXEL_DATA_TAGS:
            stated = None if length == UNDEFINED_LENGTH else length
            return Excerpt(b"".join(pieces), apart, PixelDataElement(tag, vr.decode() or "OW", start, stated))
        end = start + length if length != UNDEFINED_LENGTH else _behind_sequence(head, start, vr, implicit, 0)
        if end > size:
            raise _Irregular
        if tag == wanted.apart:
            apart = head[start:end]
        elif (tag in tags or group in groups) and tag not in unwanted:
            pieces.append(head[position:end])
        position = end


def _element(head: bytes, position: int, implicit: bool) -> tuple[int, int, bytes, int, int]:
    """Group, element, VR (none in Implicit VR), length, and where the value begins (PS3.5 7.1)."""
    group, element, vr, length = _HEADER.unpack_from(head, position)
    if implicit:
        return group, element, b"", _LENGTH.unpack_from(head, position + 4)[0], position + 8
    if vr in _SHORT_VRS:
        return group, element, vr, length, position + 8
    if vr not in _LONG_VRS:
        raise _Irregular
    return group, element, vr, _LENGTH.unpack_from(head, position + 8)[0], position + 12


def _behind_sequence(head: bytes, position: int, vr: bytes, implicit: bool, depth: int) -> int:
    """Where a sequence of undefined length ends whose items begin at `position` (PS3.5 7.5)."""
    if depth > _DEEPEST or vr not in (b"", b"SQ", b"UN"):
        raise _Irregular
    implicit = implicit or vr == b"UN"  # PS3.5 6.2.2
    while True:
        group, element, length = _TAG_LENGTH.unpack_from(head, position)
        position += _TAG_LENGTH.size
        if (group, element) == _SEQUENCE_END:
            return position
        if (group, element) != _ITEM:
            raise _Irregular
        position = position + length if length != UNDEFINED_LENGTH else _behind_item(head, position, implicit, depth)


def _behind_item(head: bytes, position: int, implicit: bool, depth: int) -> int:
    while True:
        group, element, _ = _TAG_LENGTH.unpack_from(head, position)
        if (group, element) == _ITEM_END:
            return position + _TAG_LENGTH.size
        _, _, vr, length, start = _element(head, position, implicit)
        position = (
            start + length if length != UNDEFINED_LENGTH else _behind_sequence(head, start, vr, implicit, depth + 1)
        )
