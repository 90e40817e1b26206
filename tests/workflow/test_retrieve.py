"""Retrievals from simulated hospitals, some of which misbehave: the ledger decides what became of each."""

import asyncio
import dataclasses
import time
from pathlib import Path

import pytest

from netty.archive.audit import AuditKind
from netty.model import reasons
from netty.model.difference import StudyState
from netty.model.remote import Remote, RetrieveLevel
from netty.model.retrieval import LedgerState, RetrievalState
from netty.network.errors import RemoteUnreachable
from netty.network.settings import Timers
from netty.simulator.quirks import Quirk
from netty.simulator.studies_objects import CT, GSPS, US_MULTIFRAME
from netty.simulator.studies_small import write_study
from netty.workflow.settings import Keep, KeepSettings, ReceiveSettings
from support.linked import PATIENT_ID, hospital, linked


async def test_a_study_is_fetched_rendered_and_complete(tmp_path: Path) -> None:
    written = write_study(tmp_path / "pacs", CT, patient_id=PATIENT_ID, instances=3)
    async with linked(tmp_path) as netty, hospital(netty, written.files[0].parent):
        netty.register()
        (retrieval,) = await netty.fetch()

        assert (retrieval.state, retrieval.reason) == (RetrievalState.COMPLETE, "")
        assert netty.holdings.held(written.study_instance_uid) == set(written.instances)
        assert retrieval.claimed.completed == 3
        study = netty.holdings.study(written.study_instance_uid)
        assert study is not None
        assert [len(one.pictures) for one in study.instances] == [1, 1, 1]
        assert netty.verify().ok


async def test_a_second_round_finds_nothing_missing_and_moves_nothing(tmp_path: Path) -> None:
    written = write_study(tmp_path / "pacs", CT, patient_id=PATIENT_ID)
    async with linked(tmp_path) as netty, hospital(netty, written.files[0].parent):
        netty.register()
        await netty.fetch()

        assert await netty.request() == []


async def test_an_added_image_makes_its_study_partial_and_only_that_study_is_fetched(tmp_path: Path) -> None:
    folder = tmp_path / "pacs"
    first = write_study(folder, CT, patient_id=PATIENT_ID, instances=2, seed="growing")
    write_study(folder, CT, patient_id=PATIENT_ID, instances=1, seed="still")
    async with linked(tmp_path) as netty, hospital(netty, folder) as simulated:
        netty.register()
        assert len(await netty.fetch()) == 2

        grown = write_study(folder, CT, patient_id=PATIENT_ID, instances=3, seed="growing")
        simulated.rescan()
        (again,) = await netty.fetch()

        assert again.study_instance_uid == first.study_instance_uid == grown.study_instance_uid
        assert (again.state, netty.retrievals.count(again.id).expected) == (RetrievalState.COMPLETE, 1)
        assert len(netty.holdings.held(grown.study_instance_uid)) == 3


@pytest.mark.parametrize("quirk", [Quirk.NO_ORIGINATOR, Quirk.LATE_STORES, Quirk.NO_PENDING, Quirk.NO_SOP_CLASS, None])
async def test_what_the_standard_leaves_open_does_not_keep_a_retrieval_from_being_complete(
    tmp_path: Path, quirk: Quirk | None
) -> None:
    written = write_study(tmp_path / "pacs", CT, patient_id=PATIENT_ID, instances=3)
    quirks = [quirk] if quirk else []
    async with linked(tmp_path) as netty, hospital(netty, written.files[0].parent, *quirks):
        netty.register()
        (retrieval,) = await netty.fetch()

        assert retrieval.state is RetrievalState.COMPLETE


