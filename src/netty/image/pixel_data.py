"""Native pixel data: where a frame's bytes are, and which values they store (PS3.3 C.7.6.3.1, PS3.5 8)."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import Enum, StrEnum
from functools import lru_cache
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from netty import native
from netty.image.errors import CannotRender
from netty.image.flags import Flag

Array: TypeAlias = NDArray[Any]
Bytes: TypeAlias = "bytes | bytearray | memoryview"

MAX_TABLE_BITS = 16  # deeper cells are computed pixel by pixel; up to here one table holds every possible cell
_STRIP: Final = 1 << 16  # cells looked up at once: their indices, of 8 bytes each, stay in the cache
_ENOUGH_FOR_PAIRS: Final = 1 << 17  # cells: a table of pairs is twice as fast, but is to be made first


class PhotometricInterpretation(StrEnum):
    """What the samples mean (PS3.3 C.7.6.3.1.2): those that native pixel data can have."""

    MONOCHROME1 = "MONOCHROME1"
    MONOCHROME2 = "MONOCHROME2"
    PALETTE_COLOR = "PALETTE COLOR"
    RGB = "RGB"
    YBR_FULL = "YBR_FULL"
    YBR_FULL_422 = "YBR_FULL_422"

    @property
    def is_monochrome(self) -> bool:
        """Whether the grayscale transforms (modality, VOI, presentation) apply."""
        return self in (PhotometricInterpretation.MONOCHROME1, PhotometricInterpretation.MONOCHROME2)

    @property
    def samples(self) -> int:
        """The Samples per Pixel that it asks for."""
        return 1 if self.is_monochrome or self is PhotometricInterpretation.PALETTE_COLOR else 3


class ByteOrder(Enum):
    """The order of the bytes of a cell (PS3.5 7.3, 8.1.2)."""

    LITTLE = "little"
    BIG = "big"
    BIG_WORDS = "big words"  # OW in Explicit VR Big Endian with 8 bits allocated: two cells swapped in each word


@dataclass(frozen=True, slots=True)
class PixelDescription:
    """The Image Pixel Module's numbers (PS3.3 C.7.6.3), checked for making sense together."""

    rows: int
    columns: int
    photometric_interpretation: PhotometricInterpretation
    bits_allocated: int
    bits_stored: int
    high_bit: int
    signed: bool = False
    planar: bool = False
    frames: int = 1
    byte_order: ByteOrder = ByteOrder.LITTLE
    cells_per_frame: int = field(init=False, compare=False, repr=False)
    """The cells (one sample each) that one frame stores: asked for many times in each image."""

    def __post_init__(self) -> None:
        cells = self.rows * self.columns * (2 if self.is_subsampled else self.samples)
        object.__setattr__(self, "cells_per_frame", cells)
        if not (0 < self.rows <= 65535 and 0 < self.columns <= 65535 and self.frames > 0):
            raise CannotRender(
                "The image has no size: {rows} rows, {columns} columns, {frames} frames.",
                rows=self.rows,
                columns=self.columns,
                frames=self.frames,
            )
        if (
            self.bits_allocated not in (1, 8, 16, 32)
            or not 0 < self.bits_stored <= self.high_bit + 1 <= self.bits_allocated
        ):
            raise CannotRender(
                "Pixels of {allocated} bits allocated, {stored} stored, high bit {high} are not supported.",
                allocated=self.bits_allocated,
                stored=self.bits_stored,
                high=self.high_bit,
            )
        if self.is_subsampled and (self.columns % 2 or self.bits_allocated != 8):
            raise CannotRender("YBR_FULL_422 needs an even number of columns and 8 bits allocated.")
        if not self.photometric_interpretation.is_monochrome and self.bits_allocated not in (8, 16):
            raise CannotRender(
                "Colour with {allocated} bits allocated is not supported.", allocated=self.bits_allocated
            )

    @property
    def samples(self) -> int:
        """Samples per Pixel."""
        return self.photometric_interpretation.samples

    @property
    def is_subsampled(self) -> bool:
        """Whether two neighbours share their chrominance: Y1 Y2 Cb Cr (PS3.3 C.7.6.3.1.2)."""
        return self.photometric_interpretation is PhotometricInterpretation.YBR_FULL_422

    @property
    def frame_size(self) -> int:
        """The bytes that one frame touches; frames of single bits may share a byte with their neighbour."""
        return (self.cells_per_frame * self.bits_allocated + 7) // 8

    @property
    def total_size(self) -> int:
        """The bytes of all frames, without padding to even length."""
        return (self.cells_per_frame * self.frames * self.bits_allocated + 7) // 8

    @property
    def has_table(self) -> bool:
        """Whether a table over every possible cell is small enough."""
        return self.bits_allocated <= MAX_TABLE_BITS

    def frame_span(self, frame: int) -> tuple[int, int, int]:
        """Where frame `frame` (from 0) stands in the pixel data: first byte, number of bytes, leading bits to skip.

        The bytes are whole words where words are swapped.
        """
        unit = 16 if self.byte_order is ByteOrder.BIG_WORDS else 8
        first_bit = frame * self.cells_per_frame * self.bits_allocated
        first, leading_bits = divmod(first_bit, unit)
        end = -(-(first_bit + self.cells_per_frame * self.bits_allocated) // unit)
        return first * unit // 8, (end - first) * unit // 8, leading_bits


def fit_to_length(description: PixelDescription, length: int) -> tuple[PixelDescription, tuple[Flag, ...]]:
    """The description that agrees with `length` bytes of pixel data, and what had to be said about it.

    Software that decompresses JPEG often leaves YBR_FULL_422 standing over pixels that are not subsampled any more.
    """
    if description.is_subsampled:
        whole = replace(description, photometric_interpretation=PhotometricInterpretation.YBR_FULL)
        if 0 <= length - whole.total_size <= 1:
            return whole, (Flag.NOT_SUBSAMPLED,)
    present = _frames_in(description, length)
    if 0 < present < description.frames:
        return replace(description, frames=present), (Flag.FRAMES_MISSING,)
    surplus = length - description.total_size
    return description, ((Flag.SIZE_MISMATCH,) if surplus > 1 else ())


def _frames_in(description: PixelDescription, length: int) -> int:
    """The frames of which at least half is in `length` bytes."""
    whole, rest = divmod(length * 8, description.cells_per_frame * description.bits_allocated)
    return whole + (rest * 2 >= description.cells_per_frame * description.bits_allocated)


def frame_cells(data: Bytes, description: PixelDescription, leading_bits: int = 0, count: int | None = None) -> Array:
    """The cells of one frame as unsigned numbers, in a flat array in the order of the bytes; nothing is copied.

    Of a part of a frame those that it holds, `count` at most.
    """
    count = description.cells_per_frame if count is None else count
    if description.bits_allocated <= 8:
        octets = np.frombuffer(data, np.uint8)
        if description.byte_order is ByteOrder.BIG_WORDS:
            octets = octets.reshape(-1, 2)[:, ::-1].reshape(-1)
        if description.bits_allocated == 1:  # PS3.5 8.1.1: the first pixel is the least significant bit
            return np.unpackbits(octets, bitorder="little")[leading_bits : leading_bits + count]
        return octets[leading_bits // 8 : leading_bits // 8 + count]
    order = ">" if description.byte_order is ByteOrder.BIG else "<"
    return np.frombuffer(data, np.dtype(f"{order}u{description.bits_allocated // 8}"))[:count]


def stored_values(cells: Array, description: PixelDescription) -> Array:
    """The values that cells store: the bits up to High Bit, without what stands above or below (PS3.5 8.1.1)."""
    stored, allocated = description.bits_stored, description.bits_allocated
    if stored == allocated:
        native = cells.astype(cells.dtype.newbyteorder("="), copy=False)
        return native.view(np.dtype(f"i{native.itemsize}")) if description.signed and allocated > 1 else native
    wide: NDArray[np.signedinteger[Any]] = cells.astype(np.int64 if allocated == 32 else np.int32)
    values = (wide >> (description.high_bit + 1 - stored)) & ((1 << stored) - 1)
    return _sign_extended(values, stored) if description.signed else values


def possible_values(description: PixelDescription) -> Array:
    """The stored value of every pattern of Bits Stored bits, in the order of the patterns."""
    values = np.arange(1 << description.bits_stored, dtype=np.int32)
    return _sign_extended(values, description.bits_stored) if description.signed else values


def value_limits(description: PixelDescription) -> tuple[int, int]:
    """The smallest and the largest value that Bits Stored bits can hold."""
    if description.signed:
        half = 1 << (description.bits_stored - 1)
        return -half, half - 1
    return 0, (1 << description.bits_stored) - 1


def table_over_cells(table: Array, description: PixelDescription) -> Array:
    """A table over the patterns of `possible_values`, spread over every possible cell.

    Bits below the stored ones repeat each entry, bits above repeat the whole: whatever they hold, such as the
    embedded overlays of old images, the pixel's value is the same.
    """
    below = description.high_bit + 1 - description.bits_stored
    above = description.bits_allocated - description.high_bit - 1
    spread = np.repeat(table, 1 << below, axis=0) if below else table
    return np.concatenate([spread] * (1 << above)) if above else spread


def apply_table(table: Array, cells: Array) -> Array:
    """The table's entry for each cell, in strips so that the indices stay in the cache."""
    result = np.empty((cells.size, *table.shape[1:]), table.dtype)
    apply_table_into(table, result, cells)
    return result


def apply_table_into(table: Array, result: Array, cells: Array) -> None:
    """The same, into an array of as many entries as there are cells."""
    TAKING(table, result, cells)


def _taken(table: Array, result: Array, cells: Array) -> None:
    if cells.itemsize == table.itemsize == 1 and table.ndim == 1 and cells.size >= _ENOUGH_FOR_PAIRS:
        whole = cells.size & ~1
        pairs = _table_of_pairs(table.tobytes())
        _take(pairs, cells[:whole].view(np.uint16), result[:whole].view(np.uint16))
        result[whole:] = table[cells[whole:]]
    else:
        _take(table, cells, result)


def _taken_compiled(table: Array, result: Array, cells: Array) -> None:
    """Octets for cells of 16 bits in compiled code, all else in numpy: octets for octets are as fast in pairs."""
    are_plain = cells.dtype.isnative and all(each.flags.c_contiguous for each in (table, result, cells))
    if are_plain and cells.itemsize == 2 and table.itemsize == 1 and table.shape == (1 << 16,):
        native.compiled.look_up(result, cells, table)  # type: ignore[union-attr]
    else:
        _taken(table, result, cells)


Taking = Callable[[Array, Array, Array], None]

BY_PYTHON: Final[Taking] = _taken

COMPILED: Final[Taking | None] = _taken_compiled if native.compiled else None
"""Its twin; None where it is not installed."""

TAKING: Final = COMPILED or BY_PYTHON


def _take(table: Array, cells: Array, result: Array) -> None:
    for start in range(0, cells.size, _STRIP):
        part = slice(start, start + _STRIP)
        # No cell is out of range; "raise" would take a buffer between, and "clip" look at each index twice.
        table.take(cells[part], axis=0, out=result[part], mode="wrap")


@lru_cache(maxsize=32)
def _table_of_pairs(table: bytes) -> Array:
    """What a table of octets makes of two neighbours at once, whichever of them the machine's order puts first."""
    every = np.arange(1 << 16, dtype=np.uint16).view(np.uint8)
    return np.frombuffer(table, np.uint8).take(every, mode="wrap").view(np.uint16)


def _sign_extended(values: Array, bits: int) -> Array:
    sign = 1 << (bits - 1)
    extended: Array = (values ^ sign) - sign
    return extended
