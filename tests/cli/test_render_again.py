"""``netty render`` through a presentation state, and by a recipe."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from support.commands import Netty
from support.images import made_image, referring, state_attributes, write_state

PIXELS = np.array([[0, 50, 100], [150, 200, 250]], np.uint8)


@pytest.fixture
def image(folder: Path) -> Path:
    return made_image(folder / "image.dcm", PIXELS)


def pixels(path: Path) -> list[list[int]]:
    with Image.open(path) as opened:
        shown: list[list[int]] = np.asarray(opened).tolist()
    return shown


def test_an_image_is_seen_through_a_presentation_state(netty: Netty, folder: Path, image: Path) -> None:
    state = write_state(folder / "state.dcm", state_attributes(PresentationLUTShape="INVERSE"))

    document = netty("render", image, "-o", "a.png", "--presentation-state", state, "--json").document

    assert pixels(folder / "a.png") == (255 - PIXELS).tolist()
    assert document["renditions"][0]["presentation_state"] == "2.25.9"


def test_a_presentation_state_of_other_images_is_refused(netty: Netty, folder: Path, image: Path) -> None:
    state = write_state(folder / "state.dcm", state_attributes(referring("2.25.8")))

    ended = netty("render", image, "-o", "a.png", "--presentation-state", state, code=1)

    assert "does not refer to this image" in ended.stderr


def test_a_recipe_makes_the_same_file_again(netty: Netty, folder: Path, image: Path) -> None:
    document = netty("render", image, "-o", "first.jpg", "--window", "90,100", "--json").document
    (folder / "all.json").write_text(json.dumps(document))
    (folder / "one.json").write_text(json.dumps(document["renditions"][0]["recipe"]))

    netty("render", image, "-o", "again.jpg", "--recipe", "all.json")
    netty("render", image, "-o", "once-more.jpg", "--recipe", "one.json")

    first = (folder / "first.jpg").read_bytes()
    assert (folder / "again.jpg").read_bytes() == (folder / "once-more.jpg").read_bytes() == first


@pytest.mark.parametrize(
    ("text", "words"),
    [("{", "is not JSON"), ("[]", "holds no recipe"), ('{"renditions": [{}, {}]}', "holds no recipe")],
)
def test_a_file_without_a_recipe_is_told(netty: Netty, folder: Path, image: Path, text: str, words: str) -> None:
    (folder / "recipe.json").write_text(text)

    assert words in netty("render", image, "-o", "a.png", "--recipe", "recipe.json", code=1).stderr


def test_a_recipe_leaves_nothing_to_choose(netty: Netty, folder: Path, image: Path) -> None:
    (folder / "recipe.json").write_text('{"grayscale": null}')

    netty("render", image, "-o", "a.png", "--recipe", "recipe.json", "--window", "1,2", code=2)


@pytest.mark.parametrize(
    ("made", "again", "options"),
    [
        ("deep.png", "deep2.png", ("--bits", "16")),
        ("loop.webp", "loop2.webp", ("--loop", "webp")),
        ("lung.jpg", "lung2.jpg", ("--window", "lung", "--frame", "2")),
    ],
)
def test_every_form_is_made_again_by_its_recipe(
    netty: Netty, folder: Path, made: str, again: str, options: tuple[str, ...]
) -> None:
    film = made_image(folder / "film.dcm", np.stack([PIXELS.astype(np.uint16) * 99] * 2), NumberOfFrames=2)
    if "--bits" in options:
        film = made_image(folder / "film.dcm", PIXELS.astype(np.uint16) * 99)
    (folder / "recipe.json").write_text(json.dumps(netty("render", film, "-o", made, *options, "--json").document))

    netty("render", film, "-o", again, "--recipe", "recipe.json")

    assert (folder / made).read_bytes() == (folder / again).read_bytes()


@pytest.mark.parametrize("more", [("--frame", "1"), ("--format", "png")])
def test_a_loop_leaves_no_frame_and_no_format_to_choose(netty: Netty, image: Path, more: tuple[str, str]) -> None:
    assert "leave out --frame and --format" in netty("render", image, "-o", "a", "--loop", "webp", *more, code=2).stderr
