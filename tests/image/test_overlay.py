"""Overlay planes in their place: PS3.3 C.9.2, PS3.5 8.1.1."""

from dataclasses import replace

import numpy as np
import pytest

from netty.image.overlay import DrawnOverlay, Overlay, OverlayType, border, draw_overlay, overlay_plane, placed
from netty.image.pixel_data import Array

CELLS = np.zeros(16, np.uint8)
PLANE = Overlay(0x6000, OverlayType.GRAPHICS, 2, 2, data=bytes([0b1001]))  # a diagonal


def none_embedded() -> Array:
    raise AssertionError("nothing is embedded in the cells")


def drawn(overlay: Overlay, rows: int = 4, columns: int = 4, frame: int = 1, cells: Array = CELLS) -> list[list[int]]:
    picture = np.zeros((rows, columns), np.uint8)
    draw_overlay(picture, DrawnOverlay(overlay, 9), frame, lambda: cells)
    result: list[list[int]] = picture.tolist()
    return result


@pytest.mark.parametrize(
    ("row", "column", "expected"),
    [
        (1, 1, [[9, 0, 0], [0, 9, 0], [0, 0, 0]]),
        (2, 2, [[0, 0, 0], [0, 9, 0], [0, 0, 9]]),
        (0, 0, [[9, 0, 0], [0, 0, 0], [0, 0, 0]]),  # C.9.2: an origin may lie outside of the image
        (3, 3, [[0, 0, 0], [0, 0, 0], [0, 0, 9]]),
        (-5, 1, [[0, 0, 0], [0, 0, 0], [0, 0, 0]]),
        (1, 99, [[0, 0, 0], [0, 0, 0], [0, 0, 0]]),
    ],
)
def test_the_origin_of_c_9_2_counts_from_1(row: int, column: int, expected: list[list[int]]) -> None:
    assert drawn(replace(PLANE, row=row, column=column), 3, 3) == expected


def test_bits_run_on_over_rows_and_frames() -> None:
    """PS3.5 8.1.1: nothing is filled up at the end of a row or of a frame."""
    overlay = Overlay(0x6000, OverlayType.GRAPHICS, 1, 3, data=bytes([0b110_001 & 0xFF, 0]), first_frame=2, frames=2)

    planes = [overlay_plane(overlay, frame, none_embedded) for frame in (1, 2, 3, 4)]

    assert [None if plane is None else plane.astype(int).tolist() for plane in planes] == [
        None,
        [[1, 0, 0]],
        [[0, 1, 1]],
        None,
    ]


def test_an_embedded_plane_is_a_bit_of_the_cells() -> None:
    overlay = Overlay(0x6000, OverlayType.GRAPHICS, 1, 4, embedded=12)
    cells = np.array([0x1FFF, 0x0FFF, 0x1000, 0xE000], "<u2")

    assert drawn(overlay, 1, 4, cells=cells) == [[9, 0, 9, 0]]


def test_a_region_is_drawn_as_its_border() -> None:
    square = np.pad(np.ones((3, 3), bool), 1)

    assert border(square).sum() == 8
    assert not border(square)[2, 2]
    assert border(np.ones((2, 2), bool)).all()


def test_colour_is_drawn_over_in_all_channels() -> None:
    picture = np.zeros((2, 2, 3), np.uint8)

    assert draw_overlay(picture, DrawnOverlay(PLANE, 255), 1, none_embedded)
    assert picture.tolist() == [[[255] * 3, [0] * 3], [[0] * 3, [255] * 3]]


def test_too_few_bits_are_told_but_a_frame_without_an_overlay_is_not() -> None:
    short = replace(PLANE, rows=9)
    elsewhere = replace(PLANE, first_frame=5, frames=1)

    assert not draw_overlay(np.zeros((4, 4), np.uint8), DrawnOverlay(short), 1, none_embedded)
    assert draw_overlay(np.zeros((4, 4), np.uint8), DrawnOverlay(elsewhere), 1, none_embedded)


def test_a_plane_larger_than_the_image_is_cut() -> None:
    plane = np.ones((9, 9), bool)

    assert placed(plane, replace(PLANE, rows=9, columns=9, row=-2, column=-2), 3, 3).all()
