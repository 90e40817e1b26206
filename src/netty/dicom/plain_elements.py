"""Passing over elements that need no closer look: nearly all that a data set has (PS3.5 sections 7.1 and 7.5).

What is passed is told by its headers to be whole, well-formed and inside what encloses it. Whatever is not, a value
that is not there yet, something odd or malformed, is left to the walk, which knows what to do about it. This is where
a walk spends its time, so there is one loop for each form of header, and for most elements no call in it.
"""

import struct
from array import array
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from netty import native
from netty.dicom.tags import BINARY, BINARY_GROUPS, LONG_REPRESENTATIONS, PIXEL_DATA, SHORT_REPRESENTATIONS

UNDEFINED: Final = 0xFFFFFFFF
"""The length of what ends at a delimitation item (PS3.5 section 7.1.1)."""

_IMPLICIT: Final = struct.Struct("<HHLL").unpack_from  # group, element, length, and how the value begins
_EXPLICIT: Final = struct.Struct("<HH2sHL").unpack_from  # group, element, VR, length, and the length of a long form
_HEADER: Final = 12  # bytes that both look at
_ITEM: Final = 0xE000FFFE  # what a sequence in Implicit VR begins with, read as one number
_SHORT: Final = frozenset(vr.encode() for vr in SHORT_REPRESENTATIONS)
_LONG: Final = frozenset(vr.encode() for vr in LONG_REPRESENTATIONS)
_LOWEST_GROUP: Final = 0x0008  # below are commands and file meta information
_DELIMITERS: Final = 0xFFFE
DEEPEST: Final = 8  # sequences in sequences; deeper ones are for the walk, which does not call itself
_NOT_PASSED: Final = (-1, 0)

Passing = Callable[[memoryview, int, int, int, "Collector", int], tuple[int, int]]


class Collector:
    """Takes the first value of each wanted tag, while it is not longer than `longest`."""

    __slots__ = ("longest", "numbers", "seen", "values", "wanted")

    def __init__(self, wanted: frozenset[int], longest: int) -> None:
        """The pixel data are never taken; but they are seen, for they need a closer look."""
        self.wanted, self.numbers = _looked_for(wanted)
        self.longest = longest
        self.values: dict[int, bytes] = {}
        self.seen: set[int] = set()


@lru_cache(maxsize=16)
def _looked_for(wanted: frozenset[int]) -> tuple[frozenset[int], bytes]:
    """The tags that are looked for, and the same in order, 32 bits each, for the compiled twin."""
    looked_for = wanted | {PIXEL_DATA}
    return looked_for, array("I", sorted(looked_for)).tobytes()


NOTHING_WANTED: Final = Collector(frozenset(), -1)


def pass_implicit(
    data: memoryview, offset: int, end: int, most: int, collector: Collector, levels: int
) -> tuple[int, int]:
    """Pass over at most about `most` elements in Implicit VR Little Endian that end at `end` or before.

    Sequences are entered up to `levels` deep. Returns where the first stands that needs a closer look, and how many
    were passed, with those inside sequences.
    """
    wanted = collector.wanted
    passed = 0
    last = len(data) - _HEADER
    while offset < end and offset <= last and passed < most:
        group, element, length, begins = _IMPLICIT(data, offset)
        if not _LOWEST_GROUP <= group < _DELIMITERS:
            break
        start = offset + 8
        stop = start + length
        tag = group << 16 | element
        if tag in wanted:
            if begins == _ITEM or stop > end or not _collect(collector, tag, data[start:stop]):
                break
        elif (begins == _ITEM and length >= 8) or length == UNDEFINED:
            if tag in BINARY or group & 0xFF00 in BINARY_GROUPS:
                break
            stop, inside = _pass_sequence(pass_implicit, data, start, end, length, most - passed, levels)
            if stop < 0:
                break
            passed += inside
        elif stop > end:
            break
        offset = stop
        passed += 1
    return offset, passed


def pass_explicit(
    data: memoryview, offset: int, end: int, most: int, collector: Collector, levels: int
) -> tuple[int, int]:
    """The same in Explicit VR Little Endian."""
    wanted = collector.wanted
    passed = 0
    last = len(data) - _HEADER
    while offset < end and offset <= last and passed < most:
        group, element, vr, length, long_length = _EXPLICIT(data, offset)
        if not _LOWEST_GROUP <= group < _DELIMITERS:
            break
        start = offset + 8
        tag = group << 16 | element
        if vr not in _SHORT:
            if vr not in _LONG:
                break
            start, length = offset + 12, long_length
        stop = start + length
        if tag in wanted:
            if vr == b"SQ" or stop > end or not _collect(collector, tag, data[start:stop]):
                break
        elif vr == b"SQ":
            stop, inside = _pass_sequence(pass_explicit, data, start, end, length, most - passed, levels)
            if stop < 0:
                break
            passed += inside
        elif stop > end:
            break
        offset = stop
        passed += 1
    return offset, passed


def _collect(collector: Collector, tag: int, value: memoryview) -> bool:
    """Take a wanted value; False where it needs a closer look: a second one, a long one, the pixel data."""
    if tag in collector.seen or len(value) > collector.longest or tag == PIXEL_DATA:
        return False
    collector.seen.add(tag)
    collector.values[tag] = bytes(value)
    return True


def _pass_sequence(
    pass_elements: Passing, data: memoryview, offset: int, end: int, length: int, most: int, levels: int
) -> tuple[int, int]:
    """Pass over the items of a sequence whose value begins at `offset`, and over its delimiter if it has one.

    Returns where it ends, and how many items, delimiters and elements were in it.
    """
    is_open = length == UNDEFINED
    stop = end if is_open else offset + length
    last = len(data) - _HEADER
    passed = 0
    if stop > end or levels == 0:
        return _NOT_PASSED
    while is_open or offset < stop:
        if offset > last or passed >= most:
            return _NOT_PASSED
        group, element, item_length, _ = _IMPLICIT(data, offset)
        offset += 8
        passed += 1
        if is_open and (group, element, item_length) == (_DELIMITERS, 0xE0DD, 0):
            return (offset, passed) if offset <= stop else _NOT_PASSED
        item_is_open = item_length == UNDEFINED
        item_end = stop if item_is_open else offset + item_length
        if group != _DELIMITERS or element != 0xE000 or item_end > stop:
            return _NOT_PASSED
        offset, inside = pass_elements(data, offset, item_end, most - passed, NOTHING_WANTED, levels - 1)
        passed += inside
        if item_is_open:
            if offset > last or _IMPLICIT(data, offset)[:3] != (_DELIMITERS, 0xE00D, 0):
                return _NOT_PASSED
            offset += 8
            passed += 1
        elif offset != item_end:
            return _NOT_PASSED
    return offset, passed


def _by(twin: Callable[..., tuple[int, int]]) -> Passing:
    """A compiled twin, which takes a collector by its parts."""

    def pass_elements(
        data: memoryview, offset: int, end: int, most: int, collector: Collector, levels: int
    ) -> tuple[int, int]:
        numbers, longest, values, seen = collector.numbers, collector.longest, collector.values, collector.seen
        return twin(data, offset, end, most, numbers, longest, values, seen, levels)

    return pass_elements


BY_PYTHON: Final[dict[bool, Passing]] = {False: pass_implicit, True: pass_explicit}
"""By whether VRs are explicit."""

COMPILED: Final[dict[bool, Passing]] = (
    {False: _by(native.compiled.pass_implicit), True: _by(native.compiled.pass_explicit)} if native.compiled else {}
)
"""Their twins; empty where they are not installed."""

PASSING: Final = COMPILED or BY_PYTHON
