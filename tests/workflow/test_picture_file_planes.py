"""What an image lays over its own pixels: overlays, shutters, subtraction; and what its colours and values mean."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms
from pydicom.dataset import Dataset

from netty.image.flags import Flag
from netty.image.settings import RenderSettings, RenditionFormat
from netty.image.voi import Window
from netty.workflow.data_set_place import locate_data_set
from netty.workflow.picture_file import render_frames
from netty.workflow.render_job import render_job
from netty.workflow.rendered import RenderedFile
from support.images import CT, add_overlay, image_attributes, item, made_image, write_image

PNG = RenderSettings(RenditionFormat.PNG)
XA = "1.2.840.10008.5.1.4.1.1.12.1"
RAMP = np.arange(0, 160, 10, dtype=np.uint8).reshape(4, 4)
DIAGONAL = np.eye(2, dtype=np.uint8)


def render(dataset: Dataset, pixels: NDArray[Any], folder: Path, window: Window | None = None) -> list[RenderedFile]:
    path = write_image(folder / "i", dataset, [np.ascontiguousarray(pixels).tobytes()])
    return list(render_frames(path, *locate_data_set(path), PNG, window=window))


def opened(rendered: RenderedFile) -> Any:
    return np.asarray(Image.open(io.BytesIO(rendered.data))).tolist()


@pytest.mark.parametrize(
    ("origin", "first"),
    [([1, 1], [[255, 10], [40, 255]]), ([0, 0], [[255, 10], [40, 50]]), ([9, 9], [[0, 10], [40, 50]])],
)
def test_overlays_are_drawn_white_in_their_place(tmp_path: Path, origin: list[int], first: list[list[int]]) -> None:
    dataset = image_attributes(RAMP)
    add_overlay(dataset, DIAGONAL, origin=origin)

    (rendered,) = render(dataset, RAMP, tmp_path)

    assert [row[:2] for row in opened(rendered)[:2]] == first
    assert rendered.flags == ()
    assert [overlay["group"] for overlay in rendered.recipe["overlays"]] == ["6000"]


def test_an_overlay_of_some_frames_is_drawn_on_those(tmp_path: Path) -> None:
    pixels = np.stack([RAMP] * 3)
    dataset = image_attributes(pixels, NumberOfFrames=3)
    add_overlay(dataset, np.stack([DIAGONAL, 1 - DIAGONAL]), frames=2, first_frame=2)

    corners = [[row[:2] for row in opened(frame)[:2]] for frame in render(dataset, pixels, tmp_path)]

    assert corners == [[[0, 10], [40, 50]], [[255, 10], [40, 255]], [[0, 255], [255, 50]]]


def test_an_overlay_in_the_bits_above_the_stored_ones_is_drawn(tmp_path: Path) -> None:
    pixels = np.array([[0, 4095], [0, 4095]], "<u2")
    pixels[1] |= 1 << 12
    dataset = image_attributes(pixels, BitsStored=12, WindowCenter=2048, WindowWidth=4096)
    for element, value in ((0x0010, 2), (0x0011, 2), (0x0100, 16), (0x0102, 12)):
        dataset.add_new(0x60000000 | element, "US", value)
    dataset.add_new(0x60000050, "SS", [1, 1])

    (rendered,) = render(dataset, pixels, tmp_path)

    assert opened(rendered) == [[0, 255], [255, 255]]
    assert rendered.flags == ()


@pytest.mark.parametrize("bit", [3, 16])
def test_an_overlay_in_bits_of_the_image_itself_is_refused(tmp_path: Path, bit: int) -> None:
    pixels = np.array([[0, 4095], [0, 4095]], "<u2")
    dataset = image_attributes(pixels, BitsStored=12)
    for element, value in ((0x0010, 2), (0x0011, 2), (0x0100, 16), (0x0102, bit)):
        dataset.add_new(0x60000000 | element, "US", value)

    (rendered,) = render(dataset, pixels, tmp_path)

    assert rendered.flags == (Flag.OVERLAYS_NOT_DRAWN,)


def test_an_overlay_with_too_few_bits_is_flagged(tmp_path: Path) -> None:
    dataset = image_attributes(RAMP)
    add_overlay(dataset, DIAGONAL)
    dataset[0x60000010].value = 99

    (rendered,) = render(dataset, RAMP, tmp_path)

    assert rendered.flags == (Flag.OVERLAYS_NOT_DRAWN,)


def test_overlays_are_drawn_on_colour_and_no_frame_keeps_those_of_another(tmp_path: Path) -> None:
    pixels = np.full((2, 2, 2, 3), 90, np.uint8)
    pixels[:, 0, 0] = 80
    dataset = image_attributes(pixels, PhotometricInterpretation="RGB", NumberOfFrames=2)
    add_overlay(dataset, DIAGONAL, frames=1)

    first, second = render(dataset, pixels, tmp_path)

    assert opened(first) == [[[255] * 3, [90] * 3], [[90] * 3, [255] * 3]]
    assert opened(second) == [[[80] * 3, [90] * 3], [[90] * 3, [90] * 3]]


SHUTTERS: list[tuple[dict[str, Any], list[list[int]]]] = [
    (
        {
            "ShutterShape": "RECTANGULAR",
            "ShutterLeftVerticalEdge": 2,
            "ShutterRightVerticalEdge": 3,
            "ShutterUpperHorizontalEdge": 1,
            "ShutterLowerHorizontalEdge": 1,
        },
        [[0, 10, 20, 0], [0] * 4, [0] * 4, [0] * 4],
    ),
    (
        {"ShutterShape": "CIRCULAR", "CenterOfCircularShutter": [2, 2], "RadiusOfCircularShutter": 1},
        [[0, 10, 0, 0], [40, 50, 60, 0], [0, 90, 0, 0], [0] * 4],
    ),
    (
        {
            "ShutterShape": "POLYGONAL",
            "VerticesOfThePolygonalShutter": [1, 1, 1, 4, 4, 1],
            "ShutterPresentationValue": 0xFFFF,
        },
        [[0, 10, 20, 30], [40, 50, 60, 255], [80, 90, 255, 255], [120, 255, 255, 255]],
    ),
]


@pytest.mark.parametrize(("attributes", "expected"), SHUTTERS)
def test_shutters_hide_what_is_outside(tmp_path: Path, attributes: dict[str, Any], expected: list[list[int]]) -> None:
    (rendered,) = render(image_attributes(RAMP, **attributes), RAMP, tmp_path)

    assert opened(rendered) == expected
    assert rendered.flags == ()


SERIES = np.array([[[10, 20]], [[14, 20]], [[10, 40]]], np.uint8)  # a mask, and two frames of contrast


def subtracting(**attributes: Any) -> Dataset:
    mask = {"MaskOperation": "AVG_SUB", "MaskFrameNumbers": [1]} | attributes.pop("mask", {})
    stated = {"SOPClassUID": XA, "NumberOfFrames": 3, "WindowCenter": 128, "WindowWidth": 256}
    return image_attributes(SERIES, MaskSubtractionSequence=[item(**mask)], **(stated | attributes))


def test_a_mask_is_subtracted_from_the_frames_that_are_none(tmp_path: Path) -> None:
    mask, first, second = render(subtracting(RecommendedViewingMode="SUB"), SERIES, tmp_path)

    assert opened(mask) == [[10, 20]]  # through the image's window
    assert (opened(first), opened(second)) == ([[51, 0]], [[0, 255]])  # 0 .. 20, the range of all differences
    assert [frame.window for frame in (mask, first)] == ["C 128 W 256", "0 .. 20"]
    assert second.recipe["subtraction"] == {"contrast_frames": [3], "mask_frames": [1], "mask_shift": [0.0, 0.0]}
    assert all(frame.flags == () for frame in (first, second))


def test_a_mask_is_shifted_by_parts_of_a_pixel(tmp_path: Path) -> None:
    """C.7.6.10.1.2: the mask [10 20], half a pixel to the right, is [10 15], and the differences 4 and 5."""
    _, first, _ = render(subtracting(mask={"MaskSubPixelShift": [0.0, 0.5]}), SERIES, tmp_path, Window(2.5, 6))

    assert opened(first) == [[230, 255]]
    assert first.recipe["subtraction"]["mask_shift"] == [0.0, 0.5]
    assert first.flags == ()


def test_a_wished_window_is_for_the_differences(tmp_path: Path) -> None:
    _, first, _ = render(subtracting(), SERIES, tmp_path, Window(2.5, 6))

    assert opened(first) == [[230, 26]]  # (4 + 0.5) / 5 and (0 + 0.5) / 5 of 255


@pytest.mark.parametrize(
    "attributes",
    [
        {"RecommendedViewingMode": "NAT"},
        {"PixelIntensityRelationship": "LIN"},
        {"mask": {"MaskSubPixelShift": [0.5, 0.5, 0.5]}},
        {"mask": {"MaskSubPixelShift": [float("nan"), 0]}},
        {"mask": {"MaskFrameNumbers": [7]}},
        {"mask": {"MaskOperation": "REV_TID"}},
    ],
)
def test_what_is_not_subtracted_says_so(tmp_path: Path, attributes: dict[str, Any]) -> None:
    rendered = render(subtracting(**attributes), SERIES, tmp_path)

    assert [opened(frame) for frame in rendered] == SERIES.tolist()
    assert all(Flag.MASK_NOT_APPLIED in frame.flags for frame in rendered)


def test_no_mask_operation_is_no_remark(tmp_path: Path) -> None:
    rendered = render(subtracting(mask={"MaskOperation": "NONE"}), SERIES, tmp_path)

    assert all(Flag.MASK_NOT_APPLIED not in frame.flags for frame in rendered)


def test_a_window_of_stored_values_is_recognised(tmp_path: Path) -> None:
    """Philips MR and SUV: behind the rescale of 0.01 nothing would reach the window."""
    pixels = np.array([[0, 1000, 2000]], "<u2")
    dataset = image_attributes(
        pixels, BitsStored=12, RescaleSlope="0.01", RescaleIntercept=0, WindowCenter=1000, WindowWidth=2000
    )

    (rendered,) = render(dataset, pixels, tmp_path)

    assert opened(rendered) == [[0, 128, 255]]
    assert rendered.flags == (Flag.WINDOW_OF_STORED_VALUES,)
    assert rendered.recipe["grayscale"]["modality"] is None


def test_the_icc_profile_goes_with_colours(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    pixels = np.arange(12, dtype=np.uint8).reshape(2, 2, 3) * 20
    even = profile + bytes(len(profile) % 2)

    (rendered,) = render(image_attributes(pixels, PhotometricInterpretation="RGB", ICCProfile=even), pixels, tmp_path)
    (without,) = render(
        image_attributes(pixels, PhotometricInterpretation="RGB", ICCProfile=bytes(128)), pixels, tmp_path
    )

    assert Image.open(io.BytesIO(rendered.data)).info["icc_profile"] == profile
    assert without.flags == (Flag.ICC_IGNORED,)


def test_a_range_handed_down_is_for_images_without_a_window(tmp_path: Path) -> None:
    pixels = np.array([[100, 200]], "<u2")
    alone = made_image(tmp_path / "a", pixels, SOPClassUID=CT, RescaleSlope=1, RescaleIntercept=0)
    windowed = made_image(tmp_path / "b", pixels, SOPClassUID=CT, WindowCenter="150.5", WindowWidth=101)

    def ran(path: Path, **more: Any) -> tuple[Any, str, list[str]]:
        offset, transfer_syntax = locate_data_set(path)
        stated = {"path": str(path), "offset": offset, "transfer_syntax": transfer_syntax}
        _, (header, data) = render_job(stated | {"format": "png", "quality": 90} | more)
        return np.asarray(Image.open(io.BytesIO(data))).tolist(), header["window"], header["flags"]

    assert ran(alone) == ([[0, 255]], "100 .. 200", ["range_of_one_image"])
    assert ran(alone, range=[0, 510]) == ([[50, 100]], "0 .. 510", [])
    assert ran(windowed, range=[0, 510]) == ([[0, 255]], "C 150.5 W 101", [])


def test_a_picture_against_its_photometric_interpretation_is_flagged(tmp_path: Path) -> None:
    inverse = image_attributes(RAMP, PresentationLUTShape="INVERSE")

    (rendered,) = render(inverse, RAMP, tmp_path)

    assert rendered.flags == (Flag.INVERTED,)


def test_all_views_of_an_image_stand_in_the_recipe(tmp_path: Path) -> None:
    pixels = np.array([[0, 100]], "<u2")
    dataset = image_attributes(
        pixels, WindowCenter=[50, 300], WindowWidth=[100, 600], WindowCenterWidthExplanation=["SOFT", "BONE"]
    )

    (rendered,) = render(dataset, pixels, tmp_path)

    assert [view["explanation"] for view in rendered.recipe["views"]] == ["SOFT", "BONE"]
    assert rendered.window == "C 50 W 100 (SOFT)"
