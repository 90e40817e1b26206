"""A data set's attributes read into the values of `image`: tolerant of what the field writes, silent about nothing."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

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
    octets,
    text,
    words,
)
from netty.dicom.uids import GRAYSCALE_SOFTCOPY_PRESENTATION_STATE, XA_IMAGE_STORAGE, XRF_IMAGE_STORAGE
from netty.image.colour import Palette
from netty.image.decode import SYNTAXES, Compression
from netty.image.errors import CannotRender
from netty.image.flags import Flag
from netty.image.grayscale import GrayscaleTransforms
from netty.image.icc import is_rgb_profile
from netty.image.lookup_table import LookupTable, descriptor, lookup_table
from netty.image.modality import Modality, Rescale
from netty.image.padding import Padding, padding
from netty.image.pixel_data import ByteOrder, PhotometricInterpretation, PixelDescription, fit_to_length, value_limits
from netty.image.presentation import PresentationLutShape, is_inverted
from netty.image.renderable import NotRenderable, RenderableImage
from netty.image.segmented import expand
from netty.image.stored_window import means_stored_values
from netty.model.reasons import NO_PICTURE
from netty.workflow.plane_attributes import masks, overlays, shutter
from netty.workflow.transform_attributes import TransformReader, member

CT_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.2"
MR_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.4"
PET_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.128"

SOP_CLASS_UID = 0x00080016
SOP_INSTANCE_UID = 0x00080018
MODALITY = 0x00080060
IMAGER_PIXEL_SPACING = 0x00181164
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
ICC_PROFILE = 0x00282000
PALETTE_DESCRIPTORS = (0x00281101, 0x00281102, 0x00281103)  # red, green, blue
PALETTE_DATA = (0x00281201, 0x00281202, 0x00281203)
SEGMENTED_PALETTE_DATA = (0x00281221, 0x00281222, 0x00281223)
PIXEL_MEASURES_SEQUENCE = 0x00289110
FRAME_VOI_LUT_SEQUENCE = 0x00289132
PIXEL_VALUE_TRANSFORMATION_SEQUENCE = 0x00289145
PRESENTATION_LUT_SHAPE = 0x20500020
SHARED_FUNCTIONAL_GROUPS = 0x52009229
PER_FRAME_FUNCTIONAL_GROUPS = 0x52009230

# Their modality transform leads back to X-ray intensity, and is not for display (PS3.3 C.8.7.1.1.2).
STORED_VALUES_ARE_DISPLAYED = frozenset(
    {
        XA_IMAGE_STORAGE,
        XRF_IMAGE_STORAGE,
        "1.2.840.10008.5.1.4.1.1.12.1.1",  # Enhanced XA
        "1.2.840.10008.5.1.4.1.1.12.2.1",  # Enhanced XRF
    }
)


# What decoders turn into RGB: some of these only compressed pixel data has (PS3.5 8.2, PS3.3 C.7.6.3.1.2).
DECODED_TO_RGB = frozenset({"RGB", "YBR_FULL", "YBR_FULL_422", "YBR_PARTIAL_420", "YBR_ICT", "YBR_RCT"})

# PET is shown by its values per slice (C.8.9.4), CT in Hounsfield units, MR in what its scanner counts.
ONE_RANGE_PER_SERIES = frozenset({CT_IMAGE_STORAGE, MR_IMAGE_STORAGE, PET_IMAGE_STORAGE})


def read_image(attributes: Attributes, available: int, transfer_syntax: str = "") -> RenderableImage | NotRenderable:
    """What the data set says about its picture; `available` bytes stand from the pixel data's beginning on.

    `transfer_syntax` matters where it is one of compressed pixel data.
    """
    dataset, pixel_data = attributes.dataset, attributes.pixel_data
    if text(dataset, SOP_CLASS_UID) == GRAYSCALE_SOFTCOPY_PRESENTATION_STATE:
        return NotRenderable(True, NO_PICTURE, (("kind", "presentation state"),))
    if pixel_data is None:
        if not integer(dataset, ROWS):
            return NotRenderable(True, NO_PICTURE, (("kind", text(dataset, MODALITY) or "no pixel data"),))
        return _cannot(CannotRender("The image has no pixel data."))
    if pixel_data.tag != PIXEL_DATA:
        return _cannot(CannotRender("Pixels of floating point numbers are not supported."))
    compressed = transfer_syntax in SYNTAXES
    if compressed and pixel_data.length is not None:
        return _cannot(CannotRender("The transfer syntax says that the pixel data is compressed, but it is not."))
    if not compressed and pixel_data.length is None:
        return _cannot(CannotRender("The pixel data is compressed, but the transfer syntax says that it is not."))
    try:
        if pixel_data.length is None:
            return _CompressedReader(attributes, pixel_data, transfer_syntax=transfer_syntax).image(available)
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
    reader: TransformReader = field(default_factory=TransformReader)

    def image(self, length: int) -> RenderableImage:
        dataset = self.attributes.dataset
        pixels = self.pixels(length)
        photometric, aspect = pixels.photometric_interpretation, self.aspect()
        image = RenderableImage(
            pixels,
            aspect=aspect,
            overlays=tuple(overlays(dataset, pixels, self.reader)),
            shutter=shutter(dataset, aspect, (), self.reader),
        )
        if photometric.is_monochrome:
            shape = member(PresentationLutShape, text(dataset, PRESENTATION_LUT_SHAPE).upper())
            image = replace(
                image,
                transforms=tuple(self.transforms(pixels)),
                inverted=is_inverted(photometric, shape),
                padding=_padding(dataset, pixels),
                masks=tuple(masks(dataset, pixels.frames, self.reader)),
                shares_range=text(dataset, SOP_CLASS_UID) in ONE_RANGE_PER_SERIES,
                is_ct=text(dataset, SOP_CLASS_UID) == CT_IMAGE_STORAGE,
            )
        else:
            palette = self.palette(pixels) if photometric is PhotometricInterpretation.PALETTE_COLOR else None
            image = replace(image, palette=palette, icc_profile=self.icc_profile())
        return replace(image, flags=tuple(self.reader.flags))

    def pixels(self, length: int) -> PixelDescription:
        """The Image Pixel Module, in agreement with `length` bytes of pixel data."""
        pixels, remarks = fit_to_length(self.description(), length)
        for remark in remarks:
            self.reader.remark(remark)
        return pixels

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
            self.reader.remark(Flag.PHOTOMETRIC_ASSUMED)
            name = "RGB" if samples == 3 else "MONOCHROME2"
        photometric = member(PhotometricInterpretation, name)
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
                    self.reader.remark(Flag.ASPECT_IGNORED)
        return 1.0, 1.0

    def transforms(self, pixels: PixelDescription) -> Iterator[GrayscaleTransforms]:
        """One for all frames, or one per frame where functional groups give them their own."""
        dataset = self.attributes.dataset
        shared = list(items(dataset, SHARED_FUNCTIONAL_GROUPS))[:1]
        per_frame = list(items(dataset, PER_FRAME_FUNCTIONAL_GROUPS))[: pixels.frames]
        for groups in [[group, *shared] for group in per_frame] or [shared]:
            modality = self.modality(_first_with(groups, PIXEL_VALUE_TRANSFORMATION_SEQUENCE, dataset), pixels)
            yield self.frame_transforms(_first_with(groups, FRAME_VOI_LUT_SEQUENCE, dataset), modality, pixels)

    def modality(self, source: Dataset, pixels: PixelDescription) -> Modality:
        """The modality transform, where it is for display."""
        if text(self.attributes.dataset, SOP_CLASS_UID) in STORED_VALUES_ARE_DISPLAYED:
            return None
        return self.reader.modality(source, pixels.signed)

    def frame_transforms(self, source: Dataset, modality: Modality, pixels: PixelDescription) -> GrayscaleTransforms:
        """The transforms, without a rescale that the windows do not stand behind."""
        transforms = self.reader.voi(source, modality, pixels)
        first = next(iter(transforms.windows), None)
        if isinstance(modality, Rescale) and first and means_stored_values(first, modality, *value_limits(pixels)):
            self.reader.remark(Flag.WINDOW_OF_STORED_VALUES)
            return replace(transforms, modality=None)
        return transforms

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
            self.reader.remark(Flag.LUT_DEPTH_CORRECTED)  # entries of 8 bits under a descriptor of 16
            tables = [replace(table, bits=8) for table in tables]
        return Palette(*tables)

    def icc_profile(self) -> bytes:
        """The profile of the colours (C.11.15), if it is one; its length is even in the file, not in itself."""
        profile = octets(self.attributes.dataset, ICC_PROFILE)
        if not profile:
            return b""
        if not is_rgb_profile(profile):
            self.reader.remark(Flag.ICC_IGNORED)
            return b""
        return profile[: int.from_bytes(profile[:4], "big")]


@dataclass(slots=True)
class _CompressedReader(_Reader):
    """Reads a data set whose pixel data is compressed: described as it is behind the decoder."""

    transfer_syntax: str = ""

    def image(self, length: int) -> RenderableImage:
        stated = text(self.attributes.dataset, PHOTOMETRIC_INTERPRETATION).upper()
        compression = Compression(self.transfer_syntax, stated)
        return replace(_Reader.image(self, length), compression=compression)

    def pixels(self, length: int) -> PixelDescription:
        stated = self.description()
        frames = min(stated.frames, max(1, length // 8))  # a fragment has a header of 8 bytes
        pixels = replace(stated, planar=False, byte_order=ByteOrder.LITTLE, frames=frames)
        if pixels.bits_allocated < 8:
            raise CannotRender("Compressed pixels of a single bit are not supported.")
        return pixels

    def photometric_interpretation(self) -> PhotometricInterpretation:
        """Decoders give RGB for whatever is red, green and blue in the end."""
        stated = text(self.attributes.dataset, PHOTOMETRIC_INTERPRETATION).upper()
        if stated in DECODED_TO_RGB and integer(self.attributes.dataset, SAMPLES_PER_PIXEL) == 3:
            return PhotometricInterpretation.RGB
        return _Reader.photometric_interpretation(self)


def _first_with(groups: list[Dataset], tag: int, otherwise: Dataset) -> Dataset:
    """The first item of the sequence `tag` in the functional groups, nearest group first."""
    return next((item for group in groups for item in items(group, tag)), otherwise)


def _padding(dataset: Dataset, pixels: PixelDescription) -> Padding | None:
    """The padding, unless no pixel can have its value."""
    value = integer(dataset, PIXEL_PADDING_VALUE)
    if value is None:
        return None
    found = padding(value, integer(dataset, PIXEL_PADDING_RANGE_LIMIT), pixels.signed)
    low, high = value_limits(pixels)
    return found if found.low <= high and found.high >= low else None
