"""A picture, small: what lists show of an instance."""

from typing import Final

import numpy as np
import PIL
import simplejpeg
from PIL import Image

from netty.image.pixel_data import Array

SIDE: Final = 320
QUALITY: Final = 80
_ENOUGH: Final = 8  # times the side: of what is larger still, not every pixel is looked at
SUBSAMPLING: Final = "420"


def thumbnail(picture: Array, side: int = SIDE) -> bytes:
    """A JPEG of a picture, whose longer side is `side` at most; a smaller picture keeps its size."""
    rows, columns = thumbnail_size(picture.shape[0], picture.shape[1], side)
    step = max(1, max(picture.shape[:2]) // (_ENOUGH * side))
    picture = picture[::step, ::step]
    if picture.dtype == np.uint16:
        picture = (picture >> 8).astype(np.uint8)
    image = Image.fromarray(np.ascontiguousarray(picture))
    if (rows, columns) != picture.shape[:2]:
        image = image.resize((columns, rows), Image.Resampling.BILINEAR, reducing_gap=2.0)
    small = np.asarray(image)
    colour = small.ndim == 3
    data: bytes = simplejpeg.encode_jpeg(
        np.ascontiguousarray(small if colour else small[:, :, np.newaxis]),
        quality=QUALITY,
        colorspace="RGB" if colour else "GRAY",
        colorsubsampling=SUBSAMPLING if colour else "Gray",
    )
    return data


def thumbnail_size(rows: int, columns: int, side: int = SIDE) -> tuple[int, int]:
    """Rows and columns of the thumbnail of a picture of that size."""
    scale = min(1.0, side / max(rows, columns))
    return max(1, round(rows * scale)), max(1, round(columns * scale))


def thumbnail_encoder() -> str:
    """Who makes it small and encodes it, and which versions."""
    return f"Pillow {PIL.__version__}, simplejpeg {simplejpeg.__version__}"
