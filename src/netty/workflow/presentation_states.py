"""Grayscale Softcopy Presentation States read into what they say about one frame (PS3.3 A.33.1)."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from pydicom.dataset import Dataset

from netty.dicom.dataset import decimals, integer, integers, items, octets, read_attributes, reals, text, texts
from netty.dicom.text import decode_text
from netty.dicom.uids import GRAYSCALE_SOFTCOPY_PRESENTATION_STATE
from netty.errors import PeerError
from netty.image.annotation import (
    POINTS_OF,
    AnnotationLayer,
    Annotations,
    Graphic,
    GraphicType,
    Justification,
    Point,
    Text,
    Units,
)
from netty.image.flags import Flag
from netty.image.grayscale import GrayscaleTransforms
from netty.image.overlay import Overlay
from netty.image.presentation import PresentationLutShape
from netty.image.renderable import RenderableImage
from netty.image.softcopy import ActivatedOverlay, PresentationState
from netty.image.spatial import Area
from netty.workflow.inflating import plain_data_set
from netty.workflow.plane_attributes import OVERLAY_GROUPS, grey_of, masks, overlays, shutter
from netty.workflow.transform_attributes import TransformReader, member

SPECIFIC_CHARACTER_SET = 0x00080005
SOP_CLASS_UID, SOP_INSTANCE_UID = 0x00080016, 0x00080018
REFERENCED_SERIES_SEQUENCE = 0x00081115
REFERENCED_IMAGE_SEQUENCE = 0x00081140
REFERENCED_SOP_INSTANCE_UID = 0x00081155
REFERENCED_FRAME_NUMBER = 0x00081160
SERIES_INSTANCE_UID = 0x0020000E
SOFTCOPY_VOI_LUT_SEQUENCE = 0x00283110
OVERLAY_ACTIVATION_LAYER = 0x1001  # of an overlay's group
GRAPHIC_ANNOTATION_SEQUENCE = 0x00700001
GRAPHIC_LAYER = 0x00700002
BOX_UNITS, ANCHOR_UNITS, GRAPHIC_UNITS = 0x00700003, 0x00700004, 0x00700005
UNFORMATTED_TEXT_VALUE = 0x00700006
TEXT_OBJECT_SEQUENCE, GRAPHIC_OBJECT_SEQUENCE = 0x00700008, 0x00700009
BOX_TOP_LEFT, BOX_BOTTOM_RIGHT, BOX_JUSTIFICATION = 0x00700010, 0x00700011, 0x00700012
ANCHOR_POINT, ANCHOR_VISIBILITY = 0x00700014, 0x00700015
GRAPHIC_DATA, GRAPHIC_TYPE, GRAPHIC_FILLED = 0x00700022, 0x00700023, 0x00700024
IMAGE_HORIZONTAL_FLIP, IMAGE_ROTATION = 0x00700041, 0x00700042
AREA_TOP_LEFT, AREA_BOTTOM_RIGHT = 0x00700052, 0x00700053
DISPLAYED_AREA_SELECTION_SEQUENCE = 0x0070005A
GRAPHIC_LAYER_SEQUENCE, GRAPHIC_LAYER_ORDER = 0x00700060, 0x00700062
LAYER_GREY, LAYER_COLOUR = 0x00700066, 0x00700401
CONTENT_LABEL = 0x00700080
PRESENTATION_SIZE_MODE = 0x00700100
PRESENTATION_PIXEL_SPACING, PRESENTATION_PIXEL_ASPECT_RATIO = 0x00700101, 0x00700102
PRESENTATION_PIXEL_MAGNIFICATION = 0x00700103
COMPOUND_GRAPHIC_SEQUENCE, COMPOUND_GRAPHIC_INSTANCE_ID = 0x00700209, 0x00700226
PRESENTATION_LUT_SEQUENCE, PRESENTATION_LUT_SHAPE = 0x20500010, 0x20500020


class NotAPresentationState(PeerError):
    """The file holds something else, or does not speak of this image."""


class Reference(NamedTuple):
    """One image that a state refers to; `frames` count from 1, none of them means all."""

    series_instance_uid: str
    sop_instance_uid: str
    frames: tuple[int, ...] = ()


def references_of(dataset: Dataset) -> tuple[Reference, ...]:
    """The images that a state is for: all in its own study (C.11.11)."""
    return tuple(
        Reference(text(series, SERIES_INSTANCE_UID), text(image, REFERENCED_SOP_INSTANCE_UID), _frames(image))
        for series in items(dataset, REFERENCED_SERIES_SEQUENCE)
        for image in items(series, REFERENCED_IMAGE_SEQUENCE)
        if text(image, REFERENCED_SOP_INSTANCE_UID)
    )


class _Layer(NamedTuple):
    order: int = 0
    grey: int = 255


@dataclass(frozen=True, slots=True)
class StateFile:
    """A presentation state's attributes, open to be asked what they say about an image."""

    dataset: Dataset

    @property
    def references(self) -> tuple[Reference, ...]:
        """The images that it is for."""
        return references_of(self.dataset)

    def frames_of(self, image: RenderableImage, sop_instance_uid: str) -> tuple[int, ...]:
        """The frames of an image (from 1) that it is for."""
        found = [reference for reference in self.references if reference.sop_instance_uid == sop_instance_uid]
        if not found:
            raise NotAPresentationState("The presentation state does not refer to this image.")
        everything = range(1, image.pixels.frames + 1)
        if not all(reference.frames for reference in found):
            return tuple(everything)
        named = {frame for reference in found for frame in reference.frames}
        return tuple(frame for frame in everything if frame in named)

    def applied_to(self, image: RenderableImage, sop_instance_uid: str, frame: int) -> PresentationState:
        """What it says about frame `frame` (from 1) of an image."""
        return _StateReader(self.dataset, image, sop_instance_uid, frame).state()


