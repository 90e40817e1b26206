"""Emptying elements of a data set, byte by byte (PS3.5 section 7): what is not listed stays exactly as it came.

Two passes over a file: the first walks the headers and plans which bytes go and which lengths change, the second
copies. So a value is never in memory whole, and no element is ever decoded and encoded anew.
"""

import struct
from collections.abc import Iterator, Set
from dataclasses import dataclass
from typing import BinaryIO, Final

from netty.dicom.tags import (
    ITEM,
    ITEM_DELIMITATION,
    PIXEL_DATA,
    SEQUENCE_DELIMITATION,
    SHORT_REPRESENTATIONS,
    format_tag,
)
from netty.dicom.walk import _BINARY, _BINARY_GROUPS, UNDEFINED, DataSetError

DEIDENTIFICATION_METHOD: Final = 0x00120063
PIECE: Final = 1 << 20
_DEPTH: Final = 64
_ELEMENTS: Final = 1_000_000
_CHANGES: Final = 200_000
_WINDOW: Final = 1 << 16
_LONGEST_SHORT: Final = 0xFFFE

_IMPLICIT: Final = struct.Struct("<HHL")
_EXPLICIT: Final = struct.Struct("<HH2sH")
_LONG: Final = struct.Struct("<L")
_SHORT: Final = frozenset(vr.encode() for vr in SHORT_REPRESENTATIONS)
_ITEM_BYTES: Final = b"\xfe\xff\x00\xe0"


class _ExcessError(DataSetError):
    """A data set that asks too much of us; no guess about a private value explains it away."""


def cleared(
    file: BinaryIO, offset: int, length: int, *, explicit: bool, tags: Set[int], method: str
) -> Iterator[bytes]:
    """The data set at `offset` of a seekable file, with the elements `tags` empty at every level, in pieces.

    (0012,0063) De-identification Method names `method` then, behind what it named before. What encloses an emptied
    element (items, sequences, group lengths) has its length set right.

    Args:
        explicit: Explicit VR Little Endian; else Implicit VR Little Endian.
        method: ASCII, at most 64 characters (LO).

    Raises:
        DataSetError: where the data set cannot be read to its end; before the first piece.
    """
    plan = _Plan(_Window(file, offset, length), tags, method, explicit)
    return _spliced(file, offset, length, plan.changes())


@dataclass(frozen=True, slots=True)
class _Change:
    """At `position`, `removed` bytes give way to `added`."""

    position: int
    removed: int
    added: bytes


@dataclass(frozen=True, slots=True)
class _Element:
    """A header."""

    tag: int
    vr: bytes
    length: int
    length_place: int  # where the length stands, and how wide it is
    length_size: int
    value: int  # where the value begins


class _Window:
    """Small pieces of the data set, read in larger ones; positions count from its start."""

    def __init__(self, file: BinaryIO, offset: int, length: int) -> None:
        self._file, self._offset, self.length = file, offset, length
        self._start, self._bytes = 0, b""

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


class _GroupLength:
    """(gggg,0000) Group Length, retired but allowed (PS3.5 section 7.2): the length of what follows of its group."""

    __slots__ = ("before", "element")

    def __init__(self, element: _Element, before: int) -> None:
        self.element, self.before = element, before


