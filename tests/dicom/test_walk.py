"""The walk over a data set that is still arriving (PS3.5 section 7)."""

import struct
import time
import tracemalloc
from io import BytesIO
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import Dataset, dcmwrite
from pydicom.data import get_testdata_file
from pydicom.encaps import encapsulate
from pydicom.filereader import dcmread
from pydicom.sequence import Sequence

from netty.dicom import tags
from netty.dicom.errors import DataSetError
from netty.dicom.walk import ElementWalk, PixelDataPlace, WalkLimits, WalkResult

WANTED = frozenset({tags.SOP_CLASS_UID, tags.SOP_INSTANCE_UID, tags.PATIENT_ID, tags.STUDY_INSTANCE_UID, tags.ROWS})


def element(tag: int, value: bytes = b"", length: int | None = None) -> bytes:
    """An element in Implicit VR."""
    size = len(value) if length is None else length
    return struct.pack("<HHL", tag >> 16, tag & 0xFFFF, size) + value


def long_element(tag: int, vr: bytes, value: bytes = b"", length: int | None = None) -> bytes:
    """An element in Explicit VR with a length of 4 bytes."""
    size = len(value) if length is None else length
    return struct.pack("<HH2sHL", tag >> 16, tag & 0xFFFF, vr, 0, size) + value


UNDEFINED = 0xFFFFFFFF
ITEM_END = element(tags.ITEM_DELIMITATION)
SEQUENCE_END = element(tags.SEQUENCE_DELIMITATION)


def encoded(data_set: Dataset, explicit: bool) -> bytes:
    buffer = BytesIO()
    dcmwrite(buffer, data_set, implicit_vr=not explicit, little_endian=True, enforce_file_format=False)
    return buffer.getvalue()


def sample(undefined_length: bool = False) -> Dataset:
    inner = Dataset()
    inner.ReferencedSOPInstanceUID = "1.2.3.4"
    inner.PurposeOfReferenceCodeSequence = Sequence([Dataset()])
    data_set = Dataset()
    data_set.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    data_set.SOPInstanceUID = "1.2.3"
    data_set.ReferencedImageSequence = Sequence([inner, Dataset()])
    data_set.ReferencedImageSequence.is_undefined_length = undefined_length
    for item in data_set.ReferencedImageSequence:
        item.is_undefined_length_sequence_item = undefined_length
    data_set.PatientID = "12345"
    data_set.StudyInstanceUID = "1.2.3.9"
    data_set.Rows = 16
    data_set.add_new(0x00291010, "OB", b"\xfe\xff\x00\xe0" + bytes(20))
    data_set.add_new(0x7FE00010, "OW", bytes(range(256)) * 2)
    return data_set


def walk(
    data: bytes, explicit: bool = False, cuts: list[int] | None = None, limits: WalkLimits | None = None
) -> WalkResult:
    walker = ElementWalk(explicit, WANTED, limits)
    edges = [0, *sorted(cuts or []), len(data)]
    for start, stop in pairwise(edges):
        fragment = bytearray(data[start:stop])
        more = walker.feed(memoryview(fragment))
        fragment[:] = bytes(len(fragment))  # the walk may not look at it again
        while more:
            more = walker.resume()
    return walker.finish()


@pytest.mark.parametrize("explicit", [False, True])
@pytest.mark.parametrize("undefined_length", [False, True])
def test_wanted_values_and_pixel_data_are_found(explicit: bool, undefined_length: bool) -> None:
    data = encoded(sample(undefined_length), explicit)

    result = walk(data, explicit)

    assert result.values == {
        tags.SOP_CLASS_UID: b"1.2.840.10008.5.1.4.1.1.2\0",
        tags.SOP_INSTANCE_UID: b"1.2.3\0",
        tags.PATIENT_ID: b"12345 ",
        tags.STUDY_INSTANCE_UID: b"1.2.3.9\0",
        tags.ROWS: b"\x10\x00",
    }
    assert result.pixel_data == PixelDataPlace(len(data) - 512, 512)
    assert result.size == len(data)
    assert not result.repeated


@settings(max_examples=150, deadline=None)
@given(st.booleans(), st.booleans(), st.lists(st.integers(0, 900), max_size=12), st.integers(1, 40))
def test_any_cut_gives_the_same_result(explicit: bool, undefined: bool, cuts: list[int], size: int) -> None:
    data = encoded(sample(undefined), explicit)

    result = walk(data, explicit, [min(cut, len(data)) for cut in cuts], WalkLimits(slice=size))

    assert result == walk(data, explicit)


