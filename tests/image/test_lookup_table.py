"""LUT descriptors and their data as the field writes them: PS3.3 C.11.1.1.1, C.7.9.2."""

import numpy as np
import pytest

from netty.image.lookup_table import Descriptor, descriptor, lookup_table
from netty.image.segmented import expand


@pytest.mark.parametrize(
    ("numbers", "signed", "expected"),
    [
        ((256, 0, 16), False, Descriptor(256, 0, 16)),
        ((0, 0, 8), False, Descriptor(65536, 0, 8)),  # 0 means 65536
        ((256, 0xFC00, 12), True, Descriptor(256, -1024, 12)),
        ((256, 0xFC00, 12), False, Descriptor(256, 0xFC00, 12)),
        ((256, -1024, 12), False, Descriptor(256, 0xFC00, 12)),  # read as SS, meant as US
        ((-1, 0, 16), False, Descriptor(65535, 0, 16)),
        ((256, 0), False, None),
    ],
)
def test_the_three_numbers(numbers: tuple[int, ...], signed: bool, expected: Descriptor | None) -> None:
    assert descriptor(numbers, signed) == expected


@pytest.mark.parametrize(
    ("entries", "bits", "words", "expected", "depth", "corrected"),
    [
        (4, 8, [1, 2, 3, 4], [1, 2, 3, 4], 8, False),  # one entry in a word
        (4, 8, [0x0201, 0x0403], [1, 2, 3, 4], 8, False),  # two in a word
        (3, 8, [0x0201, 0x0003], [1, 2, 3], 8, False),
        (2, 12, [0, 4095], [0, 4095], 12, False),
        (2, 8, [0, 4095], [0, 4095], 12, True),  # the entries are right, the bits are not
        (4, 16, [7, 8], [7, 8], 16, False),  # fewer words than promised: the last one stands for the rest
        (2, 16, [7, 8, 9], [7, 8], 16, False),
    ],
)
def test_the_data(entries: int, bits: int, words: list[int], expected: list[int], depth: int, corrected: bool) -> None:
    made = lookup_table(Descriptor(entries, 0, bits), np.array(words, np.uint16))

    assert made is not None
    table, was_corrected = made
    assert (table.entries.tolist(), table.bits, was_corrected) == (expected, depth, corrected)


@pytest.mark.parametrize(("bits", "words"), [(16, []), (0, [1]), (17, [1])])
def test_what_is_no_table(bits: int, words: list[int]) -> None:
    assert lookup_table(Descriptor(4, 0, bits), np.array(words, np.uint16)) is None


@pytest.mark.parametrize(
    ("segments", "expected"),
    [
        ([0, 3, 1, 2, 3], [1, 2, 3]),
        ([0, 1, 0, 1, 4, 100], [0, 25, 50, 75, 100]),  # linear from the entry before
        ([0, 2, 5, 6, 2, 1, 0, 0], [5, 6, 5, 6]),  # indirect: one segment from byte 0 again
        ([0, 3, 1, 2], None),
        ([1, 4, 100], None),  # linear needs an entry before
        ([9, 1, 1], None),
        ([0, 1, 7, 2, 1, 6, 0], None),  # an indirect segment that leads to itself
        ([0, 1, 0, *([1, 65535, 1] * 9)], None),
        ([], None),
    ],
)
def test_segmented_palettes(segments: list[int], expected: list[int] | None) -> None:
    expanded = expand(segments)

    assert (None if expanded is None else expanded.tolist()) == expected