class _Plan:
    """Walks the data set and collects the changes."""

    def __init__(self, window: _Window, tags: Set[int], method: str, explicit: bool) -> None:
        self._window, self._tags, self._explicit = window, tags, explicit
        self._method = method.encode("ascii")
        self._method_written = False
        self._changes: list[_Change] = []
        self._growth = 0  # by how many bytes the result is longer so far; mostly negative
        self._elements = 0

    def changes(self) -> list[_Change]:
        """All changes, by position."""
        self._data_set(0, self._window.length, self._explicit, 0, None)
        if not self._method_written:
            self._add_method(self._window.length)
        return sorted(self._changes, key=lambda one: one.position)  # an enclosing length comes after what it encloses

    # --- walking ---

    def _data_set(self, position: int, end: int, explicit: bool, depth: int, delimiter: int | None) -> int:
        """Elements up to `end`, or to the delimiter where there is one; gives where they end, it included."""
        group: _GroupLength | None = None
        while True:
            at_end = position == end
            if at_end and delimiter is not None:
                raise DataSetError("The data set is cut off: {position} bytes came.", position=position)
            element = None if at_end else self._header(position, end, explicit)
            if element is not None and depth == 0 and element.tag > DEIDENTIFICATION_METHOD:
                self._add_method(position)
            if group is not None and (element is None or element.tag >> 16 != group.element.tag >> 16):
                self._set_group_length(group)
                group = None
            if element is None:
                return end
            if element.tag == delimiter and element.length == 0:
                return element.value
            if element.tag >> 16 == 0xFFFE:
                raise DataSetError("The data set has {tag} where an element should be.", tag=format_tag(element.tag))
            if element.tag & 0xFFFF == 0 and element.length == 4:
                group = _GroupLength(element, self._growth)
            position = self._element(element, end, explicit, depth)

    def _element(self, element: _Element, end: int, explicit: bool, depth: int) -> int:
        """Plan for one element; gives where it ends."""
        if element.tag in self._tags and element.length:
            return self._empty(element, end, explicit, depth)
        if element.tag == DEIDENTIFICATION_METHOD and depth == 0 and not self._method_written:
            self._append_method(element)
        return self._behind(element, end, explicit, depth)

    def _behind(self, element: _Element, end: int, explicit: bool, depth: int) -> int:
        """Where an element ends, with plans for what is nested in it."""
        if element.length == UNDEFINED:
            if element.tag == PIXEL_DATA and explicit:
                return self._fragments(element.value, end)
            if explicit and element.vr not in (b"SQ", b"UN"):
                raise DataSetError("Element {tag} of the data set has no length.", tag=format_tag(element.tag))
            # UN of undefined length is a sequence in Implicit VR (PS3.5 section 6.2.2).
            return self._items(element.value, end, element.vr == b"SQ", depth + 1, defined=False)
        value_end = element.value + element.length
        if explicit and element.vr == b"SQ":
            self._sequence(element, True, depth)
        elif not explicit and self._looks_like_sequence(element):
            self._implicit_sequence(element, depth)
        return value_end

    def _looks_like_sequence(self, element: _Element) -> bool:
        """Implicit VR does not say what is a sequence: the walk at reception guesses by the same rule."""
        if element.length < 8 or element.tag in _BINARY or element.tag >> 16 & 0xFF00 in _BINARY_GROUPS:
            return False
        return self._window.read(element.value, 4) == _ITEM_BYTES

    def _implicit_sequence(self, element: _Element, depth: int) -> None:
        marked, growth = len(self._changes), self._growth
        try:
            self._sequence(element, False, depth)
        except _ExcessError:
            raise
        except DataSetError:
            if not element.tag >> 16 & 1:
                raise
            del self._changes[marked:]  # a private value that only looked like one: it stays as it is
            self._growth = growth

    def _sequence(self, element: _Element, explicit: bool, depth: int) -> None:
        """A sequence of defined length: its length follows what happens in it."""
        before = self._growth
        self._items(element.value, element.value + element.length, explicit, depth + 1, defined=True)
        self._set_length(element, before)

    def _items(self, position: int, end: int, explicit: bool, depth: int, defined: bool) -> int:
        """Items up to `end`, or to the sequence's delimiter (PS3.5 section 7.5)."""
        if depth > _DEPTH:
            raise _ExcessError("The data set nests sequences more than {limit} deep.", limit=_DEPTH)
        while not defined or position < end:
            item = self._header(position, end, explicit)
            if item.tag == SEQUENCE_DELIMITATION and not defined and item.length == 0:
                return item.value
            if item.tag != ITEM:
                raise DataSetError(
                    "The data set has {tag} where an item of a sequence should be.", tag=format_tag(item.tag)
                )
            if item.length == UNDEFINED:
                position = self._data_set(item.value, end, explicit, depth, ITEM_DELIMITATION)
                continue
            before = self._growth
            position = self._data_set(item.value, item.value + item.length, explicit, depth, None)
            self._set_length(item, before)
        return end

    def _fragments(self, position: int, end: int) -> int:
        """Encapsulated pixel data (PS3.5 section A.4)."""
        while True:
            item = self._header(position, end, True)
            if item.tag == SEQUENCE_DELIMITATION:
                return item.value
            if item.tag != ITEM or item.length == UNDEFINED:
                raise DataSetError(
                    "The data set has {tag} where an item of a sequence should be.", tag=format_tag(item.tag)
                )
            position = item.value + item.length

    def _header(self, position: int, end: int, explicit: bool) -> _Element:
        self._elements += 1
        if self._elements > _ELEMENTS:
            raise _ExcessError("The data set has more than {limit} elements.", limit=_ELEMENTS)
        head = self._window.read(position, min(12, end - position))
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
        value = position + place + size
        tag = group << 16 | number
        if length != UNDEFINED and value + length > end:
            raise DataSetError("Element {tag} of the data set is longer than what encloses it.", tag=format_tag(tag))
        return _Element(tag, vr, length, position + place, size, value)

    # --- planning ---

    def _change(self, position: int, removed: int, added: bytes) -> None:
        if len(self._changes) >= _CHANGES:
            raise _ExcessError("The data set has more than {limit} elements to be emptied.", limit=_CHANGES)
        self._changes.append(_Change(position, removed, added))
        self._growth += len(added) - removed

    def _empty(self, element: _Element, end: int, explicit: bool, depth: int) -> int:
        """The value goes; a sequence goes with all its items, and needs no delimiter then."""
        marked, growth = len(self._changes), self._growth
        value_end = element.value + element.length
        if element.length == UNDEFINED:
            value_end = self._behind(element, end, explicit, depth)
            del self._changes[marked:]
            self._growth = growth
        self._change(element.length_place, element.length_size, bytes(element.length_size))
        self._change(element.value, value_end - element.value, b"")
        return value_end

    def _set_length(self, element: _Element, before: int) -> None:
        """The length of something that encloses what has changed since the growth was `before`."""
        if self._growth != before:
            length = element.length + self._growth - before
            self._change(element.length_place, element.length_size, length.to_bytes(element.length_size, "little"))

    def _set_group_length(self, group: _GroupLength) -> None:
        if self._growth != group.before:
            (stated,) = _LONG.unpack(self._window.read(group.element.value, 4))
            length = stated + self._growth - group.before
            if 0 <= length < UNDEFINED:  # one that was wrong all along cannot be set right by adding
                self._change(group.element.value, 4, _LONG.pack(length))

    def _add_method(self, position: int) -> None:
        if self._method_written:
            return
        self._method_written = True
        value = _padded(self._method)
        group, number = DEIDENTIFICATION_METHOD >> 16, DEIDENTIFICATION_METHOD & 0xFFFF
        if self._explicit:
            header = _EXPLICIT.pack(group, number, b"LO", len(value))
        else:
            header = _IMPLICIT.pack(group, number, len(value))
        self._change(position, 0, header + value)

    def _append_method(self, element: _Element) -> None:
        """(0012,0063) holds one value for each method that was used (PS3.3 C.7.1.1)."""
        self._method_written = True
        if element.length > _LONGEST_SHORT:
            raise DataSetError("Element {tag} of the data set has no length.", tag=format_tag(element.tag))
        former = self._window.read(element.value, element.length).strip(b" \0")
        values = former.split(b"\\") if former else []
        if self._method in [one.strip() for one in values]:
            return
        value = _padded(b"\\".join([*values, self._method]))
        if len(value) > _LONGEST_SHORT:
            value = _padded(self._method)
        self._change(element.length_place, element.length_size, len(value).to_bytes(element.length_size, "little"))
        self._change(element.value, element.length, value)


def _padded(value: bytes) -> bytes:
    return value + b" " * (len(value) % 2)


def _spliced(file: BinaryIO, offset: int, length: int, changes: list[_Change]) -> Iterator[bytes]:
    """The bytes of the data set with the changes made."""
    position = 0
    gathered = bytearray()
    for change in [*changes, _Change(length, 0, b"")]:
        for piece in _pieces(file, offset + position, change.position - position):
            gathered += piece
            if len(gathered) >= PIECE:
                yield bytes(gathered)
                gathered.clear()
        gathered += change.added
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
