"""What is to be rendered once more: through presentation states, with the range of a series, anew."""

from dataclasses import replace

import pytest

from netty.archive.audit import Audit, AuditKind
from netty.archive.database import Database
from netty.archive.held import HeldInstance, RenderState
from netty.archive.holdings import Holdings
from netty.archive.mending import Mending
from netty.archive.received import KeptBlob, Rendered
from netty.archive.registration import Registration
from netty.archive.renewal import Renewal, Renewed
from netty.archive.retrievals import Retrievals
from netty.dicom.uids import GRAYSCALE_SOFTCOPY_PRESENTATION_STATE as GSPS
from netty.image.flags import Flag
from netty.model.retrieval import LedgerState, RetrievalState
from support.catalogue import NOON, entry, received, rendition, retrieval

IMAGE, STATE = "1.2.3.1.1", "1.2.3.9.1"
ALONE = (Flag.RANGE_OF_ONE_IMAGE.value,)


@pytest.fixture
def registration(database: Database) -> Registration:
    """The registration, with a retrieval that has ended."""
    Retrievals(database).create(retrieval(), [entry(IMAGE), entry(STATE)])
    Retrievals(database).update("r1", state=RetrievalState.COMPLETE, ended_at=NOON)
    return Registration(database)


@pytest.fixture
def renewal(database: Database) -> Renewal:
    """The class under test."""
    return Renewal(database)


def _image(registration: Registration, uid: str = IMAGE, kept: bool = False, flags: tuple[str, ...] = ()) -> int:
    [answer] = registration.register([received(uid)])
    assert answer.instance_id is not None
    blob = KeptBlob(f"kept/{uid}.dcm", 1, "") if kept else None
    picture = replace(rendition(uid), flags=flags)
    assert registration.rendered([Rendered(answer.instance_id, [picture], blob)]) == [[]]
    return answer.instance_id


def _state(registration: Registration, uid: str = STATE, study: str = "1.2.3", refers_to: str = IMAGE) -> int:
    one = received(uid, sop_class_uid=GSPS, series_instance_uid=f"{study}.9", study_instance_uid=study)
    [answer] = registration.register([one])
    assert answer.instance_id is not None
    registration.not_rendered(answer.instance_id, RenderState.NO_PICTURE, "a state", references=[refers_to])
    return answer.instance_id


def _held(database: Database, uid: str = IMAGE) -> HeldInstance:
    study = Holdings(database).study("1.2.3")
    assert study is not None
    return next(one for one in study.instances if one.sop_instance_uid == uid)


@pytest.mark.parametrize("image_first", [True, False])
def test_an_image_and_its_state_are_a_pair_as_soon_as_both_are_here(
    registration: Registration, renewal: Renewal, image_first: bool
) -> None:
    first, second = (_image, _state) if image_first else (_state, _image)
    first(registration)
    assert renewal.to_present(9) == []

    second(registration)

    [pair] = renewal.to_present(9)
    assert (pair.image.sop_instance_uid, pair.state.sop_instance_uid) == (IMAGE, STATE)
    assert (pair.attempts, pair.has_pictures) == (0, False)


def test_a_state_of_another_study_does_not_count(registration: Registration, renewal: Renewal) -> None:
    _image(registration)
    _state(registration, "1.9.1", study="1.9")

    assert renewal.to_present(9) == []


def test_renditions_through_a_state_stand_beside_the_others(
    database: Database, registration: Registration, renewal: Renewal
) -> None:
    number = _image(registration)
    _state(registration)
    [pair] = renewal.to_present(9)

    assert renewal.presented(pair, [rendition("state", presentation_state=STATE)]) == []

    assert [one.presentation_state for one in _held(database).renditions] == ["", STATE]
    assert renewal.to_present(9) == []
    assert renewal.presented(pair, [rendition("newer", presentation_state=STATE)]) == ["renditions/state/1.jpg"]
    assert registration.rendered([Rendered(number, [rendition("plain")])]) == [[f"renditions/{IMAGE}/1.jpg"]]
    assert [one.presentation_state for one in _held(database).renditions] == [STATE, ""]


def test_a_pair_that_cannot_be_has_a_reason_and_is_not_tried_again(
    database: Database, registration: Registration, renewal: Renewal
) -> None:
    _image(registration)
    _state(registration)
    [pair] = renewal.to_present(9)

    renewal.tried(pair)
    [again] = renewal.to_present(9)
    renewal.not_presented(again, "why")

    assert again.attempts == 1
    assert renewal.to_present(9) == []
    assert _held(database).not_presented == {STATE: "why"}


