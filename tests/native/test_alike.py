"""The compiled twin of taking messages alike gives what the one in Python gives, for whatever comes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netty import native
from netty.ul import alike
from support.lying_pdus import lies, pdu

pytestmark = pytest.mark.skipif(native.compiled is None, reason="the native parts are not installed")

LONGEST = 64

COMMAND = pdu(b"a command", control=3)

data_sets = st.builds(
    pdu,
    st.binary(max_size=70),
    st.sampled_from([2] * 12 + [0, 1, 3, 0xFE, 0xFF]),
    st.sampled_from([1] * 12 + [3, 0]),
    st.sampled_from([4] * 12 + [5, 7, 0]),
    lies,
    lies,
)
commands = st.sampled_from([COMMAND] * 12 + [pdu(b"b command", control=3), pdu(b"a comm", control=1), b""])
messages = st.builds(bytes.__add__, commands, data_sets)


@settings(max_examples=1500, deadline=None)
@given(
    row=st.lists(messages, max_size=6),
    missing=st.sampled_from([0, 0, 0, 1, 5, 12, 30]),
    before=st.integers(0, 5),
    behind=st.integers(0, 40),
    maximum_length=st.sampled_from([LONGEST, LONGEST, 7, 1 << 32]),
    most=st.sampled_from([64, 64, 2, 0, -1]),
)
def test_any_row_of_messages_cut_anywhere(
    row: list[bytes], missing: int, before: int, behind: int, maximum_length: int, most: int
) -> None:
    data = bytes(before) + b"".join(row)
    arguments = (before, max(before, len(data) - missing), COMMAND, maximum_length, most)
    view = memoryview(bytearray(data + bytes(behind)))

    assert alike.take_alike(view, *arguments) == alike.by_python(view, *arguments)


@pytest.mark.parametrize(("position", "end"), [(-1, 4), (5, 4), (0, 99)])
def test_places_outside_the_buffer_are_refused(position: int, end: int) -> None:
    with pytest.raises(ValueError):
        alike.take_alike(memoryview(bytearray(32)), position, end, COMMAND, LONGEST, 1)


def test_what_is_no_command_is_refused() -> None:
    with pytest.raises(ValueError):
        alike.take_alike(memoryview(bytearray(32)), 0, 32, b"short", LONGEST, 1)
