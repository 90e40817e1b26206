"""The basic profile over data sets: nothing of the patient is left at any level, and nothing else is touched."""

import io
import struct
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from pydicom._dicom_dict import DicomDictionary
from pydicom.datadict import keyword_for_tag

from netty.dicom.clear import Cleared
from netty.dicom.deidentify_facts import top_level
from netty.dicom.dictionary import standard_representation
from netty.dicom.splice import spliced
from netty.dicom.splice_policy import New, Policy, encoded
from netty.model.deidentification import STATEMENT_LEVEL, Becomes
from netty.model.deidentification_basic import Action, BasicProfile, basic_action
from netty.model.deidentification_items import DUMMY_ITEMS
from netty.model.deidentification_options import ProfileOptions, RetainDates
from netty.model.deidentification_table import ROWS, TEXT
from netty.model.deidentification_types import TOP, place
from netty.model.deidentification_values import Pseudonyms, cleaned, dummy, shifted

CT = "1.2.840.10008.5.1.4.1.1.2"
PT = "1.2.840.10008.5.1.4.1.1.128"
GSPS = "1.2.840.10008.5.1.4.1.1.11.1"
SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"
COMPREHENSIVE_SR = "1.2.840.10008.5.1.4.1.1.88.33"
PSEUDONYMS = Pseudonyms(bytes(32))
OUTER = (0x00081115, 0x0040A170, 0x00081199)  # sequences that the table does not list

NAME = b"MARKERED"
MARKERS = {
    "AS": b"777Y",
    "DA": b"19770707",
    "DS": b"77.77777",
    "DT": b"19770707070707",
    "IS": b"7777777 ",
    "TM": b"070707.7",
    "UI": b"1.2.777.77777",
    "US": b"wwww",
}
WRITTEN = {0x00120062, 0x00120063, 0x00120064, 0x00280303}
UNLISTED = sorted(
    tag
    for tag in DicomDictionary
    if tag not in ROWS and tag not in WRITTEN and tag >> 16 not in (0, 2, 0xFFFE) and tag not in OUTER
)


def marker(vr: str) -> bytes:
    value = MARKERS.get(vr, NAME)
    return value + b"\0" * (len(value) % 2)


def representation(tag: int) -> str:
    return standard_representation(tag).split(" or ")[0]


def listed() -> list[New]:
    """Every row of the table, with a marker as its VR has them; sequences hold persons and private elements."""
    inside = (New(0x00091001, "LO", NAME), New(0x00100010, "PN", NAME), New(0x00104000, "LT", NAME))
    return [
        New(row.tag, row.vr, (inside, inside) if row.vr == "SQ" else marker(row.vr))
        for row in ROWS.values()
        if row.tag >> 16 > 2
    ]


def unknown() -> list[New]:
    """What no list can name: private, curve and overlay elements, and those that the standard does not know."""
    private = [New(0x00090010, "LO", NAME), New(0x00091002, "UN", NAME), New(0x7053_1000, "DS", NAME)]
    nested = New(0x00091003, "SQ", ((New(0x00080104, "LO", NAME),),))
    curves = [New(0x50000022, "LO", NAME), New(0x50023000, "OW", NAME), New(0x501E2500, "LO", NAME)]
    overlays = [New(0x60000022, "LO", NAME), New(0x60003000, "OW", NAME), New(0x60FE4000, "LT", NAME)]
    others = [New(0x00080FFE, "LO", NAME), New(0x0070FFF2, "SQ", ((New(0x00080104, "LO", NAME),),))]
    return [*private, nested, *curves, *overlays, *others]


def nested(elements: list[New], explicit: bool, defined: bool) -> bytes:
    """The elements in a data set, in an item of it, in an item of that, and once more."""
    ordered = sorted(elements, key=lambda one: one.tag)
    inner = b""
    for outer in OUTER:  # an item need not be in order to be walked
        inner = _sequence(outer, b"".join(encoded(one, explicit) for one in ordered) + inner, explicit, defined)
    before = b"".join(encoded(one, explicit) for one in ordered if one.tag < OUTER[-1])
    return before + inner + b"".join(encoded(one, explicit) for one in ordered if one.tag > OUTER[-1])


