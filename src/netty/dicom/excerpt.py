"""The few elements of a header that somebody asks for, cut out of its bytes without reading the others.

A header has a hundred elements, and a picture is made from fifteen. What is cut out is a data set by itself, and the
same for all slices of a series where those fifteen say the same: what was read of one holds for the next.
"""

import struct
from array import array
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from netty import native
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
_LONGEST_WAY: Final = 1 << 12  # headers
_KNOWN_WAYS: Final = 8  # each takes a microsecond or two to try, and a way is looked for in thirty


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


@dataclass(frozen=True, slots=True)
class Headers:
    """What the headers of elements and items are in one data set, and how they are taken out of another.

    Attributes:
        places: of each header the first byte and the number of bytes, 32 bits each.
    """

    reader: struct.Struct
    passed: tuple[bytes, ...]
    places: bytes
    joined: bytes


@dataclass(frozen=True, slots=True)
class Way:
    """How a header was gone through: which bytes decided it, and where what was wanted stands.

    Nothing but the headers of elements and items decides: where another data set has the same ones in the same places,
    every step would be the same again. The slices of a series mostly do.
    """

    headers: "Headers"
    wanted: tuple[slice, ...]
    apart: slice
    pixel_data: PixelDataElement

    def leads_through(self, head: bytes) -> bool:
        """Whether a data set that begins with `head` is gone through in the same way."""
        return AGREEING(self.headers, head)

    def excerpt(self, head: bytes) -> Excerpt:
        """What was wanted, of a data set that it leads through."""
        return Excerpt(b"".join([head[part] for part in self.wanted]), head[self.apart], self.pixel_data)


