"""Data sets of any kind through all that reads them without pydicom: a result or a PeerError, nothing else."""

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netty.dicom import tags
from netty.dicom.facts import WANTED
from netty.dicom.part10 import file_meta, split_part10
from netty.errors import PeerError
from support.fuzz_checks import check_data_set
from support.fuzzing import cases, corpus, spoilings, spoilt, tried
from support.raw_peer import CT, images

IMAGE = images("fuzz", 1)[0].data
META = file_meta(CT, "1.2.3", "1.2.840.10008.1.2", implementation_class_uid="1.2.3", source_ae_title="PACS")

tag_numbers = st.one_of(
    st.sampled_from([*sorted(WANTED), tags.PIXEL_DATA, tags.ITEM, tags.ITEM_DELIMITATION, tags.SEQUENCE_DELIMITATION]),
    st.sampled_from([0x00081140, 0x00091010, 0x00020010, 0x00000002, 0x00280120, 0x60003000]),
)
lies = st.sampled_from([None, None, None, None, None, None, 1, -1, 0xFFFFFFFF, 0xFFFFFFF0, 0x7FFFFFFE])


def element(tag: int, vr: bytes, value: bytes, lie: int | None, explicit: bool) -> bytes:
    """An element whose length may lie."""
    size = len(value) if lie is None else lie if lie > 1 else max(0, len(value) + lie)
    group, number = tag >> 16, tag & 0xFFFF
    if not explicit or group == 0xFFFE:
        return struct.pack("<HHL", group, number, size) + value
    if vr in (b"SQ", b"UN", b"OB", b"OW", b"UT"):
        return struct.pack("<HH2sHL", group, number, vr, 0, size) + value
    return struct.pack("<HH2sH", group, number, vr, size & 0xFFFF) + value


def data_sets(explicit: bool) -> st.SearchStrategy[bytes]:
    """Elements within items within sequences, more or less."""
    vrs = st.sampled_from([b"SQ", b"UN", b"OB", b"OW", b"UI", b"LO", b"US", b"CS", b"xx", b"QQ"])

    def listed(inner: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
        one = st.builds(
            lambda tag, vr, value, lie: element(tag, vr, value, lie, explicit), tag_numbers, vrs, inner, lies
        )
        return st.builds(b"".join, st.lists(one, max_size=4))

    values = st.one_of(st.binary(max_size=12), st.sampled_from([b"", b"\xfe\xff\x00\xe0\0\0\0\0", b"1.2.3\0"]))
    return st.recursive(values, listed, max_leaves=20)


@cases(250)
@given(data=st.data(), explicit=st.booleans(), cuts=st.lists(st.integers(0, 999), max_size=4), slice=st.integers(1, 9))
def test_a_data_set_of_any_structure_is_read_or_refused(
    data: st.DataObject, explicit: bool, cuts: list[int], slice: int
) -> None:
    tried["data set"] += 1
    check_data_set(data.draw(data_sets(explicit)), explicit, cuts, slice)


@cases(250)
@given(how=spoilings, explicit=st.sampled_from([False, False, True]), cuts=st.lists(st.integers(0, 999), max_size=4))
def test_a_spoilt_image_is_read_or_refused(how: list[tuple[str, int, int]], explicit: bool, cuts: list[int]) -> None:
    tried["data set"] += 1
    check_data_set(spoilt(IMAGE, how), explicit, cuts)


@cases(200)
@given(how=spoilings)
def test_a_spoilt_file_head_is_read_or_refused(how: list[tuple[str, int, int]]) -> None:
    tried["file head"] += 1
    data = spoilt(META + IMAGE, how, len(META))
    try:
        head = split_part10(data)
    except PeerError as error:
        assert str(error)
    else:
        assert head.data_set_offset <= len(data)


@pytest.mark.parametrize("path", corpus("data_set"), ids=lambda path: path.name)
@pytest.mark.parametrize("explicit", [False, True])
def test_a_data_set_of_the_corpus_is_read_or_refused(path: Path, explicit: bool) -> None:
    check_data_set(path.read_bytes(), explicit, [5, 9, 17], 1)
