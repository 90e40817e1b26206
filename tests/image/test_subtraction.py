"""Digital subtraction: PS3.3 C.7.6.10."""

import numpy as np
import pytest

from netty.image.subtraction import MaskOperation, MaskSubtraction, Subtraction, difference, subtraction_of

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
