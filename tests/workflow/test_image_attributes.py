"""Attributes as the field writes them, read into values: nothing malformed is an exception, nothing is silent."""

from io import BytesIO
from typing import Any

import numpy as np
import pytest
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag

from netty.dicom.dataset import PIXEL_DATA, Attributes, DataSetError, PixelDataElement, read_attributes
from netty.dicom.uids import GRAYSCALE_SOFTCOPY_PRESENTATION_STATE, IMPLICIT_VR_LITTLE_ENDIAN
from netty.image.flags import Flag
from netty.image.lookup_table import LookupTable
from netty.image.modality import Rescale
from netty.image.padding import Padding
from netty.image.pixel_data import PhotometricInterpretation
from netty.image.renderable import NotRenderable, RenderableImage
from netty.image.voi import VoiLutFunction, Window
from netty.workflow.image_attributes import read_image
from support.images import encoded, image_attributes

PIXELS = np.zeros((4, 6), "<u2")


def read(dataset: Dataset, length: int = 48) -> RenderableImage | NotRenderable:
    """The data set written, read back, and read into values."""
    data = encoded(dataset)
    attributes = read_attributes(BytesIO(data), IMPLICIT_VR_LITTLE_ENDIAN, 0, len(data))
    pixel_data = PixelDataElement(PIXEL_DATA, "OW", len(data) + 8, length)
    return read_image(Attributes(attributes.dataset, pixel_data, True), length)


def image(**attributes: Any) -> RenderableImage:
    frames = int(attributes.get("NumberOfFrames") or 1)
    made = read(image_attributes(PIXELS, **attributes), length=48 * max(1, frames))
    assert isinstance(made, RenderableImage)
    return made


def raw(dataset: Dataset, tag: int, value: bytes) -> None:
    """An element with just these bytes, as it would come over the wire."""
    dataset[tag] = RawDataElement(Tag(tag), "UN", len(value), value, 0, True, True)


def read_raw(values: dict[int, bytes]) -> RenderableImage:
    dataset = image_attributes(PIXELS)
    for tag, value in values.items():
        raw(dataset, tag, value)
    made = read(dataset)
    assert isinstance(made, RenderableImage)
    return made


@pytest.mark.parametrize(
    ("center", "width", "windows", "flags"),
    [
        (b"40", b"400 ", (Window(40, 400),), ()),
        (b" 40 \\ 300", b"400\\1500", (Window(40, 400), Window(300, 1500)), ()),
        (b"", b"", (), ()),
        (b"40", b"", (), (Flag.WINDOW_IGNORED,)),
        (b"", b"400 ", (), (Flag.WINDOW_IGNORED,)),
        (b"40", b"0 ", (), (Flag.WINDOW_IGNORED,)),
        (b"40", b"-3", (), (Flag.WINDOW_IGNORED,)),
        (b"wide", b"400 ", (), (Flag.WINDOW_IGNORED,)),
        (b"nan ", b"inf ", (), ()),
        (b"\\300", b"\\1500 ", (Window(300, 1500),), ()),  # the places count
        (b"1e3 ", b"+2.5E2", (Window(1000, 250),), ()),
        (b"1\x00", b"0.5 ", (Window(1, 0.5, VoiLutFunction.LINEAR_EXACT),), ()),  # SUV
    ],
)
def test_windows(center: bytes, width: bytes, windows: tuple[Window, ...], flags: tuple[Flag, ...]) -> None:
    made = read_raw({0x00281050: center, 0x00281051: width})

    assert made.transforms[0].windows == windows
    assert made.flags == flags


@pytest.mark.parametrize(
    ("function", "expected", "flags"),
    [
        ("SIGMOID", VoiLutFunction.SIGMOID, ()),
        ("LINEAR_EXACT", VoiLutFunction.LINEAR_EXACT, ()),
        ("CUBIC", VoiLutFunction.LINEAR, (Flag.WINDOW_IGNORED,)),
        (None, VoiLutFunction.LINEAR, ()),
    ],
)
def test_the_function_of_a_window(function: str, expected: VoiLutFunction, flags: tuple[Flag, ...]) -> None:
    made = image(WindowCenter=40, WindowWidth=400, VOILUTFunction=function, WindowCenterWidthExplanation="BRAIN")

    assert made.transforms[0].windows == (Window(40, 400, expected, "BRAIN"),)
    assert made.flags == flags


