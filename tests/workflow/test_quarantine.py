"""What was set aside waits for a person: looked at, released as if admitted, or discarded, and no crash loses it."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.uid import ImplicitVRLittleEndian
from pynetdicom import AE

from netty.archive.audit import AuditKind
from netty.archive.errors import DatabaseFault
from netty.archive.held import HeldInstance, RenderState
from netty.archive.quarantine import Quarantine
from netty.archive.set_aside import SetAside, Why
from netty.errors import UsageError
from netty.model import reasons
from netty.model.deidentification_burned_in import BurnedIn
from netty.model.retrieval import LedgerState, RetrievalState
from netty.processes.render_pool import Reply
from netty.simulator.quirks import Quirk
from netty.simulator.studies_objects import CT, GSPS, US
from netty.simulator.studies_small import WrittenStudy, write_study
from netty.workflow.quarantine_picture import NoPicture, picture_of
from netty.workflow.register import register_leftovers
from netty.workflow.render_job import render_job
from netty.workflow.settings import Keep, KeepSettings, ReceiveSettings, Unsolicited
from support.linked import PATIENT_ID, Linked, hospital, linked
from support.waiting import wait_until


def render(job: Mapping[str, Any]) -> Iterator[Reply]:
    """A render child's work, done here."""
    return (Reply(header, data) for header, data in render_job(job))


async def until(condition: Callable[[], object]) -> None:
    """Wait for what another thread does."""
    await asyncio.to_thread(wait_until, condition, 20, "what was to come")


def send(netty: Linked, files: list[Path]) -> list[int]:
    """Store files as the remote `central` does; the statuses."""
    ae = AE("CENTRAL")
    data_sets = [dcmread(file) for file in files]
    for each in {dataset.SOPClassUID for dataset in data_sets}:
        ae.add_requested_context(each, ImplicitVRLittleEndian)
    association = ae.associate("127.0.0.1", netty.ae.port, ae_title="HAPPY_netty")
    assert association.is_established
    try:
        return [association.send_c_store(dataset).Status for dataset in data_sets]
    finally:
        association.release()


async def mixed_up(netty: Linked, folder: Path) -> WrittenStudy:
    """A study of two images, one of which names another patient."""
    written = write_study(folder / "pacs", CT, patient_id=PATIENT_ID, name="NETTY^HANAKO", instances=2)
    async with hospital(netty, written.files[0].parent, Quirk.WRONG_PATIENT):
        netty.register()
        (retrieval,) = await netty.fetch()
        assert retrieval.state is RetrievalState.ON_HOLD
    return written


def only(netty: Linked) -> SetAside:
    (one,) = netty.quarantine.waiting()
    return one


async def rendered(netty: Linked, study_instance_uid: str, count: int) -> list[HeldInstance]:
    """The instances of a study, once all are drawn."""

    def found() -> list[HeldInstance]:
        study = netty.holdings.study(study_instance_uid)
        return [] if study is None else list(study.instances)

    def drawn() -> bool:
        return [one.state for one in found()] == [RenderState.RENDERED] * count

    await until(drawn)
    return found()


async def test_a_mix_up_says_which_patient_the_data_name_and_which_was_asked_for(tmp_path: Path) -> None:
    async with linked(tmp_path) as netty:
        written = await mixed_up(netty, tmp_path)
        one = only(netty)

        assert (one.why, one.reason) == (Why.OTHER_PATIENT_ID, reasons.OTHER_PATIENT_ID)
        assert (one.asked.patient_key, one.asked.patient_id, one.asked.name) == ("hanako", PATIENT_ID, "花子")
        assert one.said.patient_id not in ("", PATIENT_ID)
        assert one.is_another_patient
        assert one.study_instance_uid == written.study_instance_uid
        assert netty.quarantine.path(one.place).parent == tmp_path / "quarantine"


async def test_what_is_released_is_registered_and_rendered_as_if_it_had_been_admitted(tmp_path: Path) -> None:
    async with linked(tmp_path) as netty:
        written = await mixed_up(netty, tmp_path)
        one = only(netty)

        netty.quarantine.release([one.id], "yamada")

        instances = await rendered(netty, written.study_instance_uid, 2)
        assert netty.holdings.held(written.study_instance_uid) == set(written.instances)
        assert all(each.renditions for each in instances)
        assert netty.quarantine.waiting() == []
        assert netty.spool.quarantined_names() == set()
        (retrieval,) = netty.retrievals.list()
        assert (retrieval.state, retrieval.reason) == (RetrievalState.COMPLETE, "")
        states = {entry.state for entry in netty.retrievals.ledger(retrieval.id)}
        assert states <= {LedgerState.RECEIVED, LedgerState.RENDERED}
        (event,) = netty.audit.list([AuditKind.QUARANTINE_RELEASED])
        assert (event.event.who, event.event.detail["patient_id"]) == ("yamada", one.said.patient_id)
        assert netty.verify().ok