@pytest.mark.parametrize("explicit", [False, True])
def test_byte_by_byte_gives_the_same_result(explicit: bool) -> None:
    data = encoded(sample(), explicit)

    assert walk(data, explicit, list(range(len(data)))) == walk(data, explicit)


@pytest.mark.parametrize("explicit", [False, True])
@pytest.mark.parametrize("undefined_length", [False, True])
def test_every_truncation_is_found_unless_it_is_between_elements(explicit: bool, undefined_length: bool) -> None:
    data = encoded(sample(undefined_length), explicit)
    whole = []

    for end in range(len(data)):
        try:
            walk(data[:end], explicit)
            whole.append(end)
        except DataSetError:
            pass

    assert len(whole) == len(sample())  # before each top-level element, and nowhere else


@pytest.mark.parametrize(
    "name", ["CT_small.dcm", "MR_small_implicit.dcm", "JPEG2000.dcm", "examples_palette.dcm", "rtplan.dcm"]
)
def test_real_files_are_walked_to_their_end(name: str) -> None:
    path = get_testdata_file(name)
    assert isinstance(path, str)
    data_set = dcmread(path)
    syntax = data_set.file_meta.TransferSyntaxUID
    raw = Path(path).read_bytes()
    meta_end = 132 + 12 + data_set.file_meta.FileMetaInformationGroupLength

    result = walk(raw[meta_end:], not syntax.is_implicit_VR)

    assert result.values[tags.SOP_INSTANCE_UID].rstrip(b"\0").decode() == data_set.SOPInstanceUID
    assert (result.pixel_data is None) == ("PixelData" not in data_set)
    if result.pixel_data and result.pixel_data.length is not None:
        offset = meta_end + result.pixel_data.offset
        assert raw[offset : offset + result.pixel_data.length] == data_set.PixelData


def test_encapsulated_pixel_data_are_walked_over() -> None:
    data = long_element(tags.PIXEL_DATA, b"OB", length=UNDEFINED) + encapsulate([b"abcd", b"efgh"]) + SEQUENCE_END

    result = walk(data, explicit=True)

    assert result.pixel_data == PixelDataPlace(12, None)


def test_the_first_of_two_wanted_values_counts_and_the_second_is_told() -> None:
    data = element(tags.PATIENT_ID, b"A ") + element(tags.PATIENT_ID, b"B ")

    result = walk(data)

    assert (result.values[tags.PATIENT_ID], result.repeated) == (b"A ", frozenset({tags.PATIENT_ID}))


def test_a_wanted_tag_inside_a_sequence_is_not_the_one() -> None:
    item = element(tags.ITEM, element(tags.PATIENT_ID, b"A "))

    assert not walk(element(0x00101002, item)).values


def test_descending_tags_are_tolerated() -> None:
    data = element(tags.PATIENT_ID, b"A ") + element(tags.SOP_INSTANCE_UID, b"1\0")

    assert len(walk(data).values) == 2


NESTED = element(0x00081140, length=UNDEFINED) + element(tags.ITEM, length=UNDEFINED)
LYING = {
    "element longer than its data set": element(tags.PATIENT_ID, b"A ", length=0xFFFFFFF0),
    "element one byte too long": element(tags.PATIENT_ID, b"A ", length=3),
    "element longer than its item": element(0x00081140, element(tags.ITEM, element(tags.PATIENT_ID, b"A ", 4)))
    + bytes(64),
    "item longer than its sequence": element(0x00081140, element(tags.ITEM, element(tags.PATIENT_ID, b"A "), 99))
    + bytes(64),
    "sequence that ends in a header": element(0x00081140, element(tags.ITEM) + b"\x10\x00\x20\x00") + bytes(64),
    "element where an item should be": element(0x00081140, length=UNDEFINED) + element(tags.PATIENT_ID, b"A "),
    "item outside a sequence": element(tags.ITEM, b"AAAA"),
    "delimitation outside a sequence": element(tags.PATIENT_ID, b"A ") + SEQUENCE_END,
    "item delimitation with a length": NESTED + element(tags.ITEM_DELIMITATION, b"AA") + SEQUENCE_END,
    "item never closed": NESTED + element(tags.PATIENT_ID, b"A "),
    "sequence never closed": NESTED + ITEM_END,
    "sequence closed before its item": NESTED + SEQUENCE_END,
    "file meta information": element(0x00020010, b"1.2.840.10008.1.2\0"),
    "a command": element(0x00000002, b"1.2.840.10008.1.1\0"),
    "compressed pixel data in Implicit VR": element(tags.PIXEL_DATA, length=UNDEFINED)
    + element(tags.ITEM, b"AA")
    + SEQUENCE_END,
    "64 bytes of FF": b"\xff" * 64,
}


