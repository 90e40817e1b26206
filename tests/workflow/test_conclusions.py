"""What follows from a data set, for the first image of a series and for those behind it."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from netty.dicom import tags
from netty.dicom.facts import WANTED
from netty.dicom.iod import IOD_VALUES
from netty.dicom.walk import PixelDataPlace, WalkResult
from netty.dimse.command import StoreRequest
from netty.dimse.status import Refusal, StoreStatus
from netty.network.service import CallingAssociation
from netty.workflow.conclusions import Concluder
from netty.workflow.settings import Keep

CT = "1.2.840.10008.5.1.4.1.1.2"
CALLER = CallingAssociation(1, "PACS", "NETTY", "192.0.2.1", ("central",))
VALUES: Mapping[int, bytes] = {
    tags.SPECIFIC_CHARACTER_SET: b"ISO_IR 100",
    tags.SOP_CLASS_UID: CT.encode() + b"\0",
    tags.SOP_INSTANCE_UID: b"1.2.3.1\0",
    tags.STUDY_INSTANCE_UID: b"1.2.3\0",
    tags.SERIES_INSTANCE_UID: b"1.2.3.0\0",
    tags.PATIENT_ID: b"P1",
    tags.PATIENT_NAME: b"M\xfcller^Eva",
    tags.INSTANCE_NUMBER: b"1 ",
    tags.ROWS: b"\x02\x00",
    tags.COLUMNS: b"\x02\x00",
    tags.BITS_ALLOCATED: b"\x10\x00",
    tags.SAMPLES_PER_PIXEL: b"\x01\x00",
}


def result(changes: Mapping[int, bytes | None] | None = None, length: int | None = 8) -> WalkResult:
    values = {tag: value for tag, value in {**VALUES, **(changes or {})}.items() if value is not None}
    return WalkResult(values, frozenset(), PixelDataPlace(400, length), len(values), 408)


def request(uid: str = "1.2.3.1") -> StoreRequest:
    return StoreRequest(message_id=1, affected_sop_class_uid=CT, affected_sop_instance_uid=uid)


def new() -> Concluder:
    return Concluder(Keep.NONE, warn_changes=False)


def after_another() -> Concluder:
    """One that remembers an image of the same series."""
    concluder = new()
    before = result({tags.SOP_INSTANCE_UID: b"1.2.3.9\0", tags.INSTANCE_NUMBER: b"9"})
    concluder.conclude(request("1.2.3.9"), CALLER, before)
    return concluder


@pytest.mark.parametrize("made", [new, after_another], ids=["the first", "one behind another"])
def test_facts_offer_and_answer_follow_from_the_values(made: Callable[[], Concluder]) -> None:
    concluded = made().conclude(request(), CALLER, result())

    assert concluded.facts["patient_name"] == "Müller^Eva"
    assert concluded.facts["instance_number"] == "1"
    assert concluded.facts["rows"] == "2"
    assert (concluded.study_instance_uid, concluded.series_instance_uid) == ("1.2.3", "1.2.3.0")
    assert concluded.offered.remotes == ("central",)
    assert concluded.offered.patient_id == "P1"
    assert concluded.outcome.status == StoreStatus.SUCCESS


@pytest.mark.parametrize("tag", sorted(WANTED | IOD_VALUES))
@pytest.mark.parametrize("value", [b"7", b"", None], ids=["another", "empty", "absent"])
def test_each_value_counts_though_all_others_are_as_before(tag: int, value: bytes | None) -> None:
    changed = result({tag: value})

    def told(concluder: Concluder) -> object:
        try:
            return concluder.conclude(request(), CALLER, changed)
        except Refusal as refusal:
            return refusal.status, refusal.offending_element

    assert told(after_another()) == told(new())


@pytest.mark.parametrize("length", [7, 9, None])
def test_the_length_of_the_pixels_counts(length: int | None) -> None:
    assert after_another().conclude(request(), CALLER, result(length=length)) == new().conclude(
        request(), CALLER, result(length=length)
    )


def test_pixels_that_are_not_there_count() -> None:
    without = replace(result(), pixel_data=None)

    outcome = after_another().conclude(request(), CALLER, without).outcome
    assert outcome.status == StoreStatus.DATA_SET_DOES_NOT_MATCH_WARNING


@pytest.mark.parametrize(
    "asked",
    [
        replace(request(), move_originator_ae_title="OTHER"),
        replace(request(), move_originator_message_id=9),
        replace(request(), affected_sop_class_uid=CT + ".1"),
        replace(request(), affected_sop_instance_uid="1.2.3.2"),
    ],
    ids=["originator", "its message", "class", "instance"],
)
def test_what_the_command_says_counts(asked: StoreRequest) -> None:
    def told(concluder: Concluder) -> object:
        try:
            return concluder.conclude(asked, CALLER, result())
        except Refusal as refusal:
            return refusal.status, refusal.offending_element

    assert told(after_another()) == told(new())


def test_another_caller_of_the_same_number_is_another() -> None:
    other = replace(CALLER, remotes=("clinic",))

    assert after_another().conclude(request(), other, result()).offered.remotes == ("clinic",)


def test_a_hundred_associations_leave_no_more_than_some_in_memory() -> None:
    concluder = new()
    for number in range(200):
        concluder.conclude(request(), replace(CALLER, number=number), result())

    assert len(concluder._remembered) <= 64
