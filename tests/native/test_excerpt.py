"""The compiled twin that compares a header with one before it agrees where the one in Python does."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netty import native
from netty.dicom.excerpt import BY_PYTHON, COMPILED, Headers, _decided_by

pytestmark = pytest.mark.skipif(native.compiled is None, reason="the native parts are not installed")

HEAD = bytes(range(200))
GAPS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 12)), max_size=12)


def headers_of(gaps: list[tuple[int, int]]) -> Headers:
    """Those of `HEAD` that stand behind gaps, so many bytes each."""
    places, position = [], 0
    for gap, size in gaps:
        if position + gap + size <= len(HEAD):
            places.append(slice(position + gap, position + gap + size))
            position = places[-1].stop
    return _decided_by(places, HEAD)


@given(
    gaps=GAPS,
    changes=st.lists(st.tuples(st.integers(0, len(HEAD) - 1), st.integers(0, 255)), max_size=2),
    cut=st.integers(0, len(HEAD)),
)
def test_headers_changed_and_cut(gaps: list[tuple[int, int]], changes: list[tuple[int, int]], cut: int) -> None:
    assert COMPILED is not None
    headers, head = headers_of(gaps), bytearray(HEAD)
    for at, value in changes:
        head[at] = value
    for each in (HEAD, bytes(head), bytes(head[:cut]), HEAD[:cut]):
        assert COMPILED(headers, each) is BY_PYTHON(headers, each)


@pytest.mark.parametrize("at", range(40))
def test_every_byte_of_a_header_counts_and_none_beside(at: int) -> None:
    assert COMPILED is not None
    headers = headers_of([(3, 8), (5, 12), (4, 8)])
    head = bytearray(HEAD)
    head[at] ^= 1

    assert COMPILED(headers, bytes(head)) is (at not in {*range(3, 11), *range(16, 28), *range(32, 40)})


@pytest.mark.parametrize(
    ("places", "passed"),
    [((0, 4), bytes(3)), ((0, 4), bytes(5)), ((0,), b""), ((0, 2, 0, 0xFFFFFFFF), bytes(2)), ((), b"1")],
)
def test_as_many_bytes_as_the_places_have(places: tuple[int, ...], passed: bytes) -> None:
    with pytest.raises(ValueError):
        native.compiled.agrees(bytes(8), struct.pack(f"{len(places)}I", *places), passed)  # type: ignore[union-attr]


@pytest.mark.parametrize("place", [(0xFFFFFFFF, 4), (5, 4), (9, 0)])
def test_places_beyond_the_end_hold_nothing(place: tuple[int, int]) -> None:
    assert native.compiled is not None
    assert not native.compiled.agrees(bytes(8), struct.pack("2I", *place), bytes(place[1]))
