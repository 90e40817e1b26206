"""What makes an image a good one (PS3.3 C.7.6.3), and what is said of others (B007, PS3.4 B.2.3)."""

import pytest

from netty.dicom import tags
from netty.dicom.iod import departure
from netty.dicom.uids import GRAYSCALE_SOFTCOPY_PRESENTATION_STATE
from netty.dicom.walk import PixelDataPlace

CT = "1.2.840.10008.5.1.4.1.1.2"


def _us(number: int) -> bytes:
    return number.to_bytes(2, "little")


GOOD = {
    tags.SAMPLES_PER_PIXEL: _us(1),
    tags.PHOTOMETRIC_INTERPRETATION: b"MONOCHROME2 ",
    tags.ROWS: _us(4),
    tags.COLUMNS: _us(6),
    tags.BITS_ALLOCATED: _us(16),
}


def _pixels(length: int | None) -> PixelDataPlace:
    return PixelDataPlace(100, length)


@pytest.mark.parametrize(
    ("changes", "length"),
    [
        ({}, 48),
        ({}, 49),
        ({}, None),  # encapsulated: its length says nothing
        ({tags.NUMBER_OF_FRAMES: b"3 "}, 144),
        ({tags.NUMBER_OF_FRAMES: b"three"}, 48),
        ({tags.BITS_ALLOCATED: _us(1)}, 3),
        ({tags.SAMPLES_PER_PIXEL: _us(3), tags.PHOTOMETRIC_INTERPRETATION: b"RGB "}, 144),
        ({tags.SAMPLES_PER_PIXEL: _us(3), tags.PHOTOMETRIC_INTERPRETATION: b"YBR_FULL_422"}, 96),
    ],
)
def test_an_image_with_its_size_and_all_its_pixels_is_good(changes: dict[int, bytes], length: int | None) -> None:
    assert departure(CT, GOOD | changes, _pixels(length)) is None


@pytest.mark.parametrize("tag", [tags.ROWS, tags.COLUMNS, tags.BITS_ALLOCATED])
@pytest.mark.parametrize("value", [None, b"", b"\0\0"])
def test_an_image_without_its_size_departs(tag: int, value: bytes | None) -> None:
    values = {each: have for each, have in (GOOD | {tag: value}).items() if have is not None}
    departs = departure(CT, values, _pixels(48))

    assert departs is not None
    assert departs.element == tag


@pytest.mark.parametrize(
    ("changes", "length"),
    [
        ({}, 47),
        ({}, 0),
        ({tags.NUMBER_OF_FRAMES: b"3 "}, 143),
        ({tags.NUMBER_OF_FRAMES: b"999999999999"}, 48),
        ({tags.SAMPLES_PER_PIXEL: _us(3), tags.PHOTOMETRIC_INTERPRETATION: b"RGB "}, 143),
    ],
)
def test_pixel_data_that_ends_early_departs(changes: dict[int, bytes], length: int) -> None:
    departs = departure(CT, GOOD | changes, _pixels(length))

    assert departs is not None
    assert departs.element == tags.PIXEL_DATA


def test_an_image_without_pixel_data_departs() -> None:
    departs = departure(CT, GOOD, None)

    assert departs is not None
    assert len(departs.comment) <= 64  # LO (PS3.7 C.3)


@pytest.mark.parametrize("sop_class_uid", [GRAYSCALE_SOFTCOPY_PRESENTATION_STATE, "1.2.840.10008.5.1.4.1.1.88.11"])
def test_what_is_no_image_needs_no_pixels(sop_class_uid: str) -> None:
    assert departure(sop_class_uid, {}, None) is None