@pytest.mark.parametrize(
    ("slope", "intercept", "modality", "flags"),
    [
        ("1", "-1024", Rescale(1, -1024), ()),
        ("-2.5", "7", Rescale(-2.5, 7), ()),
        (None, "-1024", Rescale(1, -1024), ()),
        ("2", None, Rescale(2, 0), ()),
        ("0", "5", None, (Flag.RESCALE_IGNORED,)),
        ("", "", None, ()),
    ],
)
def test_rescale(slope: str | None, intercept: str | None, modality: Rescale | None, flags: tuple[Flag, ...]) -> None:
    made = image(RescaleSlope=slope, RescaleIntercept=intercept)

    assert made.transforms[0].modality == modality
    assert made.flags == flags


@pytest.mark.parametrize("sop_class", ["1.2.840.10008.5.1.4.1.1.12.1", "1.2.840.10008.5.1.4.1.1.12.2"])
def test_xa_and_xrf_are_shown_as_they_are_stored(sop_class: str) -> None:
    """PS3.3 C.8.7.1.1.2: their modality transform leads back to X-ray intensity."""
    lut = lut_item((2, 0, 16), [0, 65535])
    made = image(
        SOPClassUID=sop_class,
        PixelIntensityRelationship="LOG",
        RescaleSlope=2,
        RescaleIntercept=3,
        ModalityLUTSequence=Sequence([lut]),
    )

    assert made.transforms[0].modality is None


def lut_item(descriptor: tuple[int, ...], data: list[int], vr: str = "US") -> Dataset:
    item = Dataset()
    item.add(DataElement(0x00283002, "SS" if min(descriptor) < 0 else "US", list(descriptor)))
    value: Any = np.array(data, "<u2").tobytes() if vr == "OW" else data
    item.add(DataElement(0x00283006, vr, value))
    item.LUTExplanation = "T"
    return item


def table(first: int, bits: int, data: list[int]) -> LookupTable:
    return LookupTable(first, bits, np.array(data, "<u2").tobytes(), "T")


@pytest.mark.parametrize("vr", ["US", "OW"])
def test_a_modality_lut_goes_before_a_rescale(vr: str) -> None:
    made = image(RescaleSlope=2, RescaleIntercept=0, ModalityLUTSequence=Sequence([lut_item((2, 5, 12), [7, 9], vr)]))

    assert made.transforms[0].modality == table(5, 12, [7, 9])


@pytest.mark.parametrize(
    ("attributes", "first"),
    [
        ({}, 0xFC00),
        ({"RescaleSlope": 1, "RescaleIntercept": -1024}, -1024),  # C.11.2.1.1: what it maps can be negative
        ({"RescaleSlope": -1, "RescaleIntercept": 0}, -1024),
        ({"RescaleSlope": 1, "RescaleIntercept": 10}, 0xFC00),
        ({"PixelRepresentation": 1}, -1024),
    ],
)
def test_the_sign_of_a_voi_luts_first_value_is_that_of_what_it_maps(attributes: dict[str, Any], first: int) -> None:
    made = image(VOILUTSequence=Sequence([lut_item((3, 0xFC00, 8), [1, 2, 3])]), **attributes)

    assert made.transforms[0].voi_luts == (table(first, 8, [1, 2, 3]),)


def test_a_lut_without_sense_is_left_out_and_remarked() -> None:
    broken, good = lut_item((3, 0, 99), [1, 2, 3]), lut_item((2, 0, 8), [0, 1023])

    made = image(VOILUTSequence=Sequence([broken, good]))

    assert made.transforms[0].voi_luts == (table(0, 10, [0, 1023]),)
    assert made.flags == (Flag.LUT_IGNORED, Flag.LUT_DEPTH_CORRECTED)


