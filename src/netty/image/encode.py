"""8-bit pictures to files."""

import io
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import PIL
import simplejpeg
from PIL import Image

from netty.image.errors import CannotRender
from netty.image.icc import with_profile
from netty.image.pixel_data import Array
from netty.image.settings import RenderSettings, RenditionFormat

LARGEST_SIDE = {RenditionFormat.JPEG: 65500, RenditionFormat.WEBP: 16383}  # by the formats themselves
FULL_CHROMA_QUALITY = 85  # from here on colour is kept at full resolution: thin coloured lines and text stay readable
Image.MAX_IMAGE_PIXELS = None  # Pillow reads back what was written here, and nothing else in a render child
_JPEG_START: Final = b"\xff\xd8"


def encode(picture: Array, settings: RenderSettings, icc_profile: bytes = b"") -> bytes:
    """The file of a picture: rows x columns greys, or rows x columns x RGB, these perhaps with their ICC profile."""
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
    return _ENCODERS[settings.format](np.ascontiguousarray(picture), settings.quality, icc_profile)


def encoder(format: RenditionFormat) -> str:
    """Who encodes, and which version: the same one makes the same bytes of the same pixels."""
    return f"simplejpeg {simplejpeg.__version__}" if format is RenditionFormat.JPEG else f"Pillow {PIL.__version__}"


def encoded_size(file: bytes) -> tuple[int, int]:
    """Rows and columns as the file itself says them."""
    if file.startswith(_JPEG_START):
        rows, columns, *_ = simplejpeg.decode_jpeg_header(file)
        return rows, columns
    with Image.open(io.BytesIO(file)) as image:
        return image.height, image.width


def subsampling(settings: RenderSettings, colour: bool) -> str | None:
    """The chroma subsampling of a JPEG; None where there is none."""
    if settings.format is not RenditionFormat.JPEG or not colour:
        return None
    return _chroma(settings.quality)


def _chroma(quality: int) -> str:
    return "444" if quality >= FULL_CHROMA_QUALITY else "420"


def _jpeg(picture: Array, quality: int, icc_profile: bytes) -> bytes:
    colour = picture.ndim == 3
    data: bytes = simplejpeg.encode_jpeg(
        picture if colour else picture[:, :, np.newaxis],
        quality=quality,
        colorspace="RGB" if colour else "GRAY",
        colorsubsampling=_chroma(quality) if colour else "Gray",
    )
    return with_profile(data, icc_profile) if icc_profile else data


def _pillow(format: str, **options: Any) -> Callable[[Array, int, bytes], bytes]:
    def encoded(picture: Array, quality: int, icc_profile: bytes) -> bytes:
        file = io.BytesIO()
        extra: dict[str, Any] = {"quality": quality} if format == "WEBP" else {}
        if icc_profile:
            extra["icc_profile"] = icc_profile
        try:
            Image.fromarray(picture).save(file, format, **options, **extra)
        except ValueError as error:  # so the WebP encoder says that its memory does not suffice
            raise CannotRender(
                "The picture cannot be written as {format}: {cause}.", format=format, cause=error
            ) from error
        return file.getvalue()

    return encoded


_ENCODERS: dict[RenditionFormat, Callable[[Array, int, bytes], bytes]] = {
    RenditionFormat.JPEG: _jpeg,
    RenditionFormat.PNG: _pillow("PNG", compress_level=4),
    RenditionFormat.WEBP: _pillow("WEBP", method=2),
    RenditionFormat.TIFF: _pillow("TIFF", compression="tiff_adobe_deflate"),
}
