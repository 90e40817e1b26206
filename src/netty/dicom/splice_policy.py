"""What a policy over the elements of a data set sees and says, and elements that netty writes (PS3.5 section 7.1)."""

import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final, Protocol

from netty.dicom.tags import SHORT_REPRESENTATIONS

LONGEST_READ: Final = 1 << 20  # of a value that a policy looks at

_IMPLICIT: Final = struct.Struct("<HHL")
_EXPLICIT: Final = struct.Struct("<HH2sH")
_LONG: Final = struct.Struct("<L")
_ITEM_BYTES: Final = b"\xfe\xff\x00\xe0"


@dataclass(frozen=True, slots=True)
class Element:
    """A header. `vr` is empty in Implicit VR; `sequence`: its value is walked as items."""

    tag: int
    vr: bytes
    length: int
    length_place: int  # where the length stands, and how wide it is
    length_size: int
    value: int  # where the value begins
    sequence: bool = False


@dataclass(slots=True)
class Level:
    """The data set or item that an element stands in."""

    depth: int  # 0: the data set itself
    read: Callable[[Element], bytes]
    """The value of an element that is no longer than LONGEST_READ; the first bytes of a longer one."""

    within: int = 0  # the tag of the sequence that an item is of
    creators: dict[int, bytes] = field(default_factory=dict)

    def creator(self, tag: int) -> bytes:
        """The private creator of a private element of this level (PS3.5 section 7.8.1); empty where it has none."""
        number = tag & 0xFFFF
        block = number >> 8 if number > 0xFF else number
        return self.creators.get(tag & 0xFFFF0000 | block, b"")


class Fate(Enum):
    """What becomes of an element that gets no new value."""

    KEEP = auto()  # as it stands; what is nested in it is asked about
    EMPTY = auto()
    REMOVE = auto()


@dataclass(frozen=True, slots=True)
class New:
    """An element that netty writes: `value` in bytes of even length, or the items of a sequence."""

    tag: int
    vr: str
    value: "bytes | tuple[Item, ...]"


Item = tuple[New, ...]
Pieces = Callable[[Iterator[bytes]], Iterator[bytes]]


@dataclass(frozen=True, slots=True)
class Replaced:
    """Another value: bytes, or the items of a sequence."""

    value: bytes | tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Filtered:
    """A value that passes through a function piece by piece and keeps its length."""

    pieces: Pieces


Decision = Fate | Replaced | Filtered


@dataclass(frozen=True, slots=True)
class Written:
    """An element that the result has at its top level whether or not it was there. `added`: behind former values."""

    new: New
    added: bool = False


class Policy(Protocol):
    """What is to be done with the elements of a data set."""

    @property
    def written(self) -> tuple[Written, ...]:
        """The elements that the result has in any case, by tag."""

    def decide(self, element: Element, level: Level) -> Decision:
        """What becomes of an element; those that are `written` are not asked about."""


def encoded(new: New, explicit: bool) -> bytes:
    """An element as PS3.5 section 7.1 writes it, sequences and items with defined lengths."""
    value = new.value if isinstance(new.value, bytes) else encoded_items(new.value, explicit)
    group, number = new.tag >> 16, new.tag & 0xFFFF
    if not explicit:
        return _IMPLICIT.pack(group, number, len(value)) + value
    if new.vr in SHORT_REPRESENTATIONS:
        return _EXPLICIT.pack(group, number, new.vr.encode(), len(value)) + value
    return _EXPLICIT.pack(group, number, new.vr.encode(), 0) + _LONG.pack(len(value)) + value


def encoded_items(items: Iterable[Item], explicit: bool) -> bytes:
    bodies = (b"".join(encoded(one, explicit) for one in item) for item in items)
    return b"".join(_ITEM_BYTES + _LONG.pack(len(body)) + body for body in bodies)
