"""The compiled twin of passing over plain elements gives what the one in Python gives, for whatever comes."""

import struct
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netty import native
from netty.dicom import plain_elements, tags, walk
from netty.dicom.errors import DataSetError
from netty.dicom.facts import WANTED
from netty.dicom.plain_elements import BY_PYTHON, COMPILED, DEEPEST, Collector
from netty.dicom.walk import ElementWalk, WalkLimits, WalkResult
from support.data_sets import data_sets, element

pytestmark = pytest.mark.skipif(native.compiled is None, reason="the native parts are not installed")

Passed = tuple[tuple[int, int], dict[int, bytes], set[int]]


def passed(
    twins: dict[bool, plain_elements.Passing],
    explicit: bool,
    data: bytes,
    most: int,
    levels: int,
    longest: int,
    end: int,
) -> Passed:
    collector = Collector(WANTED, longest)
    stopped = twins[explicit](memoryview(data), 0, end, most, collector, levels)
    return stopped, collector.values, collector.seen


def assert_twins(
    explicit: bool, data: bytes, most: int = 1000, levels: int = DEEPEST, longest: int = 64, end: int | None = None
) -> None:
    end = len(data) if end is None else end
    ours = passed(COMPILED, explicit, data, most, levels, longest, end)
    assert ours == passed(BY_PYTHON, explicit, data, most, levels, longest, end)


@settings(max_examples=400, deadline=None)
@given(
    data=st.data(),
    explicit=st.booleans(),
    most=st.integers(0, 12),
    levels=st.integers(0, DEEPEST),
    longest=st.sampled_from([-1, 0, 4, 64]),
    room=st.integers(0, 16),
)
def test_data_sets_of_any_structure(
    data: st.DataObject, explicit: bool, most: int, levels: int, longest: int, room: int
) -> None:
    whole = data.draw(data_sets(explicit)) + bytes(room)

    assert_twins(explicit, whole, most or 1000, levels, longest, max(0, len(whole) - room))


@settings(max_examples=400, deadline=None)
@given(data=st.binary(max_size=80), explicit=st.booleans())
def test_bytes_of_any_kind(data: bytes, explicit: bool) -> None:
    assert_twins(explicit, data)


def test_every_pair_of_letters_as_representation() -> None:
    for pair in product(range(0x20, 0x7F), repeat=2):
        assert_twins(True, struct.pack("<HH2sHL", 0x0018, 0x0015, bytes(pair), 0, 4) + bytes(16))


@pytest.mark.parametrize("tag", [*sorted(tags.BINARY), tags.PIXEL_DATA, 0x50001234, 0x60023000, 0x7F010010, 0x00081140])
@pytest.mark.parametrize("length", [None, 0xFFFFFFFF])
def test_every_value_that_may_begin_like_an_item(tag: int, length: int | None) -> None:
    item = element(tags.ITEM, b"UN", b"", None, False)
    assert_twins(False, element(tag, b"UN", item, length, False) + bytes(16))


@pytest.mark.parametrize("depth", range(1, 12))
@pytest.mark.parametrize("explicit", [False, True])
def test_sequences_in_sequences(depth: int, explicit: bool) -> None:
    data = element(0x00080018, b"UI", b"1.2.3\0", None, explicit)
    for _ in range(depth):
        data = element(0x00081140, b"SQ", element(tags.ITEM, b"", data, None, explicit), None, explicit)

    assert_twins(explicit, data + bytes(16), end=len(data))


@pytest.mark.parametrize(("offset", "end"), [(-1, 4), (40, 4), (0, 99)])
def test_what_the_bytes_do_not_hold_is_refused(offset: int, end: int) -> None:
    with pytest.raises(ValueError):
        COMPILED[True](memoryview(bytes(32)), offset, end, 9, Collector(WANTED, 64), 8)


def walked(data: bytes, explicit: bool, cuts: list[int], size: int) -> WalkResult | str:
    one = ElementWalk(explicit, WANTED, WalkLimits(slice=size, depth=5, elements=500))
    try:
        for start, stop in zip([0, *cuts], [*cuts, len(data)], strict=True):
            more = one.feed(memoryview(data[start:stop]))
            while more:
                more = one.resume()
        return one.finish()
    except DataSetError as error:
        return str(error)


@settings(max_examples=300, deadline=None)
@given(data=st.data(), explicit=st.booleans(), size=st.integers(1, 9))
def test_a_whole_walk_with_either_twin(data: st.DataObject, explicit: bool, size: int) -> None:
    whole = data.draw(data_sets(explicit))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=4)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(walk, "PASSING", BY_PYTHON)
        by_python = walked(whole, explicit, cuts, size)

    assert walked(whole, explicit, cuts, size) == by_python
