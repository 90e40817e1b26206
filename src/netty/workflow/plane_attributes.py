"""Overlay planes, shutters and subtraction masks as images and presentation states write them."""

from collections.abc import Iterator

from pydicom.dataset import Dataset

from netty.dicom.dataset import decimals, integer, integers, items, octets, reals, text, texts
from netty.image.flags import Flag
from netty.image.overlay import Overlay, OverlayType
from netty.image.pixel_data import PixelDescription
from netty.image.shutter import Circle, Polygon, Rectangle, Shape, Shutter
from netty.image.subtraction import MaskOperation, MaskSubtraction, Shift
from netty.workflow.transform_attributes import TransformReader, member

SHUTTER_SHAPE = 0x00181600
SHUTTER_LEFT, SHUTTER_RIGHT, SHUTTER_UPPER, SHUTTER_LOWER = 0x00181602, 0x00181604, 0x00181606, 0x00181608
SHUTTER_CENTER, SHUTTER_RADIUS = 0x00181610, 0x00181612
SHUTTER_VERTICES = 0x00181620
SHUTTER_PRESENTATION_VALUE = 0x00181622
SHUTTER_OVERLAY_GROUP = 0x00181623
SHUTTER_TAGS = range(0x00181600, 0x00181700)
PIXEL_INTENSITY_RELATIONSHIP = 0x00281040
RECOMMENDED_VIEWING_MODE = 0x00281090
MASK_SUBTRACTION_SEQUENCE = 0x00286100
MASK_OPERATION = 0x00286101
APPLICABLE_FRAME_RANGE = 0x00286102
MASK_FRAME_NUMBERS = 0x00286110
CONTRAST_FRAME_AVERAGING = 0x00286112
MASK_SUB_PIXEL_SHIFT = 0x00286114
TID_OFFSET = 0x00286120

OVERLAY_GROUPS = range(0x6000, 0x6020, 2)
# Elements of an overlay's group.
OVERLAY_ROWS, OVERLAY_COLUMNS, OVERLAY_FRAMES = 0x0010, 0x0011, 0x0015
OVERLAY_TYPE, OVERLAY_ORIGIN, IMAGE_FRAME_ORIGIN = 0x0040, 0x0050, 0x0051
OVERLAY_BIT_POSITION, OVERLAY_DATA = 0x0102, 0x3000


def overlays(dataset: Dataset, pixels: PixelDescription | None, reader: TransformReader) -> Iterator[Overlay]:
    """The planes of the groups 6000 to 601E (PS3.3 C.9.2); embedded ones need the image's `pixels`."""
    for group in OVERLAY_GROUPS:
        if group << 16 | OVERLAY_ROWS in dataset or group << 16 | OVERLAY_DATA in dataset:
            overlay = _overlay(dataset, group, pixels)
            if overlay is None:
                reader.remark(Flag.OVERLAYS_NOT_DRAWN)
            else:
                yield overlay


def _overlay(dataset: Dataset, group: int, pixels: PixelDescription | None) -> Overlay | None:
    base = group << 16
    rows, columns = integer(dataset, base | OVERLAY_ROWS, 0) or 0, integer(dataset, base | OVERLAY_COLUMNS, 0) or 0
    row, column, *_ = (*integers(dataset, base | OVERLAY_ORIGIN), 1, 1)
    kind = member(OverlayType, text(dataset, base | OVERLAY_TYPE).upper()) or OverlayType.GRAPHICS
    count, first = (
        next(iter(decimals(dataset, base | OVERLAY_FRAMES)), None),
        integer(dataset, base | IMAGE_FRAME_ORIGIN),
    )
    frames = None if count is None and first is None else max(1, int(count or 1))
    if pixels is not None and pixels.frames == 1:
        frames, first = None, None
    data, embedded = octets(dataset, base | OVERLAY_DATA), None
    if not data:
        embedded = _embedded_bit(dataset, base, pixels, rows, columns)
        if embedded is None:
            return None
    elif rows * columns > len(data) * 8 or rows < 1 or columns < 1:
        return None
    return Overlay(group, kind, rows, columns, row, column, data, embedded, first or 1, frames)


def _embedded_bit(dataset: Dataset, base: int, pixels: PixelDescription | None, rows: int, columns: int) -> int | None:
    """The bit of the image's cells that holds the plane, as ACR-NEMA and DICOM before 2004 allowed."""
    bit = integer(dataset, base | OVERLAY_BIT_POSITION)
    if bit is None or pixels is None or (rows, columns) != (pixels.rows, pixels.columns) or pixels.samples != 1:
        return None
    stored = range(pixels.high_bit + 1 - pixels.bits_stored, pixels.high_bit + 1)
    return bit if 0 <= bit < pixels.bits_allocated and bit not in stored else None