@pytest.mark.parametrize("data", LYING.values(), ids=LYING.keys())
def test_a_broken_structure_is_an_error(data: bytes) -> None:
    with pytest.raises(DataSetError):
        walk(data)


def test_explicit_vr_in_an_implicit_context_is_an_error_that_says_so() -> None:
    with pytest.raises(DataSetError, match="in Explicit VR"):
        walk(encoded(sample(), explicit=True), explicit=False)


def test_implicit_vr_in_an_explicit_context_is_an_error_that_says_so() -> None:
    with pytest.raises(DataSetError, match="not in Explicit VR"):
        walk(encoded(sample(), explicit=False), explicit=True)


@pytest.mark.parametrize("defined", [False, True])
@pytest.mark.parametrize(("depth", "allowed"), [(64, True), (65, False), (100_000, False)])
def test_nesting_ends_at_64(depth: int, allowed: bool, defined: bool) -> None:
    if defined:
        data = b""
        for _ in range(min(depth, 2000)):  # each level adds 16 bytes to all lengths around it
            data = element(0x00081140, element(tags.ITEM, data))
    else:
        data = NESTED * depth + (ITEM_END + SEQUENCE_END) * depth

    if allowed:
        assert walk(data).size == len(data)
    else:
        with pytest.raises(DataSetError, match="64 deep"):
            walk(data)


def test_the_number_of_elements_is_limited() -> None:
    with pytest.raises(DataSetError, match="1000 elements"):
        walk(element(0x00081150) * 1001, limits=WalkLimits(elements=1000))


def test_the_size_is_limited_by_the_first_length_that_tells() -> None:
    walker = ElementWalk(explicit=False, limits=WalkLimits(size=1000))

    with pytest.raises(DataSetError):
        walker.feed(memoryview(element(tags.PIXEL_DATA, length=1001)))


def test_a_private_value_that_only_looks_like_a_sequence_is_stepped_over() -> None:
    blob = element(tags.ITEM, b"not an element at all, but something of the maker's")

    assert walk(element(0x00291010, blob) + element(tags.PATIENT_ID, b"A ")).values == {tags.PATIENT_ID: b"A "}


def test_a_lookup_table_that_begins_like_an_item_is_stepped_over() -> None:
    data = element(0x00283006, b"\xfe\xff\x00\xe0" + b"\x77" * 20)

    assert walk(data).size == len(data)


@pytest.mark.parametrize("tag", [b"\x10\x00\x20\x00", b"\x28\x00\x11\x11"], ids=["wanted", "not wanted"])
def test_what_is_no_vr_is_an_error_wherever_it_stands(tag: bytes) -> None:
    first = b"\x08\x00\x60\x00CS\x02\x00CT"
    with pytest.raises(DataSetError, match="not in Explicit VR"):
        walk(first + tag + bytes(4) + b"\x04\x00\x00\x00 12 " + first, explicit=True)


def test_an_unknown_vr_has_a_long_length() -> None:
    data = long_element(0x00189999, b"ZZ", bytes(70000))

    assert walk(data, explicit=True).size == len(data)


def test_a_sequence_as_un_is_in_implicit_vr() -> None:
    item = element(tags.ITEM, length=UNDEFINED) + element(tags.PATIENT_ID, b"A ") + ITEM_END
    data = long_element(0x00291010, b"UN", length=UNDEFINED) + item + SEQUENCE_END

    assert walk(data, explicit=True).size == len(data)


def test_a_slice_works_on_a_bounded_number_of_elements() -> None:
    walker = ElementWalk(explicit=False, limits=WalkLimits(slice=100))
    calls = 1

    more = walker.feed(memoryview(element(0x00081150) * 1000))
    while more:
        calls += 1
        more = walker.resume()

    assert calls == 10
    assert walker.finish().elements == 1000


