"""What the header of an image file says about its picture. The slices of a series mostly say the same."""

import io
import os
from dataclasses import dataclass
from functools import lru_cache
from typing import BinaryIO, Final

from pydicom.dataset import Dataset

from netty.dicom.dataset import Attributes, PixelDataElement, read_attributes, text
from netty.dicom.excerpt import Excerpt, Excerpts, Wanted
from netty.dicom.uids import EXPLICIT_VR_LITTLE_ENDIAN
from netty.image.decode import SYNTAXES
from netty.image.renderable import NotRenderable, RenderableImage
from netty.workflow import frame_times, image_attributes, plane_attributes
from netty.workflow.image_attributes import SOP_INSTANCE_UID, read_image

_HEADS: Final = (1 << 15, 1 << 20)  # bytes: most headers are shorter than the first, nearly all than the second
_WHOLE: Final = 1 << 18  # bytes: data sets up to here are read at once, with their pixels
_LONGEST_KNOWN: Final = 1 << 16  # what is longer, such as functional groups, comes only once

# All that is read of a native image. The reader sees nothing else, so nothing else can change the picture.
_EXCERPTS: Final = Excerpts(
    Wanted(
        groups=frozenset({0x0028, 0x2050, 0x5200, *plane_attributes.OVERLAY_GROUPS}),
        tags=frozenset(
            {
                0x00080005,  # Specific Character Set
                image_attributes.SOP_CLASS_UID,
                image_attributes.MODALITY,
                image_attributes.IMAGER_PIXEL_SPACING,
                image_attributes.NOMINAL_SCANNED_PIXEL_SPACING,
                frame_times.FRAME_TIME,
                frame_times.FRAME_TIME_VECTOR,
                frame_times.RECOMMENDED_DISPLAY_FRAME_RATE,
                frame_times.CINE_RATE,
                *plane_attributes.SHUTTER_TAGS,
            }
        ),
        unwanted=frozenset(range(0x00280106, 0x00280112)),  # smallest and largest values: each slice has its own
        apart=SOP_INSTANCE_UID,
    )
)


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """`start` of the pixel data from the beginning of the data set, and its `length`, as far as it is there.

    `image` is the same one for all images whose headers say the same. `read` is the beginning of the pixel data, as far
    as it came with the header.
    """

    image: RenderableImage | NotRenderable
    sop_instance_uid: str
    dataset: Dataset
    start: int
    length: int
    read: memoryview


def read_header(file: BinaryIO, transfer_syntax: str, offset: int, length: int) -> ImageHeader:
    """The header of the data set of `length` bytes at `offset`."""
    if transfer_syntax not in SYNTAXES:
        head, found = _excerpt(file, transfer_syntax, offset, length)
        if found is not None:
            start, available = _room(found.pixel_data, length)
            image, dataset = _known(found, transfer_syntax, available)
            read = memoryview(head)[start : start + available]
            return ImageHeader(image, _first_value(found.apart), dataset, start, available, read)
    plain_syntax = EXPLICIT_VR_LITTLE_ENDIAN if transfer_syntax in SYNTAXES else transfer_syntax
    attributes = read_attributes(file, plain_syntax, offset, length)
    start, available = _room(attributes.pixel_data, length)
    image = read_image(attributes, available, transfer_syntax)
    uid = text(attributes.dataset, SOP_INSTANCE_UID)
    return ImageHeader(image, uid, attributes.dataset, start, available, memoryview(b""))


def _room(pixel_data: PixelDataElement | None, length: int) -> tuple[int, int]:
    start = pixel_data.offset if pixel_data else 0
    available = max(0, length - start)
    stated = pixel_data.length if pixel_data else None
    return start, available if stated is None else min(available, stated)


def _excerpt(file: BinaryIO, transfer_syntax: str, offset: int, length: int) -> tuple[bytes, Excerpt | None]:
    """What was read of the data set, and its excerpt, where there is one."""
    for size in (length,) if length <= _WHOLE else _HEADS:
        head = os.pread(file.fileno(), min(size, length), offset)
        found = _EXCERPTS.of(head, transfer_syntax)
        if found is not None or len(head) < size:
            break
    return head, found


def _known(found: Excerpt, transfer_syntax: str, available: int) -> tuple[RenderableImage | NotRenderable, Dataset]:
    read = _read if len(found.elements) <= _LONGEST_KNOWN else _read.__wrapped__
    pixel_data = found.pixel_data
    return read(found.elements, transfer_syntax, pixel_data.tag, pixel_data.vr, pixel_data.length, available)


@lru_cache(maxsize=64)
def _read(
    elements: bytes, transfer_syntax: str, tag: int, vr: str, stated_length: int | None, available: int
) -> tuple[RenderableImage | NotRenderable, Dataset]:
    attributes = read_attributes(io.BytesIO(elements), transfer_syntax, 0, len(elements))
    pixel_data = PixelDataElement(tag, vr, 0, stated_length)
    attributes = Attributes(attributes.dataset, pixel_data, attributes.is_little_endian)
    return read_image(attributes, available, transfer_syntax), attributes.dataset


def _first_value(uid: bytes) -> str:
    return uid.decode("latin-1").split("\\")[0].strip(" \0")