async def test_what_is_discarded_is_gone_and_is_not_fetched_again(tmp_path: Path) -> None:
    async with linked(tmp_path) as netty:
        written = await mixed_up(netty, tmp_path)
        one = only(netty)

        netty.quarantine.discard([one.id], "yamada")

        assert (netty.quarantine.waiting(), netty.spool.quarantined_names()) == ([], set())
        assert netty.unobtainables.of("central", written.study_instance_uid) == {
            one.sop_instance_uid: reasons.DISCARDED
        }
        (retrieval,) = netty.retrievals.list()
        assert (retrieval.state, retrieval.reason) == (RetrievalState.COMPLETE, "1 images cannot be obtained.")
        (event,) = netty.audit.list([AuditKind.QUARANTINE_DISCARDED])
        assert (event.event.who, event.event.detail["sop_instance_uid"]) == ("yamada", one.sop_instance_uid)
        assert netty.verify().ok


async def test_what_is_discarded_may_be_fetched_once_more(tmp_path: Path) -> None:
    async with linked(tmp_path) as netty:
        written = await mixed_up(netty, tmp_path)

        netty.quarantine.discard([only(netty).id], "yamada", fetch_again=True)

        assert netty.unobtainables.of("central", written.study_instance_uid) == {}


async def test_other_bytes_take_the_place_of_the_first_when_a_person_says_so(tmp_path: Path) -> None:
    written = write_study(tmp_path / "pacs", CT, patient_id=PATIENT_ID, instances=1)
    (file,) = written.files
    async with linked(tmp_path) as netty, hospital(netty, file.parent):
        netty.register()
        await netty.fetch()
        (first,) = await rendered(netty, written.study_instance_uid, 1)
        dataset = dcmread(file)
        dataset.PixelData = bytes(len(dataset.PixelData))
        dataset.save_as(file)
        retrieval = netty.retrievals.list()[0]
        netty.leases.open(retrieval, 2e9)
        await asyncio.to_thread(send, netty, [file])
        netty.leases.keep_until(retrieval.id, 0)
        await until(netty.quarantine.waiting)
        one = only(netty)
        assert (one.why, one.replaces, one.is_another_patient) == (Why.OTHER_BYTES, True, False)
        assert one.shown.patient_id == PATIENT_ID
        assert await rendered(netty, written.study_instance_uid, 1) == [first]

        netty.quarantine.release([one.id], "yamada")

        (second,) = await rendered(netty, written.study_instance_uid, 1)
        assert second.id != first.id
        assert second.renditions[0].sha256 != first.renditions[0].sha256
        assert netty.verify().ok


async def test_what_nobody_asked_for_is_released_into_the_archive(tmp_path: Path) -> None:
    written = write_study(tmp_path / "pacs", CT, patient_id="STRANGER", instances=1)
    receive = ReceiveSettings(quiet_time=2, unsolicited=Unsolicited.QUARANTINE)
    async with linked(tmp_path, receive=receive) as netty, hospital(netty, written.files[0].parent):
        await asyncio.to_thread(send, netty, written.files)
        await until(netty.quarantine.waiting)
        one = only(netty)
        assert (one.why, one.asked.is_known, one.said.patient_id) == (Why.UNSOLICITED, False, "STRANGER")

        netty.quarantine.release([one.id], "yamada")

        await rendered(netty, written.study_instance_uid, 1)
        assert netty.verify().ok


