"""Draws graphics and text (PS3.3 C.10.5): after everything else, so that text stays upright and lines stay thin.

How lines and text look is not the standard's affair. Each has an edge of the opposite grey, to be seen on any ground.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, TypeAlias

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from netty.image.annotation import AnnotationLayer, Annotations, Graphic, GraphicType, Justification, Point, Text, Units
from netty.image.pixel_data import Array
from netty.image.spatial import Spatial, from_display, from_image

Font: TypeAlias = "ImageFont.FreeTypeFont | ImageFont.ImageFont"
FontOfSize: TypeAlias = Callable[[int], Font]

_CURVE_STEPS: Final = 128
_SPLINE_STEPS: Final = 16


def draw_annotations(picture: Array, annotations: Annotations, spatial: Spatial, font: FontOfSize) -> Array:
    """The picture with everything drawn on it; it is already transformed as `spatial` says."""
    image = Image.fromarray(np.ascontiguousarray(picture))
    pen = _Pen(ImageDraw.Draw(image), spatial, font, colour=picture.ndim == 3)
    for layer in annotations:
        pen.layer(layer)
    return np.asarray(image)


class _Pen:
    """Draws on one picture, with lines and letters that go with its size."""

    def __init__(self, draw: ImageDraw.ImageDraw, spatial: Spatial, font: FontOfSize, colour: bool) -> None:
        self._draw, self._spatial, self._colour = draw, spatial, colour
        self._rows, self._columns = spatial.size
        longest = max(spatial.size)
        self._width = max(1, round(longest / 768))
        self._font_of_size, self._font_size = font, max(12, round(longest / 40))
        self._font: Font | None = None

    def layer(self, layer: AnnotationLayer) -> None:
        for graphic in layer.graphics:
            self.graphic(graphic, layer.grey)
        for text in layer.texts:
            self.text(text, layer.grey)

    def graphic(self, graphic: Graphic, grey: int) -> None:
        points = self._seen(graphic.points, graphic.units)
        if graphic.type is GraphicType.POINT:
            self._dot(points[0], grey)
            return
        outline = list(_OUTLINES[graphic.type](points))
        if graphic.filled and outline[0] == outline[-1]:
            self._draw.polygon([_pixel(point) for point in outline], fill=self._fill(grey))
        self._line(outline, grey)

    def text(self, text: Text, grey: int) -> None:
        font = self._lettering()
        lines = _lines(text.text)
        left, top, right, bottom = self._draw.multiline_textbbox((0, 0), lines, font=font)
        width, height = right - left, bottom - top
        anchor = self._seen([text.anchor], text.anchor_units)[0] if text.anchor else None
        if text.box:
            corners = self._seen(text.box, text.box_units)
            x, y = self._in_box(corners, text.justification, width)
        elif anchor:
            x, y = anchor[0] + self._font_size / 2, anchor[1] - height / 2
        else:
            return
        # The standard lets text leave its box, but out of the picture nobody could read it.
        x, y = max(0.0, min(x, self._columns - width)), max(0.0, min(y, self._rows - height))
        if anchor and text.anchor_visible:
            if text.box:
                self._line([(x if anchor[0] < x + width / 2 else x + width, y + height / 2), anchor], grey)
            self._dot(anchor, grey)
        self._draw.multiline_text(
            (x - left, y - top),
            lines,
            font=font,
            fill=self._fill(grey),
            align=text.justification.value.lower() if text.box else "left",
            stroke_width=self._width,
            stroke_fill=self._fill(_opposite(grey)),
        )

    def _in_box(self, corners: Sequence[Point], justification: Justification, width: float) -> Point:
        """The upper left corner of text of this width in the box, wherever turning has put the box's corners."""
        (one_x, one_y), (other_x, other_y) = corners
        room = abs(one_x - other_x) - width
        share = {Justification.LEFT: 0.0, Justification.CENTER: 0.5, Justification.RIGHT: 1.0}[justification]
        return min(one_x, other_x) + room * share, min(one_y, other_y)

    def _line(self, points: Sequence[Point], grey: int) -> None:
        path = [_pixel(point) for point in points]
        self._draw.line(path, self._fill(_opposite(grey)), self._width + 2)
        self._draw.line(path, self._fill(grey), self._width)

    def _dot(self, point: Point, grey: int) -> None:
        x, y = _pixel(point)
        radius = 2 * self._width
        box = (x - radius, y - radius, x + radius, y + radius)
        self._draw.ellipse(box, fill=self._fill(grey), outline=self._fill(_opposite(grey)))

    def _seen(self, points: Sequence[Point], units: Units) -> list[Point]:
        place = from_image if units is Units.PIXEL else from_display
        return [place(self._spatial, *point) for point in points]

    def _fill(self, grey: int) -> Any:
        return (grey, grey, grey) if self._colour else grey

    def _lettering(self) -> Font:
        if self._font is None:
            self._font = self._font_of_size(self._font_size)
        return self._font


