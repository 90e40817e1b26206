"""The compiled twin of gathering fragments gives what the one in Python gives, for whatever comes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netty import native
from netty.ul import gathering
from support.lying_pdus import lies, pdu

pytestmark = pytest.mark.skipif(native.compiled is None, reason="the native parts are not installed")

LONGEST = 64
Outcome = tuple[int, int, int, bool, bytes, int]


def outcome(gather: gathering.Gather, data: bytes, *arguments: int) -> Outcome:
    position, left, control, is_complete, parts, size = gather(memoryview(bytearray(data)), *arguments)
    return position, left, control, is_complete, b"".join(parts), size


pdus = st.builds(
    pdu,
    st.binary(max_size=40),
    st.sampled_from([0, 0, 0, 0, 1, 2, 3, 4, 0xFE]),
    st.sampled_from([1, 1, 1, 1, 3, 0]),
    st.sampled_from([4] * 12 + [5, 7, 0]),
    lies,
    lies,
)


@settings(max_examples=1500, deadline=None)
@given(
    first=st.binary(max_size=20),
    behind=st.lists(pdus, max_size=6),
    missing=st.integers(0, 30),
    before=st.integers(0, 5),
    more_to_come=st.integers(0, 3),
    control=st.sampled_from([0, 0, 0, 1, 2, 3]),
    rest_of_pdu=st.sampled_from([0, 0, 0, 8]),
    maximum_length=st.sampled_from([LONGEST, LONGEST, 7, 1 << 32]),
)
def test_any_row_of_pdus_cut_anywhere(
    first: bytes,
    behind: list[bytes],
    missing: int,
    before: int,
    more_to_come: int,
    control: int,
    rest_of_pdu: int,
    maximum_length: int,
) -> None:
    data = bytes(before) + first + b"".join(behind)
    end = max(before, len(data) - missing)
    left = len(first) + (more_to_come if not behind else 0)
    arguments = (before, end, left, control, 1, rest_of_pdu, maximum_length)

    by_python = outcome(gathering.by_python, data, *arguments)

    assert outcome(gathering.gather, data, *arguments) == by_python


def test_a_data_set_in_many_pdus_lies_in_one_piece() -> None:
    pieces = [bytes([number]) * 30 for number in range(8)]
    data = pieces[0] + b"".join(pdu(piece, 2 if piece is pieces[-1] else 0) for piece in pieces[1:])

    gathered = gathering.gather(memoryview(bytearray(data)), 0, len(data), 30, 0, 1, 0, LONGEST)

    (part,) = gathered.parts
    assert bytes(part) == b"".join(pieces)
    assert (gathered.position, gathered.left, gathered.is_complete) == (len(data), 0, True)


@pytest.mark.parametrize(("position", "end", "left"), [(-1, 4, 1), (5, 4, 1), (0, 99, 1), (0, 4, -1)])
def test_places_outside_the_buffer_are_refused(position: int, end: int, left: int) -> None:
    with pytest.raises(ValueError):
        gathering.gather(memoryview(bytearray(32)), position, end, left, 0, 1, 0, LONGEST)
