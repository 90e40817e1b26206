"""Overlay planes: one bit per pixel, drawn over the picture (PS3.3 C.9.2)."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from netty.image.pixel_data import Array

Cells: TypeAlias = Callable[[], Array]  # reads those of a frame, for planes that are embedded in them


class OverlayType(StrEnum):
    """Overlay Type (60xx,0040)."""

    GRAPHICS = "G"
    REGION = "R"


@dataclass(frozen=True, slots=True)
class Overlay:
    """One plane. `row` and `column` say where its first pixel lies, (1, 1) being the image's; they may be negative.

    Its bits are `data`, packed as PS3.5 8.1.1 says, or, in old images, bit `embedded` of the image's own cells.
    """

    group: int
    type: OverlayType
    rows: int
    columns: int
    row: int = 1
    column: int = 1
    data: bytes = b""
    embedded: int | None = None
    first_frame: int = 1
    frames: int | None = None  # None: it lies over every frame

    @property
    def sha256(self) -> str:
        """What its bits are known by."""
        return hashlib.sha256(self.data).hexdigest()

    def as_recipe(self) -> dict[str, Any]:
        """Its numbers, and what makes its bits recognisable."""
        return {
            "group": f"{self.group:04X}",
            "type": self.type.value,
            "rows": self.rows,
            "columns": self.columns,
            "row": self.row,
            "column": self.column,
            "embedded": self.embedded,
            "sha256": None if self.embedded is not None else self.sha256,
        }


@dataclass(frozen=True, slots=True)
class DrawnOverlay:
    """An overlay and the grey that it is drawn with."""

    overlay: Overlay
    grey: int = 255

    def as_recipe(self) -> dict[str, Any]:
        """Its numbers."""
        return {**self.overlay.as_recipe(), "grey": self.grey}


def overlay_plane(overlay: Overlay, frame: int, cells: Cells) -> NDArray[np.bool_] | None:
    """The plane that lies over frame `frame` (from 1), whose own `cells` hold embedded planes; None where none does."""
    first = 0
    if overlay.frames is not None:
        first = frame - overlay.first_frame
        if not 0 <= first < overlay.frames:
            return None
    size = overlay.rows * overlay.columns
    if overlay.embedded is not None:
        bits: Array = cells() >> overlay.embedded & 1
    else:
        start = first * size
        octets = np.frombuffer(overlay.data, np.uint8)[start // 8 : (start + size + 7) // 8]
        bits = np.unpackbits(octets, bitorder="little")[start % 8 :][:size]
    if bits.size < size:
        return None
    return bits.reshape(overlay.rows, overlay.columns).astype(bool)


def placed(plane: NDArray[np.bool_], overlay: Overlay, rows: int, columns: int) -> NDArray[np.bool_]:
    """The plane in the place of the image's pixels; what lies outside of the image is cut off."""
    over = np.zeros((rows, columns), bool)
    top, left = overlay.row - 1, overlay.column - 1
    above, before = max(0, -top), max(0, -left)
    part = plane[above : max(above, rows - top), before : max(before, columns - left)]
    if part.size:
        row, column = top + above, left + before
        over[row : row + part.shape[0], column : column + part.shape[1]] = part
    return over


def border(plane: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The pixels of a region that have a neighbour outside of it: a region is shown without hiding what is in it."""
    wide = np.pad(plane, 1)
    inside = wide[:-2, 1:-1] & wide[2:, 1:-1] & wide[1:-1, :-2] & wide[1:-1, 2:]
    return plane & ~inside


def draw_overlay(picture: Array, drawn: DrawnOverlay, frame: int, cells: Cells) -> bool:
    """Draws into `picture`, over frame `frame` (from 1); tells whether there were enough bits to draw."""
    overlay = drawn.overlay
    plane = overlay_plane(overlay, frame, cells)
    if plane is None:
        return overlay.frames is not None and not overlay.first_frame <= frame < overlay.first_frame + overlay.frames
    if overlay.type is OverlayType.REGION:
        plane = border(plane)
    picture[placed(plane, overlay, *picture.shape[:2])] = drawn.grey
    return True
