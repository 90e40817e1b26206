"""A lookup table as DICOM writes it: a descriptor of three numbers, and data (PS3.3 C.11.1.1.1, C.11.2.1.1)."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netty.image.pixel_data import Array


@dataclass(frozen=True, slots=True)
class LookupTable:
    """`data` holds one entry per 16-bit word, little endian: bytes compare and hash, so that a plan can be a key."""

    first: int
    bits: int
    data: bytes
    explanation: str = ""

    @property
    def entries(self) -> NDArray[np.uint16]:
        """The entries."""
        return np.frombuffer(self.data, "<u2")

    @property
    def maximum(self) -> int:
        """The largest value that an entry can have."""
        return (1 << self.bits) - 1

    def lookup(self, values: Array) -> Array:
        """The entry for each value; below and above the table its first and last entry (C.11.1.1.1)."""
        index = np.clip(np.rint(values) - self.first, 0, len(self.data) // 2 - 1).astype(np.intp)
        found: Array = self.entries[index]
        return found

    def as_recipe(self) -> dict[str, Any]:
        """What makes the table recognisable, without its entries."""
        return {
            "kind": "lut",
            "first": self.first,
            "entries": len(self.data) // 2,
            "bits": self.bits,
            "sha256": hashlib.sha256(self.data).hexdigest(),
            "explanation": self.explanation,
        }


@dataclass(frozen=True, slots=True)
class Descriptor:
    """LUT Descriptor: number of entries (0 means 65536), first value mapped, bits of an entry."""

    entries: int
    first: int
    bits: int


def descriptor(numbers: Sequence[int], signed: bool) -> Descriptor | None:
    """The three numbers read as PS3.3 says, whichever of US and SS their reader took them for; None: too few."""
    if len(numbers) < 3:
        return None
    entries, first, bits = (number & 0xFFFF for number in numbers[:3])
    return Descriptor(entries or 0x10000, first - 0x10000 if signed and first >= 0x8000 else first, bits)


def lookup_table(
    described: Descriptor | None, words: NDArray[np.uint16], explanation: str = ""
) -> tuple[LookupTable, bool] | None:
    """The table that descriptor and data words make, and whether its depth had to be corrected; None: no sense in it.

    Entries of 8 bits stand one in a word or two in a word (C.11.1.1.1 has both in its note); only the length tells
    which. Entries that do not fit into the descriptor's bits show that the bits are wrong, not the entries.
    """
    if described is None:
        return None
    if described.bits <= 8 and words.size < described.entries <= words.size * 2:
        words = words.astype("<u2").view(np.uint8).astype(np.uint16)
    if not words.size or not 1 <= described.bits <= 16:
        return None
    words = words[: described.entries]  # fewer words than entries: the last one stands for the rest
    needed = max(int(words.max()).bit_length(), 1)
    bits = max(described.bits, needed)
    table = LookupTable(described.first, bits, words.astype("<u2").tobytes(), explanation)
    return table, bits != described.bits
