"""Which value a pixel stores: PS3.3 C.7.6.3.1, PS3.5 section 8.1."""

from dataclasses import replace

import numpy as np
import pytest

from netty.image.errors import CannotRender
from netty.image.flags import Flag
from netty.image.pixel_data import (
    ByteOrder,
    PhotometricInterpretation,
    PixelDescription,
    apply_table,
    fit_to_length,
    frame_cells,
    possible_values,
    stored_values,
    table_over_cells,
)

GREY = PixelDescription(1, 4, PhotometricInterpretation.MONOCHROME2, 16, 16, 15)


@pytest.mark.parametrize(
    ("stored", "high_bit", "signed", "cells", "values"),
    [
        (16, 15, False, [0, 1, 0x8000, 0xFFFF], [0, 1, 32768, 65535]),
        (16, 15, True, [0, 1, 0x8000, 0xFFFF], [0, 1, -32768, -1]),
        (12, 11, False, [0x0FFF, 0x1FFF, 0xF000, 0x0800], [4095, 4095, 0, 2048]),  # bits above hold an overlay
        (12, 11, True, [0x0FFF, 0xF7FF, 0x0800, 0xF800], [-1, 2047, -2048, -2048]),
        (12, 15, False, [0xFFF0, 0x001F, 0x8000, 0x000F], [4095, 1, 2048, 0]),  # bits below too
        (12, 15, True, [0xFFF0, 0x7FFF, 0x8000, 0x0010], [-1, 2047, -2048, 1]),
        (10, 11, False, [0x0FFC, 0xF003, 0x0004, 0x0000], [1023, 0, 1, 0]),
    ],
)
def test_only_the_stored_bits_count(
    stored: int, high_bit: int, signed: bool, cells: list[int], values: list[int]
) -> None:
    description = replace(GREY, bits_stored=stored, high_bit=high_bit, signed=signed)
    array = np.array(cells, "<u2")

    assert stored_values(array, description).tolist() == values

    table = table_over_cells(possible_values(description), description)
    assert table.size == 65536
    assert apply_table(table, array).tolist() == values


@pytest.mark.parametrize("first", [0, 1])  # where the cells begin: on an even address or an odd one
@pytest.mark.parametrize("count", [1, 2, 3, 4095, (1 << 17) - 1, 1 << 17, (1 << 17) + 1, 512 * 513, 1000003])
def test_octets_looked_up_in_pairs_are_what_they_are_one_by_one(count: int, first: int) -> None:
    generator = np.random.default_rng(count)
    table, octets = generator.permutation(256).astype(np.uint8), generator.integers(0, 256, first + count, np.uint8)

    found = apply_table(table, octets[first:])

    assert found.dtype == np.uint8
    assert found.tobytes() == octets[first:].tobytes().translate(table.tobytes())


def test_every_pair_of_octets_is_looked_up_in_its_order() -> None:
    table = np.random.default_rng(0).permutation(256).astype(np.uint8)
    pairs = np.stack(np.meshgrid(np.arange(256), np.arange(256), indexing="ij"), axis=-1).astype(np.uint8)

    found = apply_table(table, pairs.reshape(-1)).reshape(256, 256, 2)

    assert np.array_equal(found[..., 0], np.broadcast_to(table[:, np.newaxis], (256, 256)))
    assert np.array_equal(found[..., 1], np.broadcast_to(table, (256, 256)))


@pytest.mark.parametrize("entries", [2, 256])
def test_octets_are_found_in_tables_that_are_no_octets(entries: int) -> None:
    """Colours, and greys of 16 bits; and a table of two entries for cells of one bit."""
    cells = np.random.default_rng(1).integers(0, entries, 1 << 18, np.uint8)
    for table in (np.arange(entries, dtype=np.uint16) * 3, np.arange(entries * 3, dtype=np.uint8).reshape(-1, 3)):
        assert np.array_equal(apply_table(table, cells), table[cells])
    assert np.array_equal(apply_table(np.arange(entries, dtype=np.uint8)[::-1], cells), entries - 1 - cells)