def open_state(path: Path | str, offset: int, transfer_syntax: str, length: int | None = None) -> StateFile:
    """The presentation state whose data set of `length` bytes (None: to the end) stands at `offset` of a file."""
    plain = plain_data_set(path, offset, transfer_syntax, length)
    with plain.file as file:
        dataset = read_attributes(file, plain.transfer_syntax, plain.offset, plain.length).dataset
    if text(dataset, SOP_CLASS_UID) != GRAYSCALE_SOFTCOPY_PRESENTATION_STATE:
        raise NotAPresentationState("The file given as presentation state is none.")
    return StateFile(dataset)


class _StateReader:
    """Reads one state for one frame of one image, and collects what there is to remark."""

    def __init__(self, dataset: Dataset, image: RenderableImage, sop_instance_uid: str, frame: int) -> None:
        self._dataset, self._image, self._sop_instance_uid, self._frame = dataset, image, sop_instance_uid, frame
        self._reader = TransformReader()
        self._character_sets = texts(dataset, SPECIFIC_CHARACTER_SET) or ("",)
        self._layers = {
            text(item, GRAPHIC_LAYER): _Layer(_order(item), _layer_grey(item))
            for item in items(dataset, GRAPHIC_LAYER_SEQUENCE)
        }

        # Simple graphics and text that stand for a compound graphic, for those who do not draw it (C.10.5.1.3.1).
        self._simple_renderings = {
            number
            for annotation in items(dataset, GRAPHIC_ANNOTATION_SEQUENCE)
            for tag in (GRAPHIC_OBJECT_SEQUENCE, TEXT_OBJECT_SEQUENCE)
            for number in _numbers_of(annotation, tag)
            if number
        }

    def state(self) -> PresentationState:
        dataset, reader = self._dataset, self._reader
        own = tuple(overlays(dataset, None, reader))
        area = next(iter(self._selected(DISPLAYED_AREA_SELECTION_SEQUENCE)), Dataset())
        aspect = _aspect(area)
        rotation = integer(dataset, IMAGE_ROTATION, 0) or 0
        return PresentationState(
            sop_instance_uid=text(dataset, SOP_INSTANCE_UID),
            label=text(dataset, CONTENT_LABEL),
            transforms=self._transforms(),
            inverted=text(dataset, PRESENTATION_LUT_SHAPE).upper() == PresentationLutShape.INVERSE,
            lut=next(
                (table for item in items(dataset, PRESENTATION_LUT_SEQUENCE) if (table := reader.table(item, False))),
                None,
            ),
            mask=next(masks(dataset, self._image.pixels.frames, reader), None),
            shutter=shutter(dataset, aspect, own, reader),
            overlays=tuple(self._activated(own)),
            area=_area(area),
            aspect=aspect,
            magnification=_magnification(area),
            true_size=text(area, PRESENTATION_SIZE_MODE).upper() == "TRUE SIZE",
            spacing=_spacing(area),
            rotation=rotation % 360 if rotation % 90 == 0 else 0,
            flipped=text(dataset, IMAGE_HORIZONTAL_FLIP).upper() == "Y",
            annotations=self._annotations(),
            flags=tuple(reader.flags),
        )

    def _transforms(self) -> GrayscaleTransforms:
        """Its own only: what it leaves out is the identity (PS3.4 N.2)."""
        modality = self._reader.modality(self._dataset, self._image.pixels.signed)
        for item in self._selected(SOFTCOPY_VOI_LUT_SEQUENCE):
            return self._reader.voi(item, modality, self._image.pixels)
        return GrayscaleTransforms(modality)

    def _activated(self, own: tuple[Overlay, ...]) -> Iterator[ActivatedOverlay]:
        """The overlays with a layer (C.11.7), in the order of the layers."""
        by_group = {overlay.group: overlay for overlay in own}
        names = ((group, text(self._dataset, group << 16 | OVERLAY_ACTIVATION_LAYER)) for group in OVERLAY_GROUPS)
        active = [(self._layers.get(name, _Layer()), group) for group, name in names if name]
        for layer, group in sorted(active):
            yield ActivatedOverlay(group, layer.grey, by_group.get(group))

    def _annotations(self) -> Annotations:
        """Graphics and text, in the order of their layers (C.10.5, C.10.7)."""
        found = []
        for item in self._selected(GRAPHIC_ANNOTATION_SEQUENCE):
            if not self._simple_renderings.issuperset(_numbers_of(item, COMPOUND_GRAPHIC_SEQUENCE)):
                self._reader.remark(Flag.ANNOTATIONS_NOT_DRAWN)
            layer = self._layers.get(text(item, GRAPHIC_LAYER), _Layer())
            graphics = tuple(filter(None, map(self._graphic, items(item, GRAPHIC_OBJECT_SEQUENCE))))
            written = tuple(filter(None, map(self._text, items(item, TEXT_OBJECT_SEQUENCE))))
            found.append((layer.order, AnnotationLayer(layer.grey, graphics, written)))
        return tuple(layer for _, layer in sorted(found, key=lambda each: each[0]))

    def _graphic(self, item: Dataset) -> Graphic | None:
        kind = member(GraphicType, text(item, GRAPHIC_TYPE).upper())
        units = member(Units, text(item, GRAPHIC_UNITS).upper())
        points = _points(item, GRAPHIC_DATA)
        least, most = POINTS_OF[kind] if kind else (0, None)
        if kind is None or units is None or len(points) < least:
            self._reader.remark(Flag.ANNOTATIONS_NOT_DRAWN)
            return None
        return Graphic(kind, units, points[:most], text(item, GRAPHIC_FILLED).upper() == "Y")

    def _text(self, item: Dataset) -> Text | None:
        written = self._written(item, UNFORMATTED_TEXT_VALUE)
        corners = (*_points(item, BOX_TOP_LEFT)[:1], *_points(item, BOX_BOTTOM_RIGHT)[:1])
        anchor = next(iter(_points(item, ANCHOR_POINT)), None)
        if not written or (len(corners) < 2 and anchor is None):
            self._reader.remark(Flag.ANNOTATIONS_NOT_DRAWN)
            return None
        return Text(
            written,
            box=(corners[0], corners[1]) if len(corners) == 2 else None,
            box_units=member(Units, text(item, BOX_UNITS).upper()) or Units.PIXEL,
            justification=member(Justification, text(item, BOX_JUSTIFICATION).upper()) or Justification.LEFT,
            anchor=anchor,
            anchor_units=member(Units, text(item, ANCHOR_UNITS).upper()) or Units.PIXEL,
            anchor_visible=text(item, ANCHOR_VISIBILITY).upper() == "Y",
        )

    def _written(self, item: Dataset, tag: int) -> str:
        """Text in the character sets that the item, else the whole state declares."""
        return decode_text(octets(item, tag), texts(item, SPECIFIC_CHARACTER_SET) or self._character_sets)

    def _selected(self, tag: int) -> Iterator[Dataset]:
        """The items of a sequence that are for this image and frame: those that name none are for all."""
        for item in items(self._dataset, tag):
            named = list(items(item, REFERENCED_IMAGE_SEQUENCE))
            if not named or any(self._is_named(image) for image in named):
                yield item

    def _is_named(self, image: Dataset) -> bool:
        frames = _frames(image)
        uid = text(image, REFERENCED_SOP_INSTANCE_UID)
        return uid == self._sop_instance_uid and (not frames or self._frame in frames)


