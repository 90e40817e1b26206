"""A walk over the elements of a data set while its fragments arrive (PS3.5 section 7), without recursion or memory.

It proves that the data set can be read to its end: every length lies inside what encloses it, nesting and number of
elements are bounded, nothing is cut off. It collects a few top-level values and where the pixel data lie. A value that
is not wanted is stepped over, not looked at: the cost depends on the number of elements, not of bytes.
"""

import struct
from collections.abc import Mapping, Set
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from netty.dicom.errors import DataSetError, ExcessError
from netty.dicom.plain_elements import DEEPEST, NOTHING_WANTED, PASSING, UNDEFINED, Collector
from netty.dicom.tags import (
    BINARY,
    BINARY_GROUPS,
    ITEM,
    ITEM_DELIMITATION,
    LONG_REPRESENTATIONS,
    PIXEL_DATA,
    SEQUENCE_DELIMITATION,
    SHORT_REPRESENTATIONS,
    format_tag,
)
from netty.dicom.walk_levels import Kind, Level, Levels

LONGEST_WANTED_VALUE: Final = 65536

_IMPLICIT: Final = struct.Struct("<HHL")
_EXPLICIT: Final = struct.Struct("<HH2sH")
_LONG_LENGTH: Final = struct.Struct("<L")
_BIG_IMPLICIT: Final = struct.Struct(">HHL")
_BIG_EXPLICIT: Final = struct.Struct(">HH2sH")
_BIG_LONG_LENGTH: Final = struct.Struct(">L")
_ITEM_BYTES: Final = b"\xfe\xff\x00\xe0"
_SHORT: Final = frozenset(vr.encode() for vr in SHORT_REPRESENTATIONS)
_KNOWN: Final = _SHORT | frozenset(vr.encode() for vr in LONG_REPRESENTATIONS)
_LONGEST_HEADER: Final = 12
_WORDS: Final = {b"US": 2, b"SS": 2, b"AT": 2, b"UL": 4, b"SL": 4, b"FL": 4, b"FD": 8}  # bytes of a binary number
_NO_BYTES: Final = memoryview(b"")


@dataclass(frozen=True, slots=True)
class PixelDataPlace:
    """Where the value of the top-level Pixel Data lies, counted from the start of the data set."""

    offset: int
    length: int | None  # None: encapsulated (PS3.5 Annex A.4)


@dataclass(frozen=True, slots=True)
class WalkResult:
    """What a complete walk has seen."""

    values: Mapping[int, bytes]
    """The wanted top-level values as they stand, with their padding; binary numbers in little endian."""

    repeated: frozenset[int]
    """Wanted tags that stand there more than once; the first one counts."""

    pixel_data: PixelDataPlace | None
    elements: int
    size: int


@dataclass(frozen=True, slots=True)
class WalkLimits:
    """What a data set may ask of us."""

    depth: int = 64
    elements: int = 1_000_000
    size: int = UNDEFINED * 4
    slice: int = 2000
    """How many elements one call works on: a few milliseconds."""