class Excerpts:
    """The excerpts of one data set after the other; the last few ways are tried before one is looked for."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._ways: deque[tuple[str, Way]] = deque(maxlen=_KNOWN_WAYS)

    def of(self, head: bytes, transfer_syntax: str) -> Excerpt | None:
        """The excerpt of a data set that begins with `head`; None where there is no way through it."""
        for known_of, way in self._ways:
            if known_of == transfer_syntax and way.leads_through(head):
                return way.excerpt(head)
        found = find_way(head, transfer_syntax, self._wanted)
        if found is None:
            return None
        if len(found.headers.passed) <= _LONGEST_WAY:
            self._ways.appendleft((transfer_syntax, found))
        return found.excerpt(head)


class _Irregular(ValueError):
    """Anything that is not plain to see: the excerpt is left to those who read every element."""


def find_way(head: bytes, transfer_syntax: str, wanted: Wanted) -> Way | None:
    """The way through a data set that begins with `head`, element by element.

    None where its pixel data does not begin in there, or where there is anything irregular on the way, or Big Endian.
    """
    implicit, little = NATIVE_SYNTAXES.get(transfer_syntax, (False, False))
    if not little:
        return None
    try:
        return _way(head, implicit, wanted)
    except (_Irregular, struct.error):  # struct.error: the head ends in an element's header
        return None


@cache
def _looked_at(wanted: Wanted) -> frozenset[int]:
    """The groups that anything may be wanted of."""
    return frozenset({*wanted.groups, *(tag >> 16 for tag in (*wanted.tags, *PIXEL_DATA_TAGS, wanted.apart))})


def _way(head: bytes, implicit: bool, wanted: Wanted) -> Way:
    groups, tags, unwanted, looked_at = wanted.groups, wanted.tags, wanted.unwanted, _looked_at(wanted)
    read_short, read_header, short_vrs = _TAG_LENGTH.unpack_from, _HEADER.unpack_from, _SHORT_VRS
    pieces: list[slice] = []
    headers: list[slice] = []
    apart, position, size = slice(0), 0, len(head)
    while True:  # a hundred times in each image: most elements are to be passed over quickly
        if implicit:
            group, element, length = read_short(head, position)
            vr, start = b"", position + 8
        else:
            group, element, vr, length = read_header(head, position)
            start = position + 8
            if vr not in short_vrs:
                group, element, vr, length, start = _element(head, position, False)
        headers.append(slice(position, start))
        if group not in looked_at and length != UNDEFINED_LENGTH:
            position = start + length
            continue
        tag = group << 16 | element
        if tag in PIXEL_DATA_TAGS:
            stated = None if length == UNDEFINED_LENGTH else length
            element_of_pixels = PixelDataElement(tag, vr.decode() or "OW", start, stated)
            return Way(_decided_by(headers, head), _joined(pieces), apart, element_of_pixels)
        end = start + length if length != UNDEFINED_LENGTH else _behind_sequence(head, start, vr, implicit, 0, headers)
        if end > size:
            raise _Irregular
        if tag == wanted.apart:
            apart = slice(start, end)
        elif (tag in tags or group in groups) and tag not in unwanted:
            pieces.append(slice(position, end))
        position = end


def _decided_by(headers: Sequence[slice], head: bytes) -> Headers:
    """What reads the headers out of a data set at once, and what they are in this one."""
    parts, position = ["<"], 0
    for each in headers:
        parts.append(f"{each.start - position}x{each.stop - each.start}s")
        position = each.stop
    reader = struct.Struct("".join(parts))
    passed = reader.unpack_from(head)
    places = array("I", [number for each in headers for number in (each.start, each.stop - each.start)])
    return Headers(reader, passed, places.tobytes(), b"".join(passed))


def _agree(headers: Headers, head: bytes) -> bool:
    return len(head) >= headers.reader.size and headers.reader.unpack_from(head) == headers.passed


def _agree_compiled(headers: Headers, head: bytes) -> bool:
    agrees: bool = native.compiled.agrees(head, headers.places, headers.joined)  # type: ignore[union-attr]
    return agrees


Agreeing = Callable[[Headers, bytes], bool]

BY_PYTHON: Final[Agreeing] = _agree
"""Whether the bytes of a data set that begins with `head` are the same in all places."""

COMPILED: Final[Agreeing | None] = _agree_compiled if native.compiled else None
"""Its twin; None where it is not installed."""

AGREEING: Final = COMPILED or BY_PYTHON


def _joined(pieces: Sequence[slice]) -> tuple[slice, ...]:
    """The same bytes with as few cuts as there can be."""
    joined: list[slice] = []
    for piece in pieces:
        if joined and joined[-1].stop == piece.start:
            piece = slice(joined.pop().start, piece.stop)
        joined.append(piece)
    return tuple(joined)


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


def _behind_sequence(head: bytes, position: int, vr: bytes, implicit: bool, depth: int, headers: list[slice]) -> int:
    """Where a sequence of undefined length ends whose items begin at `position` (PS3.5 7.5); `headers` on the way."""
    if depth > _DEEPEST or vr not in (b"", b"SQ", b"UN"):
        raise _Irregular
    implicit = implicit or vr == b"UN"  # PS3.5 6.2.2
    while True:
        group, element, length = _TAG_LENGTH.unpack_from(head, position)
        headers.append(slice(position, position + _TAG_LENGTH.size))
        position += _TAG_LENGTH.size
        if (group, element) == _SEQUENCE_END:
            return position
        if (group, element) != _ITEM:
            raise _Irregular
        position = (
            position + length if length != UNDEFINED_LENGTH else _behind_item(head, position, implicit, depth, headers)
        )


def _behind_item(head: bytes, position: int, implicit: bool, depth: int, headers: list[slice]) -> int:
    while True:
        group, element, _ = _TAG_LENGTH.unpack_from(head, position)
        if (group, element) == _ITEM_END:
            headers.append(slice(position, position + _TAG_LENGTH.size))
            return position + _TAG_LENGTH.size
        _, _, vr, length, start = _element(head, position, implicit)
        headers.append(slice(position, start))
        if length != UNDEFINED_LENGTH:
            position = start + length
        else:
            position = _behind_sequence(head, start, vr, implicit, depth + 1, headers)