def _frames(image: Dataset) -> tuple[int, ...]:
    return tuple(int(number) for number in decimals(image, REFERENCED_FRAME_NUMBER))


def _numbers_of(annotation: Dataset, tag: int) -> list[int]:
    """The Compound Graphic Instance IDs in a sequence of an annotation; 0 for an item without one."""
    return [integer(item, COMPOUND_GRAPHIC_INSTANCE_ID, 0) or 0 for item in items(annotation, tag)]


def _order(layer: Dataset) -> int:
    return int(next(iter(decimals(layer, GRAPHIC_LAYER_ORDER)), 0))


def _layer_grey(layer: Dataset) -> int:
    """The recommended grey as a P-Value, else the lightness of the recommended colour, else white (C.10.7)."""
    value = integer(layer, LAYER_GREY)
    return grey_of(next(iter(integers(layer, LAYER_COLOUR)), 0xFFFF) if value is None else value)


def _points(item: Dataset, tag: int) -> tuple[Point, ...]:
    numbers = reals(item, tag)
    return tuple(zip(numbers[::2], numbers[1::2], strict=False))


def _area(item: Dataset) -> Area | None:
    """The displayed area. Its corners are as they are seen: turning may put either of them first in the image."""
    match integers(item, AREA_TOP_LEFT), integers(item, AREA_BOTTOM_RIGHT):
        case (one_x, one_y), (other_x, other_y):
            return Area(min(one_x, other_x), min(one_y, other_y), max(one_x, other_x), max(one_y, other_y))
    return None


def _spacing(item: Dataset) -> tuple[float, float] | None:
    match decimals(item, PRESENTATION_PIXEL_SPACING):
        case (vertical, horizontal, *_) if vertical > 0 and horizontal > 0:
            return vertical, horizontal
    return None


def _aspect(item: Dataset) -> tuple[float, float]:
    for tag in (PRESENTATION_PIXEL_SPACING, PRESENTATION_PIXEL_ASPECT_RATIO):
        match decimals(item, tag):
            case (vertical, horizontal, *_) if vertical > 0 and horizontal > 0:
                return vertical, horizontal
    return 1.0, 1.0


def _magnification(item: Dataset) -> float:
    """MAGNIFY says how many pixels of the display show one of the image; the other modes ask for a display."""
    ratio = next(iter(reals(item, PRESENTATION_PIXEL_MAGNIFICATION)), 1.0)
    return ratio if text(item, PRESENTATION_SIZE_MODE).upper() == "MAGNIFY" and ratio > 0 else 1.0
