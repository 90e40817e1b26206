"""A data set's attributes read into the values of `image`: tolerant of what the field writes, silent about nothing."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TypeVar

import numpy as np
from pydicom.dataset import Dataset

from netty.dicom.dataset import (
    PIXEL_DATA,
    Attributes,
    PixelDataElement,
    decimals,
    integer,
    integers,
    items,
    places,
    text,
    texts,
    words,
)
from netty.dicom.uids import GRAYSCALE_SOFTCOPY_PRESENTATION_STATE, XA_IMAGE_STORAGE, XRF_IMAGE_STORAGE
from netty.image.colour import Palette
from netty.image.errors import CannotRender
from netty.image.flags import Flag
from netty.image.grayscale import GrayscaleTransforms
from netty.image.lookup_table import LookupTable, descriptor, lookup_table
from netty.image.modality import Modality, Rescale, modality_limits
from netty.image.padding import Padding, padding
from netty.image.pixel_data import ByteOrder, PhotometricInterpretation, PixelDescription, fit_to_length, value_limits
from netty.image.presentation import PresentationLutShape, is_inverted
from netty.image.renderable import NotRenderable, RenderableImage
from netty.image.segmented import expand
from netty.image.voi import VoiLutFunction, Window
from netty.model.reasons import NO_PICTURE

SOP_CLASS_UID = 0x00080016
MODALITY = 0x00080060
IMAGER_PIXEL_SPACING = 0x00181164
SHUTTER_SHAPE = 0x00181600
NOMINAL_SCANNED_PIXEL_SPACING = 0x00182010
SAMPLES_PER_PIXEL = 0x00280002
PHOTOMETRIC_INTERPRETATION = 0x00280004
PLANAR_CONFIGURATION = 0x00280006
NUMBER_OF_FRAMES = 0x00280008
ROWS = 0x00280010
COLUMNS = 0x00280011
PIXEL_SPACING = 0x00280030
PIXEL_ASPECT_RATIO = 0x00280034
BITS_ALLOCATED = 0x00280100
BITS_STORED = 0x00280101
HIGH_BIT = 0x00280102
PIXEL_REPRESENTATION = 0x00280103
PIXEL_PADDING_VALUE = 0x00280120
PIXEL_PADDING_RANGE_LIMIT = 0x00280121
WINDOW_CENTER = 0x00281050
WINDOW_WIDTH = 0x00281051
RESCALE_INTERCEPT = 0x00281052
RESCALE_SLOPE = 0x00281053
RESCALE_TYPE = 0x00281054
WINDOW_EXPLANATION = 0x00281055
VOI_LUT_FUNCTION = 0x00281056
PALETTE_DESCRIPTORS = (0x00281101, 0x00281102, 0x00281103)  # red, green, blue
PALETTE_DATA = (0x00281201, 0x00281202, 0x00281203)
SEGMENTED_PALETTE_DATA = (0x00281221, 0x00281222, 0x00281223)
MODALITY_LUT_SEQUENCE = 0x00283000
LUT_DESCRIPTOR = 0x00283002
LUT_EXPLANATION = 0x00283003
LUT_DATA = 0x00283006
VOI_LUT_SEQUENCE = 0x00283010
MASK_SUBTRACTION_SEQUENCE = 0x00286100
PIXEL_MEASURES_SEQUENCE = 0x00289110
FRAME_VOI_LUT_SEQUENCE = 0x00289132
PIXEL_VALUE_TRANSFORMATION_SEQUENCE = 0x00289145
PRESENTATION_LUT_SHAPE = 0x20500020
SHARED_FUNCTIONAL_GROUPS = 0x52009229
PER_FRAME_FUNCTIONAL_GROUPS = 0x52009230
OVERLAY_ROWS, OVERLAY_DATA = 0x0010, 0x3000  # elements of the groups 6000 to 601E

# Their modality transform leads back to X-ray intensity, and is not for display (PS3.3 C.8.7.1.1.2).
STORED_VALUES_ARE_DISPLAYED = frozenset(
    {
        XA_IMAGE_STORAGE,
        XRF_IMAGE_STORAGE,
        "1.2.840.10008.5.1.4.1.1.12.1.1",  # Enhanced XA
        "1.2.840.10008.5.1.4.1.1.12.2.1",  # Enhanced XRF
    }
)


def read_image(attributes: Attributes, available: int) -> RenderableImage | NotRenderable:
    """What the data set says about its picture; `available` bytes stand from the pixel data's beginning on."""
    dataset, pixel_data = attributes.dataset, attributes.pixel_data
    if text(dataset, SOP_CLASS_UID) == GRAYSCALE_SOFTCOPY_PRESENTATION_STATE:
        return NotRenderable(True, NO_PICTURE, (("kind", "presentation state"),))
    if pixel_data is None:
        if not integer(dataset, ROWS):
            return NotRenderable(True, NO_PICTURE, (("kind", text(dataset, MODALITY) or "no pixel data"),))
        return _cannot(CannotRender("The image has no pixel data."))
    if pixel_data.tag != PIXEL_DATA:
        return _cannot(CannotRender("Pixels of floating point numbers are not supported."))
    if pixel_data.length is None:
        return _cannot(CannotRender("The pixel data is compressed, but the transfer syntax says that it is not."))
    try:
        return _Reader(attributes, pixel_data).image(min(pixel_data.length, available))
    except CannotRender as error:
        return _cannot(error)


