"""What is done with a frame is decided once for all images that say the same, and never for another."""

from dataclasses import replace
from typing import Any

import pytest

from netty.image.aspect import square_size
from netty.image.decision import decision, decision_by_header
from netty.image.flags import Flag
from netty.image.grayscale import GrayscalePlan, GrayscaleTransforms
from netty.image.pixel_data import PhotometricInterpretation, PixelDescription
from netty.image.renderable import RenderableImage
from netty.image.settings import RenderSettings, RenditionFormat
from netty.image.softcopy import PresentationState
from netty.image.subtraction import MaskOperation, MaskSubtraction
from netty.image.voi import Window

PIXELS = PixelDescription(480, 640, PhotometricInterpretation.MONOCHROME2, 16, 12, 11, frames=3)
IMAGE = RenderableImage(PIXELS, transforms=(GrayscaleTransforms(windows=(Window(40, 400),)),))
GREY = GrayscalePlan(None, Window(40, 400), inverted=False, padding=None)
JPEG = RenderSettings()


def test_images_that_say_the_same_share_it() -> None:
    again = replace(IMAGE, pixels=replace(PIXELS))

    assert decision(again, 1, replace(GREY), replace(JPEG)) is decision(IMAGE, 1, GREY, JPEG)


def test_a_header_that_says_what_to_show_decides() -> None:
    assert decision_by_header(IMAGE, 1, JPEG, None) is decision(IMAGE, 1, GREY, JPEG)
    assert decision_by_header(replace(IMAGE, pixels=replace(PIXELS)), 1, JPEG, None) is decision(IMAGE, 1, GREY, JPEG)
    other = decision_by_header(IMAGE, 1, JPEG, Window(7, 8))
    assert other is decision(IMAGE, 1, replace(GREY, voi=Window(7, 8)), JPEG)
    assert other is not decision_by_header(IMAGE, 1, JPEG, None)


def test_a_header_of_colours_decides() -> None:
    pixels = PixelDescription(4, 4, PhotometricInterpretation.RGB, 8, 8, 7)
    image = RenderableImage(pixels)

    assert decision_by_header(image, 1, JPEG, None) is decision(image, 1, None, JPEG)


@pytest.mark.parametrize(
    ("image", "frame"),
    [
        (replace(IMAGE, transforms=(GrayscaleTransforms(),)), 1),  # 12 bits without a window
        (replace(IMAGE, masks=(MaskSubtraction(MaskOperation.AVERAGE, (1,)),)), 2),
    ],
)
def test_where_the_values_decide_the_header_does_not(image: RenderableImage, frame: int) -> None:
    assert decision_by_header(image, frame, JPEG, None) is None


@pytest.mark.parametrize(
    "other",
    [
        {"image": replace(IMAGE, pixels=replace(PIXELS, columns=639))},
        {"image": replace(IMAGE, transforms=(GrayscaleTransforms(windows=(Window(41, 400),)),))},
        {"frame": 2},
        {"grayscale": replace(GREY, voi=Window(40, 401))},
        {"grayscale": replace(GREY, inverted=True)},
        {"settings": RenderSettings(quality=91)},
        {"settings": RenderSettings(RenditionFormat.PNG, png_bits=16)},
    ],
)
def test_what_differs_in_anything_has_a_recipe_of_its_own(other: dict[str, Any]) -> None:
    usual: dict[str, Any] = {"image": IMAGE, "frame": 1, "grayscale": GREY, "settings": JPEG}

    assert decision(**usual | other).picture.text != decision(**usual).picture.text


def test_a_presentation_state_is_asked_each_time() -> None:
    state = PresentationState("2.25.1", transforms=GrayscaleTransforms(windows=(Window(1, 2),)))

    decided = decision(IMAGE, 1, GREY, JPEG, state)

    assert decided.picture.text["presentation_state"]["sop_instance_uid"] == "2.25.1"
    assert decided.picture.text["views"][0]["center"] == 1
    assert decided.thumbnail.text["presentation_state"] == decided.picture.text["presentation_state"]
    assert decision(IMAGE, 1, GREY, JPEG).picture.text["presentation_state"] is None


def test_the_thumbnail_is_made_of_the_same_picture() -> None:
    decided = decision(IMAGE, 1, GREY, JPEG)

    assert decided.thumbnail.recipe.plan is decided.picture.recipe.plan
    assert decided.thumbnail.window == decided.picture.window == "C 40 W 400"
    assert decided.thumbnail.text["output"] | {"rows": 240, "columns": 320} == decided.thumbnail.text["output"]


def test_what_the_image_says_and_what_was_left_out_is_remarked() -> None:
    aspect = (1.0, 100.0)
    assert square_size(PIXELS.rows, PIXELS.columns, *aspect) is None

    decided = decision(replace(IMAGE, aspect=aspect, flags=(Flag.SIZE_MISMATCH,)), 1, GREY, JPEG)

    assert decided.flags == (Flag.SIZE_MISMATCH, Flag.ASPECT_IGNORED)