def test_a_sequence_that_is_none_is_left_out() -> None:
    made = read_raw({0x00283010: b"no items at all!"})

    assert made.transforms[0].voi_luts == ()


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"PixelPaddingValue": 5}, Padding(5, 5)),
        ({"PixelPaddingValue": 5, "PixelPaddingRangeLimit": 9}, Padding(5, 9)),
        ({"PixelPaddingValue": 63536, "BitsStored": 12, "HighBit": 11}, None),  # no pixel can have it
        ({}, None),
    ],
)
def test_padding(attributes: dict[str, Any], expected: Padding | None) -> None:
    assert image(**attributes).padding == expected


def test_the_padding_of_signed_pixels_may_be_written_unsigned() -> None:
    dataset = image_attributes(PIXELS.view("<i2"))
    raw(dataset, 0x00280120, b"\x30\xf8")

    made = read(dataset)

    assert isinstance(made, RenderableImage)
    assert made.padding == Padding(-2000, -2000)


@pytest.mark.parametrize(
    ("attributes", "aspect", "flags"),
    [
        ({}, (1, 1), ()),
        ({"PixelAspectRatio": [4, 3]}, (4, 3), ()),
        ({"PixelAspectRatio": [4, 3], "PixelSpacing": [1, 2]}, (4, 3), ()),
        ({"PixelSpacing": ["0.5", "0.25"]}, (0.5, 0.25), ()),
        ({"ImagerPixelSpacing": ["0.2", "0.1"]}, (0.2, 0.1), ()),
        ({"PixelAspectRatio": [0, 0], "PixelSpacing": [1, 2]}, (1, 2), (Flag.ASPECT_IGNORED,)),
    ],
)
def test_the_aspect(attributes: dict[str, Any], aspect: tuple[float, float], flags: tuple[Flag, ...]) -> None:
    made = image(**attributes)

    assert (made.aspect, made.flags) == (aspect, flags)


@pytest.mark.parametrize(("frames", "expected"), [("3", 3), ("0", 1), ("", 1), (None, 1)])
def test_the_number_of_frames(frames: str | None, expected: int) -> None:
    assert image(NumberOfFrames=frames).pixels.frames == expected


def test_functional_groups_give_each_frame_its_transforms() -> None:
    def group(slope: int, center: int) -> Dataset:
        transformation, window, made = Dataset(), Dataset(), Dataset()
        transformation.RescaleSlope, transformation.RescaleIntercept = slope, 0
        window.WindowCenter, window.WindowWidth = center, 100
        made.PixelValueTransformationSequence = Sequence([transformation])
        made.FrameVOILUTSequence = Sequence([window])
        return made

    shared = group(9, 9)
    without = Dataset()
    made = image(
        NumberOfFrames=3,
        SharedFunctionalGroupsSequence=Sequence([shared]),
        PerFrameFunctionalGroupsSequence=Sequence([group(1, 10), group(2, 20), without]),
    )

    assert [made.transforms_of(frame).modality for frame in range(3)] == [Rescale(1, 0), Rescale(2, 0), Rescale(9, 0)]
    assert [made.transforms_of(frame).windows[0].center for frame in range(3)] == [10, 20, 9]


@pytest.mark.parametrize(
    ("attributes", "flag"),
    [
        ({"OverlayRows": 4}, Flag.OVERLAYS_NOT_DRAWN),
        ({"ShutterShape": "CIRCULAR"}, Flag.SHUTTER_NOT_APPLIED),
        ({"MaskSubtractionSequence": Sequence([Dataset()])}, Flag.MASK_NOT_APPLIED),
        ({"PhotometricInterpretation": None}, Flag.PHOTOMETRIC_ASSUMED),
    ],
)
def test_what_is_not_done_is_remarked(attributes: dict[str, Any], flag: Flag) -> None:
    overlay = attributes.pop("OverlayRows", None)
    dataset = image_attributes(PIXELS, **attributes)
    if overlay:
        dataset.add_new(0x60020010, "US", overlay)

    made = read(dataset)

    assert isinstance(made, RenderableImage)
    assert made.flags == (flag,)


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"PhotometricInterpretation": "CMYK"}, "The photometric interpretation CMYK is not supported."),
        ({"PhotometricInterpretation": "RGB"}, "RGB does not go with 1 samples per pixel."),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, "The image is PALETTE COLOR, but its palette is missing"),
        ({"BitsAllocated": None}, "does not say how many bits"),
        ({"BitsAllocated": 12, "BitsStored": 12}, "12 bits allocated"),
        ({"Rows": 0}, "no size"),
    ],
)
def test_an_image_that_cannot_be_rendered_says_why(attributes: dict[str, Any], reason: str) -> None:
    made = read(image_attributes(PIXELS, **attributes))

    assert isinstance(made, NotRenderable)
    assert not made.expected
    assert reason in made.reason


