"""Renditions beside and instead of the first ones: through presentation states, with a series' range, anew."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from pydicom.dataset import Dataset

from netty.archive.held import HeldInstance, RenderState
from netty.archive.renewal import Renewed
from netty.image.flags import Flag
from netty.image.series_range import is_shared
from netty.model.retrieval import RetrievalState
from netty.simulator.hospital import Hospital
from netty.simulator.studies_objects import (
    CT,
    Person,
    Place,
    Study,
    made_uid,
    presentation_state,
    write_file,
)
from netty.simulator.studies_small import small_image
from netty.workflow.settings import Keep, KeepSettings
from support.linked import PATIENT_ID, Linked, hospital, linked
from support.waiting import wait_until

T = TypeVar("T")
UID = made_uid("presented")
PERSON, STUDY = Person(PATIENT_ID, "TEST^PATIENT"), Study(UID, date="20260401", description="TEST")
WITHOUT_WINDOW = {"WindowCenter": None, "WindowWidth": None}


def _image(number: int = 1, **attributes: Any) -> Dataset:
    return small_image(CT, PERSON, STUDY, Place(1, number), **attributes)


def _state(image: Dataset, number: int = 1, label: str = "NOTE") -> Dataset:
    return presentation_state(PERSON, STUDY, Place(2, number), [image], (900 + 100 * number, 1500), label)


def _sends(simulated: Hospital, folder: Path, *datasets: Dataset) -> None:
    """From now on, the hospital has these too."""
    for dataset in datasets:
        write_file(folder / f"{dataset.SOPInstanceUID}.dcm", dataset)
    simulated.rescan()


async def _soon(condition: Callable[[], T], what: str) -> T:
    return await asyncio.to_thread(wait_until, condition, 20, what)


def _held(netty: Linked, sop_instance_uid: str) -> HeldInstance:
    study = netty.holdings.study(UID)
    assert study is not None
    return next(one for one in study.instances if one.sop_instance_uid == sop_instance_uid)


def _states(netty: Linked, image: Dataset) -> list[str]:
    """The presentation states through which an image is to be seen; empty text for its own view."""
    return sorted(one.presentation_state for one in _held(netty, image.SOPInstanceUID).pictures)


async def _fetched(netty: Linked) -> None:
    for retrieval in await netty.fetch():
        assert retrieval.state is RetrievalState.COMPLETE


async def _seen_through(netty: Linked, image: Dataset, *states: Dataset) -> None:
    wanted = sorted(["", *(state.SOPInstanceUID for state in states)])
    await _soon(lambda: _states(netty, image) == wanted, "the image is rendered through its states")
    assert netty.verify().ok


@pytest.mark.parametrize("image_first", [True, False])
@pytest.mark.parametrize("keep", [Keep.STATEMENT, Keep.BASIC])
async def test_an_image_and_its_state_are_seen_together_in_whatever_order_they_come(
    tmp_path: Path, image_first: bool, keep: Keep
) -> None:
    image = _image()
    state = _state(image)
    order = (image, state) if image_first else (state, image)
    folder = tmp_path / "pacs"
    folder.mkdir()
    async with linked(tmp_path, keep=KeepSettings(keep)) as netty, hospital(netty, folder) as simulated:
        netty.register()
        for one in order:
            _sends(simulated, folder, one)
            await _fetched(netty)
            await _soon(lambda: not netty.spool.names(), "the spool is empty")
        await _seen_through(netty, image, state)

        seen = [one for one in _held(netty, image.SOPInstanceUID).pictures if one.presentation_state]
        assert [one.recipe["presentation_state"]["label"] for one in seen] == ["NOTE"]
        assert seen[0].window == "C 1000 W 1500"
        assert _held(netty, state.SOPInstanceUID).state is RenderState.NO_PICTURE


async def test_one_retrieval_brings_an_image_and_two_states(tmp_path: Path) -> None:
    image = _image()
    states = _state(image, 1), _state(image, 2)
    folder = tmp_path / "pacs"
    folder.mkdir()
    async with linked(tmp_path) as netty, hospital(netty, folder) as simulated:
        netty.register()
        _sends(simulated, folder, image, *states)
        await _fetched(netty)
        await _seen_through(netty, image, *states)

        keys = [one.blob_key for one in _held(netty, image.SOPInstanceUID).pictures]
        assert len(set(keys)) == 3
        # Without kept DICOM, states stay in the spool; the image goes as soon as nothing needs it.
        await _soon(lambda: len(netty.spool.names()) == 2, "the image has left the spool")
        assert netty.verify().ok


async def test_a_state_whose_image_has_no_dicom_left_ends_with_a_reason(tmp_path: Path) -> None:
    image = _image()
    state = _state(image)
    folder = tmp_path / "pacs"
    folder.mkdir()
    async with linked(tmp_path) as netty, hospital(netty, folder) as simulated:
        netty.register()
        _sends(simulated, folder, image)
        await _fetched(netty)
        await _soon(lambda: not netty.spool.names(), "the spool is empty")
        _sends(simulated, folder, state)
        await _fetched(netty)
        reasons = await _soon(lambda: _held(netty, image.SOPInstanceUID).not_presented, "there is a reason")

        assert reasons == {
            state.SOPInstanceUID: (
                "The image's DICOM is gone; fetch the study again to see it through the presentation state."
            )
        }
        assert netty.renewal.to_present(9) == []
        assert _states(netty, image) == [""]
        assert netty.verify().ok


async def test_a_state_of_an_image_that_comes_later_is_kept_for_it(tmp_path: Path) -> None:
    image = _image()
    state = _state(image)
    folder = tmp_path / "pacs"
    folder.mkdir()
    async with linked(tmp_path) as netty, hospital(netty, folder) as simulated:
        netty.register()
        _sends(simulated, folder, state)
        await _fetched(netty)
        _sends(simulated, folder, image)
        await _fetched(netty)

        await _seen_through(netty, image, state)


async def test_a_state_that_cannot_be_applied_ends_with_its_reason(tmp_path: Path) -> None:
    image = _image()
    state = _state(image)
    state.ReferencedSeriesSequence[0].ReferencedImageSequence[0].ReferencedFrameNumber = [7]
    folder = tmp_path / "pacs"
    folder.mkdir()
    async with linked(tmp_path) as netty, hospital(netty, folder) as simulated:
        netty.register()
        _sends(simulated, folder, image, state)
        await _fetched(netty)
        reasons = await _soon(lambda: _held(netty, image.SOPInstanceUID).not_presented, "there is a reason")

        assert list(reasons.values()) == ["The presentation state is for no frame that this image has."]
        assert netty.verify().ok


@pytest.mark.parametrize("keep", [Keep.NONE, Keep.STATEMENT])
async def test_a_series_without_windows_is_shown_with_one_range(tmp_path: Path, keep: Keep) -> None:
    images = [_image(number, RescaleIntercept=-1000 * number, **WITHOUT_WINDOW) for number in (1, 2, 3)]
    folder = tmp_path / "pacs"
    folder.mkdir()
    async with linked(tmp_path, keep=KeepSettings(keep)) as netty, hospital(netty, folder) as simulated:
        netty.register()
        _sends(simulated, folder, *images)
        await _fetched(netty)

        def shared() -> bool:
            renditions = [one for image in images for one in _held(netty, image.SOPInstanceUID).pictures]
            return len(renditions) == 3 and all(is_shared(one.recipe) for one in renditions)

        await _soon(shared, "all have the range of the series")
        renditions = [one for image in images for one in _held(netty, image.SOPInstanceUID).pictures]
        assert {one.window for one in renditions} == {"-3000 .. 3095"}
        assert not any(Flag.RANGE_OF_ONE_IMAGE in one.flags for one in renditions)
        await _soon(lambda: not netty.spool.names(), "the spool is empty")
        assert len(list(netty.blobs.list("renditions"))) == 6  # a picture and a thumbnail of each
        assert netty.verify().ok


async def test_a_study_is_rendered_anew_from_kept_dicom_while_its_old_pictures_are_seen(tmp_path: Path) -> None:
    image = _image()
    state = _state(image)
    folder = tmp_path / "pacs"
    folder.mkdir()
    async with linked(tmp_path, keep=KeepSettings(Keep.STATEMENT)) as netty, hospital(netty, folder) as simulated:
        netty.register()
        _sends(simulated, folder, image, state)
        await _fetched(netty)
        await _seen_through(netty, image, state)
        await _soon(lambda: not netty.spool.names(), "the spool is empty")
        old = {one.id for one in _held(netty, image.SOPInstanceUID).pictures}
        simulated.destinations.clear()

        assert netty.renewal.render_again(UID, "test") == Renewed(2, 0)
        assert len(_states(netty, image)) == 2

        def new() -> bool:
            assert len(_states(netty, image)) == 2
            return not old & {one.id for one in _held(netty, image.SOPInstanceUID).pictures}

        await _soon(new, "all pictures are new")
        await _seen_through(netty, image, state)
        (retrieval,) = netty.retrievals.list()
        assert retrieval.state is RetrievalState.COMPLETE
        assert (
            len(list(netty.blobs.list("renditions"))) == 3
        )  # the picture, its thumbnail, the picture through the state


async def test_what_has_no_dicom_left_is_not_rendered_anew_and_keeps_its_pictures(tmp_path: Path) -> None:
    image = _image()
    folder = tmp_path / "pacs"
    folder.mkdir()
    async with linked(tmp_path) as netty, hospital(netty, folder) as simulated:
        netty.register()
        _sends(simulated, folder, image)
        await _fetched(netty)
        await _soon(lambda: not netty.spool.names(), "the spool is empty")

        assert netty.renewal.render_again(UID, "test") == Renewed(0, 1)
        assert _held(netty, image.SOPInstanceUID).state is RenderState.RENDERED
        assert netty.verify().ok
