"""The ways to look at an image, in a real browser: further windows of a CT, and films that play."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from netty.archive.held import Rendition
from netty.archive.received import Rendered
from netty.image.rendition import EXTENSIONS
from netty.image.settings import CtWindow, LoopFormat, RenderSettings
from netty.simulator.phantoms_sections import chest_ct
from netty.workflow.data_set_place import locate_data_set
from netty.workflow.picture_file import PictureFile
from netty.workflow.render_loop import rendered_loop
from support.catalogue import received
from support.images import CT, made_image
from support.pages import PASSWORD, ROOT, Town
from support.serving import served

STUDY = f"{ROOT}.77"
SECTION = chest_ct(192, 0.5, np.random.default_rng(7)).astype(np.int16)
PLAYED = """picture => new Promise(done => {
    picture.addEventListener("timeupdate", () => picture.currentTime > 0.2 && done(picture.videoWidth))
    setTimeout(() => done("it does not play"), 15000)
})"""


def _hold(town: Town, folder: Path, number: int, frames: int, loop: LoopFormat = LoopFormat.NONE) -> str:
    """Render an image and hold it; gives the address of its page."""
    pixels: Any = np.stack([np.roll(SECTION, 6 * frame, 1) for frame in range(frames)]) if frames > 1 else SECTION
    stated = {"RescaleSlope": 1, "RescaleIntercept": 0, "WindowCenter": 40, "WindowWidth": 400, "FrameTime": "80"}
    path = made_image(folder / f"{number}.dcm", pixels, SOPClassUID=CT, NumberOfFrames=frames, **stated)
    settings = RenderSettings(ct_windows=tuple(CtWindow))
    with PictureFile(path, *locate_data_set(path)) as picture:
        made = [one for frame in picture.frames for one in picture.renditions(frame, settings, in_lists=frame == 1)]
        made += [rendered_loop(picture, loop)] if loop is not LoopFormat.NONE else []
    renditions = []
    for at, one in enumerate(made):
        key = f"renditions/views/{number}-{at}.{EXTENSIONS[one.format]}"
        town.blobs.put(key, one.data)
        checksum = hashlib.sha256(one.data).hexdigest()
        size = len(one.data)
        fields = {"window": one.window, "view": one.view, "kind": one.kind, "recipe": one.recipe}
        renditions.append(Rendition(one.format, one.frame, key, one.width, one.height, size, checksum, **fields))
    image = received(
        f"{STUDY}.1.{number}",
        study_instance_uid=STUDY,
        series_instance_uid=f"{STUDY}.1",
        patient_key="P001",
        facts={"patient_id": "0012345", "modality": "CT", "number_of_frames": str(frames)},
    )
    [registered] = town.registration.register([image])
    assert registered.instance_id
    town.registration.rendered([Rendered(registered.instance_id, renditions)])
    return f"/studies/{STUDY}/series/{STUDY}.1/images/{STUDY}.1.{number}"


@pytest.fixture(params=["en-US", "ja-JP"])
def page(browser: Browser, town: Town, request: pytest.FixtureRequest) -> Iterator[Page]:
    with served(town.app()) as address:
        context = browser.new_context(base_url=address, locale=request.param, viewport={"width": 1366, "height": 860})
        context.set_default_timeout(20_000)
        page = context.new_page()
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.goto("/")
        page.fill("#name", "operator")
        page.fill("#password", PASSWORD)
        page.press("#password", "Enter")
        page.wait_for_url(f"{address}/")
        yield page
        if folder := os.environ.get("NETTY_PICTURES"):  # to be looked at by a person
            page.screenshot(path=Path(folder) / f"{request.node.name}.png")
        context.close()
        assert not complaints


def _is_japanese(page: Page) -> bool:
    return page.locator("html").get_attribute("lang") == "ja"


def test_a_window_stays_from_image_to_image(town: Town, page: Page, tmp_path: Path) -> None:
    first, second = (_hold(town, tmp_path, number, 1) for number in (1, 2))

    page.goto(first)
    expect(page.locator(".choice a")).to_have_count(5)
    page.locator(".choice a", has_text="肺野" if _is_japanese(page) else "lung").click()
    expect(page.locator(".facts")).to_contain_text("C -600 W 1500")
    page.locator('[data-key="ArrowRight"]').click()

    page.wait_for_url(f"**{second}?view=lung")
    expect(page.locator(".facts")).to_contain_text("C -600 W 1500")
    assert page.locator("#picture").evaluate("picture => picture.decode().then(() => picture.naturalWidth)") == 192


@pytest.mark.parametrize("loop", [LoopFormat.WEBP, LoopFormat.MP4])
def test_a_film_plays(town: Town, page: Page, tmp_path: Path, loop: LoopFormat) -> None:
    if loop is LoopFormat.MP4:
        pytest.importorskip("av")
    page.goto(_hold(town, tmp_path, 3, 6, loop))

    page.locator(".choice a", has_text="動画" if _is_japanese(page) else "loop").click()

    expect(page.locator('.choice a[aria-current="page"]')).to_have_text("動画" if _is_japanese(page) else "loop")
    expect(page.locator('[data-key="ArrowDown"]')).to_have_count(0)
    if loop is LoopFormat.MP4:
        assert page.locator("video#picture").evaluate(PLAYED) == 192
    else:
        shown = page.locator("img#picture").evaluate("picture => picture.decode().then(() => picture.naturalWidth)")
        assert shown == 192
