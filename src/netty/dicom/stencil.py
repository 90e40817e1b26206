"""Bytes with gaps: what is the same for the images of a series, and where what names one of them goes in.

A command, its answer, the head of a file and its receipt differ from one image to the next in a few values. This is the
rule for filling them in; `native/src/stencil.c` is its compiled twin.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, NamedTuple

from netty import native

LONGEST_GAP: Final = 96  # bytes, of whatever goes into one


class Gap(IntEnum):
    """What goes in behind a piece. The numbers are those of `native/src/native.h`.

    A UID length counts the UID as a value has it, padded to even length (PS3.5 section 9.1), and the piece's `base`.
    """

    NOTHING = 0
    UID = 1  # padded with a zero byte
    UID_TEXT = 2  # without padding
    UID_LENGTH_16 = 3
    UID_LENGTH_32 = 4
    UID_LENGTH_32_BIG = 5
    MESSAGE_ID = 6
    SIZE = 7
    OFFSET = 8
    DIGEST = 9
    NUMBER = 10
    TIME = 11


class Piece(NamedTuple):  # a tuple, for the compiled twin
    """Bytes, and the gap behind them."""

    literal: bytes
    gap: Gap = Gap.NOTHING
    base: int = 0


Stencil = tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Named:
    """What names one image.

    Attributes:
        size, offset: of its data set in bytes, and where that begins in its file.
        number: the Instance Number as text.
        microseconds: since the epoch, when it came.
    """

    uid: str
    message_id: int = 0
    size: int = 0
    offset: int = 0
    digest: str = ""
    number: str = ""
    microseconds: int = 0


def longest(stencil: Stencil) -> int:
    """How many bytes it is at the most."""
    return sum(len(piece.literal) + LONGEST_GAP for piece in stencil)


def with_gaps(data: bytes, gaps: Sequence[tuple[slice, Gap, int]]) -> Stencil:
    """`data` with gaps instead of what stands at these places, in order; each with its base."""
    pieces, position = [], 0
    for place, gap, base in gaps:
        pieces.append(Piece(data[position : place.start], gap, base))
        position = place.stop
    return (*pieces, Piece(data[position:]))


def filled(stencil: Stencil, named: Named) -> bytes:
    """The bytes for one image."""
    uid = named.uid.encode("ascii")
    padded = uid + b"\0" * (len(uid) % 2)
    seconds, fraction = divmod(named.microseconds, 1_000_000)
    values: Mapping[Gap, bytes] = {
        Gap.NOTHING: b"",
        Gap.UID: padded,
        Gap.UID_TEXT: uid,
        Gap.MESSAGE_ID: named.message_id.to_bytes(2, "little"),
        Gap.SIZE: b"%d" % named.size,
        Gap.OFFSET: b"%d" % named.offset,
        Gap.DIGEST: named.digest.encode("ascii"),
        Gap.NUMBER: named.number.encode("ascii"),
        Gap.TIME: b"%d.%06d" % (seconds, fraction),
    }
    return b"".join(
        piece.literal + (_length(piece, len(padded)) if piece.gap in _LENGTHS else values[piece.gap])
        for piece in stencil
    )


def filled_by_twin(stencil: Stencil, named: Named) -> bytes:
    """The same, compiled; there where `native.compiled` is."""
    assert native.compiled is not None
    data: bytes = native.compiled.filled(
        stencil,
        named.uid.encode("ascii"),
        named.message_id,
        named.size,
        named.offset,
        named.digest.encode("ascii"),
        named.number.encode("ascii"),
        named.microseconds,
    )
    return data


_LENGTHS: Final = {
    Gap.UID_LENGTH_16: (2, False),
    Gap.UID_LENGTH_32: (4, False),
    Gap.UID_LENGTH_32_BIG: (4, True),
}


def _length(piece: Piece, padded: int) -> bytes:
    size, is_big = _LENGTHS[piece.gap]
    return (piece.base + padded).to_bytes(size, "big" if is_big else "little")
