"""Colour to RGB: PS3.3 C.7.6.3.1.2 (YBR), C.7.6.3.1.3 (planes), C.7.6.3.1.5 (palette)."""

import numpy as np
import pytest

from netty.image.colour import Palette, colour_frame, ybr_to_rgb
from netty.image.lookup_table import LookupTable
from netty.image.pixel_data import PhotometricInterpretation, PixelDescription, frame_cells

RGB = PhotometricInterpretation.RGB
RED, GREEN, BLUE = [255, 0, 0], [0, 255, 0], [0, 0, 255]


def test_samples_by_pixel_and_by_plane_are_the_same_picture() -> None:
    pixels = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    by_plane = np.ascontiguousarray(pixels.transpose(2, 0, 1))

    assert np.array_equal(colour_frame(pixels.ravel(), PixelDescription(2, 3, RGB, 8, 8, 7), None), pixels)
    planar = PixelDescription(2, 3, RGB, 8, 8, 7, planar=True)
    assert np.array_equal(colour_frame(by_plane.ravel(), planar, None), pixels)


@pytest.mark.parametrize(
    ("stored", "high_bit", "cells", "expected"),
    [
        (16, 15, [0, 65535, 32768], [0, 255, 128]),
        (12, 11, [0, 4095, 2048], [0, 255, 128]),
        (12, 11, [0xF000, 0xFFFF, 0x1800], [0, 255, 128]),  # bits above do not count
    ],
)
def test_16_bit_rgb_is_scaled_from_full_range(
    stored: int, high_bit: int, cells: list[int], expected: list[int]
) -> None:
    description = PixelDescription(1, 1, RGB, 16, stored, high_bit)

    assert colour_frame(np.array(cells, "<u2"), description, None).ravel().tolist() == expected


def test_ybr_full_is_the_inverse_of_the_matrix_in_c_7_6_3_1_2() -> None:
    rgb = np.stack(np.meshgrid(*[np.arange(0, 256, 15)] * 3), axis=-1).reshape(1, -1, 3).astype(float)
    matrix = np.array([[0.2990, 0.5870, 0.1140], [-0.1687, -0.3313, 0.5000], [0.5000, -0.4187, -0.0813]])
    ybr = np.clip(np.rint(rgb @ matrix.T + [0, 128, 128]), 0, 255).astype(np.uint8)

    assert np.abs(ybr_to_rgb(ybr).astype(int) - rgb).max() <= 2  # what rounding to 8 bits costs


def test_ybr_full_422_gives_two_pixels_one_chrominance() -> None:
    description = PixelDescription(1, 4, PhotometricInterpretation.YBR_FULL_422, 8, 8, 7)
    cells = frame_cells(bytes([76, 76, 85, 255, 0, 255, 128, 128]), description)

    (row,) = colour_frame(cells, description, None).astype(int)

    assert np.abs(row - [RED, RED, [0, 0, 0], [255, 255, 255]]).max() <= 2


def palette(first: int, bits: int, red: list[int], green: list[int], blue: list[int]) -> Palette:
    return Palette(*(LookupTable(first, bits, np.array(c, "<u2").tobytes()) for c in (red, green, blue)))


@pytest.mark.parametrize(
    ("bits", "full"),
    [(8, 255), (16, 65535), (16, 0xFF00), (16, 0xFFFF)],
)
def test_palette_entries_of_8_and_16_bits(bits: int, full: int) -> None:
    description = PixelDescription(1, 3, PhotometricInterpretation.PALETTE_COLOR, 8, 8, 7)
    colours = palette(0, bits, [full, 0, 0], [0, full, 0], [0, 0, full])

    assert colour_frame(np.array([0, 1, 2], np.uint8), description, colours).tolist() == [[RED, GREEN, BLUE]]


def test_values_outside_the_palette_take_its_first_and_last_entry() -> None:
    description = PixelDescription(1, 4, PhotometricInterpretation.PALETTE_COLOR, 16, 16, 15)
    colours = palette(100, 8, [255, 0], [0, 0], [0, 255])

    assert colour_frame(np.array([0, 100, 101, 60000], "<u2"), description, colours).tolist() == [
        [RED, RED, BLUE, BLUE]
    ]
