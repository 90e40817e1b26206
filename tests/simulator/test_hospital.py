"""A simulated hospital, searched and emptied by our own SCUs."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from netty.dicom import tags
from netty.dicom.elements import decode_identifier, encode_identifier, text_value
from netty.dicom.part10 import file_meta
from netty.dicom.uids import IMPLICIT_VR_LITTLE_ENDIAN, STUDY_ROOT_FIND
from netty.dimse.command import CancelRequest, FindRequest, FindResponse
from netty.dimse.messages import send_data_set
from netty.errors import LocalError, UsageError
from netty.model.remote import Remote
from netty.network.move_scu import MoveOutcome, move_study
from netty.network.query_scu import find_instances, find_series, find_studies
from netty.network.requestor import associate, one_context
from netty.network.settings import AeSettings
from netty.network.verification_scu import echo
from netty.simulator.hospital import Destination, Hospital, parse_destination, running
from netty.simulator.move_scp import WRONG_PATIENT_ID
from netty.simulator.quirks import Quirk, parse_quirks
from netty.simulator.studies_small import WrittenStudy, write_study
from support.association import OUR_TITLE, PATIENCE, QUICK, Served, Shelf, serving

US = AeSettings(title=OUR_TITLE)
CT = "1.2.840.10008.5.1.4.1.1.2"


@pytest.fixture
def study(tmp_path: Path) -> WrittenStudy:
    """Two series of two CT images."""
    return write_study(tmp_path / "pacs", CT, patient_id="P1", series=2, accession_number="A77")


@asynccontextmanager
async def open_hospital(
    folder: Path, *quirks: Quirk, shelf: Shelf | None = None, **more: Any
) -> AsyncIterator[tuple[Hospital, Remote, Served]]:
    """A hospital, and an acceptor that it knows by our AE title."""
    async with serving(shelf) as served:
        hospital = Hospital("PACS", folder, 0, [Destination(OUR_TITLE, "127.0.0.1", served.port)], quirks, **more)
        async with running(hospital):
            yield hospital, Remote("pacs", "PACS", "127.0.0.1", hospital.port), served


async def move(study: WrittenStudy, *quirks: Quirk, shelf: Shelf | None = None) -> tuple[MoveOutcome, Shelf, Hospital]:
    """Retrieve a study from a hospital with quirks."""
    folder = study.files[0].parent
    async with open_hospital(folder, *quirks, shelf=shelf) as (hospital, remote, served):
        outcome = await move_study(remote, US, QUICK, study.study_instance_uid, 77)
        await hospital.wait_sent()
        return outcome, served.shelf, hospital


def stored_uids(shelf: Shelf) -> set[str]:
    return {request.affected_sop_instance_uid for request in shelf.requests}


async def test_it_answers_echo(study: WrittenStudy) -> None:
    async with open_hospital(study.files[0].parent) as (_, remote, _served):
        assert await echo(remote, US, QUICK) < PATIENCE


async def test_it_is_searched_level_by_level(study: WrittenStudy) -> None:
    write_study(study.files[0].parent, CT, patient_id="P2")
    async with open_hospital(study.files[0].parent) as (_, remote, _served):
        studies = await find_studies(remote, US, QUICK, "P1")
        series = await find_series(remote, US, QUICK, study.study_instance_uid)
        instances = [
            instance
            for one in series
            for instance in await find_instances(remote, US, QUICK, study.study_instance_uid, one.series_instance_uid)
        ]

    assert [(one.study_instance_uid, one.patient_id, one.accession_number) for one in studies] == [
        (study.study_instance_uid, "P1", "A77")
    ]
    assert [one.modality for one in series] == ["CT", "CT"]
    assert {one.sop_instance_uid for one in instances} == set(study.instances)
    assert {one.sop_class_uid for one in instances} == {CT}


async def ask(remote: Remote, keys: dict[int, str | bytes]) -> list[tuple[int, dict[int, bytes]]]:
    """The raw answers of a C-FIND: what no SCU of ours would ask."""
    answers = []
    async with associate(remote, US, QUICK, one_context(STUDY_ROOT_FIND)) as association:
        await association.send(1, FindRequest(message_id=1), encode_identifier(keys))
        while True:
            received = await association.receive()
            assert received is not None
            response, data_set = received
            assert isinstance(response, FindResponse)
            answers.append((response.status, decode_identifier(data_set)))
            if response.status not in (0xFF00, 0xFF01):
                return answers


MATCHES = [
    ({tags.PATIENT_ID: "P*"}, 2),
    ({tags.PATIENT_ID: "P?"}, 2),
    ({tags.PATIENT_ID: "P1"}, 1),
    ({tags.PATIENT_ID: "p1"}, 0),
    ({tags.PATIENT_ID: ""}, 2),
    ({tags.PATIENT_NAME: "test^*"}, 2),
    ({tags.STUDY_DATE: "20260101-20261231"}, 2),
    ({tags.STUDY_DATE: "-20251231"}, 0),
    ({tags.STUDY_DATE: "20260401-"}, 2),
    ({tags.ACCESSION_NUMBER: "A77"}, 1),
]


@pytest.mark.parametrize(("keys", "count"), MATCHES)
async def test_it_matches_wild_cards_ranges_and_nothing_more(
    study: WrittenStudy, keys: dict[int, str | bytes], count: int
) -> None:
    """PS3.4 C.2.2.2."""
    write_study(study.files[0].parent, CT, patient_id="P2")
    async with open_hospital(study.files[0].parent) as (_, remote, _served):
        answers = await ask(remote, {tags.QUERY_RETRIEVE_LEVEL: "STUDY", tags.STUDY_INSTANCE_UID: "", **keys})

    assert [status for status, _ in answers] == [0xFF00] * count + [0x0000]


async def test_it_counts_and_says_where_it_does_not_know_a_key(study: WrittenStudy) -> None:
    keys: dict[int, str | bytes] = {
        tags.QUERY_RETRIEVE_LEVEL: "STUDY",
        tags.STUDY_INSTANCE_UID: study.study_instance_uid,
        tags.MODALITIES_IN_STUDY: "",
        tags.NUMBER_OF_STUDY_RELATED_SERIES: "",
        tags.NUMBER_OF_STUDY_RELATED_INSTANCES: "",
    }
    async with open_hospital(study.files[0].parent) as (_, remote, _served):
        ((status, answer), _) = await ask(remote, keys)
        ((status_with_more, _), _) = await ask(remote, {**keys, tags.ISSUER_OF_PATIENT_ID: ""})

    assert (status, status_with_more) == (0xFF00, 0xFF01)
    assert [text_value(answer[tag]) for tag in (tags.MODALITIES_IN_STUDY, 0x00201206, 0x00201208)] == ["CT", "2", "4"]


BAD_QUERIES: list[dict[int, str | bytes]] = [
    {tags.PATIENT_ID: "P1"},
    {tags.QUERY_RETRIEVE_LEVEL: "PATIENT", tags.PATIENT_ID: "P1"},
    {tags.QUERY_RETRIEVE_LEVEL: "SERIES"},
    {tags.QUERY_RETRIEVE_LEVEL: "IMAGE", tags.STUDY_INSTANCE_UID: "1.2"},
    {tags.QUERY_RETRIEVE_LEVEL: "SERIES", tags.STUDY_INSTANCE_UID: "1.2\\1.3"},
]


@pytest.mark.parametrize("keys", BAD_QUERIES)
async def test_it_refuses_what_is_not_hierarchical(study: WrittenStudy, keys: dict[int, str | bytes]) -> None:
    """PS3.4 C.4.1.2.1."""
    async with open_hospital(study.files[0].parent) as (_, remote, _served):
        answers = await ask(remote, keys)

    assert [status for status, _ in answers] in ([0xA900], [0xC000])


async def test_a_study_is_moved_whole_and_unchanged(study: WrittenStudy) -> None:
    outcome, shelf, _ = await move(study)

    assert (outcome.status, outcome.completed, outcome.failed, outcome.warning) == (0x0000, 4, 0, 0)
    assert stored_uids(shelf) == set(study.instances)
    assert {(each.move_originator_ae_title, each.move_originator_message_id) for each in shelf.requests} == {
        (OUR_TITLE, 77)
    }


async def test_a_study_that_is_not_there_is_a_success_without_images(study: WrittenStudy) -> None:
    async with open_hospital(study.files[0].parent) as (_, remote, _served):
        outcome = await move_study(remote, US, QUICK, "1.2.3", 1)

    assert (outcome.status, outcome.completed) == (0x0000, 0)


async def test_a_destination_that_it_does_not_know_is_refused(study: WrittenStudy) -> None:
    async with open_hospital(study.files[0].parent) as (_, remote, _served):
        outcome = await move_study(remote, AeSettings(title="STRANGER"), QUICK, study.study_instance_uid, 1)

    assert outcome.status == 0xA801


async def test_a_destination_that_does_not_answer_fails_them_all(study: WrittenStudy) -> None:
    async with open_hospital(study.files[0].parent) as (_, remote, served):
        await served.server.stop()
        outcome = await move_study(remote, US, QUICK, study.study_instance_uid, 1)

    assert (outcome.status, outcome.failed) == (0xA702, 4)
    assert set(outcome.failed_instances) == set(study.instances)


async def test_what_is_added_is_found_after_a_rescan(study: WrittenStudy) -> None:
    folder = study.files[0].parent
    async with open_hospital(folder) as (hospital, remote, _served):
        added = write_study(folder, CT, patient_id="P3")
        before = await find_studies(remote, US, QUICK, "P3")
        hospital.rescan()
        after = await find_studies(remote, US, QUICK, "P3")

    assert before == []
    assert [one.study_instance_uid for one in after] == [added.study_instance_uid]


async def test_a_broken_file_is_named_and_left_out(study: WrittenStudy) -> None:
    folder = study.files[0].parent
    (folder / "notes.txt").write_text("no DICOM")
    (folder / "cut.dcm").write_bytes(study.files[0].read_bytes()[:300])
    shutil.copy(study.files[0], folder / "zz-copy.dcm")
    (folder / "empty.dcm").touch()

    hospital = Hospital("PACS", folder)

    assert {problem.path.name for problem in hospital.problems} == {"notes.txt", "cut.dcm", "zz-copy.dcm", "empty.dcm"}
    assert all(problem.reason for problem in hospital.problems)
    assert len(hospital.instances) == 4


def test_a_folder_that_is_not_there_is_said() -> None:
    with pytest.raises(UsageError, match="no folder /nowhere"):
        Hospital("PACS", Path("/nowhere"))


async def test_a_port_in_use_is_said(study: WrittenStudy) -> None:
    folder = study.files[0].parent
    async with open_hospital(folder) as (hospital, _, _served):
        with pytest.raises(LocalError, match="cannot be listened on"):
            await Hospital("OTHER", folder, hospital.port).start()


async def test_a_push_sends_what_nobody_asked_for(study: WrittenStudy) -> None:
    async with open_hospital(study.files[0].parent) as (hospital, _, served):
        sent = await hospital.push(OUR_TITLE)

    assert [one.status for one in sent] == [0, 0, 0, 0]
    assert {each.move_originator_ae_title for each in served.shelf.requests} == {None}


async def test_several_hospitals_run_in_one_process(study: WrittenStudy) -> None:
    one, other = (Hospital(title, study.files[0].parent) for title in ("ONE", "OTHER"))
    async with running(one, other):
        assert one.port != other.port
        for hospital in (one, other):
            await echo(Remote("x", hospital.title, "127.0.0.1", hospital.port), US, QUICK)


async def test_nothing_is_left_behind_by_a_hospital_that_is_stopped_while_it_sends(study: WrittenStudy) -> None:
    before = asyncio.all_tasks()
    never, paused = asyncio.Event(), asyncio.Event()

    async def pause() -> None:
        paused.set()
        await never.wait()

    async with open_hospital(study.files[0].parent, pause=pause) as (hospital, remote, _served):
        moving = asyncio.create_task(move_study(remote, US, QUICK, study.study_instance_uid, 1))
        async with asyncio.timeout(PATIENCE):
            await paused.wait()
        await hospital.stop()
        outcome = await moving

    assert outcome.status == 0xFE00
    assert asyncio.all_tasks() == before


# --- quirks ------------------------------------------------------------------------------------------------------


async def test_no_originator(study: WrittenStudy) -> None:
    outcome, shelf, _ = await move(study, Quirk.NO_ORIGINATOR)

    assert outcome.status == 0
    assert {(each.move_originator_ae_title, each.move_originator_message_id) for each in shelf.requests} == {
        (None, None)
    }


async def test_late_stores(study: WrittenStudy) -> None:
    """The final response has been read before the first image may come to rest."""
    shelf = Shelf()
    shelf.may_finish.clear()
    async with open_hospital(study.files[0].parent, Quirk.LATE_STORES, shelf=shelf) as (hospital, remote, _served):
        outcome = await move_study(remote, US, QUICK, study.study_instance_uid, 77)
        assert (outcome.status, outcome.completed, shelf.stored) == (0, 4, [])
        shelf.may_finish.set()
        await hospital.wait_sent()

    assert stored_uids(shelf) == set(study.instances)


async def test_wrong_patient(study: WrittenStudy) -> None:
    outcome, shelf, _ = await move(study, Quirk.WRONG_PATIENT)

    patient_ids = [text_value(decode_identifier(data)[tags.PATIENT_ID]) for data in shelf.stored]
    assert outcome.status == 0
    assert patient_ids == [WRONG_PATIENT_ID, "P1", "P1", "P1"]
    assert stored_uids(shelf) == set(study.instances)


async def test_slow_waits_before_every_image(study: WrittenStudy) -> None:
    turnstile = asyncio.Semaphore(0)

    async def pause() -> None:
        await turnstile.acquire()

    shelf = Shelf()
    async with open_hospital(study.files[0].parent, Quirk.SLOW, shelf=shelf, pause=pause) as (_, remote, _served):
        seen: list[int | None] = []
        turnstile.release()

        def on_response(response: Any) -> None:
            seen.append(response.number_of_remaining_suboperations)
            turnstile.release()

        outcome = await move_study(remote, US, QUICK, study.study_instance_uid, 1, on_response=on_response)

    assert seen == [4, 3, 2, 1]
    assert outcome.completed == 4


async def test_drop_one(study: WrittenStudy) -> None:
    outcome, shelf, _ = await move(study, Quirk.DROP_ONE)

    assert (outcome.status, outcome.completed, outcome.failed) == (0xB000, 3, 1)
    assert set(outcome.failed_instances) == set(study.instances) - stored_uids(shelf)


async def test_success_without_images(study: WrittenStudy) -> None:
    outcome, shelf, _ = await move(study, Quirk.SUCCESS_WITHOUT_IMAGES)

    assert (outcome.status, outcome.completed, shelf.requests) == (0, 4, [])


async def test_no_pending(study: WrittenStudy) -> None:
    async with open_hospital(study.files[0].parent, Quirk.NO_PENDING) as (_, remote, _served):
        told: list[object] = []
        outcome = await move_study(remote, US, QUICK, study.study_instance_uid, 1, on_response=told.append)

    assert (outcome.completed, told) == (4, [])


async def test_no_sop_class(study: WrittenStudy) -> None:
    async with open_hospital(study.files[0].parent, Quirk.NO_SOP_CLASS) as (_, remote, _served):
        (one, _) = await find_series(remote, US, QUICK, study.study_instance_uid)
        instances = await find_instances(remote, US, QUICK, study.study_instance_uid, one.series_instance_uid)

    assert {instance.sop_class_uid for instance in instances} == {""}


def many(folder: Path, count: int) -> None:
    """A series of images that are no more than their names."""
    folder.mkdir()
    for number in range(1, count + 1):
        uid = f"1.2.3.4.{number}"
        meta = file_meta(CT, uid, IMPLICIT_VR_LITTLE_ENDIAN, implementation_class_uid="1.2")
        names: dict[int, str | bytes] = {
            tags.SOP_CLASS_UID: CT,
            tags.SOP_INSTANCE_UID: uid,
            tags.PATIENT_ID: "P1",
            tags.STUDY_INSTANCE_UID: "1.2.3",
            tags.SERIES_INSTANCE_UID: "1.2.3.4",
        }
        (folder / f"{number:04}.dcm").write_bytes(meta + encode_identifier(names))


async def test_all_answers_come_in_their_order_however_many_leave_at_once(tmp_path: Path) -> None:
    many(tmp_path / "pacs", 200)
    async with open_hospital(tmp_path / "pacs") as (_, remote, _served):
        found = await find_instances(remote, US, QUICK, "1.2.3", "1.2.3.4")

    assert [one.sop_instance_uid for one in found] == [f"1.2.3.4.{number}" for number in range(1, 201)]


async def test_a_cancel_stops_the_answers(tmp_path: Path) -> None:
    many(tmp_path / "pacs", 200)
    query: dict[int, str | bytes] = dict.fromkeys((tags.SOP_INSTANCE_UID, tags.INSTANCE_NUMBER), "")
    query |= {tags.QUERY_RETRIEVE_LEVEL: "IMAGE", tags.STUDY_INSTANCE_UID: "1.2.3", tags.SERIES_INSTANCE_UID: "1.2.3.4"}
    statuses = []
    async with (
        open_hospital(tmp_path / "pacs") as (_, remote, _served),
        associate(remote, US, QUICK, one_context(STUDY_ROOT_FIND)) as association,
    ):
        association.begin(1, FindRequest(message_id=1))
        send_data_set(association._engine, 1, encode_identifier(query), True)
        await association.send(1, CancelRequest(message_id_being_responded_to=1))
        while not statuses or statuses[-1] == 0xFF00:
            received = await association.receive()
            assert received is not None
            assert isinstance(received[0], FindResponse)
            statuses.append(received[0].status)

    assert statuses[-1] == 0xFE00
    assert len(statuses) < 200


async def test_a_cancel_stops_the_sending(study: WrittenStudy) -> None:
    cancelled = asyncio.Event()
    turnstile = asyncio.Semaphore(1)

    async def pause() -> None:
        await turnstile.acquire()

    def on_response(response: Any) -> None:
        if response.number_of_completed_suboperations == 1:
            cancelled.set()

    async with open_hospital(study.files[0].parent, pause=pause) as (_, remote, served):
        outcome = await move_study(
            remote, US, QUICK, study.study_instance_uid, 1, on_response=on_response, cancelled=cancelled
        )

    assert (outcome.status, outcome.completed, outcome.remaining) == (0xFE00, 1, 3)
    assert len(served.shelf.stored) == 1


def test_an_unknown_quirk_is_named_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="Did you mean late-stores"):
        parse_quirks(["late-store"])


def test_quirks_are_known_by_their_names() -> None:
    assert parse_quirks(["slow", "drop-one"]) == {Quirk.SLOW, Quirk.DROP_ONE}


def test_a_destination_is_written_with_its_address() -> None:
    assert parse_destination("HAPPY_netty=127.0.0.1:11112") == Destination("HAPPY_netty", "127.0.0.1", 11112)
    assert parse_destination("X=[::1]:104") == Destination("X", "::1", 104)


@pytest.mark.parametrize("text", ["", "X", "X=host", "X=host:", "=host:1", "X=:104", "X=host:70000", "X=host:1x"])
def test_a_destination_that_lacks_something_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="AET=HOST:PORT"):
        parse_destination(text)
