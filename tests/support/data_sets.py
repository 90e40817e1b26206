"""Data sets of any structure, right or wrong, for whoever reads them."""

import struct

from hypothesis import strategies as st

from netty.dicom import tags
from netty.dicom.facts import WANTED

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
