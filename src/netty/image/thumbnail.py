"""A picture, small: what lists show of an instance."""

from typing import Final

import numpy as np
import simplejpeg
from PIL import Image

from netty.image.pixel_data import Array

SIDE: Final = 256
_QUALITY: Final = 80


def thumbnail(picture: Array, side: int = SIDE) -> bytes:
    """A JPEG of a picture in 8 bits, whose longer side is `side` at most; a smaller picture keeps its size."""
    rows, columns = picture.shape[:2]
    scale = min(1.0, side / max(rows, columns))
    size = max(1, round(columns * scale)), max(1, round(rows * scale))
    image = Image.fromarray(np.ascontiguousarray(picture))
    if scale < 1:
        image = image.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
    small = np.asarray(image)
    colour = small.ndim == 3
    data: bytes = simplejpeg.encode_jpeg(
        np.ascontiguousarray(small if colour else small[:, :, np.newaxis]),
        quality=_QUALITY,
        colorspace="RGB" if colour else "GRAY",
        colorsubsampling="420" if colour else "Gray",
    )
    return data
