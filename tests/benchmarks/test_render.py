"""All who draw in the benchmarks draw the image that they were given; no times here."""

from dataclasses import replace
from pathlib import Path

import pytest
from bench.images import Kind, write_study
from bench.render import ARTISTS, KINDS, Artist, Task, drawn

_SMALL = {
    kind.name: replace(kind, rows=96, columns=128, count=2, frames=min(kind.frames, 3), different=1) for kind in KINDS
}
_WHITE = {"WindowCenter": -5000, "WindowWidth": 2}


@pytest.mark.parametrize("kind", [_SMALL["CR"], _SMALL["cine"]], ids=str)
@pytest.mark.parametrize("artist", ARTISTS, ids=lambda one: one.name)
def test_everybody_draws_the_images_that_they_get(artist: Artist, kind: Kind, tmp_path: Path) -> None:
    if artist.missing:
        pytest.skip(f"{artist.program} is not installed")
    task = _task(kind, tmp_path)

    with artist.start(task) as draw:
        assert [drawn(task, draw).lost for _ in range(2)] == [0, 0]


@pytest.mark.parametrize("kind", _SMALL.values(), ids=str)
def test_the_bare_minimum_draws_all_kinds_of_images(kind: Kind, tmp_path: Path) -> None:
    task = _task(kind, tmp_path)

    with _BARE.start(task) as draw:
        assert drawn(task, draw).lost == 0


def test_a_wrong_picture_counts_as_lost(tmp_path: Path) -> None:
    ct = _SMALL["CT"]
    task = _task(ct, tmp_path / "one")
    white = _task(replace(ct, attributes={**ct.attributes, **_WHITE}), tmp_path / "other")

    with _BARE.start(replace(white, folder=task.folder)) as draw:
        assert drawn(task, draw).lost == 2


def test_a_missing_picture_counts_as_lost(tmp_path: Path) -> None:
    assert drawn(_task(_SMALL["CT"], tmp_path), lambda: (0.1, 0.1)).lost == 2


_BARE = next(one for one in ARTISTS if one.name == "bare")


def _task(kind: Kind, folder: Path) -> Task:
    (folder / "pictures").mkdir(parents=True)
    return Task(kind, write_study(kind, kind.count, folder / "files"), folder / "pictures")
