"""Graphics and text of presentation states: PS3.3 C.10.5."""

import numpy as np
import pytest
from PIL import ImageFont

from netty.image.annotation import AnnotationLayer, Annotations, Graphic, GraphicType, Justification, Text, Units
from netty.image.drawing import draw_annotations
from netty.image.pixel_data import Array
from netty.image.spatial import Spatial, spatial, whole

SIZE = 100
GROUND = 100  # neither the white of the lines nor the black of their edges


def plain(rotation: int = 0) -> Spatial:
    made = spatial(whole(SIZE, SIZE), rotation=rotation)
    assert made is not None
    return made


def drawn(annotations: Annotations, plan: Spatial | None = None) -> Array:
    ground = np.full((SIZE, SIZE), GROUND, np.uint8)
    return draw_annotations(ground, annotations, plan or plain(), ImageFont.load_default)


def white(*graphics: Graphic, plan: Spatial | None = None) -> set[tuple[int, int]]:
    """The white pixels as (x, y)."""
    rows, columns = np.nonzero(drawn((AnnotationLayer(255, graphics),), plan) == 255)
    return set(zip(columns.tolist(), rows.tolist(), strict=True))


def graphic(
    kind: GraphicType, *points: tuple[float, float], units: Units = Units.PIXEL, filled: bool = False
) -> Graphic:
    return Graphic(kind, units, points, filled)


def test_places_in_pixel_units_count_from_the_outer_corner_of_the_first_pixel() -> None:
    """C.10.5: 0.0 is the corner, 1.0 the other corner of the first pixel: 10.5 is the middle of the eleventh."""
    line = graphic(GraphicType.POLYLINE, (10.5, 20.5), (30.5, 20.5))

    assert white(line) == {(x, 20) for x in range(10, 31)}


def test_display_units_are_fractions_of_the_picture() -> None:
    line = graphic(GraphicType.POLYLINE, (0.105, 0.205), (0.305, 0.205), units=Units.DISPLAY)

    assert white(line) == {(x, 20) for x in range(10, 31)}
    assert white(line, plan=plain(90)) == white(line)


def test_graphics_of_the_image_turn_with_it() -> None:
    line = graphic(GraphicType.POLYLINE, (10.5, 20.5), (30.5, 20.5))

    assert white(line, plan=plain(90)) == {(79, y) for y in range(10, 31)}


def radii(pixels: set[tuple[int, int]], x: float, y: float) -> list[float]:
    return [float(np.hypot(one_x + 0.5 - x, one_y + 0.5 - y)) for one_x, one_y in pixels]


def test_a_circle_has_its_centre_and_a_point_on_it() -> None:
    pixels = white(graphic(GraphicType.CIRCLE, (50, 50), (50, 80)))

    assert all(28.5 < radius < 31.5 for radius in radii(pixels, 50, 50))
    assert {(50, 79), (50, 80)} & pixels
    assert {(20, 50), (19, 50)} & pixels


def test_an_ellipse_has_the_ends_of_its_axes() -> None:
    pixels = white(graphic(GraphicType.ELLIPSE, (10, 50), (90, 50), (50, 30), (50, 70)))

    shares = [((x + 0.5 - 50) / 40) ** 2 + ((y + 0.5 - 50) / 20) ** 2 for x, y in pixels]
    assert all(0.85 < share < 1.15 for share in shares)
    assert (min(x for x, _ in pixels), max(x for x, _ in pixels)) == (10, 90)


def test_an_interpolated_curve_goes_through_its_points() -> None:
    points = ((10.5, 50.5), (40.5, 20.5), (70.5, 80.5))

    pixels = white(graphic(GraphicType.INTERPOLATED, *points))

    assert {(10, 50), (40, 20), (70, 80)} <= pixels


def test_closed_graphics_are_filled_when_they_say_so() -> None:
    square = ((20.0, 20.0), (60.0, 20.0), (60.0, 60.0), (20.0, 60.0), (20.0, 20.0))

    assert (40, 40) in white(graphic(GraphicType.POLYLINE, *square, filled=True))
    assert (40, 40) not in white(graphic(GraphicType.POLYLINE, *square))
    assert (40, 40) not in white(graphic(GraphicType.POLYLINE, *square[:-1], filled=True))


def test_a_point_is_seen_and_has_an_edge_of_the_opposite_grey() -> None:
    picture = drawn((AnnotationLayer(0, (graphic(GraphicType.POINT, (50.5, 50.5)),)),))

    assert picture[50, 50] == 0
    assert 255 in picture


def test_layers_are_drawn_one_over_the_other() -> None:
    line = graphic(GraphicType.POLYLINE, (10.5, 20.5), (30.5, 20.5))

    picture = drawn((AnnotationLayer(255, (line,)), AnnotationLayer(180, (line,))))

    assert picture[20, 20] == 180


def ink(text: Text, plan: Spatial | None = None) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of what was drawn."""
    rows, columns = np.nonzero(drawn((AnnotationLayer(255, texts=(text,)),), plan) != GROUND)
    return int(columns.min()), int(rows.min()), int(columns.max()), int(rows.max())


@pytest.mark.parametrize(
    ("justification", "middle"), [(Justification.LEFT, 15), (Justification.CENTER, 50), (Justification.RIGHT, 85)]
)
def test_text_stands_in_its_box_as_it_is_justified(justification: Justification, middle: int) -> None:
    left, top, right, bottom = ink(Text("i", ((10, 30), (90, 60)), justification=justification))

    assert abs((left + right) / 2 - middle) < 8
    assert 25 < top < bottom < 60


def test_text_stays_upright_and_readable_when_the_image_is_turned() -> None:
    box = ((10.0, 10.0), (30.0, 90.0))

    left, top, right, bottom = ink(Text("WIDE", box), plan=plain(90))

    assert right - left > bottom - top
    assert top >= 8  # in the turned box: x 10 to 90, y 10 to 30
    assert bottom <= 30


@pytest.mark.parametrize("anchor", [(-50.0, -50.0), (99.0, 99.0), (1e9, 50.0)])
def test_text_is_kept_in_the_picture(anchor: tuple[float, float]) -> None:
    left, top, right, bottom = ink(Text("abc", anchor=anchor))

    assert 0 <= left < right <= 99
    assert 0 <= top < bottom <= 99


@pytest.mark.parametrize("written", ["\0\x1b\x07", "a\0b\tc\r\nd", "\r\n\r\n", "𝕏" * 2000])
def test_whatever_is_written_can_be_drawn(written: str) -> None:
    assert drawn((AnnotationLayer(255, texts=(Text(written, anchor=(5, 5)),)),)).shape == (SIZE, SIZE)


def test_a_visible_anchor_is_joined_to_the_box() -> None:
    text = Text("a", ((70, 70), (90, 90)), anchor=(10.5, 10.5), anchor_visible=True)

    picture = drawn((AnnotationLayer(255, texts=(text,)),))

    assert picture[10, 10] == 255
    assert (picture[40:50, 30:60] == 255).any()


def test_colour_pictures_are_drawn_on_too() -> None:
    ground = np.full((SIZE, SIZE, 3), GROUND, np.uint8)
    line = graphic(GraphicType.POLYLINE, (10.5, 20.5), (30.5, 20.5))

    picture = draw_annotations(ground, (AnnotationLayer(200, (line,)),), plain(), ImageFont.load_default)

    assert picture[20, 20].tolist() == [200, 200, 200]