async def test_an_image_that_the_remote_cannot_send_leaves_the_retrieval_partial_with_its_words(
    tmp_path: Path,
) -> None:
    written = write_study(tmp_path / "pacs", CT, patient_id=PATIENT_ID, instances=3)
    async with linked(tmp_path) as netty, hospital(netty, written.files[0].parent, Quirk.DROP_ONE):
        netty.register()
        (retrieval,) = await netty.fetch()

        assert retrieval.state is RetrievalState.PARTIAL
        assert retrieval.reason.startswith("1 of 3 images did not arrive. The remote answered B000")
        assert (retrieval.claimed.completed, retrieval.claimed.failed) == (2, 1)
        (view,) = netty.linkage.noted("hanako")
        assert view.studies[0].state is StudyState.PARTIAL


async def test_a_success_without_images_is_not_believed(tmp_path: Path) -> None:
    written = write_study(tmp_path / "pacs", CT, patient_id=PATIENT_ID)
    async with linked(tmp_path) as netty, hospital(netty, written.files[0].parent, Quirk.SUCCESS_WITHOUT_IMAGES):
        netty.register()
        (retrieval,) = await netty.fetch()

        assert (retrieval.state, retrieval.reason) == (RetrievalState.FAILED, "2 of 2 images did not arrive.")


async def test_an_image_of_another_patient_goes_on_hold_and_is_seen_by_nobody(tmp_path: Path) -> None:
    written = write_study(tmp_path / "pacs", CT, patient_id=PATIENT_ID, instances=2)
    async with linked(tmp_path) as netty, hospital(netty, written.files[0].parent, Quirk.WRONG_PATIENT):
        netty.register()
        (retrieval,) = await netty.fetch()

        assert retrieval.state is RetrievalState.ON_HOLD
        states = sorted(entry.state for entry in netty.retrievals.ledger(retrieval.id))
        assert states == [LedgerState.ON_HOLD, LedgerState.RENDERED]
        assert len(netty.holdings.held(written.study_instance_uid)) == 1
        (event,) = netty.audit.list([AuditKind.STORE_ON_HOLD])
        assert event.event.study_instance_uid == written.study_instance_uid
        assert len(netty.spool.quarantined_names()) == 1
        assert netty.verify().ok


async def test_a_presentation_state_is_held_and_has_no_picture(tmp_path: Path) -> None:
    written = write_study(tmp_path / "pacs", GSPS, patient_id=PATIENT_ID, instances=1)
    async with linked(tmp_path) as netty, hospital(netty, written.files[0].parent):
        netty.register()
        (retrieval,) = await netty.fetch()

        assert retrieval.state is RetrievalState.COMPLETE
        study = netty.holdings.study(written.study_instance_uid)
        assert study is not None
        assert sorted((one.state, len(one.pictures)) for one in study.instances) == [
            ("no_picture", 0),
            ("rendered", 1),
        ]
        assert netty.verify().ok


async def test_every_frame_of_a_cine_has_its_rendition(tmp_path: Path) -> None:
    written = write_study(tmp_path / "pacs", US_MULTIFRAME, patient_id=PATIENT_ID, instances=1, frames=5)
    async with linked(tmp_path) as netty, hospital(netty, written.files[0].parent):
        netty.register()
        await netty.fetch()
        study = netty.holdings.study(written.study_instance_uid)

        assert study is not None
        assert [[rendition.frame for rendition in one.pictures] for one in study.instances] == [[1, 2, 3, 4, 5]]


async def test_a_remote_that_is_not_there_fails_at_once_in_words(tmp_path: Path) -> None:
    async with linked(tmp_path) as netty:
        netty.remotes.add(Remote("central", "CENTRAL", "127.0.0.1", 1))
        netty.register()

        with pytest.raises(RemoteUnreachable, match="Nothing listens on 127"):
            await netty.request()
        (view,) = netty.linkage.noted("hanako")
        assert view.failure.startswith("Nothing listens on")
        assert view.searched_at is None


async def test_a_remote_that_does_not_know_us_as_destination_is_named_with_what_to_do(tmp_path: Path) -> None:
    written = write_study(tmp_path / "pacs", CT, patient_id=PATIENT_ID)
    async with linked(tmp_path) as netty, hospital(netty, written.files[0].parent) as simulated:
        netty.register()
        simulated.destinations.clear()
        (retrieval,) = await netty.fetch()

        assert retrieval.state is RetrievalState.FAILED
        assert "does not know our AE title HAPPY_netty as a move destination" in retrieval.reason
        assert retrieval.claimed.status == 0xA801


