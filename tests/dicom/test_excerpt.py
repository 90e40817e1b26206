"""The few wanted elements of a header, cut out without reading the others."""

import struct
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset, dcmwrite
from pydicom.sequence import Sequence

from netty.dicom import excerpt as excerpt_module
from netty.dicom.dataset import read_attributes
from netty.dicom.excerpt import Excerpt, Excerpts, Wanted
from netty.dicom.uids import EXPLICIT_VR_BIG_ENDIAN, EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN

SOP_INSTANCE_UID = 0x00080018
WANTED = Wanted(
    groups=frozenset({0x0028}),
    tags=frozenset({0x00181063}),
    unwanted=frozenset({0x00280106}),
    apart=SOP_INSTANCE_UID,
)
SYNTAXES = (IMPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_LITTLE_ENDIAN)
PIXELS = bytes(range(256))


def excerpt(data: bytes, transfer_syntax: str, wanted: Wanted) -> Excerpt | None:
    """That of a data set which is the first."""
    return Excerpts(wanted).of(data, transfer_syntax)


def data_set(undefined_length: bool) -> Dataset:
    """An image with sequences within sequences before, between and among what is wanted."""
    deepest = Dataset()
    deepest.CodeValue = "1"
    item = Dataset()
    item.ReferencedSOPInstanceUID = "1.2.3.4"
    item.PurposeOfReferenceCodeSequence = Sequence([deepest])
    lut = Dataset()
    lut.LUTDescriptor = [4, 0, 8]
    lut.LUTData = b"\0\1\2\3"
    made = Dataset()
    made.SOPInstanceUID = "1.2.3"
    made.ReferencedImageSequence = Sequence([item, Dataset()])
    made.PatientName = "X^Y"
    made.FrameTime = "40"
    made.add_new(0x00291010, "OB", bytes(300))
    made.Rows, made.Columns, made.SmallestImagePixelValue = 8, 16, 5
    made["SmallestImagePixelValue"].VR = "US"
    made.VOILUTSequence = Sequence([lut])
    made.add_new(0x7FE00010, "OW", PIXELS)
    for each in (made, item):
        for element in each:
            if element.VR == "SQ":
                element.value.is_undefined_length = element.is_undefined_length = undefined_length
                for inner in element.value:
                    inner.is_undefined_length_sequence_item = undefined_length
    return made


def encoded(made: Dataset, transfer_syntax: str) -> bytes:
    """The data set without any file meta information."""
    buffer = BytesIO()
    implicit = transfer_syntax == IMPLICIT_VR_LITTLE_ENDIAN
    dcmwrite(buffer, made, implicit_vr=implicit, little_endian=True, enforce_file_format=False)
    return buffer.getvalue()


@pytest.mark.parametrize("transfer_syntax", SYNTAXES)
@pytest.mark.parametrize("undefined_length", [False, True], ids=["lengths", "delimiters"])
def test_what_is_wanted_is_a_data_set_by_itself(transfer_syntax: str, undefined_length: bool) -> None:
    data = encoded(data_set(undefined_length), transfer_syntax)

    found = excerpt(data, transfer_syntax, WANTED)

    assert found is not None
    read = read_attributes(BytesIO(found.elements), transfer_syntax, 0, len(found.elements)).dataset
    assert list(read.keys()) == [0x00181063, 0x00280010, 0x00280011, 0x00283010]
    assert (read.FrameTime, read.Rows, read.Columns) == (40, 8, 16)
    assert read.VOILUTSequence[0].LUTDescriptor == [4, 0, 8]
    assert found.apart == b"1.2.3\0"


@pytest.mark.parametrize("transfer_syntax", SYNTAXES)
@pytest.mark.parametrize("undefined_length", [False, True], ids=["lengths", "delimiters"])
def test_the_pixel_data_is_where_the_whole_header_says(transfer_syntax: str, undefined_length: bool) -> None:
    data = encoded(data_set(undefined_length), transfer_syntax)

    found = excerpt(data, transfer_syntax, WANTED)

    assert found is not None
    assert found.pixel_data == read_attributes(BytesIO(data), transfer_syntax, 0, len(data)).pixel_data
    assert data[found.pixel_data.offset :][: found.pixel_data.length] == PIXELS


@pytest.mark.parametrize("transfer_syntax", SYNTAXES)
def test_images_that_differ_in_nothing_wanted_have_the_same_excerpt(transfer_syntax: str) -> None:
    one, other = data_set(False), data_set(False)
    other.SOPInstanceUID, other.PatientName, other.SmallestImagePixelValue = "1.2.3.4.5.6", "Somebody^Else", 7
    other["SmallestImagePixelValue"].VR = "US"
    del other.ReferencedImageSequence
    excerpts = [excerpt(encoded(each, transfer_syntax), transfer_syntax, WANTED) for each in (one, other)]

    first, second = excerpts
    assert first is not None
    assert second is not None
    assert first.elements == second.elements
    assert first.apart != second.apart


