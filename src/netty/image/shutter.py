"""What a shutter hides (PS3.3 C.7.6.11, C.7.6.15): the least that all its shapes leave is seen."""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from netty.image.overlay import Overlay, overlay_plane, placed
from netty.image.pixel_data import Array


@dataclass(frozen=True, slots=True)
class Rectangle:
    """The edges as columns and rows, the first being 1; the edges themselves are seen."""

    left: int
    right: int
    upper: int
    lower: int

    def as_recipe(self) -> dict[str, Any]:
        """Its numbers."""
        return {"kind": "rectangle", "left": self.left, "right": self.right, "upper": self.upper, "lower": self.lower}


@dataclass(frozen=True, slots=True)
class Circle:
    """Radius in columns; `aspect` is a pixel's height by its width, so that it is a circle to the eye."""

    row: int
    column: int
    radius: int
    aspect: float = 1.0

    def as_recipe(self) -> dict[str, Any]:
        """Its numbers."""
        return {
            "kind": "circle",
            "row": self.row,
            "column": self.column,
            "radius": self.radius,
            "aspect": self.aspect,
        }


@dataclass(frozen=True, slots=True)
class Polygon:
    """The vertices as (row, column), closed from the last to the first."""

    vertices: tuple[tuple[int, int], ...]

    def as_recipe(self) -> dict[str, Any]:
        """Its numbers."""
        return {"kind": "polygon", "vertices": [list(vertex) for vertex in self.vertices]}


Shape: TypeAlias = Rectangle | Circle | Polygon


@dataclass(frozen=True, slots=True)
class Shutter:
    """The shapes outside of which nothing is seen, a bitmap whose set pixels are hidden, and the grey that hides."""

    shapes: tuple[Shape, ...] = ()
    bitmap: Overlay | None = None
    grey: int = 0

    def as_recipe(self) -> dict[str, Any]:
        """Its numbers."""
        return {
            "shapes": [shape.as_recipe() for shape in self.shapes],
            "bitmap": self.bitmap.as_recipe() if self.bitmap else None,
            "grey": self.grey,
        }


def visible(shutter: Shutter, rows: int, columns: int) -> NDArray[np.bool_]:
    """The pixels of the image that are seen."""
    seen = np.ones((rows, columns), bool)
    for shape in shutter.shapes:
        seen &= _inside(shape, rows, columns)
    if shutter.bitmap is not None:
        plane = overlay_plane(shutter.bitmap, 1, lambda: np.empty(0, np.uint8))
        if plane is not None:
            seen &= ~placed(plane, shutter.bitmap, rows, columns)
    return seen


def apply_shutter(picture: Array, shutter: Shutter) -> None:
    """Paints over what the shutter hides."""
    picture[~visible(shutter, *picture.shape[:2])] = shutter.grey


def _inside(shape: Shape, rows: int, columns: int) -> NDArray[np.bool_]:
    inside = np.zeros((rows, columns), bool)
    match shape:
        case Rectangle(left, right, upper, lower):
            inside[max(0, upper - 1) : max(0, lower), max(0, left - 1) : max(0, right)] = True
        case Circle(row, column, radius, aspect):
            across = np.arange(1, columns + 1) - float(column)
            down = (np.arange(1, rows + 1) - float(row)) * aspect
            inside[:] = across[np.newaxis, :] ** 2 + down[:, np.newaxis] ** 2 <= float(radius) ** 2
        case Polygon(vertices):
            drawing = Image.new("1", (columns, rows))
            corners = [(_within_reach(column - 1), _within_reach(row - 1)) for row, column in vertices]
            ImageDraw.Draw(drawing).polygon(corners, fill=1, outline=1)
            inside = np.array(drawing)
    return inside


def _within_reach(place: int) -> int:
    """A vertex beyond any image, where drawing can still go."""
    return min(max(place, -1_000_000), 1_000_000)
