"""Emptying elements: the result is what the same data set without those values would have been, byte for byte."""

import io
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.datadict import dictionary_VR, keyword_for_tag
from pydicom.filereader import read_dataset

from netty.dicom.clear import Cleared
from netty.dicom.errors import DataSetError
from netty.dicom.splice import PIECE, spliced
from netty.dicom.splice_policy import Decision, Fate, New, Replaced
from netty.dicom.walk import ElementWalk
from netty.model.deidentification import STATEMENT_LEVEL, Becomes

DOCS = Path(__file__).parents[2] / "docs"
NAME, NUMBER, OTHER_NUMBERS = 0x00100010, 0x00100020, 0x00101002
METHOD_TAG = 0x00120063
METHOD = "emptied"
EMPTIED = frozenset({NAME, NUMBER, OTHER_NUMBERS})
LONG = {"OB", "OW", "SQ", "UN", "UT"}


@dataclass(frozen=True)
class Item:
    """An item of a sequence."""

    elements: tuple["Element", ...]
    defined: bool = True


@dataclass(frozen=True)
class Element:
    """One element: bytes, or items of a sequence."""

    tag: int
    vr: str
    value: bytes | tuple[Item, ...] = b""
    defined: bool = True


def encode(elements: tuple[Element, ...], explicit: bool) -> bytes:
    """Elements as PS3.5 section 7.1 writes them."""
    return b"".join(_encode_element(one, explicit) for one in elements)


def _encode_element(one: Element, explicit: bool) -> bytes:
    value = one.value if isinstance(one.value, bytes) else b"".join(_encode_item(item, explicit) for item in one.value)
    length = len(value) if one.defined else 0xFFFFFFFF
    tag = struct.pack("<HH", one.tag >> 16, one.tag & 0xFFFF)
    if not explicit:
        header = tag + struct.pack("<L", length)
    elif one.vr in LONG:
        header = tag + one.vr.encode() + struct.pack("<HL", 0, length)
    else:
        header = tag + one.vr.encode() + struct.pack("<H", length)
    return header + value + (b"" if one.defined else b"\xfe\xff\xdd\xe0\0\0\0\0")


def _encode_item(item: Item, explicit: bool) -> bytes:
    value = encode(item.elements, explicit)
    if item.defined:
        return b"\xfe\xff\x00\xe0" + struct.pack("<L", len(value)) + value
    return b"\xfe\xff\x00\xe0\xff\xff\xff\xff" + value + b"\xfe\xff\x0d\xe0\0\0\0\0"


def _item(*elements: Element, defined: bool = True) -> Item:
    return Item(elements, defined)


def without_values(elements: tuple[Element, ...], numbers: Decision = Fate.EMPTY) -> tuple[Element, ...]:
    """What the data set should be."""
    left = (one for one in elements if one.tag != OTHER_NUMBERS or numbers is not Fate.REMOVE)
    return tuple(_without_value(one, numbers) for one in left)


def _without_value(one: Element, numbers: Decision) -> Element:
    if one.tag in EMPTIED and (one.value or not one.defined):
        has_item = one.tag == OTHER_NUMBERS and isinstance(numbers, Replaced) and not isinstance(one.value, bytes)
        return replace(one, value=(_item(STRANGER),) if has_item else b"", defined=True)
    if isinstance(one.value, bytes):
        return one
    items = (replace(item, elements=without_values(item.elements, numbers)) for item in one.value)
    return replace(one, value=tuple(items))


def with_method(elements: tuple[Element, ...]) -> tuple[Element, ...]:
    """With (0012,0063) at its place."""
    method = Element(METHOD_TAG, "LO", METHOD.encode() + b" ")
    return tuple(sorted((*elements, method), key=lambda one: one.tag))


def policy(numbers: Decision = Fate.EMPTY) -> Cleared:
    """The listed elements emptied; the sequence among them as asked for."""
    return Cleared(dict.fromkeys(EMPTIED, Fate.EMPTY) | {OTHER_NUMBERS: numbers}, METHOD)


def run(data: bytes, explicit: bool, numbers: Decision = Fate.EMPTY) -> bytes:
    """The data set as it lies in a file, cleared."""
    file = io.BytesIO(b"head" + data + b"trailer")
    return b"".join(spliced(file, 4, len(data), explicit=explicit, policy=policy(numbers)))


