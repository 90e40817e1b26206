"""What the settings ask for beside JPEG: deep PNG, thumbnails, further windows of CT, loops; and their recipes."""

import asyncio
import io
import json
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from netty.archive.blobs import Blobs
from netty.archive.held import HeldInstance, HeldRendition
from netty.image import animation
from netty.image.errors import CannotRender
from netty.image.flags import Flag
from netty.image.rendition import RenditionKind
from netty.image.settings import CtWindow, LoopFormat, RenderSettings, RenditionFormat
from netty.processes.render_pool import ChildFailed, Reply
from netty.simulator.studies_objects import CT, US_MULTIFRAME
from netty.simulator.studies_small import write_study
from netty.workflow.data_set_place import locate_data_set
from netty.workflow.picture_file import PictureFile
from netty.workflow.pictures import Drawer, Pictures
from netty.workflow.render_job import render_job
from netty.workflow.render_loop import followed_loop, rendered_loop
from netty.workflow.rendered import RenderedFile
from netty.workflow.settings import Keep, KeepSettings
from support.images import CT as CT_STORAGE
from support.images import made_image
from support.linked import PATIENT_ID, Linked, hospital, linked
from support.waiting import wait_until

HOUNSFIELD: dict[str, Any] = {
    "SOPClassUID": CT_STORAGE,
    "RescaleSlope": 1,
    "RescaleIntercept": -1024,
    "RescaleType": "HU",
    "WindowCenter": 40,
    "WindowWidth": 400,
}
STORED = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64)
CINE = np.stack([np.roll(STORED // 16, 5 * number, 1).astype(np.uint8) for number in range(5)])
ALL_WINDOWS = tuple(CtWindow)
LOOPS = [LoopFormat.WEBP, LoopFormat.MP4]


def opened(path: Path) -> PictureFile:
    return PictureFile(path, *locate_data_set(path))


def stored_json(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """As it comes back from the database."""
    back: dict[str, Any] = json.loads(json.dumps(recipe))
    return back


def shown(data: bytes) -> NDArray[Any]:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image)


def needs(format: LoopFormat) -> None:
    if format is LoopFormat.MP4:
        pytest.importorskip("av")


@pytest.mark.parametrize(
    ("view", "black", "white"),  # C.11.2.1.2.1: c - 0.5 -+ (w - 1) / 2
    [
        (CtWindow.LUNG, -1350, 149),
        (CtWindow.BONE, -500, 1299),
        (CtWindow.BRAIN, 0, 79),
        (CtWindow.MEDIASTINUM, -160, 239),
    ],
)
def test_a_ct_is_seen_through_further_windows_in_hounsfield_units(
    tmp_path: Path, view: CtWindow, black: int, white: int
) -> None:
    units = np.array([[black, black + 1, white - 1, white]], np.int16)
    path = made_image(tmp_path / "i", units, **HOUNSFIELD | {"RescaleIntercept": 0})

    with opened(path) as picture:
        _, further = picture.renditions(1, RenderSettings(RenditionFormat.PNG, ct_windows=(view,)))

    greys = shown(further.data)[0].tolist()
    assert (greys[0], greys[-1]) == (0, 255)
    assert (further.view, view.value in further.window) == (view.value, True)


@pytest.mark.parametrize(
    "other",
    [
        {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.4"},  # an MR
        {"RescaleType": "US"},
        {"RescaleSlope": None, "RescaleIntercept": None},
    ],
    ids=str,
)
def test_what_has_no_hounsfield_units_has_no_further_windows(tmp_path: Path, other: dict[str, Any]) -> None:
    path = made_image(tmp_path / "i", STORED, **HOUNSFIELD | other)

    with opened(path) as picture:
        made = list(picture.renditions(1, RenderSettings(ct_windows=ALL_WINDOWS)))

    assert [one.view for one in made] == [""]


@pytest.mark.parametrize(
    ("settings", "kinds"),
    [
        (RenderSettings(), 2),
        (RenderSettings(RenditionFormat.PNG), 2),
        (RenderSettings(RenditionFormat.PNG, png_bits=16), 2),
        (RenderSettings(RenditionFormat.WEBP, 80), 2),
        (RenderSettings(RenditionFormat.TIFF), 2),
        (RenderSettings(ct_windows=ALL_WINDOWS), 6),
        (RenderSettings(RenditionFormat.PNG, png_bits=16, ct_windows=ALL_WINDOWS), 6),
    ],
    ids=str,
)
def test_each_rendition_is_made_again_byte_for_byte_by_its_recipe(
    tmp_path: Path, settings: RenderSettings, kinds: int
) -> None:
    path = made_image(tmp_path / "i", STORED, **HOUNSFIELD)

    with opened(path) as picture:
        made = list(picture.renditions(1, settings, in_lists=True))
    with opened(path) as picture:
        again = [picture.followed(stored_json(one.recipe)) for one in made]

    assert len(made) == kinds
    assert [one.data for one in again] == [one.data for one in made]
    assert [one.recipe for one in again] == [one.recipe for one in made]
    assert [one.kind for one in again] == [one.kind for one in made]


@pytest.mark.parametrize("format", LOOPS)
@pytest.mark.parametrize(
    ("pixels", "attributes"),
    [
        (CINE, {"FrameTimeVector": ["0", "30", "60", "90", "120"]}),
        (CINE.astype(np.uint16) * 9, {"BitsStored": 12, "CineRate": "25"}),
        (np.stack([CINE] * 3, -1), {"PhotometricInterpretation": "RGB", "FrameTime": "40"}),
        (CINE, {"MaskSubtractionSequence": None, "PixelAspectRatio": [2, 1]}),
    ],
    ids=["times", "range of all frames", "colour", "not square"],
)
def test_a_loop_is_made_again_byte_for_byte_by_its_recipe(
    tmp_path: Path, format: LoopFormat, pixels: NDArray[Any], attributes: dict[str, Any]
) -> None:
    needs(format)
    path = made_image(tmp_path / "i", pixels, NumberOfFrames=5, **attributes)

    with opened(path) as picture:
        made = rendered_loop(picture, format)
        again = followed_loop(picture, stored_json(made.recipe))

    assert (again.data, again.recipe) == (made.data, made.recipe)
    assert (made.kind, made.frame, made.format) == (RenditionKind.LOOP, 0, format.value)
    assert len(made.recipe["plans"]) == 1  # what all frames share is said once


@pytest.mark.parametrize(
    "broken",
    [
        {"frames": [1, 2, 99]},
        {"durations": [1]},
        {"output": {"format": "gif", "quality": 90}},
        {"plans": [{"frames": [1]}]},
        {"plans": None},
    ],
    ids=str,
)
def test_a_loop_of_a_broken_recipe_is_refused(tmp_path: Path, broken: dict[str, Any]) -> None:
    path = made_image(tmp_path / "i", CINE, NumberOfFrames=5)

    with opened(path) as picture:
        recipe = stored_json(rendered_loop(picture, LoopFormat.WEBP).recipe) | broken
        with pytest.raises(CannotRender, match="recipe cannot be read"):
            followed_loop(picture, recipe)


def _held(netty: Linked, study: str) -> list[HeldInstance]:
    found = netty.holdings.study(study)
    return list(found.instances) if found else []


def _forms(one: HeldInstance) -> list[tuple[str, int, str, str]]:
    return sorted((each.kind.value, each.frame, each.view, each.format) for each in one.renditions)


CT_FORMS = [
    ("picture", 1, "", "png"),
    ("picture", 1, "brain", "png"),
    ("picture", 1, "lung", "png"),
    ("thumbnail", 1, "", "jpeg"),
]
CINE_FORMS = [
    ("loop", 0, "", "webp"),
    *[("picture", frame, "", "png") for frame in (1, 2, 3, 4)],
    ("thumbnail", 2, "", "jpeg"),
]
EVERYTHING = RenderSettings(
    RenditionFormat.PNG, png_bits=16, loop=LoopFormat.WEBP, ct_windows=(CtWindow.LUNG, CtWindow.BRAIN)
)


async def test_everything_that_the_settings_ask_for_is_stored_and_made_anew(tmp_path: Path) -> None:
    ct = write_study(tmp_path / "pacs", CT, patient_id=PATIENT_ID, instances=1)
    cine = write_study(tmp_path / "pacs", US_MULTIFRAME, patient_id=PATIENT_ID, instances=1, frames=4)
    keep = KeepSettings(Keep.STATEMENT)
    async with linked(tmp_path, keep=keep, render=EVERYTHING) as netty, hospital(netty, tmp_path / "pacs"):
        netty.register()
        await netty.fetch()
        for study, forms in ((ct, CT_FORMS), (cine, CINE_FORMS)):
            await _soon(partial(_all, netty, study.study_instance_uid))
            (one,) = _held(netty, study.study_instance_uid)
            assert _forms(one) == forms

            assert one.kept_blob is not None
            kept = netty.blobs.path(one.kept_blob)
            assert kept is not None
            for rendition in one.renditions:
                assert _followed(kept, rendition).data == netty.blobs.get(rendition.blob_key)

            old = {each.id for each in one.renditions}
            netty.renewal.render_again(study.study_instance_uid, "test")
            await _soon(partial(_none_of, old, netty, study.study_instance_uid))
            assert _forms(_held(netty, study.study_instance_uid)[0]) == forms
        assert netty.verify().ok


def _all(netty: Linked, study: str) -> bool:
    return all(one.renditions for one in _held(netty, study)) and bool(_held(netty, study))


def _none_of(old: set[int], netty: Linked, study: str) -> bool:
    return not old & {each.id for one in _held(netty, study) for each in one.renditions}


async def _soon(condition: Callable[[], bool]) -> None:
    await asyncio.to_thread(wait_until, condition, 20, "rendered")


def _followed(path: Path, rendition: HeldRendition) -> RenderedFile:
    with opened(path) as picture:
        if rendition.kind is RenditionKind.LOOP:
            return followed_loop(picture, rendition.recipe)
        return picture.followed(rendition.recipe)


def _drawn(path: Path, blobs: Blobs, child: Callable[[Mapping[str, Any]], Iterator[Reply]]) -> Pictures:
    """What the renderer has of an image with a loop asked for, drawn by `child`."""
    never: Any = None
    drawer = Drawer(never, blobs, lambda jobs: child(*jobs), RenderSettings(loop=LoopFormat.WEBP), never, never)
    pictures = Pictures(blobs, "renditions/ab/abcd")
    offset, syntax = locate_data_set(path)
    drawer.draw({"path": str(path), "offset": offset, "transfer_syntax": syntax}, pictures)
    return pictures


def _replies(job: Mapping[str, Any]) -> Iterator[Reply]:
    return (Reply(header, data) for header, data in render_job(job))


def _dies_of_loops(job: Mapping[str, Any]) -> Iterator[Reply]:
    if "loop" in job:
        raise ChildFailed("The renderer ran out of memory (limit {limit} MB).", limit=1024)
    return _replies(job)


@pytest.mark.parametrize("why", ["too many pixels", "too large a file", "a dead child"])
def test_where_no_loop_can_be_made_the_frames_are_there_and_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    monkeypatch.setattr(animation, "MOST_PIXELS", 1000 if why == "too many pixels" else 1 << 20)
    monkeypatch.setattr(animation, "LARGEST_FILE", 100 if why == "too large a file" else 1 << 20)
    path = made_image(tmp_path / "i", CINE, NumberOfFrames=5)

    pictures = _drawn(path, Blobs("file:blobs", tmp_path), _dies_of_loops if why == "a dead child" else _replies)

    assert [one.kind for one in pictures.renditions].count(RenditionKind.PICTURE) == 5
    assert RenditionKind.LOOP not in [one.kind for one in pictures.renditions]
    assert all(Flag.LOOP_LEFT_OUT in one.flags for one in pictures.renditions)
    assert pictures.ended is None


def test_an_image_of_one_frame_has_no_loop_and_misses_none(tmp_path: Path) -> None:
    pictures = _drawn(made_image(tmp_path / "i", CINE[0]), Blobs("file:blobs", tmp_path), _replies)

    assert [one.kind for one in pictures.renditions] == [RenditionKind.PICTURE, RenditionKind.THUMBNAIL]
    assert pictures.renditions[0].flags == ()
