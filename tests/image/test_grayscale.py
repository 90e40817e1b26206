"""The whole grayscale pipeline: PS3.4 N.2, PS3.3 C.11.1, C.7.5.1.1.2, C.7.6.3.1.2."""

from dataclasses import replace

import numpy as np
import pytest

from netty.image.grayscale import (
    GrayscalePlan,
    GrayscaleTransforms,
    grey_frame,
    grey_levels,
    is_all_padding,
    stated_voi,
    units_range,
)
from netty.image.lookup_table import LookupTable
from netty.image.modality import Modality, Rescale
from netty.image.padding import Padding, padding
from netty.image.pixel_data import PhotometricInterpretation, PixelDescription, stored_values
from netty.image.presentation import PresentationLutShape, is_inverted
from netty.image.voi import ValueRange, VoiLutFunction, Window

GREY = PixelDescription(1, 5, PhotometricInterpretation.MONOCHROME2, 16, 16, 15, signed=True)
IDENTITY = GrayscalePlan(None, ValueRange(0, 255, "bits"), inverted=False, padding=None)


def levels(stored: list[int], plan: GrayscalePlan) -> list[int]:
    result: list[int] = grey_levels(np.array(stored, np.int32), plan).tolist()
    return result


def test_a_negative_slope_makes_the_large_values_dark() -> None:
    plan = replace(IDENTITY, modality=Rescale(-1, 255))

    assert levels([0, 100, 255], plan) == [255, 155, 0]


def test_rescale_comes_before_the_window() -> None:
    plan = replace(IDENTITY, modality=Rescale(1, -1024), voi=Window(40, 400))

    assert levels([0, 864, 1064, 1264, 3000], plan) == [0, 0, 128, 255, 255]


def test_a_modality_lut_clamps_at_both_ends() -> None:
    table = LookupTable(-1, 8, np.array([10, 20, 30], "<u2").tobytes())

    assert levels([-5, -1, 0, 1, 9], replace(IDENTITY, modality=table)) == [10, 10, 20, 30, 30]


def test_inversion_is_after_the_voi_transform_and_padding_stays_black() -> None:
    plan = replace(IDENTITY, inverted=True, padding=Padding(-2000, -2000))

    assert levels([-2000, 0, 255], plan) == [0, 255, 0]


@pytest.mark.parametrize(
    ("photometric", "shape", "inverted"),
    [
        ("MONOCHROME1", None, True),
        ("MONOCHROME2", None, False),
        ("MONOCHROME1", "INVERSE", True),  # said twice, done once
        ("MONOCHROME2", "IDENTITY", False),
        ("MONOCHROME2", "INVERSE", True),
        ("MONOCHROME1", "IDENTITY", False),  # the shape speaks first
    ],
)
def test_white_is_decided_once(photometric: str, shape: str | None, inverted: bool) -> None:
    decided = is_inverted(PhotometricInterpretation(photometric), PresentationLutShape(shape) if shape else None)

    assert decided is inverted


@pytest.mark.parametrize(
    ("value", "limit", "signed", "expected"),
    [
        (63536, None, True, Padding(-2000, -2000)),  # SS written as US
        (-2000, None, False, Padding(63536, 63536)),  # US read as SS
        (0, 10, False, Padding(0, 10)),
        (10, 0, False, Padding(0, 10)),  # C.7.5.1.1.2: the limit may stand on either side
        (-2000, -1024, True, Padding(-2000, -1024)),
    ],
)
def test_padding_is_compared_with_stored_values(value: int, limit: int | None, signed: bool, expected: Padding) -> None:
    assert padding(value, limit, signed) == expected


@pytest.mark.parametrize(
    ("modality", "pad", "expected"),
    [
        (None, None, (-2000, 300)),
        (None, Padding(-2000, -2000), (-5, 300)),
        (Rescale(2, 10), Padding(-2000, -2000), (0, 610)),
        (Rescale(-2, 10), Padding(-2000, -2000), (-590, 20)),
        (None, Padding(-2000, 300), None),
        (LookupTable(0, 8, np.array([9, 3, 7], "<u2").tobytes()), None, (3, 9)),
    ],
)
def test_the_range_is_in_modality_units_and_without_padding(
    modality: Modality, pad: Padding | None, expected: tuple[float, float] | None
) -> None:
    cells = np.array([-2000, -5, 0, 1, 300], "<i2").view("<u2")

    assert units_range([cells], GREY, modality, pad) == expected


@pytest.mark.parametrize(
    ("transforms", "bits", "signed", "expected"),
    [
        (GrayscaleTransforms(windows=(Window(1, 2), Window(3, 4))), 16, False, Window(1, 2)),
        (GrayscaleTransforms(), 8, False, ValueRange(0, 255, "bits")),  # C.11.2.1: identity
        (GrayscaleTransforms(), 8, True, ValueRange(-128, 127, "bits")),
        (GrayscaleTransforms(), 4, False, ValueRange(0, 15, "bits")),
        (GrayscaleTransforms(Rescale(1, 0)), 8, False, ValueRange(0, 255, "bits")),
        (GrayscaleTransforms(Rescale(2, 0)), 8, False, None),
        (GrayscaleTransforms(), 12, False, None),
    ],
)
def test_what_is_shown_without_a_wish(
    transforms: GrayscaleTransforms, bits: int, signed: bool, expected: object
) -> None:
    description = replace(GREY, bits_stored=bits, high_bit=bits - 1, signed=signed)

    assert stated_voi(description, transforms) == expected
    assert stated_voi(description, transforms, Window(7, 8)) == Window(7, 8)


@pytest.mark.parametrize("bits", [(16, 16, 15), (16, 12, 11), (16, 12, 15), (16, 10, 11), (8, 8, 7), (32, 20, 19)])
@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize(
    "plan",
    [
        IDENTITY,
        GrayscalePlan(Rescale(1.7, -300), Window(40, 400), True, Padding(5, 9)),
        GrayscalePlan(None, Window(40, 400, VoiLutFunction.SIGMOID), False, Padding(-1, -1)),
    ],
)
def test_a_frame_is_what_its_values_are_one_by_one(
    bits: tuple[int, int, int], signed: bool, plan: GrayscalePlan
) -> None:
    allocated, stored, high_bit = bits
    description = PixelDescription(
        7, 11, PhotometricInterpretation.MONOCHROME2, allocated, stored, high_bit, signed=signed
    )
    cells = np.random.default_rng(1).integers(0, 1 << allocated, 77, dtype=np.uint32).astype(f"<u{allocated // 8}")

    expected = grey_levels(stored_values(cells, description), plan).reshape(7, 11)

    assert np.array_equal(grey_frame([cells], description, plan), expected)


def test_a_frame_of_nothing_but_padding_is_known() -> None:
    cells = np.full(5, 7, "<u2")

    assert is_all_padding([cells], GREY, Padding(7, 7))
    assert not is_all_padding([cells], GREY, Padding(8, 8))
    assert not is_all_padding([cells], GREY, None)
