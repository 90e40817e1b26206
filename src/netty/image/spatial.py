"""Which part of the image is seen, how large, and which way up (PS3.3 C.10.4, C.10.6, C.7.6.3.1.7)."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from netty.image.aspect import resampled, square_size
from netty.image.pixel_data import Array

LARGEST_PICTURE: Final = 1 << 27  # pixels; a displayed area may claim any size


@dataclass(frozen=True, slots=True)
class Area:
    """The pixels from (left, top) to (right, bottom), the first of the image being (1, 1); it may reach beyond it."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def columns(self) -> int:
        """Its width in pixels."""
        return self.right - self.left + 1

    @property
    def rows(self) -> int:
        """Its height in pixels."""
        return self.bottom - self.top + 1


@dataclass(frozen=True, slots=True)
class Spatial:
    """`area` is stretched to `rows` and `columns`, turned clockwise by `rotation` degrees, then perhaps mirrored."""

    area: Area
    rows: int
    columns: int
    rotation: int = 0
    flipped: bool = False
    millimetres: float | None = None
    """How long a side of the picture's pixels is to be on a display, where a state asks for its true size (C.10.4)."""

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of the picture."""
        return (self.columns, self.rows) if self.rotation in (90, 270) else (self.rows, self.columns)

    def as_recipe(self) -> dict[str, Any]:
        """Its numbers."""
        area = self.area
        return {
            "area": [area.left, area.top, area.right, area.bottom],
            "rows": self.rows,
            "columns": self.columns,
            "rotation": self.rotation,
            "flipped": self.flipped,
            "millimetres_per_pixel": self.millimetres,
        }


def spatial(
    area: Area,
    aspect: tuple[float, float] = (1.0, 1.0),
    magnification: float = 1.0,
    rotation: int = 0,
    flipped: bool = False,
) -> Spatial | None:
    """The area with square pixels, `magnification` times as large; None when the numbers make no picture."""
    size = square_size(area.rows, area.columns, *aspect)
    if size is None:
        return None
    rows, columns = (max(1, round(side * magnification)) for side in size)
    if area.rows < 1 or area.columns < 1 or max(area.rows * area.columns, rows * columns) > LARGEST_PICTURE:
        return None
    return Spatial(area, rows, columns, rotation, flipped)


def whole(rows: int, columns: int) -> Area:
    """All of an image."""
    return Area(1, 1, columns, rows)


def transformed(picture: Array, spatial: Spatial) -> Array:
    """The picture as it is seen; what the area has beyond the image is black."""
    part = resampled(_cut(picture, spatial.area), spatial.rows, spatial.columns)
    turned = np.rot90(part, -spatial.rotation // 90) if spatial.rotation else part
    return turned[:, ::-1] if spatial.flipped else turned


def from_image(spatial: Spatial, column: float, row: float) -> tuple[float, float]:
    """Where a place of the image is seen, as x and y; (0, 0) is the outer corner of the first pixel (C.10.5)."""
    area = spatial.area
    x = (column - (area.left - 1)) * spatial.columns / area.columns
    y = (row - (area.top - 1)) * spatial.rows / area.rows
    width, height = spatial.columns, spatial.rows
    match spatial.rotation:
        case 90:
            x, y = height - y, x
        case 180:
            x, y = width - x, height - y
        case 270:
            x, y = y, width - x
    return (spatial.size[1] - x if spatial.flipped else x), y


def from_display(spatial: Spatial, x: float, y: float) -> tuple[float, float]:
    """Where a fraction of the displayed area is seen (C.10.5, DISPLAY)."""
    rows, columns = spatial.size
    return x * columns, y * rows


def _cut(picture: Array, area: Area) -> Array:
    rows, columns = picture.shape[:2]
    if area == whole(rows, columns):
        return picture
    cut = np.zeros((area.rows, area.columns, *picture.shape[2:]), picture.dtype)
    top, left = max(1, area.top), max(1, area.left)
    part = picture[top - 1 : max(0, area.bottom), left - 1 : max(0, area.right)]
    row, column = top - area.top, left - area.left
    cut[row : row + part.shape[0], column : column + part.shape[1]] = part
    return cut