@pytest.mark.parametrize("signed", [False, True])
def test_pixels_of_32_bits(signed: bool) -> None:
    description = replace(GREY, bits_allocated=32, bits_stored=32, high_bit=31, signed=signed)

    values = stored_values(frame_cells(bytes.fromhex("ffffffff 00000080 01000000 00000000"), description), description)

    assert values.tolist() == ([-1, -(2**31), 1, 0] if signed else [2**32 - 1, 2**31, 1, 0])


def test_big_endian_cells() -> None:
    description = replace(GREY, byte_order=ByteOrder.BIG)

    assert frame_cells(bytes.fromhex("0001 0100 ffff 8000"), description).tolist() == [1, 256, 65535, 32768]


def test_8_bit_cells_in_big_endian_words_are_swapped_across_frames() -> None:
    description = PixelDescription(
        1, 3, PhotometricInterpretation.MONOCHROME2, 8, 8, 7, frames=2, byte_order=ByteOrder.BIG_WORDS
    )
    data = bytes([2, 1, 4, 3, 6, 5])  # the pixels 1 2 3 | 4 5 6

    frames = []
    for frame in range(2):
        first, size, leading_bits = description.frame_span(frame)
        frames.append(frame_cells(data[first : first + size], description, leading_bits).tolist())

    assert frames == [[1, 2, 3], [4, 5, 6]]


def test_single_bits_are_packed_over_the_borders_of_frames() -> None:
    """PS3.5 8.1.1: the first pixel is the least significant bit, and nothing is filled up between frames."""
    description = PixelDescription(1, 3, PhotometricInterpretation.MONOCHROME2, 1, 1, 0, frames=3)
    data = bytes([0b10_011_001, 0b1])

    frames = []
    for frame in range(3):
        first, size, leading_bits = description.frame_span(frame)
        frames.append(frame_cells(data[first : first + size], description, leading_bits).tolist())

    assert frames == [[1, 0, 0], [1, 1, 0], [0, 1, 1]]
    assert description.total_size == 2


@pytest.mark.parametrize(
    ("photometric", "size"),
    [
        (PhotometricInterpretation.MONOCHROME2, 8),
        (PhotometricInterpretation.RGB, 24),
        (PhotometricInterpretation.YBR_FULL, 24),
        (PhotometricInterpretation.YBR_FULL_422, 16),  # C.7.6.3.1.2: two bytes a pixel
    ],
)
def test_the_size_of_a_frame(photometric: PhotometricInterpretation, size: int) -> None:
    assert PixelDescription(2, 4, photometric, 8, 8, 7).frame_size == size


def test_ybr_full_422_that_is_stored_whole_is_read_as_ybr_full() -> None:
    declared = PixelDescription(2, 4, PhotometricInterpretation.YBR_FULL_422, 8, 8, 7)

    whole, flags = fit_to_length(declared, 24)

    assert whole.photometric_interpretation is PhotometricInterpretation.YBR_FULL
    assert flags == (Flag.NOT_SUBSAMPLED,)
    assert fit_to_length(declared, 16) == (declared, ())


@pytest.mark.parametrize(("length", "flags"), [(8, ()), (9, ()), (10, (Flag.SIZE_MISMATCH,)), (6, ())])
def test_more_pixel_data_than_expected_is_remarked(length: int, flags: tuple[Flag, ...]) -> None:
    assert fit_to_length(GREY, length) == (GREY, flags)


@pytest.mark.parametrize(
    "wrong",
    [
        {"rows": 0},
        {"columns": -1},
        {"frames": 0},
        {"bits_allocated": 12, "bits_stored": 12, "high_bit": 11},
        {"bits_stored": 17, "high_bit": 16},
        {"bits_stored": 0},
        {"high_bit": 7},
        {"photometric_interpretation": PhotometricInterpretation.YBR_FULL_422},
        {"photometric_interpretation": PhotometricInterpretation.RGB, "bits_allocated": 32},
    ],
)
def test_numbers_that_make_no_image_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(CannotRender):
        replace(GREY, **wrong)  # type: ignore[arg-type]