def test_a_presentation_state_has_no_picture_and_that_is_no_error() -> None:
    made = read_image(
        Attributes(image_attributes(PIXELS, SOPClassUID=GRAYSCALE_SOFTCOPY_PRESENTATION_STATE), None, True), 0
    )

    assert made == NotRenderable(True, "It holds no picture ({kind}).", (("kind", "presentation state"),))
    assert made.reason == "It holds no picture (presentation state)."


@pytest.mark.parametrize(
    ("pixel_data", "reason"),
    [
        (None, "no pixel data"),
        (PixelDataElement(0x7FE00008, "OF", 0, 96), "floating point"),
        (PixelDataElement(PIXEL_DATA, "OB", 0, None), "compressed, but the transfer syntax says that it is not"),
    ],
)
def test_pixel_data_that_is_not_there_or_not_native(pixel_data: PixelDataElement | None, reason: str) -> None:
    made = read_image(Attributes(image_attributes(PIXELS), pixel_data, True), 96)

    assert isinstance(made, NotRenderable)
    assert not made.expected
    assert reason in made.reason


def test_the_palette_of_a_segmented_image_is_expanded() -> None:
    dataset = image_attributes(np.zeros((4, 6), np.uint8), PhotometricInterpretation="PALETTE COLOR")
    for descriptor, data in ((0x00281101, 0x00281221), (0x00281102, 0x00281222), (0x00281103, 0x00281223)):
        dataset.add_new(descriptor, "US", [3, 0, 16])
        dataset.add_new(data, "OW", np.array([0, 1, 0, 1, 2, 0x8000], "<u2").tobytes())

    made = read(dataset)

    assert isinstance(made, RenderableImage)
    assert made.palette is not None
    assert made.palette.red.entries.tolist() == [0, 0x4000, 0x8000]
    assert made.pixels.photometric_interpretation is PhotometricInterpretation.PALETTE_COLOR


def test_16_bit_palettes_with_entries_of_8_bits_are_known_by_their_values() -> None:
    dataset = image_attributes(np.zeros((4, 6), np.uint8), PhotometricInterpretation="PALETTE COLOR")
    for descriptor, data in ((0x00281101, 0x00281201), (0x00281102, 0x00281202), (0x00281103, 0x00281203)):
        dataset.add_new(descriptor, "US", [2, 0, 16])
        dataset.add_new(data, "OW", np.array([0, 255], "<u2").tobytes())

    made = read(dataset, length=24)

    assert isinstance(made, RenderableImage)
    assert made.palette is not None
    assert made.palette.red.bits == 8
    assert made.flags == (Flag.LUT_DEPTH_CORRECTED,)


@pytest.mark.parametrize("cut", range(1, 200, 7))
def test_a_data_set_that_is_cut_is_read_or_refused_in_words(cut: int) -> None:
    data = encoded(image_attributes(PIXELS, VOILUTSequence=Sequence([lut_item((3, 0, 8), [1, 2, 3])])))[:-cut]

    try:
        attributes = read_attributes(BytesIO(data), IMPLICIT_VR_LITTLE_ENDIAN, 0, len(data))
        read_image(attributes, 48)
    except DataSetError as error:
        assert "The data set is broken" in str(error)


@pytest.mark.filterwarnings("ignore:The value length")
def test_a_value_too_long_to_be_an_attribute_is_left_in_the_file() -> None:
    made = image(WindowCenter=40, WindowWidth=400, WindowCenterWidthExplanation="x" * 5_000_000)

    assert made.transforms[0].windows == (Window(40, 400),)