def _sequence(tag: int, body: bytes, explicit: bool, defined: bool) -> bytes:
    length = struct.pack("<L", len(body)) if defined else b"\xff" * 4
    item = b"\xfe\xff\x00\xe0" + length + body + (b"" if defined else b"\xfe\xff\x0d\xe0\0\0\0\0")
    head = struct.pack("<HH", tag >> 16, tag & 0xFFFF) + (b"SQ\0\0" if explicit else b"")
    length = struct.pack("<L", len(item)) if defined else b"\xff" * 4
    return head + length + item + (b"" if defined else b"\xfe\xff\xdd\xe0\0\0\0\0")


def run(data: bytes, policy: Policy, explicit: bool = True) -> bytes:
    return b"".join(spliced(io.BytesIO(data), 0, len(data), explicit=explicit, policy=policy))


def profile(sop_class_uid: str = CT, **options: Any) -> BasicProfile:
    return BasicProfile(ProfileOptions(**options), PSEUDONYMS, sop_class_uid, "patient")


def parsed(data: bytes, path: tuple[int, ...] = ()) -> Iterator[tuple[tuple[int, ...], bytes]]:
    """Explicit VR with defined lengths: the path of tags and item numbers to each element, and its value."""
    position = 0
    while position < len(data):
        group, number, vr, length = struct.unpack_from("<HH2sH", data, position)
        position += 8
        if vr.decode() in ("OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"):
            (length,) = struct.unpack_from("<L", data, position)
            position += 4
        tag, value = group << 16 | number, data[position : position + length]
        position += length
        if vr != b"SQ":
            yield (*path, tag), value
            continue
        yield (*path, tag), b"SQ" if value else b""
        start = number = 0
        while start < len(value):
            (size,) = struct.unpack_from("<L", value, start + 4)
            yield from parsed(value[start + 8 : start + 8 + size], (*path, tag, number))
            start, number = start + 8 + size, number + 1


# --- the Basic Profile alone ---


@pytest.mark.parametrize("explicit", [True, False])
@pytest.mark.parametrize("defined", [True, False])
@pytest.mark.parametrize("sop_class_uid", [CT, PT, GSPS, SEGMENTATION, ""])
def test_no_marker_is_left_at_any_level(explicit: bool, defined: bool, sop_class_uid: str) -> None:
    data = nested([*listed(), *unknown()], explicit, defined)
    for value in {NAME, *MARKERS.values()}:
        assert data.count(value) >= 4

    result = run(data, profile(sop_class_uid), explicit)

    assert not [value for value in (NAME, *MARKERS.values()) if value in result]


@pytest.mark.parametrize("explicit", [True, False])
def test_no_marker_is_left_under_another_vr(explicit: bool) -> None:
    """A table by VR would miss what comes as UN, as a gateway writes what it does not know."""
    elements = [New(row.tag, "UN", NAME) for row in ROWS.values() if row.tag >> 16 > 2]

    assert NAME not in run(nested(elements, explicit, True), profile(), explicit)


def test_unlisted_standard_elements_are_unchanged_at_every_level() -> None:
    elements = [
        New(tag, vr, () if vr == "SQ" else marker(vr))
        for tag in UNLISTED
        if (vr := representation(tag)) not in ("", "UN")
    ]
    assert len(elements) > 3000
    data = nested(elements, True, True)

    result = dict(parsed(run(data, profile())))

    written = {path for path in result if path[0] in WRITTEN}
    assert {path: value for path, value in result.items() if path not in written} == dict(parsed(data))


def test_unlisted_elements_with_an_unknown_vr_go() -> None:
    data = encoded(New(0x00080060, "UN", NAME), True) + encoded(New(0x00280002, "US", b"\1\0"), True)

    assert NAME not in run(data, profile())


@pytest.mark.parametrize("explicit", [True, False])
def test_it_says_what_was_done(explicit: bool) -> None:
    before = [New(0x00120063, "LO", b"earlier "), New(0x00120064, "SQ", ((New(0x00080100, "SH", b"OLD "),),))]
    data = b"".join(encoded(one, explicit) for one in before)

    options: dict[str, Any] = {"retain_uids": True, "retain_dates": RetainDates.MODIFIED, "retain_safe_private": True}
    result = run(data, profile(**options), explicit)

    facts = top_level(io.BytesIO(result), 0, len(result), explicit=explicit, wanted=WRITTEN)
    assert facts.text(0x00120062) == "YES"
    assert facts.text(0x00120063) == "earlier\\netty basic level: PS3.15 2026c E.1-1"
    assert facts.text(0x00280303) == "MODIFIED"
    for code in (b"OLD ", b"113100", b"113107", b"113110", b"113111"):
        assert code in result
    assert b"113106" not in result and b"113101" not in result