async def test_a_cancelled_retrieval_ends_cancelled_and_keeps_what_came(tmp_path: Path) -> None:
    written = write_study(tmp_path / "pacs", CT, patient_id=PATIENT_ID, instances=4)
    sent = asyncio.Event()

    async def pause() -> None:
        if not sent.is_set():
            sent.set()
            return
        await asyncio.get_running_loop().create_future()  # until the C-CANCEL

    async with linked(tmp_path) as netty, hospital(netty, written.files[0].parent, pause=pause):
        netty.register()
        (requested,) = await netty.request()
        running = asyncio.create_task(netty.run(requested.id))
        await sent.wait()
        netty.retrievals.request_cancel(requested.id)
        retrieval = await running

        assert (retrieval.state, retrieval.reason) == (RetrievalState.CANCELLED, reasons.CANCELLED)


async def test_a_retrieval_that_is_given_up_lets_images_in_for_no_longer_than_the_quiet_time(tmp_path: Path) -> None:
    written = write_study(tmp_path / "pacs", CT, patient_id=PATIENT_ID)
    async with linked(tmp_path, timers=Timers(10, 10, 1000)) as netty, hospital(netty, written.files[0].parent):
        netty.register()
        (requested,) = await netty.request()
        netty.leases.open(requested, time.time() + 1000)
        netty.retriever.give_up(requested.id, "the disk is gone")
        open_then = netty.leases.open_for(written.study_instance_uid, time.time() + netty.receive.quiet_time)

        assert netty.retrievals.get(requested.id).state is RetrievalState.FAILED
        assert open_then == []


async def test_nobody_is_told_that_images_did_not_arrive_while_their_rows_are_being_written(tmp_path: Path) -> None:
    written = write_study(tmp_path / "pacs", CT, patient_id=PATIENT_ID)
    looks: list[RetrievalState] = []
    async with (
        linked(tmp_path, receive=ReceiveSettings(quiet_time=0)) as netty,
        hospital(netty, written.files[0].parent),
    ):
        netty.register()
        (requested,) = await netty.request()

        def still_written(retrieval_id: str) -> bool:
            looks.append(netty.retrievals.get(retrieval_id).state)
            return len(looks) < 3

        retriever = dataclasses.replace(netty.retriever, awaits_rows=still_written)
        await asyncio.to_thread(retriever.settle, requested.id)

        assert looks == [RetrievalState.SETTLING] * 3
        assert netty.retrievals.get(requested.id).state is RetrievalState.FAILED


async def test_leases_that_have_expired_are_removed_so_that_their_message_ids_come_back(tmp_path: Path) -> None:
    written = write_study(tmp_path / "pacs", CT, patient_id=PATIENT_ID)
    async with linked(tmp_path) as netty, hospital(netty, written.files[0].parent):
        netty.register()
        (requested,) = await netty.request()
        netty.leases.open(requested, time.time() - 1)
        await netty.run(requested.id)

        assert netty.leases.remove_expired(time.time() + 10) == 1


async def test_running_a_step_again_after_a_crash_asks_only_for_what_still_lacks(tmp_path: Path) -> None:
    written = write_study(tmp_path / "pacs", CT, patient_id=PATIENT_ID)
    async with linked(tmp_path) as netty, hospital(netty, written.files[0].parent):
        netty.register()
        (requested,) = await netty.request()
        await asyncio.to_thread(netty.retriever.move, requested.id)
        await asyncio.to_thread(netty.retriever.move, requested.id)  # the crash came before the step was recorded
        retrieval = await netty.run(requested.id)

        assert retrieval.state is RetrievalState.COMPLETE
        assert netty.verify().ok


