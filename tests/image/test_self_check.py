"""A picture that shows nothing, or the contrary of what it should, is known by looking at it."""

import numpy as np
import pytest

from netty.image.flags import Flag
from netty.image.padding import Padding
from netty.image.pixel_data import PhotometricInterpretation, PixelDescription
from netty.image.self_check import content_flags, is_inverted_against

RAMP = np.arange(100, dtype=np.uint8).reshape(10, 10)
DARK = np.random.default_rng(0).integers(0, 9, (50, 50), np.uint8)


@pytest.mark.parametrize(
    ("picture", "flags"),
    [
        (np.zeros((4, 4), np.uint8), [Flag.FLAT]),
        (np.full((4, 4, 3), 200, np.uint8), [Flag.FLAT]),
        (DARK, [Flag.BLACK]),
        (np.stack([DARK] * 3, axis=-1), [Flag.BLACK]),
        (RAMP, []),
        (np.pad(RAMP, 40), []),  # most of it black, as in ultrasound
    ],
)
def test_flat_and_black(picture: np.ndarray, flags: list[Flag]) -> None:
    assert list(content_flags(picture)) == flags


@pytest.mark.parametrize(
    ("photometric", "greys", "expected"),
    [
        ("MONOCHROME2", RAMP, False),
        ("MONOCHROME2", 255 - RAMP, True),
        ("MONOCHROME1", 255 - RAMP, False),
        ("MONOCHROME1", RAMP, True),
        ("MONOCHROME2", np.zeros_like(RAMP), False),
    ],
)
def test_inverted_against_c_7_6_3_1_2(photometric: str, greys: np.ndarray, expected: bool) -> None:
    description = PixelDescription(10, 10, PhotometricInterpretation(photometric), 16, 12, 11)
    cells = RAMP.reshape(-1).astype("<u2") * 16

    assert is_inverted_against(greys, cells, description) is expected


def test_padding_says_nothing_about_the_greys() -> None:
    """Air padded with the largest value is shown black: that alone turns no picture round."""
    description = PixelDescription(10, 20, PhotometricInterpretation.MONOCHROME2, 16, 16, 15)
    cells = np.hstack([RAMP.astype("<u2"), np.full((10, 10), 60000, "<u2")]).reshape(-1)
    greys = np.hstack([RAMP, np.zeros((10, 10), np.uint8)])

    assert is_inverted_against(greys, cells, description)
    assert not is_inverted_against(greys, cells, description, Padding(60000, 60000))
