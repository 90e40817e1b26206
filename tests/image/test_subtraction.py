"""Digital subtraction: PS3.3 C.7.6.10."""

import numpy as np
import pytest

from netty.image.subtraction import MaskOperation, MaskSubtraction, Subtraction, difference, shifted, subtraction_of

AVERAGE = MaskSubtraction(MaskOperation.AVERAGE, mask_frames=(1, 2))


@pytest.mark.parametrize(
    ("mask", "frame", "expected"),
    [
        (AVERAGE, 3, Subtraction((3,), (1, 2))),
        (AVERAGE, 1, None),  # C.7.6.10.1.1: without a range, every frame that is no mask
        (MaskSubtraction(MaskOperation.AVERAGE, (1,), ranges=((2, 3), (6, 6))), 3, Subtraction((3,), (1,))),
        (MaskSubtraction(MaskOperation.AVERAGE, (1,), ranges=((2, 3), (6, 6))), 4, None),
        (MaskSubtraction(MaskOperation.AVERAGE, (1,), averaged=3), 2, Subtraction((2, 3, 4), (1,))),
        (MaskSubtraction(MaskOperation.AVERAGE, (1,), averaged=3), 6, Subtraction((6,), (1,))),
        (MaskSubtraction(MaskOperation.AVERAGE, (9,)), 3, None),
        (MaskSubtraction(MaskOperation.AVERAGE), 3, None),
        (MaskSubtraction(MaskOperation.TIME_INTERVAL_DIFFERENCE, offset=2), 5, Subtraction((5,), (3,))),
        (MaskSubtraction(MaskOperation.TIME_INTERVAL_DIFFERENCE, offset=2), 2, None),
    ],
)
def test_which_frames_a_frame_is_made_of(mask: MaskSubtraction, frame: int, expected: Subtraction | None) -> None:
    assert subtraction_of(mask, frame, frames=6) == expected


def test_the_mean_of_the_masks_is_taken_from_the_mean_of_the_contrast_frames() -> None:
    contrast = [np.array([10, 0], np.uint16), np.array([20, 0], np.uint16)]
    masks = [np.array([100, 1], np.uint16), np.array([200, 3], np.uint16)]

    assert difference(contrast, masks).tolist() == [15 - 150, -2]


MASK = np.array([[10.0, 20, 40], [50, 60, 80], [90, 100, 120]])


@pytest.mark.parametrize(
    ("down", "right", "expected"),
    [
        (0, 0, MASK.tolist()),
        (1, 0, [[10, 20, 40], [10, 20, 40], [50, 60, 80]]),  # one row down; the first row stands at the edge
        (-1, 0, [[50, 60, 80], [90, 100, 120], [90, 100, 120]]),
        (0, 1, [[10, 10, 20], [50, 50, 60], [90, 90, 100]]),  # one column to the right
        (0.5, 0, [[10, 20, 40], [30, 40, 60], [70, 80, 100]]),  # half way between two rows
        (0, 0.25, [[10, 17.5, 35], [50, 57.5, 75], [90, 97.5, 115]]),
        (0, -0.25, [[12.5, 25, 40], [52.5, 65, 80], [92.5, 105, 120]]),
        (0.5, 0.5, [[10, 15, 30], [30, 35, 50], [70, 75, 90]]),
        (9, 9, [[10] * 3] * 3),  # moved out of the picture: its corner
    ],
)
def test_c_7_6_10_1_2_the_mask_is_shifted_by_parts_of_a_pixel(
    down: float, right: float, expected: list[list[float]]
) -> None:
    assert shifted(MASK, down, right).tolist() == expected


def test_c_7_6_10_1_2_the_shift_is_applied_to_the_mask_before_it_is_subtracted() -> None:
    contrast = [np.array([[100, 100, 100]], np.uint16)]
    masks = [np.array([[0, 40, 80]], np.uint16), np.array([[0, 40, 120]], np.uint16)]

    assert difference(contrast, masks, (0, 0.5)).tolist() == [[100, 80, 30]]  # mean 0, 40, 100; moved 0, 20, 70
    assert difference(contrast, masks, (0, -0.5)).tolist() == [[80, 30, 0]]


@pytest.mark.parametrize(
    ("operation", "frames"), [(MaskOperation.AVERAGE, (1,)), (MaskOperation.TIME_INTERVAL_DIFFERENCE, ())]
)
def test_every_operation_shifts_its_mask(operation: MaskOperation, frames: tuple[int, ...]) -> None:
    made = subtraction_of(MaskSubtraction(operation, frames, shift=(0.5, -1.25)), 2, frames=6)

    assert made is not None
    assert (made.shift, made.as_recipe()["mask_shift"]) == ((0.5, -1.25), [0.5, -1.25])