def _cannot(error: CannotRender) -> NotRenderable:
    return NotRenderable(False, error.template, tuple(error.values.items()))


@dataclass(slots=True)
class _Reader:
    """Reads one data set, and collects what there is to remark."""

    attributes: Attributes
    pixel_data: PixelDataElement
    flags: dict[Flag, None] = field(default_factory=dict)  # an ordered set

    def image(self, length: int) -> RenderableImage:
        dataset = self.attributes.dataset
        pixels, remarks = fit_to_length(self.description(), length)
        self.flags |= dict.fromkeys(remarks)
        self.note_what_is_not_drawn()
        photometric = pixels.photometric_interpretation
        image = RenderableImage(pixels, aspect=self.aspect())
        if photometric is PhotometricInterpretation.PALETTE_COLOR:
            image = replace(image, palette=self.palette(pixels))
        elif photometric.is_monochrome:
            image = replace(
                image,
                transforms=tuple(self.transforms(pixels)),
                inverted=is_inverted(
                    photometric, _member(PresentationLutShape, text(dataset, PRESENTATION_LUT_SHAPE).upper())
                ),
                padding=_padding(dataset, pixels),
            )
        return replace(image, flags=tuple(self.flags))

    def description(self) -> PixelDescription:
        """The Image Pixel Module (PS3.3 C.7.6.3)."""
        dataset = self.attributes.dataset
        allocated = integer(dataset, BITS_ALLOCATED)
        if allocated is None:
            raise CannotRender("The image does not say how many bits a pixel has (Bits Allocated).")
        stored = integer(dataset, BITS_STORED, allocated) or allocated
        frames = next(iter(decimals(dataset, NUMBER_OF_FRAMES)), 1.0)
        return PixelDescription(
            rows=integer(dataset, ROWS, 0) or 0,
            columns=integer(dataset, COLUMNS, 0) or 0,
            photometric_interpretation=self.photometric_interpretation(),
            bits_allocated=allocated,
            bits_stored=stored,
            high_bit=integer(dataset, HIGH_BIT, stored - 1) or 0,
            signed=integer(dataset, PIXEL_REPRESENTATION, 0) == 1,
            planar=integer(dataset, PLANAR_CONFIGURATION, 0) == 1,
            frames=max(1, int(frames)),
            byte_order=self.byte_order(allocated),
        )

    def byte_order(self, allocated: int) -> ByteOrder:
        if self.attributes.is_little_endian:
            return ByteOrder.LITTLE
        return ByteOrder.BIG_WORDS if allocated <= 8 and self.pixel_data.vr == "OW" else ByteOrder.BIG

    def photometric_interpretation(self) -> PhotometricInterpretation:
        dataset = self.attributes.dataset
        name = text(dataset, PHOTOMETRIC_INTERPRETATION).upper()
        samples = integer(dataset, SAMPLES_PER_PIXEL) or 1
        if not name:  # as ACR-NEMA images, the ancestors, come along
            self.flags[Flag.PHOTOMETRIC_ASSUMED] = None
            name = "RGB" if samples == 3 else "MONOCHROME2"
        photometric = _member(PhotometricInterpretation, name)
        if photometric is None:
            raise CannotRender("The photometric interpretation {name} is not supported.", name=name[:32])
        if photometric.samples != samples:
            raise CannotRender("{name} does not go with {samples} samples per pixel.", name=name, samples=samples)
        return photometric

    def aspect(self) -> tuple[float, float]:
        """Vertical and horizontal size of a pixel (C.7.6.3.1.7): as a ratio, else as a spacing."""
        sources = [(self.attributes.dataset, PIXEL_ASPECT_RATIO), (self.attributes.dataset, PIXEL_SPACING)]
        for group in items(self.attributes.dataset, SHARED_FUNCTIONAL_GROUPS):
            sources += [(measures, PIXEL_SPACING) for measures in items(group, PIXEL_MEASURES_SEQUENCE)]
        sources += [(self.attributes.dataset, tag) for tag in (IMAGER_PIXEL_SPACING, NOMINAL_SCANNED_PIXEL_SPACING)]
        for dataset, tag in sources:
            match decimals(dataset, tag):
                case (vertical, horizontal, *_) if vertical > 0 and horizontal > 0:
                    return vertical, horizontal
                case (_, *_):
                    self.flags[Flag.ASPECT_IGNORED] = None
        return 1.0, 1.0

    def transforms(self, pixels: PixelDescription) -> Iterator[GrayscaleTransforms]:
        """One for all frames, or one per frame where functional groups give them their own."""
        dataset = self.attributes.dataset
        shared = list(items(dataset, SHARED_FUNCTIONAL_GROUPS))[:1]
        per_frame = list(items(dataset, PER_FRAME_FUNCTIONAL_GROUPS))[: pixels.frames]
        for groups in [[group, *shared] for group in per_frame] or [shared]:
            modality = self.modality(_first_with(groups, PIXEL_VALUE_TRANSFORMATION_SEQUENCE, dataset), pixels)
            yield self.voi(_first_with(groups, FRAME_VOI_LUT_SEQUENCE, dataset), modality, pixels)

    def modality(self, source: Dataset, pixels: PixelDescription) -> Modality:
        """The Modality LUT or the rescale, never both (C.11.1)."""
        if text(self.attributes.dataset, SOP_CLASS_UID) in STORED_VALUES_ARE_DISPLAYED:
            return None
        for item in items(source, MODALITY_LUT_SEQUENCE):
            if table := self.table(item, pixels.signed):
                return table
        slopes, intercepts = decimals(source, RESCALE_SLOPE), decimals(source, RESCALE_INTERCEPT)
        if not slopes and not intercepts:
            return None
        slope = slopes[0] if slopes else 1.0
        if slope == 0:
            self.flags[Flag.RESCALE_IGNORED] = None
            return None
        return Rescale(slope, intercepts[0] if intercepts else 0.0, text(source, RESCALE_TYPE))

    def voi(self, source: Dataset, modality: Modality, pixels: PixelDescription) -> GrayscaleTransforms:
        low, _ = modality_limits(*value_limits(pixels), modality)
        tables = (self.table(item, signed=low < 0) for item in items(source, VOI_LUT_SEQUENCE))
        return GrayscaleTransforms(modality, tuple(self.windows(source)), tuple(table for table in tables if table))

    def windows(self, source: Dataset) -> Iterator[Window]:
        """The windows that have a meaning (C.11.2.1.2), in their order."""
        centers, widths = places(source, WINDOW_CENTER), places(source, WINDOW_WIDTH)
        explanations = texts(source, WINDOW_EXPLANATION)
        name = text(source, VOI_LUT_FUNCTION).upper()
        stated = _member(VoiLutFunction, name)
        function = stated or VoiLutFunction.LINEAR
        ignored = len(centers) != len(widths) or bool(name and stated is None)
        for index, (center, width) in enumerate(zip(centers, widths, strict=False)):
            if center is None or width is None:
                ignored = ignored or center is not width  # both empty is an absent window, not a wrong one
                continue
            window = Window(center, width, function, explanations[index] if index < len(explanations) else "")
            if function is VoiLutFunction.LINEAR and 0 < width < 1:
                # Forbidden, but written for SUV and other small units, and meant as LINEAR_EXACT.
                window = replace(window, function=VoiLutFunction.LINEAR_EXACT)
            if window.has_meaning:
                yield window
            else:
                ignored = True
        if ignored:
            self.flags[Flag.WINDOW_IGNORED] = None

    def table(self, item: Dataset, signed: bool) -> LookupTable | None:
        """A LUT of an item of the Modality or VOI LUT Sequence."""
        described = descriptor(integers(item, LUT_DESCRIPTOR), signed)
        made = lookup_table(described, np.array(words(item, LUT_DATA), np.uint16), text(item, LUT_EXPLANATION))
        if made is None:
            self.flags[Flag.LUT_IGNORED] = None
            return None
        table, corrected = made
        if corrected:
            self.flags[Flag.LUT_DEPTH_CORRECTED] = None
        return table

    def palette(self, pixels: PixelDescription) -> Palette:
        """The three tables of PALETTE COLOR, plain or segmented (C.7.6.3.1.5, C.7.9.2)."""
        dataset = self.attributes.dataset
        tables: list[LookupTable] = []
        for described, plain, segmented in zip(PALETTE_DESCRIPTORS, PALETTE_DATA, SEGMENTED_PALETTE_DATA, strict=True):
            data = np.array(words(dataset, plain), np.uint16)
            if not data.size:
                expanded = expand(words(dataset, segmented))
                data = data if expanded is None else expanded
            made = lookup_table(descriptor(integers(dataset, described), pixels.signed), data)
            if made is None:
                raise CannotRender("The image is PALETTE COLOR, but its palette is missing or broken.")
            tables.append(made[0])
        if all(table.bits > 8 and int(table.entries.max()) <= 0xFF for table in tables):
            self.flags[Flag.LUT_DEPTH_CORRECTED] = None  # entries of 8 bits under a descriptor of 16
            tables = [replace(table, bits=8) for table in tables]
        return Palette(*tables)

    def note_what_is_not_drawn(self) -> None:
        dataset = self.attributes.dataset
        if any(tag.group & 0xFF01 == 0x6000 and tag.element in (OVERLAY_ROWS, OVERLAY_DATA) for tag in dataset.keys()):  # noqa: SIM118
            self.flags[Flag.OVERLAYS_NOT_DRAWN] = None
        if SHUTTER_SHAPE in dataset:
            self.flags[Flag.SHUTTER_NOT_APPLIED] = None
        if MASK_SUBTRACTION_SEQUENCE in dataset:
            self.flags[Flag.MASK_NOT_APPLIED] = None


def _first_with(groups: list[Dataset], tag: int, otherwise: Dataset) -> Dataset:
    """The first item of the sequence `tag` in the functional groups, nearest group first."""
    return next((item for group in groups for item in items(group, tag)), otherwise)


_Member = TypeVar("_Member", bound=StrEnum)


def _member(names: type[_Member], name: str) -> _Member | None:
    """The member that is written so."""
    return next((member for member in names if member.value == name), None)


def _padding(dataset: Dataset, pixels: PixelDescription) -> Padding | None:
    """The padding, unless no pixel can have its value."""
    value = integer(dataset, PIXEL_PADDING_VALUE)
    if value is None:
        return None
    found = padding(value, integer(dataset, PIXEL_PADDING_RANGE_LIMIT), pixels.signed)
    low, high = value_limits(pixels)
    return found if found.low <= high and found.high >= low else None