_values = st.text("AZ09", max_size=6).map(lambda text: text.encode()[: len(text) // 2 * 2])
_tags = st.sampled_from([0x00080050, 0x00080070, NAME, NUMBER, 0x00101010, 0x00190010, 0x00280010, 0x00400254])
_plain = st.builds(Element, _tags, st.sampled_from(["LO", "UN", "OB", "PN"]), _values)


def _in_order(elements: list[Element]) -> tuple[Element, ...]:
    return tuple({one.tag: one for one in sorted(elements, key=lambda one: one.tag)}.values())


def _sequences(inner: st.SearchStrategy[Element]) -> st.SearchStrategy[Element]:
    items = st.builds(Item, st.lists(inner, max_size=4).map(_in_order), st.booleans())
    tags = st.sampled_from([OTHER_NUMBERS, 0x00081115, 0x00191001, 0x00400275, 0x52009230])
    return st.builds(Element, tags, st.just("SQ"), st.lists(items, max_size=3).map(tuple), st.booleans())


_data_sets = st.lists(st.recursive(_plain, _sequences, max_leaves=12), max_size=6).map(_in_order)


_ITEM = Replaced(((New(0x00100010, "PN", b"NOBODY"),),))


@given(_data_sets, st.booleans(), st.sampled_from([Fate.EMPTY, Fate.REMOVE, _ITEM]))
def test_the_result_is_the_data_set_without_the_listed_values(
    elements: tuple[Element, ...], explicit: bool, numbers: Decision
) -> None:
    wanted = with_method(without_values(elements, numbers))

    assert run(encode(elements, explicit), explicit, numbers) == encode(wanted, explicit)


@given(_data_sets, st.booleans())
def test_pydicom_reads_the_result_as_the_original_but_for_the_listed(
    elements: tuple[Element, ...], explicit: bool
) -> None:
    data = encode(elements, explicit)
    before, after = _read(data, explicit), _read(run(data, explicit), explicit)

    assert {element.tag for element in after} == {element.tag for element in before} | {METHOD_TAG}
    assert after[METHOD_TAG].value == METHOD
    for element in after:
        if element.tag in EMPTIED:
            assert element.is_empty
        elif element.VR != "SQ" and not element.tag.is_private and element.tag != METHOD_TAG:
            assert element.value == before[element.tag].value


def _read(data: bytes, explicit: bool) -> pydicom.Dataset:
    dataset = read_dataset(io.BytesIO(data), is_implicit_VR=not explicit, is_little_endian=True)
    dataset.set_original_encoding(not explicit, True, "iso8859")
    return dataset


PERSON = Element(NAME, "PN", b"Yamada^Tarou")
STRANGER = Element(NAME, "PN", b"NOBODY")
MODALITY = Element(0x00080060, "CS", b"CT")
ROWS = Element(0x00280010, "US", b"\0\2")


@pytest.mark.parametrize("explicit", [False, True])
@pytest.mark.parametrize("items_defined", [False, True])
@pytest.mark.parametrize("sequence_defined", [False, True])
def test_three_levels_down_all_lengths_follow(explicit: bool, items_defined: bool, sequence_defined: bool) -> None:
    nested: Element = PERSON
    for tag in (0x00191002, 0x00081115, 0x00081140):
        nested = Element(tag, "SQ", (_item(MODALITY, nested, defined=items_defined), _item()), sequence_defined)

    elements = (MODALITY, nested)

    assert run(encode(elements, explicit), explicit) == encode(with_method(without_values(elements)), explicit)


@pytest.mark.parametrize("explicit", [False, True])
@pytest.mark.parametrize("defined", [False, True])
def test_a_listed_sequence_is_emptied_or_removed_whole(explicit: bool, defined: bool) -> None:
    inner = Element(OTHER_NUMBERS, "SQ", (_item(PERSON, defined=defined),), defined)
    elements = (Element(OTHER_NUMBERS, "SQ", (_item(inner, MODALITY, defined=defined),) * 2, defined), MODALITY)

    emptied, removed = (run(encode(elements, explicit), explicit, fate) for fate in (Fate.EMPTY, Fate.REMOVE))

    assert emptied.startswith(encode((Element(OTHER_NUMBERS, "SQ", b""),), explicit))
    assert removed == encode(with_method((MODALITY,)), explicit)
    assert b"Yamada" not in emptied


@pytest.mark.parametrize("explicit", [False, True])
def test_group_lengths_follow_at_every_level(explicit: bool) -> None:
    def group(*elements: Element) -> tuple[Element, ...]:
        size = struct.pack("<L", len(encode(elements, explicit)))
        return (Element(elements[0].tag & 0xFFFF0000, "UL", size), *elements)

    def whole(person: Element, *method: Element) -> tuple[Element, ...]:
        subject = Element(0x00120062, "CS", b"NO")
        inner = group(Element(0x00081140, "SQ", (Item(group(person)),)))
        return (*inner, *group(person), *group(subject, *method), ROWS)

    result = run(encode(whole(PERSON), explicit), explicit)

    assert result == encode(whole(replace(PERSON, value=b""), Element(METHOD_TAG, "LO", b"emptied ")), explicit)


@pytest.mark.parametrize("explicit", [False, True])
def test_the_method_does_not_count_for_the_group_before_it(explicit: bool) -> None:
    size = struct.pack("<L", len(encode((MODALITY,), explicit)))
    elements = (Element(0x00080000, "UL", size), MODALITY)

    assert run(encode(elements, explicit), explicit) == encode(with_method(elements), explicit)


@pytest.mark.parametrize("explicit", [False, True])
@pytest.mark.parametrize(
    ("former", "now"),
    [
        (b"", b"emptied "),
        (b"other ", b"other\\emptied "),
        (b"other\\emptied ", b"other\\emptied "),
        (b"emptied ", b"emptied "),
    ],
)
def test_a_method_named_before_stays(explicit: bool, former: bytes, now: bytes) -> None:
    elements = (PERSON, Element(METHOD_TAG, "LO", former), MODALITY)

    result = run(encode(elements, explicit), explicit)

    assert result == encode((replace(PERSON, value=b""), Element(METHOD_TAG, "LO", now), MODALITY), explicit)


def test_clearing_twice_changes_nothing_more() -> None:
    once = run(encode((PERSON, MODALITY), False), False)

    assert run(once, False) == once


@pytest.mark.parametrize(
    ("tag", "value"),
    [
        pytest.param(0x00191001, b"\xfe\xff\x00\xe0" + b"\x01\0\0\0" + b"x" * 8, id="private"),
        pytest.param(0x00281201, b"\xfe\xff\x00\xe0" + b"\xff" * 20, id="palette"),
        pytest.param(0x7FE00010, b"\xfe\xff\x00\xe0" + b"\0" * 20, id="pixels"),
        pytest.param(0x60003000, b"\xfe\xff\x00\xe0" + b"\0" * 20, id="overlay"),
    ],
)
def test_bytes_that_only_look_like_items_stay_as_they_are(tag: int, value: bytes) -> None:
    elements = (PERSON, Element(tag, "OW", value))

    assert run(encode(elements, False), False) == encode(with_method(without_values(elements)), False)


def test_a_private_value_that_breaks_off_keeps_its_length() -> None:
    """Its first item holds a name that would be emptied, its second is none: then the whole is no sequence."""
    value = _encode_item(_item(PERSON), False) + b"no item!"
    elements = (MODALITY, Element(0x00191001, "UN", value), ROWS)

    assert run(encode(elements, False), False) == encode(with_method(elements), False)


def test_encapsulated_pixel_data_is_passed_by() -> None:
    fragments = b"".join(b"\xfe\xff\x00\xe0" + struct.pack("<L", len(one)) + one for one in (b"", b"Yamada^Tarou"))
    elements = (PERSON, Element(0x7FE00010, "OB", fragments, defined=False))

    assert run(encode(elements, True), True) == encode(with_method(without_values(elements)), True)


def test_un_of_undefined_length_is_a_sequence_in_implicit_vr() -> None:
    def whole(person: Element) -> bytes:
        items = _encode_item(_item(person, defined=False), False)
        return encode((Element(0x00191001, "UN", items, defined=False), ROWS), True)

    data = whole(PERSON)

    assert run(data, True) == encode(with_method(()), True) + whole(replace(PERSON, value=b""))


def test_large_values_come_in_pieces_of_bounded_size() -> None:
    pixels = bytes(range(256)) * (5 * PIECE // 256) + b"!"
    elements = (PERSON, Element(0x7FE00010, "OW", pixels))
    data = encode(elements, False)

    pieces = list(spliced(io.BytesIO(data), 0, len(data), explicit=False, policy=policy()))

    assert max(map(len, pieces)) <= 2 * PIECE
    assert b"".join(pieces) == encode(with_method(without_values(elements)), False)


def _nested(depth: int) -> bytes:
    data = b""
    for _ in range(depth):
        data = _encode_item(Item(()), False)[:8].replace(b"\0\0\0\0", struct.pack("<L", len(data))) + data
        data = struct.pack("<HHL", 0x0008, 0x1140, len(data)) + data
    return data


def test_sixty_four_levels_are_enough_and_the_next_is_refused() -> None:
    assert run(_nested(64), False)

    with pytest.raises(DataSetError, match="64"):
        run(_nested(65), False)


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda data: data[:-1], id="cut in a value"),
        pytest.param(lambda data: data[: len(data) - 13], id="cut in a header"),
        pytest.param(lambda data: data + b"\xfe\xff\x0d\xe0\0\0\0\0", id="a delimiter at the top"),
        pytest.param(lambda data: data + struct.pack("<HHL", 0x0040, 0x0275, 0xFFFFFFFF), id="a sequence without end"),
        pytest.param(lambda data: data + b"1234", id="a rest"),
    ],
)
def test_what_cannot_be_read_to_its_end_is_refused_before_the_first_piece(spoil: Callable[[bytes], bytes]) -> None:
    data = spoil(encode((PERSON, Element(0x00400254, "LO", b"abcd")), False))

    with pytest.raises(DataSetError):
        spliced(io.BytesIO(data), 0, len(data), explicit=False, policy=policy())