def test_an_image_that_was_lost_and_comes_again_is_paired_again(
    database: Database, registration: Registration, renewal: Renewal
) -> None:
    number = _image(registration)
    _state(registration)
    [pair] = renewal.to_present(9)
    renewal.not_presented(pair, "why")

    Mending(database).lose(number)
    assert renewal.presented(pair, [rendition("late", presentation_state=STATE)]) is None
    assert renewal.to_present(9) == []
    _image(registration)

    assert len(renewal.to_present(9)) == 1
    assert _held(database).not_presented == {}


def test_spool_files_wait_for_their_pair(registration: Registration, renewal: Renewal) -> None:
    _image(registration)
    _state(registration)
    assert registration.finished_spool_files(NOON) == []

    [pair] = renewal.to_present(9)
    renewal.not_presented(pair, "why")

    assert len(registration.finished_spool_files(NOON)) == 1  # the image's; the state is not kept, and stays


def test_a_series_waits_for_its_study_and_for_all_its_images(
    database: Database, registration: Registration, renewal: Renewal
) -> None:
    Retrievals(database).create(retrieval("r2"), [entry(IMAGE)])
    number = _image(registration, flags=ALONE)
    assert renewal.series_without_range(9) == []

    Retrievals(database).update("r2", state=RetrievalState.COMPLETE, ended_at=NOON)
    registration.register([received("1.2.3.1.2")])
    assert renewal.series_without_range(9) == []

    [waiting] = registration.unrendered(9)
    registration.rendered([Rendered(waiting.instance_id, [rendition("2")])])
    [series] = renewal.series_without_range(9)
    assert [one.instance.instance_id for one in renewal.drawn(series)] == [number, waiting.instance_id]
    assert [len(one.flags & {Flag.RANGE_OF_ONE_IMAGE}) for one in renewal.drawn(series)] == [1, 0]
    assert registration.finished_spool_files(NOON) == []


def test_a_series_is_done_once_unless_an_image_came_meanwhile(registration: Registration, renewal: Renewal) -> None:
    first = _image(registration, flags=ALONE)
    [series] = renewal.series_without_range(9)
    assert renewal.replaced(first, [rendition("new")]) == [f"renditions/{IMAGE}/1.jpg"]
    second = _image(registration, "1.2.3.1.2", flags=ALONE)

    renewal.has_range(series, first)
    assert renewal.series_without_range(9) == [series]

    renewal.has_range(series, second)
    assert renewal.series_without_range(9) == []
    assert len(registration.finished_spool_files(NOON)) == 2


def test_what_is_rendered_anew_keeps_its_pictures_and_its_ledger(
    database: Database, registration: Registration, renewal: Renewal
) -> None:
    number = _image(registration, kept=True)
    gone = received("1.2.3.1.2")
    registration.register([gone])
    [waiting] = registration.unrendered(9)
    registration.rendered([Rendered(waiting.instance_id, [rendition("2")])])
    registration.spool_files_removed([gone.spool_name])
    _state(registration)
    [pair] = renewal.to_present(9)
    renewal.presented(pair, [rendition("state", presentation_state=STATE)])

    assert renewal.render_again("1.2.3", "someone") == Renewed(2, 1)

    assert {one.instance_id: one.has_pictures for one in registration.unrendered(9)}[number] is True
    assert _held(database).state is RenderState.WAITING
    assert len(_held(database).renditions) == 2
    assert _held(database, "1.2.3.1.2").state is RenderState.RENDERED
    states = {one.sop_instance_uid: one.state for one in Retrievals(database).ledger("r1")}
    assert states[IMAGE] is LedgerState.RENDERED
    [event] = Audit(database).list([AuditKind.RENDERED_AGAIN])
    assert (event.event.who, event.event.detail) == ("someone", {"instances": 2})
    assert renewal.replaced(number, [rendition("range")]) is None  # it is rendered anew anyhow


def test_the_numbers_of_renditions_are_not_used_again(database: Database, registration: Registration) -> None:
    number = _image(registration)
    [old] = _held(database).renditions

    registration.rendered([Rendered(number, [rendition("new")])])

    assert _held(database).renditions[0].id > old.id
