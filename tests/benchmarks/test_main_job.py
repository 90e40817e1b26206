"""All who do the main job in the benchmarks end with a right picture of each image; no times here."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import simplejpeg
from bench.images import CT_STUDY
from bench.main_job import NETTY, fetched
from bench.main_job_peers import PEERS, Job, Peer, Study, Work, made_studies
from bench.pictures import Picture, expected

_SMALL = replace(CT_STUDY, rows=64, columns=96)
_COUNT = 5


@pytest.mark.parametrize("one", [NETTY[1], *PEERS], ids=lambda one: one.name)
def test_each_fetches_and_shows_every_image_of_one_study_after_another(one: Peer, tmp_path: Path) -> None:
    if one.missing:
        pytest.skip(f"one of {', '.join(one.programs)} is not installed")
    kind = CT_STUDY if one.name.startswith("bare") else _SMALL  # it makes its images itself
    studies = made_studies(kind, 2, _COUNT, tmp_path / "files")
    wanted = [expected(file) for file in studies[0].files]
    (tmp_path / "work").mkdir()

    with one.start(Job(tmp_path / "work", studies)) as work:
        rounds = iter(studies)
        lost = [fetched(work, rounds, wanted).lost for _ in studies]

    assert lost == [0, 0]


@pytest.mark.parametrize(
    ("pictures", "lost"),
    [([0, 1, 0], 0), ([0, 1], 1), ([0, 0, 0], 1), ([0, 0, 0, 0], 1), ([], 3), ([1, 1, 1], 2), ([2, 2, 2], 3)],
    ids=["all", "one missing", "one twice", "too many of one", "none", "one thrice", "others"],
)
def test_what_is_missing_or_shows_something_else_counts_as_lost(
    pictures: Sequence[int], lost: int, tmp_path: Path
) -> None:
    shown = [np.full((40, 40), grey, np.uint8) for grey in (20, 120, 220)]
    files = [_written(tmp_path / f"{number}.jpg", shown[each]) for number, each in enumerate(pictures)]
    looked = iter([[], files])
    work = Work(1, lambda _: (1.0, 3), lambda: next(looked))

    assert fetched(work, iter([_of_so_many(3)]), shown[:2]).lost == lost


def test_pictures_that_are_not_registered_count_as_lost(tmp_path: Path) -> None:
    shown = np.full((40, 40), 20, np.uint8)
    files = [_written(tmp_path / "one.jpg", shown)]

    looked = iter([[], files])

    assert fetched(Work(1, lambda _: (1.0, 0), lambda: next(looked)), iter([_of_so_many(1)]), [shown]).lost == 1


def test_pictures_of_an_earlier_study_do_not_count(tmp_path: Path) -> None:
    shown = np.full((40, 40), 20, np.uint8)
    files = [_written(tmp_path / "one.jpg", shown)]

    assert fetched(Work(1, lambda _: (1.0, 1), lambda: files), iter([_of_so_many(1)]), [shown]).lost == 1


def _of_so_many(count: int) -> Study:
    return Study("00001", [Path(f"{number}.dcm") for number in range(count)])


def _written(path: Path, picture: Picture) -> Path:
    path.write_bytes(simplejpeg.encode_jpeg(picture[:, :, np.newaxis], colorspace="GRAY", colorsubsampling="Gray"))
    return path
