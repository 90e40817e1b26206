"""Encapsulated pixel data: where its fragments stand, and which make up a frame (PS3.5 Annex A.4)."""

import itertools
import struct
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final

from netty.dicom.tags import ITEM, SEQUENCE_DELIMITATION, format_tag
from netty.errors import PeerError

MOST_FRAGMENTS: Final = 1 << 20  # a fragment costs its sender 8 bytes, and us a hundred
LONGEST_OFFSET_TABLE: Final = 8 * MOST_FRAGMENTS

_HEADER: Final = struct.Struct("<HHL")


class EncapsulationError(PeerError):
    """The compressed pixel data is not made of items as it should be."""


@dataclass(frozen=True, slots=True)
class Fragment:
    """The value of one item: its first byte in the file, and as much of its length as is there."""

    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Encapsulated:
    """The items of encapsulated pixel data.

    `offsets` are those of the Basic Offset Table: from the first fragment's item tag on. `complete` is False where the
    file ends within an item; that the sequence's end is missing does no harm.
    """

    fragments: tuple[Fragment, ...]
    offsets: tuple[int, ...]
    complete: bool


def read_encapsulated(file: BinaryIO, offset: int, end: int) -> Encapsulated:
    """Walk over the items from `offset`, the first byte behind the header of Pixel Data, to `end` at the latest."""
    fragments: list[Fragment] = []
    offsets: tuple[int, ...] = ()
    position, is_table, complete = offset, True, True
    while position + _HEADER.size <= end:
        file.seek(position)
        header = file.read(_HEADER.size)
        if len(header) < _HEADER.size:
            break
        group, element, length = _HEADER.unpack(header)
        tag, position = group << 16 | element, position + _HEADER.size
        if tag == SEQUENCE_DELIMITATION:
            break
        if tag != ITEM:
            raise EncapsulationError(
                "The compressed pixel data has {tag} where a fragment should be.", tag=format_tag(tag)
            )
        present = min(length, end - position)
        complete = present == length
        if is_table:
            offsets, is_table = _offset_table(file.read(min(present, LONGEST_OFFSET_TABLE))), False
        else:
            fragments.append(Fragment(position, present))
        if len(fragments) > MOST_FRAGMENTS:
            raise EncapsulationError("The compressed pixel data has more than {limit} fragments.", limit=MOST_FRAGMENTS)
        position += length
    return Encapsulated(tuple(fragments), offsets, complete)


def frames_of(
    encapsulated: Encapsulated,
    frames: int,
    begins_frame: Callable[[Fragment], bool],
    extended_offsets: Sequence[int] = (),
) -> tuple[tuple[Fragment, ...], ...]:
    """The fragments of each frame; there may be fewer or more than the `frames` that the header tells.

    A single frame has all fragments, and as many fragments as frames need no table. Else the Extended Offset Table
    (PS3.3 C.7.6.3.1.8) or the Basic one says it, where it fits; and where none does, `begins_frame` looks whether a
    codestream starts in a fragment.
    """
    fragments = encapsulated.fragments
    if frames == 1:
        return (fragments,) if fragments else ()
    if len(fragments) == frames:
        return tuple((fragment,) for fragment in fragments)
    for offsets in (extended_offsets, encapsulated.offsets):
        starts = _starts(fragments, offsets) if len(offsets) == frames else None
        if starts is not None:
            return _grouped(fragments, starts)
    return _grouped(fragments, [index for index, fragment in enumerate(fragments) if begins_frame(fragment)])


def extended_offset_table(value: bytes) -> tuple[int, ...]:
    """The numbers of an Extended Offset Table (7FE0,0001)."""
    return struct.unpack_from(f"<{len(value) // 8}Q", value)


def _offset_table(value: bytes) -> tuple[int, ...]:
    return struct.unpack_from(f"<{len(value) // 4}L", value)


def _starts(fragments: Sequence[Fragment], offsets: Sequence[int]) -> list[int] | None:
    """The index of the fragment at each offset; None where the table does not fit the fragments."""
    if not fragments:
        return None
    places = [fragment.offset - fragments[0].offset for fragment in fragments]
    starts = [bisect_left(places, offset) for offset in offsets]
    fits = all(start < len(places) and places[start] == at for start, at in zip(starts, offsets, strict=True))
    rises = starts[0] == 0 and all(one < next for one, next in itertools.pairwise(starts))
    return starts if fits and rises else None


def _grouped(fragments: Sequence[Fragment], starts: Sequence[int]) -> tuple[tuple[Fragment, ...], ...]:
    ends = [*starts[1:], len(fragments)]
    return tuple(tuple(fragments[start:end]) for start, end in zip(starts, ends, strict=bool(starts)))