class ElementWalk:
    """Feed it the fragments, then `finish`. Errors are DataSetError; nothing may be fed after one."""

    def __init__(
        self,
        explicit: bool,
        wanted: Set[int] = frozenset(),
        limits: WalkLimits | None = None,
        *,
        big_endian: bool = False,
    ) -> None:
        """`explicit`: Explicit VR Little Endian (also with encapsulated pixel data); else Implicit VR Little Endian.

        `big_endian`: Explicit VR Big Endian, retired (PS3.5 section A.3).
        """
        if big_endian and not explicit:
            raise ValueError("big endian is always explicit")
        self._limits = limits or WalkLimits()
        self._collector = Collector(frozenset(wanted), LONGEST_WANTED_VALUE)
        self._wanted = wanted
        self._explicit = explicit
        data_set = Level(Kind.DATA_SET, explicit, self._limits.size, defined=False, big_endian=big_endian)
        self._levels = Levels(data_set, self._limits.depth)
        self._position = 0  # of the next byte that is not used up
        self._carry = b""  # the beginning of a header
        self._skip = 0  # bytes of the current value that are still to come
        self._collected: bytearray | None = None
        self._collected_tag = 0
        self._collected_word = 0  # bytes of the numbers in it that are to be turned round
        self._rest = _NO_BYTES  # of a fragment that had more elements than one slice
        self._elements = 0
        self._repeated: set[int] = set()
        self._pixel_data: PixelDataPlace | None = None

    @property
    def position(self) -> int:
        """How many bytes have been walked."""
        return self._position

    @property
    def ahead(self) -> int:
        """How many bytes are still to come of the value under way."""
        return self._skip

    def pass_over(self, size: int) -> bool:
        """Whether the next `size` bytes all lie inside a value that nobody looks at: then they count as fed."""
        if self._skip < size or self._collected is not None or self._rest:
            return False
        self._skip -= size
        self._position += size
        return True

    def feed(self, fragment: memoryview) -> bool:
        """Take the next bytes. True: more elements are in them than one slice may hold; call `resume` until False.

        What is left then is copied, so the fragment itself may go.
        """
        if self.pass_over(len(fragment)):
            return False
        if self._rest:
            raise ValueError("resume the walk before feeding it again")
        used = self._work(fragment, finishing=False)
        if used < len(fragment):
            self._rest = memoryview(bytes(fragment[used:]))
            return True
        return False

    def resume(self) -> bool:
        """Go on with what the last call left. True: there is more still."""
        used = self._work(self._rest, finishing=False)
        self._rest = self._rest[used:]
        return len(self._rest) > 0

    def finish(self) -> WalkResult:
        """The data set has come in whole. Raises DataSetError if something is missing at its end."""
        while self._rest:
            self.resume()
        if self._carry:
            carry, self._carry = self._carry, b""
            used = self._work(memoryview(carry), finishing=True)
            if used < len(carry):
                raise DataSetError("The data set is cut off in the middle of an element's header.")
        self._levels.close_ended(self._position)
        if self._skip or self._collected is not None or not self._levels.is_top:
            raise DataSetError("The data set is cut off: {position} bytes came.", position=self._position)
        return WalkResult(
            values=MappingProxyType(self._collector.values),
            repeated=frozenset(self._repeated),
            pixel_data=self._pixel_data,
            elements=self._elements,
            size=self._position,
        )

    # --- the loop ------------------------------------------------------------------------------------------------

    def _work(self, data: memoryview, finishing: bool) -> int:
        """Walk over `data` for one slice of elements; how much of it is used up."""
        offset = 0
        last_element = self._elements + self._limits.slice
        while True:
            offset += self._step_over(data, offset)
            if self._skip or offset == len(data):
                return offset
            if self._elements >= last_element:
                return offset
            if self._carry:
                taken, done = self._header_from_carry(data, offset)
                offset += taken
                if not done:
                    return offset
                continue
            offset += self._pass_plain(data, offset, last_element)
            if offset == len(data) or self._elements >= last_element:
                return offset
            used = self._header(data, offset, finishing)
            if used is None:
                if finishing:
                    return offset
                self._carry = bytes(data[offset:])
                return len(data)
            offset += used

    def _pass_plain(self, data: memoryview, offset: int, last_element: int) -> int:
        """Pass over elements that need no closer look; how many bytes they take."""
        level = self._levels.innermost
        if level.kind is not Kind.DATA_SET or level.big_endian:
            return 0
        if not (self._elements or level.explicit) and bytes(data[offset + 4 : offset + 6]) in _KNOWN:
            return 0  # two letters where the first length is tell a wrong transfer syntax
        end = min(len(data), offset + level.end - self._position)
        most = min(last_element, self._limits.elements) - self._elements
        pass_over = PASSING[level.explicit]
        collector = self._collector if self._levels.is_top else NOTHING_WANTED
        levels = min(DEEPEST, self._limits.depth - self._levels.depth)
        stopped, passed = pass_over(data, offset, end, most, collector, levels)
        self._position += stopped - offset
        self._count(passed)
        return stopped - offset

    def _header_from_carry(self, data: memoryview, offset: int) -> tuple[int, bool]:
        """A header that began in an earlier fragment: how much of `data` it takes, and whether it is complete."""
        kept = len(self._carry)
        head = memoryview(self._carry + bytes(data[offset : offset + _LONGEST_HEADER - kept]))
        self._carry = b""
        used = self._header(head, 0, finishing=False)
        if used is None:
            self._carry = bytes(head)
            return len(head) - kept, False
        if used < kept:  # the beginning of the value had come too, to be peeked at
            left = head[used:kept]
            self._carry = bytes(left[self._step_over(left, 0) :])
            return 0, True
        return used - kept, True

    def _step_over(self, data: memoryview, offset: int) -> int:
        """Pass over, or collect, what `data` holds of the current value."""
        count = min(self._skip, len(data) - offset)
        if self._collected is not None:
            self._collected += data[offset : offset + count]
            if count == self._skip:
                self._collector.values[self._collected_tag] = _turned(bytes(self._collected), self._collected_word)
                self._collected = None
        self._skip -= count
        self._position += count
        return count

    def _header(self, data: memoryview, offset: int, finishing: bool) -> int | None:
        """Read one header at `offset` and act on it; its length, or None if it is not there in whole."""
        before = self._position
        try:
            return self._read_header(data, offset, finishing)
        except ExcessError:
            raise
        except DataSetError:
            if not self._leave_private_guess():
                raise
            return self._position - before

    def _read_header(self, data: memoryview, offset: int, finishing: bool) -> int | None:
        self._levels.close_ended(self._position)
        level = self._levels.innermost
        if level.end - self._position < 8:
            raise DataSetError("The data set has bytes at {position} that are no element.", position=self._position)
        available = len(data) - offset
        if available < 8:
            return None
        big = level.big_endian
        group, element, length = (_BIG_IMPLICIT if big else _IMPLICIT).unpack_from(data, offset)
        used, vr, peek = 8, b"", b""
        holds_elements = level.kind is Kind.DATA_SET and group != 0xFFFE
        if holds_elements and level.explicit:
            _, _, vr, length = (_BIG_EXPLICIT if big else _EXPLICIT).unpack_from(data, offset)
            if vr not in _SHORT:
                self._check_vr(vr)
                if available < 12:
                    return None
                used, (length,) = 12, (_BIG_LONG_LENGTH if big else _LONG_LENGTH).unpack_from(data, offset + 8)
        tag = group << 16 | element
        if length != UNDEFINED and self._position + used + length > level.end:
            self._position += used
            self._check_not_explicit(level, length)
            raise DataSetError("Element {tag} of the data set is longer than what encloses it.", tag=format_tag(tag))
        if holds_elements and not level.explicit and 8 <= length < UNDEFINED:
            if available < 12 and not finishing:
                return None
            peek = bytes(data[offset + 8 : offset + 12])
        self._position += used
        self._count()
        if level.kind is not Kind.DATA_SET:
            self._item(level, tag, length)
        elif group == 0xFFFE:
            self._delimitation(level, tag, length)
        else:
            self._element(level, tag, vr, length, peek)
        return used

    # --- what a header does --------------------------------------------------------------------------------------

    def _item(self, level: Level, tag: int, length: int) -> None:
        """Inside a sequence or encapsulated pixel data: an item, or the end (PS3.5 sections 7.5 and A.4)."""
        if tag == SEQUENCE_DELIMITATION and not level.defined and length == 0:
            self._levels.close()
        elif tag != ITEM or (length == UNDEFINED and level.kind is Kind.ENCAPSULATED):
            raise DataSetError("The data set has {tag} where an item of a sequence should be.", tag=format_tag(tag))
        elif level.kind is Kind.ENCAPSULATED:
            self._skip = length
        else:
            defined = length != UNDEFINED
            end = self._position + length if defined else level.end
            self._levels.open(Level(Kind.DATA_SET, level.explicit, end, defined, big_endian=level.big_endian))

    def _delimitation(self, level: Level, tag: int, length: int) -> None:
        """Inside an item: its end (PS3.5 section 7.5)."""
        if tag != ITEM_DELIMITATION or length or level.defined or self._levels.is_top:
            raise DataSetError("The data set has {tag} where an element should be.", tag=format_tag(tag))
        self._levels.close()

    def _element(self, level: Level, tag: int, vr: bytes, length: int, peek: bytes) -> None:
        if self._levels.is_top and self._top_level(level, tag, vr, length):
            return
        if length == UNDEFINED:
            self._open_undefined(level, tag, vr)
        elif vr == b"SQ":
            end, big = self._position + length, level.big_endian
            self._levels.open(Level(Kind.SEQUENCE, True, end, True, big_endian=big))
        elif peek == _ITEM_BYTES and tag not in BINARY and tag >> 16 & 0xFF00 not in BINARY_GROUPS:
            private = bool(tag >> 16 & 1)
            self._levels.open(Level(Kind.SEQUENCE, False, self._position + length, True, private))
        else:
            self._skip = length

    def _top_level(self, level: Level, tag: int, vr: bytes, length: int) -> bool:
        """What only the top level is asked for; True if the element is dealt with."""
        if tag >> 16 in (0x0000, 0x0002):  # commands and file meta information: not in a data set (PS3.5 section 7.1)
            raise DataSetError("The data set has {tag}, which does not belong there.", tag=format_tag(tag))
        if self._elements == 1:
            self._check_not_explicit(level, length)
        if tag == PIXEL_DATA and self._pixel_data is None:
            self._pixel_data = PixelDataPlace(self._position, None if length == UNDEFINED else length)
        if tag not in self._wanted or length == UNDEFINED:
            return False
        if tag in self._collector.seen:
            self._repeated.add(tag)
        elif length == 0:
            self._collector.values[tag] = b""
        elif length <= LONGEST_WANTED_VALUE:
            self._collected, self._collected_tag = bytearray(), tag
            self._collected_word = _WORDS.get(vr, 0) if level.big_endian else 0
        self._collector.seen.add(tag)
        self._skip = length
        return True

    def _open_undefined(self, level: Level, tag: int, vr: bytes) -> None:
        if tag == PIXEL_DATA and level.big_endian:
            raise DataSetError("The data set has compressed pixel data, but its transfer syntax is big endian.")
        if tag == PIXEL_DATA and level.explicit:
            self._levels.open(Level(Kind.ENCAPSULATED, True, level.end, False))
        elif tag == PIXEL_DATA:
            raise DataSetError("The data set has compressed pixel data, but its transfer syntax is Implicit VR.")
        elif level.explicit and vr not in (b"SQ", b"UN"):
            raise DataSetError("Element {tag} of the data set has no length.", tag=format_tag(tag))
        else:  # UN of undefined length is a sequence in Implicit VR Little Endian (PS3.5 section 6.2.2)
            known = vr == b"SQ"
            self._levels.open(Level(Kind.SEQUENCE, known, level.end, False, big_endian=known and level.big_endian))

    # --- checks --------------------------------------------------------------------------------------------------

    def _check_vr(self, vr: bytes) -> None:
        """A VR that we do not know is no error (PS3.5 section 6.2), but it has to look like one."""
        if vr not in _KNOWN and not (vr.isalpha() and vr.isupper()):
            raise DataSetError("The data set is not in Explicit VR, although its transfer syntax says so.")

    def _check_not_explicit(self, level: Level, length: int) -> None:
        """Two letters where Implicit VR has the length. As a length they would mean some 20 000 bytes or more."""
        if not level.explicit and (length & 0xFFFF).to_bytes(2, "little") in _KNOWN:
            raise DataSetError("The data set is in Explicit VR, although its transfer syntax is Implicit VR.")

    def _count(self, number: int = 1) -> None:
        self._elements += number
        if self._elements > self._limits.elements:
            raise ExcessError("The data set has more than {limit} elements.", limit=self._limits.elements)

    def _leave_private_guess(self) -> bool:
        """A private value only looked like a sequence: step over it as bytes, as far as its length says."""
        end = self._levels.leave_private_guess()
        if end is None:
            return False
        self._skip = end - self._position
        return True


def _turned(value: bytes, word: int) -> bytes:
    """Big endian numbers of `word` bytes as little endian; 0: nothing to turn."""
    if word == 0:
        return value
    return b"".join(value[start : start + word][::-1] for start in range(0, len(value), word))
