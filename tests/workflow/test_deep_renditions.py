"""Greys of 16 bits in PNG: the same picture, with the steps that 8 bits cannot show."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from netty.image.settings import RenderSettings, RenditionFormat
from netty.workflow.data_set_place import locate_data_set
from netty.workflow.picture_file import PictureFile
from support.images import add_overlay, image_attributes, made_image, write_image

PNG = RenderSettings(RenditionFormat.PNG)
PIXELS = (np.arange(64 * 64, dtype=np.uint16)).reshape(64, 64)


def rendered(path: Path, settings: RenderSettings = PNG) -> NDArray[np.uint16]:
    with PictureFile(path, *locate_data_set(path)) as picture:
        made = picture.rendered(1, replace(settings, png_bits=16))
        assert picture.followed(made.recipe).data == made.data
        assert made.flags == ()
    with Image.open(io.BytesIO(made.data)) as image:
        return np.asarray(image).astype(np.uint16)


def test_every_stored_value_keeps_a_grey_of_its_own(tmp_path: Path) -> None:
    path = made_image(tmp_path / "i", PIXELS, BitsStored=12, WindowCenter=2048, WindowWidth=4096)

    greys = rendered(path)

    assert greys.dtype == np.uint16
    assert np.array_equal(greys, np.rint(PIXELS * (65535 / 4095)))


@pytest.mark.parametrize("bits", [16, 32])
def test_an_inverted_picture_is_inverted_in_16_bits(tmp_path: Path, bits: int) -> None:
    pixels = PIXELS.astype(f"u{bits // 8}")
    path = made_image(
        tmp_path / "i",
        pixels,
        BitsStored=12,
        PhotometricInterpretation="MONOCHROME1",
        WindowCenter=2048,
        WindowWidth=4096,
    )

    assert (rendered(path)[0, 0], rendered(path)[-1, -1]) == (65535, 0)


def test_overlays_are_as_white_as_white_is(tmp_path: Path) -> None:
    dataset = image_attributes(PIXELS, BitsStored=12, WindowCenter=2048, WindowWidth=4096)
    add_overlay(dataset, np.eye(64, dtype=np.uint8))
    path = write_image(tmp_path / "i", dataset, [PIXELS.tobytes()])

    assert set(np.diagonal(rendered(path))) == {65535}


def test_pixels_that_are_not_square_are_stretched_in_16_bits(tmp_path: Path) -> None:
    path = made_image(
        tmp_path / "i", PIXELS, BitsStored=12, PixelAspectRatio=[2, 1], WindowCenter=2048, WindowWidth=4096
    )

    assert rendered(path).shape == (128, 64)
    assert len(np.unique(rendered(path))) > 4000


def test_colour_and_other_formats_stay_at_8_bits(tmp_path: Path) -> None:
    colour = np.stack([PIXELS.astype(np.uint8)] * 3, -1)
    path = made_image(tmp_path / "i", colour, PhotometricInterpretation="RGB")

    assert rendered(path).max() == 255
    grey = made_image(tmp_path / "g", PIXELS, BitsStored=12, WindowCenter=2048, WindowWidth=4096)
    assert rendered(grey, RenderSettings()).max() == 255
