"""Greys computed rather than looked up: the same ones, of every cell there can be (PS3.3 C.11.2.1)."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netty.image.grayscale import GrayscalePlan, grey_frame, grey_levels
from netty.image.modality import Rescale
from netty.image.padding import Padding
from netty.image.pixel_data import PhotometricInterpretation, PixelDescription, possible_values, stored_values
from netty.image.ramp import Ramp, ramp_of
from netty.image.voi import ValueRange, VoiLutFunction, Window, apply_voi

EVERY_CELL = np.arange(1 << 16, dtype=np.uint16)
CT = PixelDescription(256, 256, PhotometricInterpretation.MONOCHROME2, 16, 12, 11)
ABDOMEN = GrayscalePlan(Rescale(1, -1024), Window(40, 400), inverted=False, padding=None)


def ramp(description: PixelDescription, window: Window) -> Ramp | None:
    """The ramp of a window over the stored values themselves."""
    greys = np.rint(apply_voi(possible_values(description).astype(np.float64), window)).astype(np.uint8)
    return ramp_of(greys, description, lambda values: apply_voi(values.astype(np.float64), window))


@pytest.mark.parametrize(
    "window", [Window(1064, 400), Window(2048, 4096), Window(600, 1500), Window(40, 98), Window(300, 12000)]
)
def test_a_window_is_a_ramp(window: Window) -> None:
    assert ramp(CT, window) is not None


@pytest.mark.parametrize(
    ("window", "why"),
    [
        (Window(1064, 400, VoiLutFunction.SIGMOID), "it bends"),
        (Window(1064, 1), "a threshold has no slope"),
        (Window(1064, 510, VoiLutFunction.LINEAR_EXACT), "every other grey ends in a half, which goes to the even one"),
        (Window(9000, 400), "all is black"),
    ],
)
def test_what_is_no_straight_line_is_no_ramp(window: Window, why: str) -> None:
    assert ramp(CT, window) is None, why


@pytest.mark.parametrize("bits", [(8, 5, 6), (16, 12, 15), (32, 12, 11)])
def test_a_ramp_begins_with_the_lowest_bit_of_words(bits: tuple[int, int, int]) -> None:
    allocated, stored, high_bit = bits
    description = replace(CT, bits_allocated=allocated, bits_stored=stored, high_bit=high_bit)

    assert ramp(description, Window(100, 150)) is None


def test_its_ends_are_those_of_the_standard() -> None:
    """C.11.2.1.2.1: black up to c - 0.5 - (w - 1) / 2, white above c - 0.5 + (w - 1) / 2."""
    greys = np.empty(4, np.uint8)
    made = ramp(CT, Window(2048, 4096))
    assert made is not None

    made.into(greys, np.array([0, 2047, 2048, 4095], np.uint16))

    assert greys.tolist() == [0, 127, 128, 255]


@given(
    stored_bits=st.integers(2, 16),
    signed=st.booleans(),
    slope=st.sampled_from([1.0, 2.0, -1.0]) | st.floats(0.01, 4),
    intercept=st.sampled_from([0.0, -1024.0]),
    center=st.integers(-1000, 3000) | st.floats(-1000, 3000),
    width=st.integers(1, 5000) | st.floats(1, 70_000),
    function=st.sampled_from(VoiLutFunction),
    inverted=st.booleans(),
    padding=st.none()
    | st.builds(lambda low, size: Padding(low, low + size), st.integers(-2000, 2000), st.integers(0, 9)),
)
def test_computed_greys_are_those_of_the_transforms(
    stored_bits: int,
    signed: bool,
    slope: float,
    intercept: float,
    center: float,
    width: float,
    function: VoiLutFunction,
    inverted: bool,
    padding: Padding | None,
) -> None:
    description = replace(CT, bits_stored=stored_bits, high_bit=stored_bits - 1, signed=signed)
    plan = GrayscalePlan(Rescale(slope, intercept), Window(center, width, function), inverted, padding)

    expected = grey_levels(stored_values(EVERY_CELL, description), plan)

    assert np.array_equal(grey_frame([EVERY_CELL], description, plan).reshape(-1), expected)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("voi", [Window(40, 400), ValueRange(-1024, 3071, "min-max")])
def test_a_long_strip_is_computed_in_parts(order: str, signed: bool, voi: Window | ValueRange) -> None:
    cells = np.resize(EVERY_CELL[::-1], 3 * 65537).astype(f"{order}u2")
    description = replace(CT, rows=3, columns=65535, signed=signed)
    plan = replace(ABDOMEN, voi=voi)
    cells = cells[: description.cells_per_frame]

    expected = grey_levels(stored_values(cells, description), plan).reshape(3, -1)

    assert np.array_equal(grey_frame([cells], description, plan), expected)