def test_the_statement_of_what_was_done_stands_once_and_in_order() -> None:
    data = encoded(New(0x00120062, "CS", b"NO"), True) + encoded(New(0x00280303, "CS", b"UNMODIFIED"), True)

    tags = [path[0] for path, _ in parsed(run(data, profile())) if len(path) == 1]

    assert tags == sorted(WRITTEN)


def test_group_lengths_stay_right_and_go_with_private_groups() -> None:
    group = encoded(New(0x00080060, "CS", b"CT"), True) + encoded(New(0x00080080, "LO", NAME), True)
    private = encoded(New(0x00090000, "UL", b"\x10\0\0\0"), True) + encoded(New(0x00091001, "LO", NAME), True)
    data = encoded(New(0x00080000, "UL", struct.pack("<L", len(group))), True) + group + private

    result = dict(parsed(run(data, profile())))

    assert result[(0x00080000,)] == struct.pack("<L", 10)
    assert (0x00090000,) not in result


def test_empty_values_stay_empty() -> None:
    data = encoded(New(0x00080050, "SH", b""), True) + encoded(New(0x00080018, "UI", b""), True)

    assert dict(parsed(run(data, profile()))).items() >= {((0x00080050,), b""), ((0x00080018,), b"")}


@pytest.mark.parametrize(
    ("tag", "sop_class_uid", "within", "action"),
    [
        (0x00080021, CT, TOP, Action.REMOVE),  # Series Date, X/D: type 3
        (0x00080021, PT, TOP, Action.DUMMY),  # type 1
        (0x00080021, SEGMENTATION, TOP, Action.DUMMY),  # not known
        (0x00080022, PT, TOP, Action.EMPTY),  # Acquisition Date, X/Z: type 2
        (0x00100020, CT, TOP, Action.EMPTY),  # Patient ID, Z/D: type 2
        (0x00100020, CT, 0x00081115, Action.DUMMY),
        (0x00081140, CT, TOP, Action.REMOVE),  # Referenced Image Sequence, X/Z/U*: type 3
        (0x00081140, GSPS, 0x00081115, Action.KEEP),
        (0x00081110, CT, TOP, Action.REMOVE),  # Referenced Study Sequence, X/Z: type 3
        (0x00081110, CT, 0x00400275, Action.REMOVE),  # in Request Attributes Sequence: type 3
        (0x00081110, COMPREHENSIVE_SR, 0x0040A370, Action.EMPTY),  # in Referenced Request Sequence: type 2
        (0x00700082, GSPS, TOP, Action.DUMMY),  # Presentation Creation Date, X, although of type 1
        (0x00700082, CT, TOP, Action.REMOVE),
        (0x00180010, CT, TOP, Action.EMPTY),  # Contrast/Bolus Agent
    ],
)
def test_the_type_of_an_attribute_chooses_among_actions(
    tag: int, sop_class_uid: str, within: int, action: Action
) -> None:
    assert basic_action(ROWS[tag], sop_class_uid, place(within)) is action


# --- the options ---


def kept(tag: int, vr: str, value: bytes, **options: object) -> bytes | None:
    """What becomes of one element."""
    return dict(parsed(run(encoded(New(tag, vr, value), True), profile(**options)))).get((tag,))


def test_uids_become_others_that_agree_everywhere() -> None:
    uid = b"1.2.777.77777\0"

    instance = kept(0x00080018, "UI", uid)
    referenced = kept(0x00081155, "UI", uid + b"")

    assert instance == referenced
    assert instance is not None and instance.startswith(b"2.25.") and len(instance) <= 64
    assert kept(0x00080018, "UI", uid, retain_uids=True) == uid
    assert Pseudonyms(b"\1" * 32).uids(uid) != PSEUDONYMS.uids(uid) == PSEUDONYMS.uids(uid)


def test_uids_of_the_standard_stay() -> None:
    talairach = b"1.2.840.10008.1.4.1.1\0"  # an atlas, as a Frame of Reference

    assert kept(0x00200052, "UI", talairach + b"") == talairach[:-1] + b"\0"


