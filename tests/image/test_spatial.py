"""Displayed area, rotation and flip: PS3.3 C.10.4, C.10.6; where annotations then lie: C.10.5."""

import numpy as np
import pytest

from netty.image.spatial import Area, Spatial, from_display, from_image, spatial, transformed

PICTURE = np.array([[1, 2, 3], [4, 5, 6]], np.uint8)
WHOLE = Area(1, 1, 3, 2)


def made(area: Area = WHOLE, rotation: int = 0, flipped: bool = False, magnification: float = 1.0) -> Spatial:
    plan = spatial(area, (1, 1), magnification, rotation, flipped)
    assert plan is not None
    return plan


@pytest.mark.parametrize(
    ("rotation", "flipped", "expected"),
    [
        (0, False, [[1, 2, 3], [4, 5, 6]]),
        (90, False, [[4, 1], [5, 2], [6, 3]]),  # C.10.6: clockwise
        (180, False, [[6, 5, 4], [3, 2, 1]]),
        (270, False, [[3, 6], [2, 5], [1, 4]]),
        (0, True, [[3, 2, 1], [6, 5, 4]]),
        (90, True, [[1, 4], [2, 5], [3, 6]]),  # the flip comes after the rotation
    ],
)
def test_rotation_then_flip_of_c_10_6(rotation: int, flipped: bool, expected: list[list[int]]) -> None:
    plan = made(rotation=rotation, flipped=flipped)

    assert transformed(PICTURE, plan).tolist() == expected
    assert plan.size == np.array(expected).shape


@pytest.mark.parametrize(
    ("area", "expected"),
    [
        (Area(2, 1, 3, 2), [[2, 3], [5, 6]]),
        (Area(2, 2, 2, 2), [[5]]),
        (Area(0, 0, 1, 1), [[0, 0], [0, 1]]),
        (Area(3, 2, 5, 3), [[6, 0, 0], [0, 0, 0]]),
        (Area(9, 9, 10, 10), [[0, 0], [0, 0]]),
    ],
)
def test_the_displayed_area_of_c_10_4_includes_its_corners(area: Area, expected: list[list[int]]) -> None:
    assert transformed(PICTURE, made(area)).tolist() == expected


def test_magnify_and_aspect() -> None:
    assert made(magnification=3).size == (6, 9)
    tall = spatial(WHOLE, (2, 1))
    assert tall is not None
    assert tall.size == (4, 3)


@pytest.mark.parametrize("area", [Area(3, 1, 2, 2), Area(-(2**31), -(2**31), 2**31 - 1, 2**31 - 1)])
def test_an_area_that_makes_no_picture_is_none(area: Area) -> None:
    assert spatial(area) is None
    assert spatial(area, magnification=1e-6) is None


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
@pytest.mark.parametrize("flipped", [False, True])
@pytest.mark.parametrize("area", [WHOLE, Area(2, 1, 3, 2), Area(0, 0, 4, 4)])
def test_a_place_of_the_image_is_where_its_pixel_is_seen(rotation: int, flipped: bool, area: Area) -> None:
    plan = made(area, rotation, flipped, magnification=2)
    picture = np.repeat(np.repeat(transformed(PICTURE, made(area, rotation, flipped)), 2, 0), 2, 1)

    for row, column in ((0, 1), (1, 1), (0, 2), (1, 2)):
        x, y = from_image(plan, column + 0.5, row + 0.5)  # the middle of the pixel
        assert picture[int(y), int(x)] == PICTURE[row, column]


def test_display_units_are_fractions_of_what_is_seen() -> None:
    plan = made(rotation=90)

    assert from_display(plan, 0, 0) == (0, 0)
    assert from_display(plan, 1, 1) == (2, 3)
    assert from_display(plan, 0.5, 0.5) == (1, 1.5)
