"""Files of pictures: every format opens, has its size, and loses no more than it may."""

import io
import struct
import zlib

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from netty.image.aspect import resampled, square_size
from netty.image.encode import encode, encoded_size, subsampling
from netty.image.errors import CannotRender
from netty.image.rendition import MEDIA_TYPES
from netty.image.settings import RenderSettings, RenditionFormat


def smooth(rows: int, columns: int, colour: bool) -> NDArray[np.uint8]:
    y, x = np.mgrid[:rows, :columns]
    grey = (127 + 60 * np.sin(x / 9) + 60 * np.cos(y / 7)).astype(np.uint8)
    return np.stack([grey, 255 - grey, grey // 2], axis=-1) if colour else grey


@pytest.mark.parametrize("format", list(RenditionFormat))
@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize(("rows", "columns"), [(64, 48), (33, 17), (1, 1), (3, 200)])
def test_every_format_keeps_the_picture(format: RenditionFormat, colour: bool, rows: int, columns: int) -> None:
    picture = smooth(rows, columns, colour)

    file = encode(picture, RenderSettings(format, 95))

    image = Image.open(io.BytesIO(file))
    assert f"image/{image.format}".lower() == MEDIA_TYPES[format]
    assert image.size == (columns, rows)
    opened = np.asarray(image.convert("RGB" if colour else "L")).astype(int)
    lossless = format in (RenditionFormat.PNG, RenditionFormat.TIFF)
    assert np.abs(opened - picture).max() <= (0 if lossless else 40)
    assert np.abs(opened - picture).mean() <= 4


@pytest.mark.parametrize(
    ("format", "quality", "colour", "expected"),
    [("jpeg", 90, True, "444"), ("jpeg", 75, True, "420"), ("jpeg", 90, False, None), ("png", 90, True, None)],
)
def test_chroma_is_kept_whole_at_good_quality(format: str, quality: int, colour: bool, expected: str | None) -> None:
    assert subsampling(RenderSettings(RenditionFormat(format), quality), colour) == expected


def test_a_picture_too_long_for_its_format_is_refused_in_words() -> None:
    with pytest.raises(CannotRender, match="jpeg ends at 65500; choose PNG or TIFF"):
        encode(np.zeros((65501, 1), np.uint8), RenderSettings())


@pytest.mark.parametrize("quality", [0, 101])
def test_a_quality_outside_1_to_100_is_refused(quality: int) -> None:
    with pytest.raises(ValueError, match="1 to 100"):
        RenderSettings(quality=quality)


@pytest.mark.parametrize(
    ("vertical", "horizontal", "expected"),
    [
        (1, 1, (100, 200)),
        (4, 3, (133, 200)),  # tall pixels make the picture taller
        (1, 2, (100, 400)),
        (1.2, 1.2012, (100, 200)),  # rounding, no aspect
        (0.5, 0.25, (200, 200)),
        (1, 100, None),
        (0, 1, None),
    ],
)
def test_pixels_are_made_square(vertical: float, horizontal: float, expected: tuple[int, int] | None) -> None:
    assert square_size(100, 200, vertical, horizontal) == expected


@pytest.mark.parametrize("colour", [False, True])
def test_resampling_keeps_the_greys(colour: bool) -> None:
    picture = smooth(60, 40, colour)

    stretched = resampled(picture, 80, 40)

    assert stretched.shape[:2] == (80, 40)
    assert abs(float(stretched.mean()) - float(picture.mean())) < 1
    assert resampled(picture, 60, 40) is picture


def test_the_size_of_a_picture_is_read_however_large_it_is() -> None:
    """Pillow takes more than 179 million pixels for an attack, and these are ours."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    head = struct.pack(">IIBBBBB", 20_000, 30_000, 8, 0, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")

    assert encoded_size(png) == (30_000, 20_000)


def test_what_an_encoder_has_no_memory_for_is_said_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise ValueError("encoding error 1")

    monkeypatch.setattr(Image.Image, "save", fails)

    with pytest.raises(CannotRender, match="cannot be written as WEBP: encoding error 1"):
        encode(np.zeros((2, 2), np.uint8), RenderSettings(RenditionFormat.WEBP))
