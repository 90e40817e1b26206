"""A drawing board for made pictures: soft ellipses, lines, mottle and lettering on arrays of numbers.

Places and lengths are in half-widths of the picture's shorter side: (0, 0) is the middle, (1, 0) the right-hand edge
of a square one.
"""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

Plane: TypeAlias = NDArray[np.float32]
Point: TypeAlias = tuple[float, float]


def plane(rows: int, columns: int, value: float = 0.0) -> Plane:
    """An even plane."""
    return np.full((rows, columns), value, dtype=np.float32)


def _pixel(image: Plane, at: Point) -> Point:
    half = min(image.shape) / 2
    return image.shape[1] / 2 + at[0] * half, image.shape[0] / 2 + at[1] * half


def paint_ellipse(
    image: Plane, at: Point, radii: Point, value: float, *, turn: float = 0.0, soft: float = 0.03, strength: float = 1.0
) -> None:
    """Paint `value` over an ellipse, turned by `turn` radians, whose edge fades over `soft` of its radius.

    Only the ellipse's bounding box is touched, so that small details are cheap.
    """
    half = min(image.shape) / 2
    x, y = _pixel(image, at)
    across, down = radii[0] * half, radii[1] * half
    cosine, sine = float(np.cos(turn)), float(np.sin(turn))
    reach = 1 + soft
    wide = reach * float(np.hypot(across * cosine, down * sine))
    high = reach * float(np.hypot(across * sine, down * cosine))
    left, right = max(0, int(x - wide)), min(image.shape[1], int(x + wide) + 2)
    top, bottom = max(0, int(y - high)), min(image.shape[0], int(y + high) + 2)
    if left >= right or top >= bottom:
        return
    dx = (np.arange(left, right, dtype=np.float32) + np.float32(0.5 - x))[None, :]
    dy = (np.arange(top, bottom, dtype=np.float32) + np.float32(0.5 - y))[:, None]
    along = (dx * np.float32(cosine / across)) + (dy * np.float32(sine / across))
    athwart = (dy * np.float32(cosine / down)) - (dx * np.float32(sine / down))
    distance = np.sqrt(along * along + athwart * athwart)
    cover = np.clip((1 - distance) / np.float32(max(soft, 1e-3)) + np.float32(0.5), 0, 1) * np.float32(strength)
    box = image[top:bottom, left:right]
    box += (np.float32(value) - box) * cover


def paint_line(
    image: Plane, points: Sequence[Point], width: float, value: float, *, soft: float = 1.0, strength: float = 1.0
) -> None:
    """Paint a bent line of `width` half-widths, blurred by `soft` pixels."""
    thick = max(1, round(width * min(image.shape) / 2))
    places = [_pixel(image, point) for point in points]
    margin = thick + 3 * soft + 2
    left, top = (max(0, int(min(place[axis] for place in places) - margin)) for axis in (0, 1))
    right = min(image.shape[1], int(max(x for x, _ in places) + margin))
    bottom = min(image.shape[0], int(max(y for _, y in places) + margin))
    if left >= right or top >= bottom:
        return
    mask = Image.new("L", (right - left, bottom - top), 0)
    ImageDraw.Draw(mask).line([(x - left, y - top) for x, y in places], fill=255, width=thick, joint="curve")
    cover = np.asarray(mask.filter(ImageFilter.GaussianBlur(soft)), dtype=np.float32) * np.float32(strength / 255)
    box = image[top:bottom, left:right]
    box += (np.float32(value) - box) * cover


def mottle(rng: np.random.Generator, rows: int, columns: int, grain: int) -> Plane:
    """Smooth noise of about unit spread whose blobs are `grain` pixels wide."""
    coarse = rng.standard_normal((rows // grain + 3, columns // grain + 3), dtype=np.float32)
    if grain == 1:
        return coarse[:rows, :columns]
    wide = Image.fromarray(coarse).resize((coarse.shape[1] * grain, coarse.shape[0] * grain), Image.Resampling.BICUBIC)
    return np.asarray(wide, dtype=np.float32)[grain : grain + rows, grain : grain + columns]


def blurred(image: Plane, radius: float) -> Plane:
    """The plane, blurred by a box of `radius` pixels three times over, which is nearly a Gaussian."""
    reach = max(1, round(radius))
    result = image
    for axis in (0, 1) * 3:
        padded = np.pad(result, [(reach + 1, reach) if here == axis else (0, 0) for here in (0, 1)], mode="edge")
        total = np.cumsum(padded, axis=axis, dtype=np.float64)
        width = 2 * reach + 1
        ahead = np.take(total, range(width, total.shape[axis]), axis=axis)
        behind = np.take(total, range(total.shape[axis] - width), axis=axis)
        result = ((ahead - behind) / width).astype(np.float32)
    return result


def lettering(rows: int, columns: int, text: str, at: Point, height: float) -> Plane:
    """A mask, 0 to 1, of `text` with its upper left corner at `at`; `height` in half-widths."""
    mask = Image.new("L", (columns, rows), 0)
    place = _pixel(np.empty((rows, columns), dtype=np.float32), at)
    size = max(9.0, height * min(rows, columns) / 2)
    ImageDraw.Draw(mask).text(place, text, fill=255, font=ImageFont.load_default(size))
    return np.asarray(mask, dtype=np.float32) / np.float32(255)


def write(image: Plane, text: str, value: float, at: Point = (-0.96, -0.97), height: float = 0.07) -> None:
    """Write `text` into the picture, as made pictures say of themselves that they are made."""
    cover = lettering(image.shape[0], image.shape[1], text, at, height)
    image += (np.float32(value) - image) * cover
