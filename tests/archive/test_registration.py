"""What a received file becomes: the same, another, on hold, or a new picture to render."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from netty.archive.audit import Audit, AuditKind
from netty.archive.database import Database
from netty.archive.held import RenderState
from netty.archive.holdings import Holdings
from netty.archive.patients import Patients
from netty.archive.received import KeptBlob, Received, RegistrationOutcome, Rendered
from netty.archive.registration import Registration
from netty.archive.remotes import Remotes
from netty.archive.retrievals import Retrievals
from netty.model.difference import StudyState
from netty.model.retrieval import LedgerState, RetrievalState
from support.catalogue import NOON, entry, patient, received, remote, rendition, retrieval

NEW, SAME = RegistrationOutcome.NEW, RegistrationOutcome.SAME
DIFFERENT, ON_HOLD = RegistrationOutcome.DIFFERENT, RegistrationOutcome.ON_HOLD


@pytest.fixture
def registration(database: Database) -> Registration:
    """The registration, with two remotes, two patients and one retrieval that expects two images."""
    for name in ("central", "north"):
        Remotes(database).add(remote(name))
    Patients(database).add(patient("hanako", ("central", "12345"), ("north", "N1")))
    Patients(database).add(patient("taro", ("central", "777")))
    Retrievals(database).create(retrieval(state=RetrievalState.MOVING), [entry("1.2.3.1.1"), entry("1.2.3.1.2")])
    return Registration(database)


def _ledger(database: Database, retrieval_id: str = "r1") -> dict[str, LedgerState]:
    return {one.sop_instance_uid: one.state for one in Retrievals(database).ledger(retrieval_id)}


def test_a_new_image_is_held_waits_for_the_renderer_and_is_received_in_the_ledger(
    database: Database, registration: Registration
) -> None:
    one = received()

    [answer] = registration.register([one])

    assert (answer.outcome, answer.reason, answer.to_quarantine) == (NEW, "", False)
    assert Holdings(database).held("1.2.3") == {"1.2.3.1.1"}
    [waiting] = registration.unrendered(10)
    assert (waiting.instance_id, waiting.spool_name, waiting.data_offset) == (answer.instance_id, one.spool_name, 340)
    assert (waiting.study_instance_uid, waiting.series_instance_uid) == ("1.2.3", "1.2.3.1")
    assert _ledger(database) == {"1.2.3.1.1": LedgerState.RECEIVED, "1.2.3.1.2": LedgerState.EXPECTED}
    assert Retrievals(database).last_arrival("r1") == NOON


def test_what_nobody_listed_is_added_to_the_ledger(database: Database, registration: Registration) -> None:
    registration.register([received("1.2.3.2.1", series_instance_uid="1.2.3.2")])

    assert _ledger(database)["1.2.3.2.1"] is LedgerState.RECEIVED


def test_registering_a_batch_again_gives_the_same_answers_and_changes_nothing(
    database: Database, registration: Registration
) -> None:
    batch = [received(), received("1.2.3.1.2"), received(content=b"other"), received(on_hold_reason="why", facts={})]
    answers = registration.register(batch)
    before = _everything(database)

    assert registration.register(batch) == answers
    assert registration.register(batch[1:3]) == answers[1:3]
    assert _everything(database) == before


def _everything(database: Database) -> list[Any]:
    from netty.archive.tables import metadata

    with database.read() as connection:
        return [connection.execute(table.select()).all() for table in metadata.sorted_tables]


def test_one_batch_may_hold_an_instance_twice(registration: Registration) -> None:
    answers = registration.register([received(), received(), received(content=b"other")])

    assert [one.outcome for one in answers] == [NEW, SAME, DIFFERENT]
    assert len({one.instance_id for one in answers}) == 1


@pytest.mark.parametrize(
    ("second", "outcome", "event"),
    [
        pytest.param(received(), SAME, None, id="the same bytes"),
        pytest.param(received(content=b"other"), DIFFERENT, AuditKind.DUPLICATE_DIFFERS, id="other bytes"),
        pytest.param(received(study_instance_uid="1.9", content=b"other"), DIFFERENT, AuditKind.DUPLICATE_DIFFERS,
                     id="the SOP UID in another study of the patient"),
        pytest.param(received(patient_key="taro", facts={"patient_id": "777"}), ON_HOLD, AuditKind.STORE_ON_HOLD,
                     id="the same bytes for another patient"),
        pytest.param(received("1.2.3.1.2", patient_key="taro", facts={"patient_id": "777"}), ON_HOLD,
                     AuditKind.STORE_ON_HOLD, id="a new image of the study for another patient"),
        pytest.param(received(study_instance_uid="1.9", patient_key="taro", facts={"patient_id": "777"}), ON_HOLD,
                     AuditKind.STORE_ON_HOLD, id="the SOP UID in a study of another patient"),
        pytest.param(received("1.2.3.1.2", on_hold_reason="why"), ON_HOLD, AuditKind.STORE_ON_HOLD,
                     id="put on hold at admission"),
        pytest.param(received("1.2.3.1.2", remote="north", facts={"patient_id": "N1"}), NEW, None,
                     id="the same patient's number at another remote"),
        pytest.param(received("1.2.3.1.2", patient_key=""), NEW, None, id="an override for the same patient"),
        pytest.param(received("1.2.3.1.2", patient_key="", facts={"patient_id": "9"}), ON_HOLD,
                     AuditKind.STORE_ON_HOLD, id="an override for somebody else"),
    ],
)  # fmt: skip
def test_the_outcome_for_a_second_file(
    database: Database,
    registration: Registration,
    second: Received,
    outcome: RegistrationOutcome,
    event: AuditKind | None,
) -> None:
    first = received()
    registration.register([first])
    shown = Holdings(database).study("1.2.3")

    [answer] = registration.register([second])

    assert answer.outcome is outcome
    assert answer.to_quarantine is (outcome in (DIFFERENT, ON_HOLD))
    assert [one.event.kind for one in Audit(database).list()] == ([event] if event else [])
    if outcome is not NEW:  # nothing that people see has changed
        assert Holdings(database).study("1.2.3") == shown
        assert Holdings(database).study("1.9") is None
    assert registration.to_quarantine() == ([second.spool_name] if answer.to_quarantine else [])


def test_on_hold_is_invisible_and_the_ledger_says_so(database: Database, registration: Registration) -> None:
    registration.register([received(on_hold_reason="The image carries another Patient ID.")])

    assert Holdings(database).held("1.2.3") == frozenset()
    assert Holdings(database).studies() == []
    assert Holdings(database).study("1.2.3") is None
    assert registration.unrendered(10) == []
    [first, _] = Retrievals(database).ledger("r1")
    assert (first.state, first.reason) == (LedgerState.ON_HOLD, "The image carries another Patient ID.")


def test_the_same_bytes_go_to_quarantine_only_once(registration: Registration) -> None:
    answers = [registration.register([received(on_hold_reason="why")])[0] for _ in range(2)]

    assert [one.outcome for one in answers] == [ON_HOLD, ON_HOLD]
    assert [one.to_quarantine for one in answers] == [True, False]
    assert registration.finished_spool_files(NOON) == [answers[1].spool_name]


def test_a_quarantined_file_is_no_spool_file_any_more(registration: Registration) -> None:
    [answer] = registration.register([received(on_hold_reason="why")])

    registration.quarantined([answer.spool_name])

    assert registration.to_quarantine() == []
    assert registration.spool_names() == set()


def test_another_retrieval_that_waits_for_the_image_has_it_too(database: Database, registration: Registration) -> None:
    running = retrieval("r2", remote="north", state=RetrievalState.MOVING)
    ended = retrieval("r3", remote="south", state=RetrievalState.FAILED)
    for one in (running, ended):
        Retrievals(database).create(one, [entry("1.2.3.1.1")])

    registration.register([received()])

    assert _ledger(database, "r2") == {"1.2.3.1.1": LedgerState.RECEIVED}
    assert _ledger(database, "r3") == {"1.2.3.1.1": LedgerState.EXPECTED}


def test_a_late_image_still_counts_for_its_own_retrieval(database: Database, registration: Registration) -> None:
    Retrievals(database).update("r1", state=RetrievalState.FAILED)

    registration.register([received()])

    assert _ledger(database)["1.2.3.1.1"] is LedgerState.RECEIVED


def test_what_is_held_already_counts_as_it_is_held(database: Database, registration: Registration) -> None:
    [answer] = registration.register([received()])
    assert answer.instance_id is not None
    registration.rendered([Rendered(answer.instance_id, [rendition()])])
    Retrievals(database).update("r1", state=RetrievalState.COMPLETE)
    Retrievals(database).create(retrieval("r2"), [entry("1.2.3.1.1")])

    registration.register([received(retrieval_id="r2")])

    assert _ledger(database, "r2") == {"1.2.3.1.1": LedgerState.RENDERED}


def test_a_batch_without_a_retrieval_is_registered_all_the_same(database: Database, registration: Registration) -> None:
    [answer] = registration.register([received(retrieval_id="", lease_id=0, on_hold_reason="unsolicited")])

    assert answer.outcome is ON_HOLD


def test_texts_that_a_database_refuses_do_not_stop_a_batch(database: Database, registration: Registration) -> None:
    odd = received(facts={"patient_name": "A\0B\udc80", "rows": "-", "columns": "9" * 30, "number_of_frames": " 12 "})

    registration.register([odd])

    study = Holdings(database).study("1.2.3")
    assert study is not None
    [image] = study.instances
    assert study.patient_name == "AB?"
    assert (image.rows, image.columns, image.frames) == (0, 0, 12)


def test_rendered_images_have_pictures_and_the_ledger_says_so(database: Database, registration: Registration) -> None:
    [answer] = registration.register([received()])
    assert answer.instance_id is not None

    kept = KeptBlob("kept/ab.dcm", 9, "00")
    assert registration.rendered([Rendered(answer.instance_id, [rendition()], kept)]) == [[]]

    study = Holdings(database).study("1.2.3")
    assert study is not None
    [image] = study.instances
    [picture] = image.renditions
    assert (image.state, image.kept_blob) == (RenderState.RENDERED, "kept/ab.dcm")
    assert (picture.frame, picture.recipe, picture.flags) == (1, {"quality": 90}, ("window from the image",))
    assert registration.unrendered(10) == []
    assert _ledger(database)["1.2.3.1.1"] is LedgerState.RENDERED
    assert Holdings(database).rendition(picture.id) is not None


def test_rendering_again_replaces_the_pictures(database: Database, registration: Registration) -> None:
    [answer] = registration.register([received()])
    assert answer.instance_id is not None
    registration.rendered([Rendered(answer.instance_id, [rendition(frame=1), rendition("b", frame=2)])])

    registration.rendered([Rendered(answer.instance_id, [rendition()])])

    study = Holdings(database).study("1.2.3")
    assert study is not None
    assert [len(image.renditions) for image in study.instances] == [1]


@pytest.mark.parametrize(
    ("state", "ledger", "waits"),
    [
        (RenderState.NO_PICTURE, LedgerState.RENDERED, 0),
        (RenderState.FAILED, LedgerState.FAILED, 0),
        (RenderState.WAITING, LedgerState.RECEIVED, 1),
    ],
)
def test_an_image_without_a_picture(
    database: Database, registration: Registration, state: RenderState, ledger: LedgerState, waits: int
) -> None:
    [answer] = registration.register([received()])
    assert answer.instance_id is not None

    registration.not_rendered(answer.instance_id, state, "why")

    [first, _] = Retrievals(database).ledger("r1")
    assert (first.state, first.reason) == (ledger, "why")
    assert [one.attempts for one in registration.unrendered(10)] == [1] * waits


def test_what_is_in_hand_is_not_given_again(registration: Registration) -> None:
    numbers = [one.instance_id for one in registration.register([received(f"1.2.3.1.{each}") for each in (1, 2, 3)])]

    assert [one.instance_id for one in registration.unrendered(1, [numbers[0]])] == [numbers[1]]
    assert registration.unrendered(10, [each for each in numbers if each]) == []


def test_what_a_batch_says_of_its_images_reaches_each_of_them_in_order(
    database: Database, registration: Registration
) -> None:
    """The ledger is written by one statement for neighbours that say the same, and never out of turn."""
    registration.register(
        [
            received("1.2.3.1.1", on_hold_reason="first"),
            received("1.2.3.1.2", on_hold_reason="second"),
            received("1.2.3.1.1", b"other", on_hold_reason="second"),
            received("1.2.3.1.2", on_hold_reason="first"),
            received("1.2.3.1.2"),
        ]
    )

    assert [(one.state, one.reason) for one in Retrievals(database).ledger("r1")] == [
        (LedgerState.ON_HOLD, "second"),
        (LedgerState.RECEIVED, ""),
    ]


def test_what_was_tried_least_comes_first(registration: Registration) -> None:
    first, second = registration.register([received("1.2.3.1.1"), received("1.2.3.1.2")])
    assert first.instance_id is not None
    registration.not_rendered(first.instance_id, RenderState.WAITING, "the child died")

    assert [one.instance_id for one in registration.unrendered(10)] == [second.instance_id, first.instance_id]


def test_an_image_that_was_deleted_meanwhile_gets_no_pictures(database: Database, registration: Registration) -> None:
    [answer] = registration.register([received()])
    assert answer.instance_id is not None
    Holdings(database).delete_study("1.2.3", "admin")

    assert registration.rendered([Rendered(answer.instance_id, [rendition()])]) == [None]


def test_a_study_of_a_patient_registered_anew_goes_to_the_new_key(
    database: Database, registration: Registration
) -> None:
    registration.register([received()])
    Patients(database).remove("hanako")
    Patients(database).add(patient("hanako-2"))

    [answer] = registration.register([received("1.2.3.1.2", patient_key="hanako-2")])

    assert answer.outcome is NEW
    [study] = Holdings(database).studies(patient_key="hanako-2")
    assert study.patient_key == "hanako-2"


def test_a_study_is_partial_while_the_last_retrieval_lacks_images(
    database: Database, registration: Registration
) -> None:
    registration.register([received()])
    assert [one.state for one in Holdings(database).studies()] == [StudyState.PARTIAL]

    registration.register([received("1.2.3.1.2")])
    assert [one.state for one in Holdings(database).studies()] == [StudyState.HELD]


def test_a_receipt_survives_its_way_through_the_spool() -> None:
    one = replace(received(), received_at=NOON + timedelta(microseconds=123457))

    assert Received.from_receipt(one.spool_name, one.receipt()) == one
