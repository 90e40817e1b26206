"""Graphics and text that are drawn over a picture, as values (PS3.3 C.10.5, C.10.7)."""

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

Point: TypeAlias = tuple[float, float]
"""Column and row, or x and y."""


class GraphicType(StrEnum):
    """Graphic Type (0070,0023)."""

    POINT = "POINT"
    POLYLINE = "POLYLINE"
    INTERPOLATED = "INTERPOLATED"
    CIRCLE = "CIRCLE"
    ELLIPSE = "ELLIPSE"


class Units(StrEnum):
    """Annotation Units: places of the image, or fractions of the displayed area."""

    PIXEL = "PIXEL"
    DISPLAY = "DISPLAY"


class Justification(StrEnum):
    """Bounding Box Text Horizontal Justification (0070,0012)."""

    LEFT = "LEFT"
    CENTER = "CENTER"
    RIGHT = "RIGHT"


POINTS_OF: dict[GraphicType, tuple[int, int | None]] = {  # at least, at most
    GraphicType.POINT: (1, 1),
    GraphicType.POLYLINE: (2, None),
    GraphicType.INTERPOLATED: (2, None),
    GraphicType.CIRCLE: (2, 2),  # the centre, a point on the circle
    GraphicType.ELLIPSE: (4, 4),  # the ends of the major axis, those of the minor axis
}


@dataclass(frozen=True, slots=True)
class Graphic:
    """An item of the Graphic Object Sequence."""

    type: GraphicType
    units: Units
    points: tuple[Point, ...]
    filled: bool = False


@dataclass(frozen=True, slots=True)
class Text:
    """An item of the Text Object Sequence: in a box (its corners in `box_units`), or near an anchor, or both."""

    text: str
    box: tuple[Point, Point] | None = None
    box_units: Units = Units.PIXEL
    justification: Justification = Justification.LEFT
    anchor: Point | None = None
    anchor_units: Units = Units.PIXEL
    anchor_visible: bool = False


@dataclass(frozen=True, slots=True)
class AnnotationLayer:
    """What is drawn with one grey; layers are drawn in their order, the last one on top."""

    grey: int = 255
    graphics: tuple[Graphic, ...] = ()
    texts: tuple[Text, ...] = ()


Annotations: TypeAlias = tuple[AnnotationLayer, ...]


def annotations_sha256(annotations: Annotations) -> str:
    """What annotations are known by in a recipe: it need not repeat what may name a person."""
    return hashlib.sha256(repr(annotations).encode()).hexdigest()


def text_of(annotations: Annotations) -> str:
    """All text, to know which letters a font must have."""
    return "".join(text.text for layer in annotations for text in layer.texts)
