"""The compiled twin of taking identifiers and command sets apart gives what the Python ones give for all that comes."""

import struct
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netty import native
from netty.dicom import elements
from netty.dicom.elements import IdentifierError
from netty.dimse import codec
from netty.dimse.errors import MessageError

pytestmark = pytest.mark.skipif(native.compiled is None, reason="the native parts are not installed")


def outcome(read: elements.Split, data: bytes) -> dict[int, bytes] | str:
    try:
        return read(data, False)
    except IdentifierError as error:
        return str(error)


def command_outcome(read: Callable[[bytes], dict[int, bytes]], data: bytes) -> dict[int, bytes] | str:
    try:
        return read(data)
    except MessageError as error:
        return str(error)


def element(tag: int, value: bytes, lie: int) -> bytes:
    return struct.pack("<HHI", tag >> 16, tag & 0xFFFF, (len(value) + lie) & 0xFFFFFFFF) + value


identifiers = st.lists(
    st.builds(
        element,
        st.sampled_from(
            [0x00000100, 0x00000110, 0x00080052, 0x0020000D, 0x0020000E, 0x00080018, 0xFFFEE000, 0xFFFEE0DD, 0xFFFFFFFF]
        ),
        st.binary(max_size=20),
        st.sampled_from([0] * 16 + [1, -1, 8, 0x7FFFFFF0]),
    )
    | st.just(struct.pack("<HHI", 0x0008, 0x1115, 0xFFFFFFFF))
    | st.just(struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)),
    max_size=8,
).map(b"".join)


@settings(max_examples=1500, deadline=None)
@given(data=identifiers | st.binary(max_size=40), missing=st.sampled_from([0, 0, 0, 1, 7]))
def test_any_identifier_cut_anywhere(data: bytes, missing: int) -> None:
    data = data[: max(0, len(data) - missing)]

    assert outcome(elements.decode_identifier, data) == outcome(elements.by_python, data)
    assert command_outcome(codec.split, data) == command_outcome(codec.split_by_python, data)


command_sets = st.lists(
    st.builds(element, st.sampled_from([0, 2, 0x0100, 0x0110, 0x0900, 0xFFFF]), st.binary(max_size=6), st.just(0))
    | st.sampled_from([element(0x0100, b"ab", 7), element(0x00080018, b"1.2", 0)]),
    max_size=8,
).map(b"".join)


@settings(max_examples=500, deadline=None)
@given(data=command_sets, missing=st.sampled_from([0, 0, 0, 1, 7]))
def test_any_command_set_cut_anywhere(data: bytes, missing: int) -> None:
    data = data[: max(0, len(data) - missing)]

    assert command_outcome(codec.split, data) == command_outcome(codec.split_by_python, data)


def test_a_view_is_as_good_as_bytes() -> None:
    data = element(0x00100020, b"4711", 0)

    assert elements.decode_identifier(memoryview(bytearray(data))) == {0x00100020: b"4711"}