def test_memory_stays_small_and_large_values_cost_nothing() -> None:
    walker = ElementWalk(explicit=False, wanted=WANTED)
    fragment = memoryview(bytes(131066))
    walker.feed(memoryview(element(tags.PIXEL_DATA, length=len(fragment) * 8000)))
    tracemalloc.start()

    began = time.perf_counter()
    for _ in range(8000):  # 1 GB
        walker.feed(fragment)
    seconds = time.perf_counter() - began
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert walker.finish().pixel_data == PixelDataPlace(8, len(fragment) * 8000)
    assert peak < 20_000
    assert seconds < 1


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400), st.booleans(), st.lists(st.integers(0, 400), max_size=4))
def test_any_bytes_give_a_result_or_a_data_set_error(data: bytes, explicit: bool, cuts: list[int]) -> None:
    def outcome(edges: list[int]) -> WalkResult | str:
        try:
            return walk(data, explicit, [min(edge, len(data)) for edge in edges])
        except DataSetError as error:
            return str(error)

    assert outcome(cuts) == outcome([])


PIECES = [
    element(0x00081140, length=UNDEFINED),
    element(0x00081140, length=24),
    element(0x00291010, length=24),
    element(tags.ITEM, length=UNDEFINED),
    element(tags.ITEM, length=8),
    element(tags.PATIENT_ID, b"A "),
    ITEM_END,
    SEQUENCE_END,
    b"\xfe",
]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=14), st.lists(st.integers(0, 150), max_size=4), st.integers(1, 5))
def test_any_order_of_structures_gives_the_same_for_every_cut(pieces: list[bytes], cuts: list[int], size: int) -> None:
    data = b"".join(pieces)

    def outcome(edges: list[int], limits: WalkLimits) -> WalkResult | str:
        try:
            return walk(data, False, [min(edge, len(data)) for edge in edges], limits)
        except DataSetError as error:
            return str(error)

    assert outcome(cuts, WalkLimits(slice=size)) == outcome([], WalkLimits())


# --- big endian (PS3.5 section A.3, retired) ---


def big_endian(data_set: Dataset) -> bytes:
    buffer = BytesIO()
    dcmwrite(buffer, data_set, implicit_vr=False, little_endian=False, enforce_file_format=False)
    return buffer.getvalue()


def walked_big(pieces: list[bytes]) -> WalkResult:
    walk = ElementWalk(True, WANTED, big_endian=True)
    for piece in pieces:
        more = walk.feed(memoryview(piece))
        while more:
            more = walk.resume()
    return walk.finish()


@pytest.mark.parametrize("undefined_length", [False, True])
def test_big_endian_is_walked_and_its_numbers_are_turned_round(undefined_length: bool) -> None:
    data_set = sample(undefined_length)
    data = big_endian(data_set)
    little = ElementWalk(True, WANTED)
    little.feed(memoryview(encoded(data_set, explicit=True)))

    found = walked_big([data])

    assert found == little.finish()
    assert found.values[tags.ROWS] == int(data_set.Rows).to_bytes(2, "little")
    assert walked_big([data[at : at + 1] for at in range(len(data))]) == found


def test_every_truncation_of_big_endian_is_found_unless_it_is_between_elements() -> None:
    data = big_endian(sample())
    between = 0
    for end in range(len(data)):
        try:
            walked_big([data[:end]])
        except DataSetError:
            continue
        between += 1

    assert between <= len(sample())


@pytest.mark.parametrize("little", [True, False])
def test_the_other_byte_order_is_an_error(little: bool) -> None:
    data = encoded(sample(), explicit=True) if little else big_endian(sample())
    walk = ElementWalk(True, WANTED, big_endian=little)

    with pytest.raises(DataSetError):
        walk.feed(memoryview(data))
        walk.finish()


def test_un_of_undefined_length_is_implicit_little_endian_in_big_endian_too() -> None:
    """PS3.5 section 6.2.2: whatever the transfer syntax."""
    inside = element(tags.ITEM, element(tags.PATIENT_ID, b"12")) + SEQUENCE_END
    data = struct.pack(">HH2sHL", 0x0009, 0x1010, b"UN", 0, UNDEFINED) + inside

    assert walked_big([data + big_endian(sample())]).values == walked_big([big_endian(sample())]).values


def test_pixel_data_cannot_be_compressed_in_big_endian() -> None:
    data = struct.pack(">HH2sHL", 0x7FE0, 0x0010, b"OB", 0, UNDEFINED)

    with pytest.raises(DataSetError, match="big endian"):
        walked_big([data])