@pytest.mark.parametrize("level", [Keep.NONE, Keep.STATEMENT, Keep.BASIC])
async def test_pixels_that_a_person_has_looked_at_are_shown_and_kept(tmp_path: Path, level: Keep) -> None:
    written = write_study(tmp_path / "pacs", US, patient_id=PATIENT_ID, instances=1)
    async with linked(tmp_path, keep=KeepSettings(level, burned_in=BurnedIn.QUARANTINE)) as netty:
        async with hospital(netty, written.files[0].parent):
            netty.register()
            await netty.fetch()
        one = only(netty)
        assert (one.why, one.said.patient_id) == (Why.TEXT_IN_PIXELS, PATIENT_ID)
        assert picture_of(netty.quarantine, one, 1, render).startswith(b"\xff\xd8")

        netty.quarantine.release([one.id], "yamada")

        (instance,) = await rendered(netty, written.study_instance_uid, 1)
        assert (instance.kept_blob is None) is (level is Keep.NONE)
        assert list((tmp_path / "quarantine" / "burned-in").iterdir()) == []
        assert netty.verify().ok
        if instance.kept_blob and level is Keep.BASIC:
            (tmp_path / "kept.dcm").write_bytes(netty.blobs.get(instance.kept_blob))
            assert dcmread(tmp_path / "kept.dcm").PatientIdentityRemoved == "YES"


async def test_pixels_that_a_person_discards_are_gone(tmp_path: Path) -> None:
    written = write_study(tmp_path / "pacs", US, patient_id=PATIENT_ID, instances=1)
    async with linked(tmp_path, keep=KeepSettings(Keep.NONE, burned_in=BurnedIn.QUARANTINE)) as netty:
        async with hospital(netty, written.files[0].parent):
            netty.register()
            await netty.fetch()

        netty.quarantine.discard([only(netty).id], "yamada")

        assert netty.holdings.study(written.study_instance_uid) is None
        assert (netty.spool.names(), list((tmp_path / "quarantine" / "burned-in").iterdir())) == (set(), [])
        assert netty.verify().ok


async def test_a_crash_between_file_and_rows_of_a_release_puts_the_file_aside_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with linked(tmp_path) as netty:
        await mixed_up(netty, tmp_path)
        one = only(netty)

        def fail(*_: object) -> None:
            raise DatabaseFault("The database is gone.")

        with monkeypatch.context() as broken:
            broken.setattr(Quarantine, "release", fail)
            with pytest.raises(DatabaseFault):
                netty.quarantine.release([one.id], "yamada")
        assert netty.quarantine.path(one.place).parent == tmp_path / "spool"  # looked at as before

        register_leftovers(netty.registration, netty.spool)

        assert netty.spool.quarantined_names() == {one.place.name}
        assert [each.id for each in netty.quarantine.waiting()] == [one.id]
        assert netty.verify().ok


async def test_a_crash_between_rows_and_file_of_a_discard_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with linked(tmp_path) as netty:
        await mixed_up(netty, tmp_path)
        one = only(netty)
        netty.quarantine.quarantine.discard([one.id], "yamada")
        assert netty.spool.quarantined_names() == {one.place.name}
        assert not netty.verify().ok

        assert netty.quarantine.remove_remnants() == 1

        assert netty.spool.quarantined_names() == set()
        assert netty.verify().ok


async def test_two_people_cannot_decide_on_the_same_file(tmp_path: Path) -> None:
    async with linked(tmp_path) as netty:
        await mixed_up(netty, tmp_path)
        one = only(netty)
        netty.quarantine.release([one.id], "yamada")

        with pytest.raises(UsageError, match="names nothing in the quarantine"):
            netty.quarantine.discard([one.id], "tanaka")
        with pytest.raises(UsageError, match="decided on some of these already"):
            netty.quarantine.quarantine.discard([one.id], "tanaka")


async def test_what_has_no_picture_says_so_when_it_is_looked_at(tmp_path: Path) -> None:
    written = write_study(tmp_path / "pacs", GSPS, patient_id="STRANGER", instances=1)
    receive = ReceiveSettings(quiet_time=2, unsolicited=Unsolicited.QUARANTINE)
    async with linked(tmp_path, receive=receive) as netty, hospital(netty, written.files[0].parent):
        await asyncio.to_thread(send, netty, written.files)
        await until(lambda: len(netty.quarantine.waiting()) == len(written.files))
        states = [one for one in netty.quarantine.waiting() if one.sop_class_uid == GSPS]

        with pytest.raises(NoPicture):
            picture_of(netty.quarantine, states[0], 1, render)


@pytest.mark.parametrize("id", ["", "q", "x1", "q1.5", "../q1", "q" + "9" * 30, "t-1"])
async def test_an_id_that_is_none_is_refused(tmp_path: Path, id: str) -> None:
    async with linked(tmp_path) as netty:
        with pytest.raises(UsageError):
            netty.quarantine.release([id], "yamada")