@pytest.mark.parametrize(
    ("vr", "value", "moved"),
    [
        ("DA", b"20240301", b"20240220"),
        ("DA", b"20240301\\20240302 ", b"20240220\\20240221 "),
        ("DA", b"2024.3.1", None),
        ("DA", b"20240230", None),
        ("DT", b"20240301235959.5+0900", b"20240220235959.5+0900 "),
        ("DT", b"2024", None),
        ("TM", b"235959.5", b"235959.5"),
        ("TM", b"MARKER", None),
        ("SH", b"+0900 ", None),
    ],
)
def test_dates_move_by_whole_days(vr: str, value: bytes, moved: bytes | None) -> None:
    assert shifted(vr, value, timedelta(days=-10)) == moved


def test_the_dates_of_a_patient_move_together_and_back() -> None:
    shift = PSEUDONYMS.shift("patient")
    study = kept(0x00080020, "DA", b"20240301", retain_dates=RetainDates.MODIFIED)

    assert timedelta(days=-3650) <= shift <= timedelta(days=-1)
    assert study == shifted("DA", b"20240301", shift)
    assert PSEUDONYMS.shift("another") != shift
    assert kept(0x00080020, "DA", b"20240301", retain_dates=RetainDates.FULL) == b"20240301"
    assert kept(0x00080020, "DA", b"20240301") == b""
    assert kept(0x00080020, "DA", b"broken  ", retain_dates=RetainDates.MODIFIED) == b""


def test_descriptions_keep_their_known_words_only() -> None:
    assert kept(0x00081030, "LO", b"CHEST CT for Yamada, 5mm ", clean_descriptors=True) == b"CHEST CT 5MM"
    assert kept(0x00081030, "LO", b"Yamada", clean_descriptors=True) is None
    assert kept(0x00081030, "LO", b"CHEST ") is None


def test_no_character_set_brings_a_name_through_the_cleaning() -> None:
    for encoding in ("iso2022_jp", "shift_jis", "utf-8", "euc_jp"):
        assert cleaned("山田太郎 CHEST".encode(encoding)).split()[-1:] in ([b"CHEST"], [])


@pytest.mark.parametrize(
    ("tag", "vr", "value", "option"),
    [
        (0x00181000, "LO", b"SN-1", "retain_device_identity"),
        (0x00081010, "SH", b"CT-1", "retain_device_identity"),
        (0x00101010, "AS", b"042Y", "retain_patient_characteristics"),
        (0x00100040, "CS", b"F ", "retain_patient_characteristics"),
    ],
)
def test_an_option_keeps_its_rows_and_no_other_option_does(tag: int, vr: str, value: bytes, option: str) -> None:
    options = ["retain_uids", "clean_descriptors", "retain_device_identity", "retain_patient_characteristics"]

    assert kept(tag, vr, value, **{option: True}) == value
    assert kept(tag, vr, value, **dict.fromkeys({*options} - {option}, True)) != value


def test_an_ae_title_that_may_name_a_hospital_goes_even_with_the_device_kept() -> None:
    assert kept(0x00080055, "AE", b"HOSPITAL", retain_device_identity=True) is None


@pytest.mark.parametrize("explicit", [True, False])
def test_safe_private_elements_stay_with_their_creator_where_asked_for(explicit: bool) -> None:
    creator = New(0x70530011, "LO", b"Philips PET Private Group ")
    safe, other = New(0x70531100, "DS", b"0.25"), New(0x70531101, "LO", NAME)
    stranger = [New(0x70530012, "LO", b"ANOTHER "), New(0x70531200, "LO", NAME)]
    data = b"".join(encoded(one, explicit) for one in (creator, stranger[0], safe, other, stranger[1]))

    with_option = run(data, profile(retain_safe_private=True), explicit)
    without = run(data, profile(), explicit)

    assert encoded(creator, explicit) + encoded(safe, explicit) in with_option
    assert NAME not in with_option and b"ANOTHER" not in with_option
    assert b"Philips" not in without and b"0.25" not in without


# --- the table ---


def test_the_table_has_every_row_of_its_edition() -> None:
    lines = [line for line in TEXT.splitlines() if line]

    assert len(lines) == 656
    assert len(ROWS) == 652  # without curves, overlays (2) and private attributes, denied as groups


def test_the_table_names_attributes_of_the_standard() -> None:
    known = {tag: row for tag, row in ROWS.items() if standard_representation(tag)}

    assert len(known) == 627
    assert {tag: row.keyword for tag, row in known.items()} == {tag: keyword_for_tag(tag) for tag in known}
    assert {tag: row.vr for tag, row in known.items()} == {tag: standard_representation(tag) for tag in known}


