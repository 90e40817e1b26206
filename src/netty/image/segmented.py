"""Segmented palette data expanded into plain entries (PS3.3 C.7.9.2)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

DISCRETE, LINEAR, INDIRECT = 0, 1, 2
MAX_ENTRIES = 65536


def expand(segments: Sequence[int]) -> NDArray[np.uint16] | None:
    """The entries that the segments describe; None when they are not well formed or describe too many."""
    entries: list[int] = []
    try:
        _expand(segments, 0, None, entries)
    except (IndexError, ValueError):
        return None
    return np.array(entries, np.uint16) if entries and max(entries) <= 0xFFFF else None


def _expand(segments: Sequence[int], position: int, count: int | None, entries: list[int]) -> None:
    """Appends `count` segments from `position` on (None: all there are)."""
    done = 0
    while position < len(segments) if count is None else done < count:
        opcode, length = segments[position], segments[position + 1]
        if opcode == DISCRETE:
            values = segments[position + 2 : position + 2 + length]
            if len(values) < length:
                raise IndexError(position)
            entries.extend(values)
            position += 2 + length
        elif opcode == LINEAR:
            start, end = entries[-1], segments[position + 2]
            entries.extend(round(start + (end - start) * step / length) for step in range(1, length + 1))
            position += 3
        elif opcode == INDIRECT and count is None:  # a copied segment cannot itself be indirect
            offset = (segments[position + 2] | segments[position + 3] << 16) // 2
            _expand(segments, offset, length, entries)
            position += 4
        else:
            raise ValueError(opcode)
        if len(entries) > MAX_ENTRIES:
            raise ValueError(len(entries))
        done += 1
