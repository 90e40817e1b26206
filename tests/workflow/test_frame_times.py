"""How long frames are shown, by the Cine and Multi-frame Modules (PS3.3 C.7.6.5, C.7.6.6), and loops made so."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydicom.tag import Tag

from netty.image.errors import CannotRender
from netty.image.settings import LoopFormat
from netty.workflow.data_set_place import locate_data_set
from netty.workflow.picture_file import PictureFile
from netty.workflow.render_loop import rendered_loop
from support.images import made_image

FRAMES = np.stack([np.arange(256, dtype=np.uint8).reshape(16, 16) // 2 + 40 * number for number in range(4)])


@pytest.mark.parametrize(
    ("stated", "times"),
    [
        ({"FrameTime": "40"}, (40, 40, 40, 40)),
        ({"FrameTimeVector": ["0", "30", "60", "90"]}, (30, 60, 90, 60)),
        ({"FrameTimeVector": ["0", "30"]}, (100,) * 4),  # too short to be believed
        ({"RecommendedDisplayFrameRate": "25"}, (40,) * 4),
        ({"CineRate": "20"}, (50,) * 4),
        ({"FrameTime": "40", "CineRate": "20"}, (40,) * 4),
        ({"FrameTime": "0", "CineRate": "20"}, (50,) * 4),
        ({"FrameTime": "40", "FrameTimeVector": ["0", "30", "60", "90"]}, (40,) * 4),
        (
            {"FrameTime": "40", "FrameTimeVector": ["0", "30", "60", "90"], "FrameIncrementPointer": Tag(0x00181065)},
            (30, 60, 90, 60),
        ),
        ({"FrameTime": "0.01"}, (10,) * 4),
        ({"FrameTime": "1e9"}, (10_000,) * 4),
        ({}, (100,) * 4),
    ],
    ids=str,
)
def test_frames_are_shown_as_long_as_the_header_says(
    tmp_path: Path, stated: dict[str, Any], times: tuple[int, ...]
) -> None:
    path = made_image(tmp_path / "i.dcm", FRAMES, NumberOfFrames=4, **stated)

    with PictureFile(path, *locate_data_set(path)) as picture:
        assert picture.frame_times == times


def test_a_loop_has_all_frames_and_says_how_it_was_made(tmp_path: Path) -> None:
    path = made_image(tmp_path / "i.dcm", FRAMES, NumberOfFrames=4, FrameTime="40")

    with PictureFile(path, *locate_data_set(path)) as picture:
        loop = rendered_loop(picture, LoopFormat.WEBP)

    assert (loop.width, loop.height, loop.recipe["durations"]) == (16, 16, [40] * 4)
    assert loop.recipe["frames"] == [1, 2, 3, 4]
    with Image.open(io.BytesIO(loop.data)) as image:
        assert image.n_frames == 4


def test_a_single_frame_makes_no_loop(tmp_path: Path) -> None:
    path = made_image(tmp_path / "i.dcm", FRAMES[0])

    with PictureFile(path, *locate_data_set(path)) as picture, pytest.raises(CannotRender, match="single frame"):
        rendered_loop(picture, LoopFormat.WEBP)