def shutter(
    dataset: Dataset, aspect: tuple[float, float], bitmaps: tuple[Overlay, ...], reader: TransformReader
) -> Shutter | None:
    """The shutter (PS3.3 C.7.6.11), or that of a bitmap among `bitmaps` (C.7.6.15)."""
    names = [name.upper() for name in texts(dataset, SHUTTER_SHAPE) if name]
    shapes, bitmap = [], None
    for name in names:
        shape = _shape(dataset, name, aspect)
        if name == "BITMAP":
            group = integer(dataset, SHUTTER_OVERLAY_GROUP)
            bitmap = next((overlay for overlay in bitmaps if overlay.group == group), None)
        if shape is None and bitmap is None:
            reader.remark(Flag.SHUTTER_NOT_APPLIED)
        elif shape is not None:
            shapes.append(shape)
    if not shapes and bitmap is None:
        return None
    return Shutter(tuple(shapes), bitmap, grey_of(integer(dataset, SHUTTER_PRESENTATION_VALUE, 0) or 0))


def _shape(dataset: Dataset, name: str, aspect: tuple[float, float]) -> Shape | None:
    def number(tag: int) -> int | None:
        return next((round(value) for value in decimals(dataset, tag)), None)

    match name:
        case "RECTANGULAR":
            left, right, upper, lower = map(number, (SHUTTER_LEFT, SHUTTER_RIGHT, SHUTTER_UPPER, SHUTTER_LOWER))
            if left is not None and right is not None and upper is not None and lower is not None:
                return Rectangle(left, right, upper, lower)
        case "CIRCULAR":
            match decimals(dataset, SHUTTER_CENTER), number(SHUTTER_RADIUS):
                case (row, column), int(radius):
                    return Circle(round(row), round(column), radius, aspect[0] / aspect[1])
        case "POLYGONAL":
            numbers = [round(value) for value in decimals(dataset, SHUTTER_VERTICES)]
            if len(numbers) >= 6 and len(numbers) % 2 == 0:
                return Polygon(tuple(zip(numbers[::2], numbers[1::2], strict=True)))
    return None


def grey_of(p_value: int) -> int:
    """The grey of a P-Value of 16 bits, as shutters and layers have it."""
    return round(min(max(p_value, 0), 0xFFFF) * 255 / 0xFFFF)


def masks(dataset: Dataset, frames: int, reader: TransformReader) -> Iterator[MaskSubtraction]:
    """The subtractions that the sender recommends and that we carry out (PS3.3 C.7.6.10).

    Not those of pixels linear to the X-ray beam, which would have to be made logarithmic first: such an image is shown
    as it is, and flagged.
    """
    stated = list(items(dataset, MASK_SUBTRACTION_SEQUENCE))
    if not stated:
        return
    native = text(dataset, RECOMMENDED_VIEWING_MODE).upper() == "NAT"
    linear = text(dataset, PIXEL_INTENSITY_RELATIONSHIP).upper() == "LIN"
    for item in stated:
        operation = member(MaskOperation, text(item, MASK_OPERATION).upper())
        numbers = integers(item, MASK_FRAME_NUMBERS)
        there = all(1 <= number <= frames for number in numbers)
        shift = _shift(item)
        if native or linear or not there or operation is None or shift is None:
            if text(item, MASK_OPERATION).upper() != "NONE":
                reader.remark(Flag.MASK_NOT_APPLIED)
            continue
        ends = integers(item, APPLICABLE_FRAME_RANGE)
        yield MaskSubtraction(
            operation,
            numbers,
            tuple(zip(ends[::2], ends[1::2], strict=False)),
            integer(item, CONTRAST_FRAME_AVERAGING, 1) or 1,
            integer(item, TID_OFFSET, 1) or 1,
            shift,
        )


def _shift(item: Dataset) -> Shift | None:
    """How far the mask moves (C.7.6.10.1.2): vertical, then horizontal; None where that cannot be read."""
    stated = octets(item, MASK_SUB_PIXEL_SHIFT)
    match reals(item, MASK_SUB_PIXEL_SHIFT):
        case (down, right):
            return down, right
        case ():
            return None if stated else (0.0, 0.0)
    return None