def _lines(text: str) -> str:
    """The text with line feeds between its lines, and nothing else that is no letter."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").strip("\n").expandtabs(4)
    return "".join(letter for letter in lines if letter == "\n" or letter.isprintable())


def _pixel(point: Point) -> tuple[int, int]:
    """The pixel that a place lies in; beyond any picture, numbers that Pillow can hold."""
    x, y = (math.floor(min(max(place, -1e6), 1e6)) for place in point)
    return x, y


def _opposite(grey: int) -> int:
    return 0 if grey >= 128 else 255


def _polyline(points: Sequence[Point]) -> Iterator[Point]:
    yield from points


def _circle(points: Sequence[Point]) -> Iterator[Point]:
    (x, y), (on_x, on_y) = points
    radius = math.hypot(on_x - x, on_y - y)
    return _ellipse_about((x, y), (radius, 0.0), (0.0, radius))


def _ellipse(points: Sequence[Point]) -> Iterator[Point]:
    """Half axes from the ends of the axes: a turned or stretched ellipse stays one."""
    (major_x, major_y), (major_end_x, major_end_y), (minor_x, minor_y), (minor_end_x, minor_end_y) = points
    centre = (major_x + major_end_x) / 2, (major_y + major_end_y) / 2
    major = (major_end_x - major_x) / 2, (major_end_y - major_y) / 2
    minor = (minor_end_x - minor_x) / 2, (minor_end_y - minor_y) / 2
    return _ellipse_about(centre, major, minor)


def _ellipse_about(centre: Point, major: Point, minor: Point) -> Iterator[Point]:
    for step in range(_CURVE_STEPS + 1):
        angle = 2 * math.pi * (step % _CURVE_STEPS) / _CURVE_STEPS
        cosine, sine = math.cos(angle), math.sin(angle)
        yield centre[0] + cosine * major[0] + sine * minor[0], centre[1] + cosine * major[1] + sine * minor[1]


def _interpolated(points: Sequence[Point]) -> Iterator[Point]:
    """A curve through all points (Catmull-Rom); the standard leaves its kind open."""
    closed = points[0] == points[-1] and len(points) > 2
    before = points[-2] if closed else points[0]
    behind = points[1] if closed else points[-1]
    padded = [before, *points, behind]
    for first, start, end, last in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        for step in range(_SPLINE_STEPS):
            share = step / _SPLINE_STEPS
            yield (
                _between(first[0], start[0], end[0], last[0], share),
                _between(first[1], start[1], end[1], last[1], share),
            )
    yield points[-1]


def _between(first: float, start: float, end: float, last: float, share: float) -> float:
    slope, bend = end - first, 2 * first - 5 * start + 4 * end - last
    return start + 0.5 * share * (slope + share * (bend + share * (3 * (start - end) + last - first)))


_OUTLINES: dict[GraphicType, Callable[[Sequence[Point]], Iterator[Point]]] = {
    GraphicType.POLYLINE: _polyline,
    GraphicType.INTERPOLATED: _interpolated,
    GraphicType.CIRCLE: _circle,
    GraphicType.ELLIPSE: _ellipse,
}
