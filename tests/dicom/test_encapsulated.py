"""Encapsulated pixel data (PS3.5 A.4): fragments, offset tables, and frames made of them."""

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netty.dicom.encapsulated import (
    EncapsulationError,
    Fragment,
    extended_offset_table,
    frames_of,
    read_encapsulated,
)

END = struct.pack("<HHL", 0xFFFE, 0xE0DD, 0)
SOI = b"\xff\xd8\xff\xdb"


def item(value: bytes) -> bytes:
    return struct.pack("<HHL", 0xFFFE, 0xE000, len(value)) + value


def sequence(*fragments: bytes, offsets: tuple[int, ...] = (), end: bytes = END) -> bytes:
    return item(struct.pack(f"<{len(offsets)}L", *offsets)) + b"".join(map(item, fragments)) + end


def grouped(data: bytes, frames: int, extended: tuple[int, ...] = ()) -> list[list[bytes]]:
    def begins(fragment: Fragment) -> bool:
        return data[fragment.offset :].startswith(SOI[:3])

    found = frames_of(read_encapsulated(io.BytesIO(data), 0, len(data)), frames, begins, extended)
    return [[data[each.offset : each.offset + each.length] for each in frame] for frame in found]


def test_one_frame_has_all_fragments() -> None:
    assert grouped(sequence(b"ab", b"cd", b"ef"), 1) == [[b"ab", b"cd", b"ef"]]


def test_as_many_fragments_as_frames_need_no_table() -> None:
    assert grouped(sequence(b"ab", b"cd", offsets=(0, 99)), 2) == [[b"ab"], [b"cd"]]


def test_the_basic_offset_table_says_where_frames_begin() -> None:
    assert grouped(sequence(b"ab", b"cd", b"ef", offsets=(0, 20)), 2) == [[b"ab", b"cd"], [b"ef"]]


def test_the_extended_offset_table_goes_first() -> None:
    table = extended_offset_table(struct.pack("<2Q", 0, 10))

    assert grouped(sequence(b"ab", b"cd", b"ef", offsets=(0, 20)), 2, table) == [[b"ab"], [b"cd", b"ef"]]


@pytest.mark.parametrize("offsets", [(), (0,), (0, 11), (10, 20), (0, 1 << 31), (10, 0)])
def test_without_a_table_that_fits_frames_begin_where_codestreams_do(offsets: tuple[int, ...]) -> None:
    data = sequence(SOI, b"cd", SOI, b"ef", offsets=offsets)

    assert grouped(data, 2) == [[SOI, b"cd"], [SOI, b"ef"]]


def test_frames_that_are_not_there_are_not_made_up() -> None:
    assert grouped(sequence(SOI, b"cd"), 5) == [[SOI, b"cd"]]
    assert grouped(sequence(), 1) == []
    assert grouped(sequence(), 3) == []


def test_an_embedded_delimiter_ends_nothing() -> None:
    assert grouped(sequence(END + b"ab"), 1) == [[END + b"ab"]]


def test_a_file_that_ends_within_a_fragment_is_told_from_one_that_only_lacks_its_delimiter() -> None:
    whole = sequence(b"abcd", end=b"")

    assert read_encapsulated(io.BytesIO(whole), 0, len(whole)).complete
    cut = read_encapsulated(io.BytesIO(whole[:-1]), 0, len(whole) - 1)
    assert not cut.complete
    assert cut.fragments == (Fragment(16, 3),)


def test_what_is_no_item_is_refused() -> None:
    with pytest.raises(EncapsulationError, match=r"\(0010,0020\) where a fragment"):
        grouped(item(b"") + struct.pack("<HHL", 0x10, 0x20, 0), 1)


@given(st.binary(max_size=200), st.integers(1, 5))
def test_any_bytes_give_fragments_within_the_file_or_an_error(data: bytes, frames: int) -> None:
    for start in (data, item(b"") + data, sequence(data, end=b"")):
        try:
            found = read_encapsulated(io.BytesIO(start), 0, len(start))
        except EncapsulationError:
            continue
        assert all(0 <= each.offset <= each.offset + each.length <= len(start) for each in found.fragments)
        assert sum(map(len, frames_of(found, frames, lambda _: True))) <= len(found.fragments)