def test_every_sequence_that_wants_a_dummy_has_an_item() -> None:
    wanting = {tag for tag, row in ROWS.items() if row.vr == "SQ" and "D" in row.action.split("/")}

    assert wanting == set(DUMMY_ITEMS)


@pytest.mark.parametrize("vr", sorted({row.vr for row in ROWS.values()} - {"SQ"}))
def test_dummies_are_of_even_length(vr: str) -> None:
    assert dummy(vr) and len(dummy(vr)) % 2 == 0


# --- the statement level ---

STATEMENT = Cleared(STATEMENT_LEVEL.decisions, STATEMENT_LEVEL.method)
LEFT = {Becomes.EMPTY: b"", Becomes.ABSENT: None, Becomes.WORD: b"REMOVED "}
OBSERVER = 0x0040A073  # Verifying Observer Sequence: the row that gets an item


@pytest.mark.parametrize("explicit", [True, False])
@pytest.mark.parametrize("defined", [True, False])
def test_no_marker_is_left_in_what_the_statement_level_lists(explicit: bool, defined: bool) -> None:
    inside = (New(0x00091001, "LO", NAME), New(0x00080104, "LO", NAME))
    rows = ((tag, representation(tag)) for tag in STATEMENT_LEVEL.rows)
    elements = [New(tag, vr, (inside, inside) if vr == "SQ" else marker(vr)) for tag, vr in rows]
    data = nested(elements, explicit, defined)
    markers = {marker(one.vr) for one in elements if one.vr != "SQ"} | {NAME}
    assert all(data.count(value) >= 4 for value in markers)

    result = run(data, STATEMENT, explicit)

    assert not [value for value in markers if value in result]


def test_the_statement_level_changes_exactly_its_rows() -> None:
    everything = {one.tag: one for one in [*unlisted_elements(), *listed(), *unknown()]}
    before = dict(parsed(nested(list(everything.values()), True, True)))

    after = dict(parsed(run(nested(list(everything.values()), True, True), STATEMENT)))

    inside_listed = {path for path in {*before, *after} if any(part in STATEMENT_LEVEL.rows for part in path[:-1])}
    changed = {path for path in before.keys() - inside_listed if after.get(path) != before[path]}
    observers = {path for path in before.keys() - inside_listed if path[-1] == OBSERVER}
    assert {path[-1] for path in changed} == STATEMENT_LEVEL.rows.keys() - {OBSERVER}
    assert all(after.get(path) == LEFT[STATEMENT_LEVEL.rows[path[-1]].becomes] for path in changed)
    assert inside_listed & after.keys() == {(*path, 0, new.tag) for path in observers for new in DUMMY_ITEMS[OBSERVER]}
    assert after.keys() - before.keys() - inside_listed == {(0x00120063,)}


def test_the_verifying_observer_is_nobody() -> None:
    observer = (New(0x0040A027, "LO", NAME), New(0x0040A075, "PN", NAME), New(0x00091001, "LO", NAME))
    data = encoded(New(OBSERVER, "SQ", (observer, observer)), True)

    result = dict(parsed(run(data, STATEMENT)))

    values = {path[-1]: value for path, value in result.items() if len(path) == 3}
    assert {path[1] for path in result if len(path) == 3} == {0}
    assert values[0x0040A075] == b"REMOVED " and values[0x0040A088] == b""
    assert values.keys() == {0x0040A027, 0x0040A030, 0x0040A075, 0x0040A088}


@pytest.mark.parametrize(("tag", "vr"), [(0x0040A073, "UN"), (0x0040A073, "LO"), (0x0040A123, "SQ")])
def test_what_comes_under_another_vr_is_emptied(tag: int, vr: str) -> None:
    value = ((New(0x00091001, "LO", NAME),),) if vr == "SQ" else NAME

    assert dict(parsed(run(encoded(New(tag, vr, value), True), STATEMENT)))[(tag,)] == b""


def unlisted_elements() -> list[New]:
    tags = {*UNLISTED, *STATEMENT_LEVEL.rows}
    made = ((tag, representation(tag)) for tag in tags)
    return [New(tag, vr, ((),) if vr == "SQ" else marker(vr)) for tag, vr in made if vr not in ("", "UN")]
