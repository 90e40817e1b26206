"""What the fuzz tests share: how many cases, bytes that are spoilt, and the corpus of what once went wrong."""

import os
import struct
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

TIMES = int(os.environ.get("FUZZ_TIMES", "1"))
"""How many times the cases of a usual run. The usual run takes the same cases every time, longer ones new ones."""

CORPUS = Path(__file__).parents[1] / "fuzz" / "corpus"

tried: Counter[str] = Counter()
"""How many cases each kind of test has tried in this process."""


def cases(count: int, in_longer_runs: int | None = None, **others: Any) -> settings:
    """Hypothesis' settings for `count` cases in a usual run, multiples of `in_longer_runs` (or `count`) in others."""
    return settings(
        max_examples=count if TIMES == 1 else (in_longer_runs or count) * TIMES,
        deadline=None,
        derandomize=TIMES == 1,
        database=None,
        report_multiple_bugs=False,
        phases=(Phase.explicit, Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        **others,
    )


def corpus(folder: str) -> list[Path]:
    """The files of one kind: inputs that once were a finding, and some that never were."""
    return sorted(path for path in (CORPUS / folder).iterdir() if path.is_file())


Spoiling = tuple[str, int, int]
"""What is done, where (as a number that is taken modulo the length), and with what."""

_LENGTHS = (0, 1, 2, 3, 4, 5, 7, 8, 0x7F, 0x80, 0xFF, 0xFFFE, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFF0, 0xFFFFFFFE, 0xFFFFFFFF)


def _bit(data: bytearray, at: int, value: int) -> None:
    data[at] ^= 1 << value % 8


def _byte(data: bytearray, at: int, value: int) -> None:
    data[at] = value & 0xFF


def _length(order: str) -> Callable[[bytearray, int, int], None]:
    def write(data: bytearray, at: int, value: int) -> None:
        packed = struct.pack(order, _LENGTHS[value % len(_LENGTHS)] & (0xFFFF if order[1] == "H" else 0xFFFFFFFF))
        data[at : at + len(packed)] = packed[: max(0, len(data) - at)]

    return write


def _cut(data: bytearray, at: int, value: int) -> None:
    del data[at:]


def _remove(data: bytearray, at: int, value: int) -> None:
    del data[at : at + 1 + value % 64]


def _insert(data: bytearray, at: int, value: int) -> None:
    data[at:at] = struct.pack("<L", value)[: 1 + value % 4]


def _repeat(data: bytearray, at: int, value: int) -> None:
    data[at:at] = data[at : at + 1 + value % 64]


_KINDS: dict[str, Callable[[bytearray, int, int], None]] = {
    "bit": _bit,
    "byte": _byte,
    "length >L": _length(">L"),
    "length <L": _length("<L"),
    "length >H": _length(">H"),
    "length <H": _length("<H"),
    "cut": _cut,
    "remove": _remove,
    "insert": _insert,
    "repeat": _repeat,
}
spoilings = st.lists(
    st.tuples(st.sampled_from(sorted(_KINDS)), st.integers(0, 1 << 20), st.integers(0, 0xFFFFFFFF)), max_size=5
)


def spoilt(data: bytes, how: Sequence[Spoiling], reach: int | None = None) -> bytes:
    """`data` after `how`, which strikes within its first `reach` bytes where that is given."""
    result = bytearray(data)
    for kind, at, value in how:
        if result:
            _KINDS[kind](result, at % min(len(result), reach or len(result)), value)
    return bytes(result)


def in_pieces(data: bytes, cuts: Sequence[int]) -> list[bytes]:
    """`data` cut at some places (modulo its length)."""
    edges = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[start:stop] for start, stop in pairwise(edges)]
