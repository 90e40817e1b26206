"""Pixels that are not square (PS3.3 C.7.6.3.1.7)."""

import numpy as np
from PIL import Image

from netty.image.pixel_data import Array

SMALLEST_CHANGE = 0.01  # 1.2 mm beside 1.2012 mm is a scanner's rounding
LARGEST_RATIO = 8.0  # beyond this the numbers are wrong, not the pixels long


def square_size(rows: int, columns: int, vertical: float, horizontal: float) -> tuple[int, int] | None:
    """Rows and columns with square pixels of the finer of both sizes; None when the ratio cannot be true."""
    if not (vertical > 0 and horizontal > 0 and 1 / LARGEST_RATIO <= vertical / horizontal <= LARGEST_RATIO):
        return None
    ratio = vertical / horizontal
    if abs(ratio - 1) < SMALLEST_CHANGE:
        return rows, columns
    return (round(rows * ratio), columns) if ratio > 1 else (rows, round(columns / ratio))


def resampled(picture: Array, rows: int, columns: int) -> Array:
    """The picture stretched to another size, with bilinear interpolation."""
    if picture.shape[:2] == (rows, columns):
        return picture
    image = Image.fromarray(np.ascontiguousarray(picture))
    return np.asarray(image.resize((columns, rows), Image.Resampling.BILINEAR))