@pytest.mark.parametrize("transfer_syntax", SYNTAXES)
def test_a_head_that_ends_before_the_pixel_data_has_none(transfer_syntax: str) -> None:
    data = encoded(data_set(True), transfer_syntax)
    header = len(data) - len(PIXELS)

    assert all(excerpt(data[:size], transfer_syntax, WANTED) is None for size in range(header - 12))


def test_what_is_irregular_has_none() -> None:
    implicit, explicit = (encoded(data_set(True), each) for each in SYNTAXES)
    pixel_data = struct.pack("<HHI", 0x7FE0, 0x0010, 4) + bytes(4)

    assert excerpt(implicit, EXPLICIT_VR_LITTLE_ENDIAN, WANTED) is None
    assert excerpt(explicit, IMPLICIT_VR_LITTLE_ENDIAN, WANTED) is None
    assert excerpt(implicit, EXPLICIT_VR_BIG_ENDIAN, WANTED) is None
    assert excerpt(struct.pack("<HHI", 8, 0x1140, 0xFFFFFFFF) + pixel_data, SYNTAXES[0], WANTED) is None
    assert excerpt(struct.pack("<HHI", 0x28, 0x10, 0xFFFFFFFF) * 40 + pixel_data, SYNTAXES[0], WANTED) is None


@given(st.binary(max_size=600), st.sampled_from(SYNTAXES))
def test_whatever_comes_it_ends_and_does_not_raise(data: bytes, transfer_syntax: str) -> None:
    found = excerpt(data, transfer_syntax, WANTED)

    assert found is None or found.pixel_data.offset <= len(data) + 12


def test_sequences_nested_without_end_are_left_to_others() -> None:
    opening = struct.pack("<HHI", 0x0008, 0x1140, 0xFFFFFFFF) + struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)

    assert excerpt(opening * 2000, IMPLICIT_VR_LITTLE_ENDIAN, WANTED) is None


@pytest.mark.parametrize("transfer_syntax", SYNTAXES)
@pytest.mark.parametrize("undefined_length", [False, True], ids=["lengths", "delimiters"])
def test_the_next_image_is_gone_through_in_the_same_way(
    transfer_syntax: str, undefined_length: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = data_set(undefined_length), data_set(undefined_length)
    other.SOPInstanceUID, other.PatientName, other.Rows, other.FrameTime = "1.2.4", "Y^Z", 9, "41"
    known = Excerpts(WANTED)
    known.of(encoded(one, transfer_syntax), transfer_syntax)
    expected = excerpt(encoded(other, transfer_syntax), transfer_syntax, WANTED)
    monkeypatch.setattr(excerpt_module, "find_way", lambda *_: pytest.fail("looked for"))

    assert known.of(encoded(other, transfer_syntax), transfer_syntax) == expected


@pytest.mark.parametrize("transfer_syntax", SYNTAXES)
def test_a_way_is_not_taken_where_anything_stands_elsewhere(transfer_syntax: str) -> None:
    one, longer = data_set(True), data_set(True)
    longer.PatientName = "X^Longer"
    known = Excerpts(WANTED)
    datas = [encoded(each, transfer_syntax) for each in (one, longer, one, longer)]

    assert [known.of(data, transfer_syntax) for data in datas] == [
        excerpt(data, transfer_syntax, WANTED) for data in datas
    ]


def test_a_way_is_one_of_its_transfer_syntax() -> None:
    known = Excerpts(WANTED)
    data = encoded(data_set(True), IMPLICIT_VR_LITTLE_ENDIAN)

    assert known.of(data, IMPLICIT_VR_LITTLE_ENDIAN) is not None
    assert known.of(data, EXPLICIT_VR_LITTLE_ENDIAN) is None


MADE = {syntax: encoded(data_set(True), syntax) for syntax in SYNTAXES}


@given(
    st.sampled_from(SYNTAXES),
    st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), max_size=3),
    st.integers(0, len(PIXELS) + 20),
)
def test_whatever_was_known_before_the_excerpt_is_the_same(
    transfer_syntax: str, changes: list[tuple[int, int]], cut: int
) -> None:
    data = bytearray(MADE[transfer_syntax])
    for place, value in changes:
        data[place % (len(data) - len(PIXELS))] = value
    changed = bytes(data[: len(data) - cut])
    known = Excerpts(WANTED)
    known.of(MADE[transfer_syntax], transfer_syntax)

    assert known.of(changed, transfer_syntax) == excerpt(changed, transfer_syntax, WANTED)