@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_give_a_result_or_a_data_set_error(data: bytes, explicit: bool) -> None:
    try:
        run(data, explicit)
    except DataSetError:
        return


@given(_data_sets)
def test_what_the_walk_at_reception_takes_can_be_cleared(elements: tuple[Element, ...]) -> None:
    data = encode(elements, False)
    walk = ElementWalk(explicit=False)
    try:
        walk.feed(memoryview(data))
        walk.finish()
    except DataSetError:
        return

    run(data, False)


def test_the_statement_level_names_elements_of_the_standard() -> None:
    keywords = {tag: row.keyword for tag, row in STATEMENT_LEVEL.rows.items()}

    assert keywords == {tag: keyword_for_tag(tag) for tag in keywords}


def test_only_sequences_go_whole_or_get_an_item() -> None:
    whole = {Becomes.ABSENT, Becomes.ITEM}

    assert {row.keyword for row in STATEMENT_LEVEL.rows.values() if row.becomes in whole} <= {
        row.keyword for tag, row in STATEMENT_LEVEL.rows.items() if dictionary_VR(tag) == "SQ"
    }


@pytest.mark.parametrize(
    ("language", "absent", "item"), [("en", "nothing", "an item `REMOVED`"), ("ja", "なし", "項目 `REMOVED`")]
)
def test_the_documented_table_is_the_one_that_is_carried_out(language: str, absent: str, item: str) -> None:
    """People ask what is cleared: the page must not say anything else than the program does."""
    words = {Becomes.EMPTY: "", Becomes.ABSENT: absent, Becomes.WORD: "`REMOVED`", Becomes.ITEM: item}
    page = (DOCS / language / "deidentification.md").read_text(encoding="utf-8")
    said = re.findall(r"^\| \((\w{4}),(\w{4})\) \| (\w+) \| (.*?) *\|$", page, re.MULTILINE)

    assert {int(group + element, 16): (keyword, left) for group, element, keyword, left in said} == {
        tag: (row.keyword, words[row.becomes]) for tag, row in STATEMENT_LEVEL.rows.items()
    }


def test_the_statement_level_keeps_what_pictures_and_differences_need() -> None:
    kept = {0x00080018, 0x0020000D, 0x0020000E, 0x00080016, 0x00080020, 0x00080060, 0x00100040, 0x00101030, 0x7FE00010}

    assert not kept & STATEMENT_LEVEL.rows.keys()
    assert {0x00100010, 0x00100020, 0x00100030, 0x00080050, 0x00080090} <= STATEMENT_LEVEL.rows.keys()


def test_the_method_fits_its_element() -> None:
    """PS3.5 section 6.2: LO, at most 64 characters, no backslash."""
    assert STATEMENT_LEVEL.method.isascii()
    assert len(STATEMENT_LEVEL.method) <= 64
    assert "\\" not in STATEMENT_LEVEL.method
