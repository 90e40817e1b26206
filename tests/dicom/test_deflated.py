"""Deflated data sets (PS3.5 section A.5), walked as they arrive: the same as inflated, and never far ahead."""

import struct
import tracemalloc
import zlib
from contextlib import suppress
from io import BytesIO
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset, dcmwrite

from netty.dicom import tags
from netty.dicom.deflated import FREE, DeflatedWalk, inflated_pieces
from netty.dicom.errors import DataSetError
from netty.dicom.walk import ElementWalk, WalkLimits, WalkResult

WANTED = frozenset({tags.SOP_INSTANCE_UID, tags.PATIENT_ID, tags.ROWS})
LIMITS = WalkLimits()


def plain() -> bytes:
    data_set = Dataset()
    data_set.SOPInstanceUID = "1.2.3"
    data_set.PatientID = "12345"
    data_set.Rows, data_set.Columns, data_set.BitsAllocated = 64, 48, 16
    data_set.PixelData = bytes(range(256)) * 24
    buffer = BytesIO()
    dcmwrite(buffer, data_set, implicit_vr=False, little_endian=True, enforce_file_format=False)
    return buffer.getvalue()


def deflated(data: bytes, level: int = 6) -> bytes:
    packer = zlib.compressobj(level, wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


def walked(pieces: list[bytes], limits: WalkLimits = LIMITS) -> WalkResult:
    walk = DeflatedWalk(ElementWalk(True, WANTED, limits), limits)
    for piece in pieces:
        more = walk.feed(memoryview(piece))
        while more:
            more = walk.resume()
    return walk.finish()


def zeros(size: int) -> bytes:
    """A data set of `size` zeros as pixel data, which deflates to a thousandth."""
    return struct.pack("<HH2sHL", 0x7FE0, 0x0010, b"OW", 0, size) + bytes(size)


def test_it_is_walked_like_the_plain_one() -> None:
    straight = ElementWalk(True, WANTED)
    straight.feed(memoryview(plain()))

    assert walked([deflated(plain())]) == straight.finish()


@given(st.lists(st.integers(0, 7000), max_size=12))
def test_any_cut_gives_the_same(cuts: list[int]) -> None:
    data = deflated(plain())
    edges = sorted({0, *(cut % len(data) for cut in cuts), len(data)})
    pieces = [data[start:end] for start, end in pairwise(edges)]

    assert walked(pieces) == walked([data])


def test_byte_by_byte_gives_the_same() -> None:
    data = deflated(plain(), level=0)

    assert walked([data[at : at + 1] for at in range(len(data))]) == walked([data])


def test_a_padding_byte_and_the_trailer_of_gzip_may_stand_behind_and_nothing_longer() -> None:
    data = deflated(plain())
    trailer = struct.pack("<LL", zlib.crc32(plain()), len(plain()))

    assert walked([data + b"\0"]) == walked([data, b"\0"]) == walked([data + trailer]) == walked([data])
    for pieces in ([data + bytes(10)], [data, bytes(10)], [data, bytes(9), b"x"]):
        with pytest.raises(DataSetError, match="something behind"):
            walked(pieces)


def test_every_truncation_is_found() -> None:
    data = deflated(plain())
    for end in range(len(data)):
        with pytest.raises(DataSetError):
            walked([data[:end]])


def test_what_is_not_deflated_is_an_error_that_says_so() -> None:
    with pytest.raises(DataSetError, match="not deflated"):
        walked([plain()])
    with pytest.raises(DataSetError, match="not deflated"):
        walked([zlib.compress(plain())])  # with the wrapper of RFC 1950, which PS3.5 does not allow


def test_an_error_inside_is_found_as_in_a_plain_one() -> None:
    with pytest.raises(DataSetError, match="cut off"):
        walked([deflated(plain()[:-2])])


def test_an_empty_image_may_deflate_to_nearly_nothing() -> None:
    """A mammogram of zeros: 28 MB that come as 28 kB are an image all the same."""
    data = deflated(zeros(4664 * 3064 * 2))
    assert len(data) * 500 < 4664 * 3064 * 2

    assert walked([data]).pixel_data is not None


def test_a_bomb_is_stopped_at_its_ratio_and_takes_no_memory() -> None:
    packer = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    bomb = packer.compress(zeros(0)[:8] + struct.pack("<L", 4 * FREE))
    bomb += b"".join(packer.compress(bytes(1 << 20)) for _ in range(4 * FREE >> 20)) + packer.flush()
    tracemalloc.start()
    try:
        with pytest.raises(DataSetError, match="200 times"):
            walked([bomb[at : at + 16384] for at in range(0, len(bomb), 16384)])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 2 << 20


def test_the_limit_of_every_data_set_holds_for_what_comes_out() -> None:
    with pytest.raises(DataSetError):
        walked([deflated(zeros(1 << 20))], WalkLimits(size=1 << 19))
    with pytest.raises(DataSetError, match="more than 1000 bytes"):
        list(inflated_pieces([deflated(plain())], 1000))


def test_many_elements_are_worked_on_in_slices() -> None:
    element = struct.pack("<HH2sH", 0x0009, 0x1010, b"LO", 0)
    limits = WalkLimits(slice=100)
    walk = DeflatedWalk(ElementWalk(True, WANTED, limits), limits)

    assert walk.feed(memoryview(deflated(element * 1000)))
    assert walk.finish().elements == 1000


@given(st.binary(max_size=300))
def test_any_bytes_give_a_result_or_a_data_set_error(data: bytes) -> None:
    with suppress(DataSetError):
        walked([data])


def test_what_is_inflated_for_keeping_is_the_plain_data_set() -> None:
    data = deflated(plain())

    assert b"".join(inflated_pieces([data[:100], data[100:]], 1 << 20)) == plain()
