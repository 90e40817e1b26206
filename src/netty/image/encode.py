"""8-bit pictures to files."""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import simplejpeg
from PIL import Image

from netty.image.errors import CannotRender
from netty.image.pixel_data import Array
from netty.image.settings import RenderSettings, RenditionFormat

LARGEST_SIDE = {RenditionFormat.JPEG: 65500, RenditionFormat.WEBP: 16383}  # by the formats themselves
FULL_CHROMA_QUALITY = 85  # from here on colour is kept at full resolution: thin coloured lines and text stay readable
EXTENSIONS = {
    RenditionFormat.JPEG: "jpg",
    RenditionFormat.PNG: "png",
    RenditionFormat.WEBP: "webp",
    RenditionFormat.TIFF: "tiff",
}
MEDIA_TYPES = {format: f"image/{format.value}" for format in RenditionFormat}


def encode(picture: Array, settings: RenderSettings) -> bytes:
    """The file of a picture: rows x columns greys, or rows x columns x RGB."""
    rows, columns = picture.shape[:2]
    largest = LARGEST_SIDE.get(settings.format, 65535)
    if max(rows, columns) > largest:
        raise CannotRender(
            "The picture is {columns} x {rows} pixels, and {format} ends at {largest}; choose PNG or TIFF.",
            columns=columns,
            rows=rows,
            format=settings.format.value,
            largest=largest,
        )
    return _ENCODERS[settings.format](np.ascontiguousarray(picture), settings.quality)


def subsampling(settings: RenderSettings, colour: bool) -> str | None:
    """The chroma subsampling of a JPEG; None where there is none."""
    if settings.format is not RenditionFormat.JPEG or not colour:
        return None
    return "444" if settings.quality >= FULL_CHROMA_QUALITY else "420"


def _jpeg(picture: Array, quality: int) -> bytes:
    colour = picture.ndim == 3
    data: bytes = simplejpeg.encode_jpeg(
        picture if colour else picture[:, :, np.newaxis],
        quality=quality,
        colorspace="RGB" if colour else "GRAY",
        colorsubsampling=subsampling(RenderSettings(RenditionFormat.JPEG, quality), colour) or "Gray",
    )
    return data


def _pillow(format: str, **options: Any) -> Callable[[Array, int], bytes]:
    def encoded(picture: Array, quality: int) -> bytes:
        file = io.BytesIO()
        extra = {"quality": quality} if format == "WEBP" else {}
        Image.fromarray(picture).save(file, format, **options, **extra)
        return file.getvalue()

    return encoded


_ENCODERS: dict[RenditionFormat, Callable[[Array, int], bytes]] = {
    RenditionFormat.JPEG: _jpeg,
    RenditionFormat.PNG: _pillow("PNG", compress_level=4),
    RenditionFormat.WEBP: _pillow("WEBP", method=2),
    RenditionFormat.TIFF: _pillow("TIFF", compression="tiff_adobe_deflate"),
}
