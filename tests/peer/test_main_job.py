"""The main job against other people's PACS: find, fetch what is missing, render, and find nothing more to do."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from netty.image.settings import RenderSettings, RenditionFormat
from netty.simulator.studies_objects import CT
from netty.simulator.studies_small import WrittenStudy, write_study
from netty.workflow.data_set_place import locate_data_set
from netty.workflow.picture_file import PictureFile
from support.dicom_files import DicomFile
from support.netty_process import Netty, RemoteEntry, netty
from support.peers import Peer, PeerKind
from support.ports import free_port

PATIENT = "PEER-0001"
PNG = RenderSettings(RenditionFormat.PNG)


@dataclass(frozen=True, slots=True)
class Story:
    """What happened, step by step."""

    found: dict[str, Any]
    retrieved: dict[str, Any]
    held: dict[str, dict[str, Any]]
    again: dict[str, Any]
    grown: WrittenStudy
    found_grown: dict[str, Any]
    retrieved_grown: dict[str, Any]
    found_at_last: dict[str, Any]
    verified: dict[str, Any]


@pytest.fixture(scope="module")
def story(
    peer_kind: PeerKind, real_files: list[DicomFile], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Story]:
    """Search and fetch all classes; once more; then one more image arrives at the PACS."""
    folder = Path(tmp_path_factory.mktemp(peer_kind.name))
    growing = write_study(folder / "growing", CT, patient_id=PATIENT, instances=3, seed="growing")
    files = [one.path for one in real_files] + growing.files[:2]
    port = free_port()
    with peer_kind.start(folder / "peer", files, netty_port=port) as peer:
        remote = RemoteEntry("pacs", peer.title, peer.port)
        with netty(folder / "netty", [remote], port=port) as one:
            one.register("person", pacs=PATIENT)
            yield _told(one, peer, growing)


def _told(one: Netty, peer: Peer, growing: WrittenStudy) -> Story:
    found = one.ok("find", "pacs", "--patient-id", PATIENT)
    retrieved = one.ok("retrieve", "pacs", "--patient-id", PATIENT, "--wait", seconds=240)
    held = one.held()
    again = one.ok("retrieve", "pacs", "--patient-id", PATIENT, "--wait")
    peer.add(growing.files[2:])
    found_grown = one.ok("find", "pacs", "--patient-id", PATIENT)
    retrieved_grown = one.ok("retrieve", "pacs", "--patient-id", PATIENT, "--wait")
    found_at_last = one.ok("find", "pacs", "--patient-id", PATIENT)
    return Story(found, retrieved, held, again, growing, found_grown, retrieved_grown, found_at_last, one.ok("verify"))


def _listed(found: dict[str, Any]) -> dict[str, dict[str, set[str]]]:
    """Study, series and instance UIDs as `find` tells them."""
    return {
        study["study_instance_uid"]: {
            series["series_instance_uid"]: {each["sop_instance_uid"] for each in series["instances"]}
            for series in study["series"]
        }
        for study in found["studies"]
    }


def test_find_shows_exactly_what_is_there(story: Story, real_files: list[DicomFile]) -> None:
    expected: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for one in real_files:
        expected[one.study_instance_uid][one.series_instance_uid].add(one.sop_instance_uid)
    listed = _listed(story.found)
    growing = listed.pop(story.grown.study_instance_uid)

    assert {uid: dict(series) for uid, series in expected.items()} == listed
    assert set().union(*growing.values()) == set(list(story.grown.instances)[:2])
    assert {"missing"} == {study["state"] for study in story.found["studies"]}
    assert {0} == {study["instances_held"] for study in story.found["studies"]}


def test_find_names_the_modalities(story: Story, real_files: list[DicomFile]) -> None:
    expected: dict[str, set[str]] = defaultdict(set)
    for one in real_files:
        expected[one.study_instance_uid].add(one.modality)
    named = {study["study_instance_uid"]: set(study["modalities"]) for study in story.found["studies"]}

    assert dict(expected).items() <= named.items()


def test_every_retrieval_ends_complete(story: Story, real_files: list[DicomFile]) -> None:
    retrievals = story.retrieved["retrievals"]

    assert {"complete"} == {one["state"] for one in retrievals}, retrievals
    assert len(real_files) + 2 == sum(one["received"] for one in retrievals)
    assert all(one["expected"] == one["received"] == one["rendered"] for one in retrievals), retrievals


def _own_views(story: Story, one: DicomFile) -> list[dict[str, Any]]:
    """The renditions of an image as it is; it may also have some through a presentation state of its study."""
    renditions: list[dict[str, Any]] = [
        made for made in story.held[one.sop_instance_uid]["renditions"] if made["kind"] == "picture"
    ]
    return [rendition for rendition in renditions if not rendition["presentation_state"]]


def test_every_instance_is_held_and_every_frame_has_its_rendition(story: Story, real_files: list[DicomFile]) -> None:
    assert {one.sop_instance_uid for one in real_files} | set(list(story.grown.instances)[:2]) == set(story.held)
    for one in real_files:
        renditions = _own_views(story, one)
        expected = list(range(1, one.frames + 1)) if one.is_image else []
        assert expected == [rendition["frame"] for rendition in renditions], one.path


def test_every_rendition_opens_and_is_what_it_says(story: Story) -> None:
    for instance in story.held.values():
        for rendition in instance["renditions"]:
            path = Path(rendition["path"])
            with Image.open(path) as picture:
                picture.load()
                assert (rendition["width"], rendition["height"]) == picture.size
                assert picture.format == "JPEG"
            assert path.stat().st_size == rendition["bytes"]


def test_the_jpeg_looks_like_the_picture_before_compression(story: Story, real_files: list[DicomFile]) -> None:
    for one in real_files:
        for rendition in _own_views(story, one):
            with PictureFile(one.path, *locate_data_set(one.path)) as source:
                before = source.rendered(rendition["frame"], PNG)
            assert rendition["window"] == before.window
            exact = np.asarray(Image.open(BytesIO(before.data)).convert("RGB"), dtype=np.int16)
            shown = np.asarray(Image.open(rendition["path"]).convert("RGB"), dtype=np.int16)
            assert np.abs(exact - shown).mean() < 4, one.path


def test_a_second_retrieval_moves_nothing(story: Story) -> None:
    retrievals = story.again["retrievals"]

    assert {"complete"} == {one["state"] for one in retrievals}
    assert {0} == {one["received"] for one in retrievals}


def test_an_added_image_is_found_and_only_its_study_is_fetched_again(story: Story) -> None:
    states = {study["study_instance_uid"]: study["state"] for study in story.found_grown["studies"]}
    moved = [one for one in story.retrieved_grown["retrievals"] if one["received"]]

    assert states.pop(story.grown.study_instance_uid) == "partial"
    assert set(states.values()) == {"held"}
    assert [story.grown.study_instance_uid] == [one["study_instance_uid"] for one in moved]
    assert {"complete"} == {one["state"] for one in story.retrieved_grown["retrievals"]}


def test_at_last_everything_is_held_and_verified(story: Story) -> None:
    assert {"held"} == {study["state"] for study in story.found_at_last["studies"]}
    assert (story.verified["ok"], story.verified["problems"]) == (True, [])
