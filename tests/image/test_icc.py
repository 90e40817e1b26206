"""ICC profiles in every format: PS3.3 C.11.15."""

import io
import struct

import numpy as np
import pytest
from PIL import Image, ImageCms

from netty.image.encode import encode
from netty.image.icc import is_rgb_profile
from netty.image.settings import RenderSettings, RenditionFormat

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def long_profile(size: int) -> bytes:
    return struct.pack(">I", size) + SRGB[4:] + bytes(size - len(SRGB))


@pytest.mark.parametrize("format", list(RenditionFormat))
@pytest.mark.parametrize("profile", [SRGB, long_profile(200_001)])
def test_every_format_carries_the_profile(format: RenditionFormat, profile: bytes) -> None:
    picture = np.arange(300, dtype=np.uint8).reshape(10, 10, 3)

    image = Image.open(io.BytesIO(encode(picture, RenderSettings(format, 95), profile)))

    assert image.info["icc_profile"] == profile
    assert image.convert("RGB").size == (10, 10)


@pytest.mark.parametrize(
    ("profile", "expected"),
    [
        (SRGB, True),
        (long_profile(len(SRGB) + 1)[:-1] + b"\0", True),
        (SRGB + b"\0", True),  # brought to even length
        (SRGB[:-9], False),
        (SRGB[:36] + b"abcd" + SRGB[40:], False),
        (SRGB[:16] + b"GRAY" + SRGB[20:], False),
        (b"", False),
        (b"acsp", False),
    ],
)
def test_only_whole_profiles_of_rgb_are_carried(profile: bytes, expected: bool) -> None:
    assert is_rgb_profile(profile) is expected
