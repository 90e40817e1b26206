"""What is to change in a data set where it stands (PS3.5 section 7): elements, as a policy decides, and lengths."""

import struct
from dataclasses import dataclass
from typing import Final

from netty.dicom.errors import DataSetError
from netty.dicom.plain_elements import UNDEFINED
from netty.dicom.splice_headers import ExcessError, Headers
from netty.dicom.splice_policy import (
    Element,
    Fate,
    Filtered,
    Item,
    Level,
    Pieces,
    Policy,
    Replaced,
    encoded,
    encoded_items,
)
from netty.dicom.tags import ITEM, ITEM_DELIMITATION, PIXEL_DATA, SEQUENCE_DELIMITATION, format_tag

_DEPTH: Final = 64
_CHANGES: Final = 200_000
_LONGEST_SHORT: Final = 0xFFFE
_LONGEST_CREATOR: Final = 64  # LO

_LONG: Final = struct.Struct("<L")


@dataclass(frozen=True, slots=True)
class Change:
    """At `position`, `removed` bytes give way to `added`, or pass through `pieces`."""

    position: int
    removed: int
    added: bytes = b""
    pieces: Pieces | None = None


class _GroupLength:
    """(gggg,0000) Group Length, retired but allowed (PS3.5 section 7.2): the length of what follows of its group."""

    __slots__ = ("before", "element")

    def __init__(self, element: Element, before: int) -> None:
        self.element, self.before = element, before

    @property
    def group(self) -> int:
        """The group that it is of."""
        return self.element.tag >> 16


