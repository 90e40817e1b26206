"""A JPEG that becomes the rendition itself: only where nothing changes it, and nothing in it but the picture."""

import io
from dataclasses import replace
from typing import Any

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from netty.image.decode import JPEG_BASELINE, Compression
from netty.image.encode_pass import changes_nothing, without_remarks
from netty.image.frame_plan import FramePlan, unchanged
from netty.image.grayscale import GrayscalePlan
from netty.image.modality import Rescale
from netty.image.padding import Padding
from netty.image.pixel_data import PhotometricInterpretation, PixelDescription
from netty.image.settings import RenderSettings, RenditionFormat
from netty.image.shutter import Circle, Shutter
from netty.image.voi import ValueRange, Window

GREYS = np.arange(64 * 64, dtype=np.uint8).reshape(64, 64)
COLOURS = np.stack([GREYS, GREYS.T, 255 - GREYS], -1)
BASELINE = Compression(JPEG_BASELINE, "MONOCHROME2")
PIXELS = PixelDescription(64, 64, PhotometricInterpretation.MONOCHROME2, 8, 8, 7)
IDENTITY = GrayscalePlan(None, ValueRange(0, 255, "bits"), False, None)
PLAN = FramePlan(1, PIXELS, unchanged(PIXELS), IDENTITY, compression=BASELINE)
SECRET = b"Yamada^Tarou"


def jpeg(pixels: Any, **options: Any) -> bytes:
    """With an application and a comment segment that name the patient."""
    made = bytes(imagecodecs.jpeg8_encode(pixels, 90, **options))
    remarks = b"".join(
        b"\xff" + marker + (len(SECRET) + 2).to_bytes(2, "big") + SECRET for marker in (b"\xe1", b"\xec", b"\xfe")
    )
    return made[:2] + remarks + made[2:]


@pytest.mark.parametrize(
    "changed",
    [
        {"grayscale": GrayscalePlan(None, Window(100, 50), False, None)},
        {"grayscale": GrayscalePlan(Rescale(2, 0), ValueRange(0, 255, "bits"), False, None)},
        {"grayscale": GrayscalePlan(None, ValueRange(0, 255, "bits"), True, None)},
        {"grayscale": GrayscalePlan(None, ValueRange(0, 255, "bits"), False, Padding(200, 200))},
        {"shutter": Shutter((Circle(32, 32, 10, 1.0),), None, 0)},
        {"spatial": replace(PLAN.spatial, rows=128)},
        {"spatial": replace(PLAN.spatial, rotation=90)},
        {"icc_profile": b"profile"},
        {"compression": None},
        {"compression": replace(BASELINE, transfer_syntax="1.2.840.10008.1.2.4.70")},
    ],
    ids=str,
)
def test_whatever_changes_the_picture_keeps_a_jpeg_from_passing(changed: dict[str, Any]) -> None:
    assert changes_nothing(PLAN, RenderSettings())
    assert not changes_nothing(replace(PLAN, **changed), RenderSettings())


def test_another_format_keeps_a_jpeg_from_passing() -> None:
    assert not changes_nothing(PLAN, RenderSettings(RenditionFormat.PNG))


def test_a_window_that_is_the_identity_changes_nothing() -> None:
    plan = replace(PLAN, grayscale=GrayscalePlan(None, Window(128, 256), False, None))

    assert changes_nothing(plan, RenderSettings())


@pytest.mark.parametrize("pixels", [GREYS, COLOURS], ids=["grey", "colour"])
def test_what_passes_has_the_same_pixels_and_no_remarks(pixels: Any) -> None:
    received = jpeg(pixels) + b"\0"

    passed = without_remarks(received, replace(BASELINE, photometric_interpretation="YBR_FULL_422"))

    assert passed is not None
    assert SECRET not in passed
    with Image.open(io.BytesIO(received)) as theirs, Image.open(io.BytesIO(passed)) as ours:
        assert np.array_equal(np.asarray(theirs), np.asarray(ours))
        assert set(ours.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


@pytest.mark.parametrize(
    "received",
    [
        pytest.param(jpeg(COLOURS, colorspace="RGB", outcolorspace="RGB"), id="red, green and blue"),
        pytest.param(jpeg(GREYS.astype(np.uint16), bitspersample=12), id="12 bits"),
        pytest.param(jpeg(GREYS, lossless=True), id="lossless"),
        pytest.param(jpeg(GREYS)[:-2], id="without its end"),
        pytest.param(jpeg(GREYS)[:200], id="cut off"),
        pytest.param(b"\xff\xd8\xff\xd9", id="empty"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_what_viewers_might_see_otherwise_does_not_pass(received: bytes) -> None:
    assert without_remarks(received, replace(BASELINE, photometric_interpretation="YBR_FULL_422")) is None
