"""What shutters hide: PS3.3 C.7.6.11 and C.7.6.15."""

import numpy as np
import pytest

from netty.image.overlay import Overlay, OverlayType
from netty.image.shutter import Circle, Polygon, Rectangle, Shape, Shutter, apply_shutter, visible


def seen(*shapes: Shape, rows: int = 5, columns: int = 5) -> list[str]:
    return ["".join("#" if one else "." for one in row) for row in visible(Shutter(shapes), rows, columns)]


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        (Rectangle(2, 4, 2, 3), [".....", ".###.", ".###.", ".....", "....."]),
        (Rectangle(1, 5, 1, 5), ["#####"] * 5),
        (Rectangle(0, 9, -3, 1), ["#####", ".....", ".....", ".....", "....."]),
        (Circle(3, 3, 1), [".....", "..#..", ".###.", "..#..", "....."]),
        (Circle(3, 3, 2, 2.0), [".....", "..#..", "#####", "..#..", "....."]),  # pixels twice as high as wide
        (Polygon(((1, 1), (1, 5), (5, 1))), ["#####", "####.", "###..", "##...", "#...."]),
    ],
)
def test_shapes_of_c_7_6_11_count_rows_and_columns_from_1(shape: Shape, expected: list[str]) -> None:
    assert seen(shape) == expected


def test_a_vertex_far_beyond_the_image_hides_nothing_in_it() -> None:
    assert seen(Polygon(((-(2**31), -(2**31)), (-(2**31), 2**31), (2**31, 2**31), (2**31, -(2**31))))) == ["#####"] * 5


def test_of_several_shapes_the_least_is_seen() -> None:
    """C.7.6.11: the least amount of image remaining shall be visible."""
    assert seen(Rectangle(1, 3, 1, 5), Rectangle(3, 5, 1, 5)) == ["..#.."] * 5


def test_what_is_hidden_takes_the_shutters_grey() -> None:
    picture = np.full((2, 2), 7, np.uint8)

    apply_shutter(picture, Shutter((Rectangle(1, 1, 1, 2),), grey=200))

    assert picture.tolist() == [[7, 200], [7, 200]]


def test_a_set_bit_of_a_bitmap_shutter_of_c_7_6_15_hides() -> None:
    bitmap = Overlay(0x6000, OverlayType.GRAPHICS, 2, 2, data=bytes([0b0110]))

    assert visible(Shutter(bitmap=bitmap), 2, 2).tolist() == [[True, False], [False, True]]