class Plan:
    """Walks the data set and collects the changes."""

    def __init__(self, headers: Headers, policy: Policy, explicit: bool) -> None:
        self._headers, self._policy, self._explicit = headers, policy, explicit
        self._pending = sorted(policy.written, key=lambda one: one.new.tag)
        self._written = {one.new.tag: one for one in self._pending}
        self._changes: list[Change] = []
        self._growth = 0  # by how many bytes the result is longer so far; mostly negative

    def changes(self) -> list[Change]:
        """All changes, by position."""
        self._data_set(0, self._headers.length, self._explicit, Level(0, self._headers.value), None)
        return sorted(self._changes, key=lambda one: one.position)  # an enclosing length comes after what it encloses

    # --- walking ---

    def _data_set(self, position: int, end: int, explicit: bool, level: Level, delimiter: int | None) -> int:
        """Elements up to `end`, or to the delimiter where there is one; gives where they end, it included."""
        group: _GroupLength | None = None
        while True:
            at_end = position == end
            if at_end and delimiter is not None:
                raise DataSetError("The data set is cut off: {position} bytes came.", position=position)
            element = None if at_end else self._headers.header(position, end, explicit)
            if level.depth == 0:
                group = self._write_before(element, position, group)
            if group is not None and (element is None or element.tag >> 16 != group.group):
                self._set_group_length(group)
                group = None
            if element is None:
                return end
            if element.tag == delimiter and element.length == 0:
                return element.value
            if element.tag >> 16 == 0xFFFE:
                raise DataSetError("The data set has {tag} where an element should be.", tag=format_tag(element.tag))
            growth = self._growth
            position = self._element(position, element, end, explicit, level)
            if element.tag & 0xFFFF == 0 and element.length == 4 and self._growth == growth:
                group = _GroupLength(element, growth)

    def _write_before(self, element: Element | None, position: int, group: _GroupLength | None) -> _GroupLength | None:
        """Write what belongs before `element`; gives the group length that is still open then."""
        while self._pending and (element is None or self._pending[0].new.tag < element.tag):
            new = self._pending.pop(0).new
            if group is not None and new.tag >> 16 != group.group:
                self._set_group_length(group)
                group = None
            self._change(position, 0, encoded(new, self._explicit))
        return group

    def _element(self, position: int, element: Element, end: int, explicit: bool, level: Level) -> int:
        """Plan for one element; gives where it ends."""
        if element.tag >> 16 & 1 and 0x10 <= element.tag & 0xFFFF <= 0xFF and element.length <= _LONGEST_CREATOR:
            level.creators[element.tag] = self._headers.value(element).strip(b" \0")
        if level.depth == 0 and element.tag in self._written:
            return self._write(position, element, end, explicit)
        decision = self._policy.decide(element, level)
        if isinstance(decision, Filtered):
            if element.length == UNDEFINED:
                raise DataSetError("Element {tag} of the data set has no length.", tag=format_tag(element.tag))
            self._changes.append(Change(element.value, element.length, pieces=decision.pieces))
            return element.value + element.length
        if isinstance(decision, Replaced):
            return self._replace(element, end, explicit, level.depth, decision.value)
        if decision is Fate.REMOVE:
            return self._cut(position, element, end, explicit, level.depth)
        if decision is Fate.EMPTY and element.length:
            return self._replace(element, end, explicit, level.depth, b"")
        return self._behind(element, end, explicit, level.depth)

    def _behind(self, element: Element, end: int, explicit: bool, depth: int) -> int:
        """Where an element ends, with plans for what is nested in it."""
        if element.length == UNDEFINED:
            if element.tag == PIXEL_DATA and explicit:
                return self._fragments(element.value, end)
            if explicit and element.vr not in (b"SQ", b"UN"):
                raise DataSetError("Element {tag} of the data set has no length.", tag=format_tag(element.tag))
            # UN of undefined length is a sequence in Implicit VR (PS3.5 section 6.2.2).
            return self._items(element, end, element.vr == b"SQ", depth + 1)
        if element.sequence and explicit:
            self._sequence(element, True, depth)
        elif element.sequence:
            self._implicit_sequence(element, depth)
        return element.value + element.length

    def _implicit_sequence(self, element: Element, depth: int) -> None:
        marked, growth = len(self._changes), self._growth
        try:
            self._sequence(element, False, depth)
        except ExcessError:
            raise
        except DataSetError:
            if not element.tag >> 16 & 1:
                raise
            del self._changes[marked:]  # a private value that only looked like one: it stays as it is
            self._growth = growth

    def _sequence(self, element: Element, explicit: bool, depth: int) -> None:
        """A sequence of defined length: its length follows what happens in it."""
        before = self._growth
        self._items(element, element.value + element.length, explicit, depth + 1)
        self._set_length(element, before)

    def _items(self, sequence: Element, end: int, explicit: bool, depth: int) -> int:
        """Items up to `end`, or to the sequence's delimiter (PS3.5 section 7.5)."""
        position, defined = sequence.value, sequence.length != UNDEFINED
        if depth > _DEPTH:
            raise ExcessError("The data set nests sequences more than {limit} deep.", limit=_DEPTH)
        while not defined or position < end:
            item = self._headers.header(position, end, explicit)
            if item.tag == SEQUENCE_DELIMITATION and not defined and item.length == 0:
                return item.value
            if item.tag != ITEM:
                raise DataSetError(
                    "The data set has {tag} where an item of a sequence should be.", tag=format_tag(item.tag)
                )
            level = Level(depth, self._headers.value, sequence.tag)
            if item.length == UNDEFINED:
                position = self._data_set(item.value, end, explicit, level, ITEM_DELIMITATION)
                continue
            before = self._growth
            position = self._data_set(item.value, item.value + item.length, explicit, level, None)
            self._set_length(item, before)
        return end

    def _fragments(self, position: int, end: int) -> int:
        """Encapsulated pixel data (PS3.5 section A.4)."""
        while True:
            item = self._headers.header(position, end, True)
            if item.tag == SEQUENCE_DELIMITATION:
                return item.value
            if item.tag != ITEM or item.length == UNDEFINED:
                raise DataSetError(
                    "The data set has {tag} where an item of a sequence should be.", tag=format_tag(item.tag)
                )
            position = item.value + item.length

    # --- planning ---

    def _change(self, position: int, removed: int, added: bytes) -> None:
        if len(self._changes) >= _CHANGES:
            raise ExcessError("The data set has more than {limit} elements to be emptied.", limit=_CHANGES)
        self._changes.append(Change(position, removed, added))
        self._growth += len(added) - removed

    def _end(self, element: Element, end: int, explicit: bool, depth: int) -> int:
        """Where an element ends of which nothing stays."""
        if element.length != UNDEFINED:
            return element.value + element.length
        marked, growth = len(self._changes), self._growth
        value_end = self._behind(element, end, explicit, depth)
        del self._changes[marked:]
        self._growth = growth
        return value_end

    def _cut(self, position: int, element: Element, end: int, explicit: bool, depth: int) -> int:
        element_end = self._end(element, end, explicit, depth)
        self._change(position, element_end - position, b"")
        return element_end

    def _replace(self, element: Element, end: int, explicit: bool, depth: int, value: bytes | tuple[Item, ...]) -> int:
        """The value goes, a sequence with all its items and its delimiter; another may come."""
        value_end = self._end(element, end, explicit, depth)
        if not isinstance(value, bytes):
            value = encoded_items(value, explicit and element.vr == b"SQ")
        if element.length_size == 2:
            value = value[:_LONGEST_SHORT]
        if element.length != len(value):
            self._change(element.length_place, element.length_size, len(value).to_bytes(element.length_size, "little"))
        self._change(element.value, value_end - element.value, value)
        return value_end

    def _write(self, position: int, element: Element, end: int, explicit: bool) -> int:
        """An element that was there and that the result has in any case: once."""
        written = self._written[element.tag]
        if not self._pending or self._pending[0] is not written:
            return self._cut(position, element, end, explicit, 0)
        self._pending.pop(0)
        value = written.new.value
        if not written.added:
            return self._replace(element, end, explicit, 0, value)
        if isinstance(value, bytes):
            return self._append(element, value.strip(b" \0"))
        if not element.sequence:
            return self._replace(element, end, explicit, 0, value)
        before, in_explicit = self._growth, explicit and element.vr == b"SQ"
        items = encoded_items(value, in_explicit)
        if element.length == UNDEFINED:
            value_end = self._behind(element, end, explicit, 0)
            self._change(value_end - 8, 0, items)  # before the delimiter
            return value_end
        value_end = element.value + element.length
        self._items(element, value_end, in_explicit, 1)
        self._change(value_end, 0, items)
        self._set_length(element, before)
        return value_end

    def _append(self, element: Element, added: bytes) -> int:
        """A text with one more value (PS3.3 section C.7.1.1: one for each method that was used)."""
        if element.length > _LONGEST_SHORT:
            raise DataSetError("Element {tag} of the data set has no length.", tag=format_tag(element.tag))
        former = self._headers.value(element).strip(b" \0")
        values = former.split(b"\\") if former else []
        value_end = element.value + element.length
        if added in [one.strip() for one in values]:
            return value_end
        value = _padded(b"\\".join([*values, added]))
        if len(value) > _LONGEST_SHORT:
            value = _padded(added)
        self._change(element.length_place, element.length_size, len(value).to_bytes(element.length_size, "little"))
        self._change(element.value, element.length, value)
        return value_end

    def _set_length(self, element: Element, before: int) -> None:
        """The length of something that encloses what has changed since the growth was `before`."""
        if self._growth != before:
            length = element.length + self._growth - before
            self._change(element.length_place, element.length_size, length.to_bytes(element.length_size, "little"))

    def _set_group_length(self, group: _GroupLength) -> None:
        if self._growth != group.before:
            (stated,) = _LONG.unpack(self._headers.read(group.element.value, 4))
            length = stated + self._growth - group.before
            if 0 <= length < UNDEFINED:  # one that was wrong all along cannot be set right by adding
                self._change(group.element.value, 4, _LONG.pack(length))


def _padded(value: bytes) -> bytes:
    return value + b" " * (len(value) % 2)