async def test_kept_dicom_lies_beside_the_renditions_without_the_patient(tmp_path: Path) -> None:
    written = write_study(tmp_path / "pacs", CT, patient_id=PATIENT_ID, name="SECRET^NAME", instances=1)
    keep = KeepSettings(Keep.STATEMENT)
    async with linked(tmp_path, keep=keep) as netty, hospital(netty, written.files[0].parent):
        netty.register()
        await netty.fetch()
        study = netty.holdings.study(written.study_instance_uid)
        assert study is not None
        (instance,) = study.instances
        assert instance.kept_blob is not None
        kept = netty.blobs.get(instance.kept_blob)

        assert study.patient_id == PATIENT_ID
        assert b"SECRET" not in kept
        assert PATIENT_ID.encode() not in kept
        assert written.study_instance_uid.encode() in kept
        assert netty.verify().ok


async def test_a_study_that_is_held_for_another_patient_is_not_held_for_this_one_and_goes_on_hold(
    tmp_path: Path,
) -> None:
    central, east = tmp_path / "central", tmp_path / "east"
    written = write_study(central, CT, patient_id=PATIENT_ID, instances=1, seed="one")
    write_study(east, CT, patient_id=PATIENT_ID, instances=1, seed="one")
    async with linked(tmp_path) as netty, hospital(netty, central), hospital(netty, east, name="east"):
        netty.register()
        netty.register(remote="east", key="taro")
        await netty.fetch()
        (retrieval,) = await netty.fetch("east", "taro")

        assert (retrieval.state, retrieval.patient_key) == (RetrievalState.ON_HOLD, "taro")
        study = netty.holdings.study(written.study_instance_uid)
        assert study is not None
        assert study.patient_key == "hanako"
        (view,) = netty.linkage.noted("taro")
        assert view.studies[0].state is StudyState.MISSING


@pytest.mark.parametrize(
    ("levels", "sent"),
    [
        ((RetrieveLevel.STUDY,), 4),
        ((RetrieveLevel.STUDY, RetrieveLevel.SERIES), 2),
        ((RetrieveLevel.STUDY, RetrieveLevel.SERIES, RetrieveLevel.IMAGE), 1),
    ],
)
async def test_what_lacks_is_asked_for_at_the_smallest_level_that_is_allowed(
    tmp_path: Path, levels: tuple[RetrieveLevel, ...], sent: int
) -> None:
    folder = tmp_path / "pacs"
    first = write_study(folder, CT, patient_id=PATIENT_ID, series=2, instances=2, seed="growing")
    late = first.files[-1].rename(tmp_path / "late.dcm")
    async with linked(tmp_path, levels=levels) as netty, hospital(netty, folder) as simulated:
        netty.register()
        await netty.fetch()
        late.rename(folder / "late.dcm")
        simulated.rescan()
        (again,) = await netty.fetch()

        assert again.state is RetrievalState.COMPLETE
        assert again.claimed.completed == sent


async def test_the_lease_is_as_long_for_the_last_of_several_moves_as_for_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each may take the whole of the total timer."""
    folder = tmp_path / "pacs"
    first = write_study(folder, CT, patient_id=PATIENT_ID, series=2, instances=2, seed="growing")
    late = {first.files[number]: first.files[number].rename(tmp_path / f"{number}.dcm") for number in (1, -1)}
    levels = (RetrieveLevel.STUDY, RetrieveLevel.SERIES, RetrieveLevel.IMAGE)
    async with linked(tmp_path, levels=levels) as netty, hospital(netty, folder) as simulated:
        netty.register()
        await netty.fetch()
        for place, file in late.items():
            file.rename(place)
        simulated.rescan()
        kept: list[float] = []
        keep_until = netty.leases.keep_until

        def keep(retrieval_id: str, expires_at: float) -> None:
            kept.append(expires_at - time.time())
            keep_until(retrieval_id, expires_at)

        monkeypatch.setattr(netty.leases, "keep_until", keep)
        (again,) = await netty.fetch()

        assert again.state is RetrievalState.COMPLETE
        between, after = kept  # before the second C-MOVE, and behind it
        assert after <= netty.receive.quiet_time < between <= netty.timers.total + netty.receive.quiet_time
