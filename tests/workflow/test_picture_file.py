"""A file to renditions: frame by frame, whatever is wrong with it, and with what it was made of."""

import io
import json
import re
import sys
import tracemalloc
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from netty import __version__
from netty.dicom.dataset import DataSetError
from netty.errors import UsageError
from netty.image.errors import CannotRender
from netty.image.flags import Flag
from netty.image.settings import RenderSettings, RenditionFormat
from netty.image.voi import Window
from netty.processes.limits import MEGABYTE, ChildLimits
from netty.processes.render_pool import ChildFailed, ChildPool
from netty.workflow.data_set_place import locate_data_set
from netty.workflow.image_file import NoPicture
from netty.workflow.picture_file import render_frames
from netty.workflow.render_job import render_job
from netty.workflow.rendered import RenderedFile, rendered_of
from support.images import CT, image_attributes, made_image, write_image

PNG = RenderSettings(RenditionFormat.PNG)


def render(
    path: Path, settings: RenderSettings = PNG, frames: Iterable[int] | None = None, window: Window | None = None
) -> list[RenderedFile]:
    return list(render_frames(path, *locate_data_set(path), settings, frames, window))


def opened(rendered: RenderedFile) -> NDArray[Any]:
    return np.asarray(Image.open(io.BytesIO(rendered.data)))


def test_a_ct_goes_through_rescale_and_window(tmp_path: Path) -> None:
    pixels = np.array([[0, 864], [1064, 3000]], "<u2")
    path = made_image(
        tmp_path / "ct",
        pixels,
        SOPClassUID=CT,
        RescaleSlope=1,
        RescaleIntercept=-1024,
        WindowCenter=40,
        WindowWidth=400,
    )

    (rendered,) = render(path)

    assert opened(rendered).tolist() == [[0, 0], [128, 255]]
    assert (rendered.frame, rendered.width, rendered.height, rendered.window) == (1, 2, 2, "C 40 W 400")
    assert rendered.flags == ()


def test_a_wished_window_goes_before_the_images(tmp_path: Path) -> None:
    path = made_image(tmp_path / "i", np.array([[0, 10]], "<u2"), WindowCenter=500, WindowWidth=1000)

    (rendered,) = render(path, window=Window(5.5, 11))

    assert opened(rendered).tolist() == [[0, 255]]


def test_without_a_window_all_frames_share_one_range_without_padding(tmp_path: Path) -> None:
    frames = np.array([[[9999, 100, 200]], [[9999, 200, 600]]], "<u2")
    path = made_image(tmp_path / "i", frames, NumberOfFrames=2, PixelPaddingValue=9999)

    first, second = render(path)

    assert opened(first).tolist() == [[0, 0, 51]]
    assert opened(second).tolist() == [[0, 51, 255]]
    assert first.window == "100 .. 600"


def test_one_frame_of_many_keeps_the_range_of_all(tmp_path: Path) -> None:
    frames = np.array([[[100, 200]], [[200, 600]]], "<u2")
    path = made_image(tmp_path / "i", frames, NumberOfFrames=2)

    (second,) = render(path, frames=[2])

    assert second.frame == 2
    assert opened(second).tolist() == [[51, 255]]


@pytest.mark.parametrize("frame", [0, 3])
def test_a_frame_that_is_not_there_is_refused(tmp_path: Path, frame: int) -> None:
    path = made_image(tmp_path / "i", np.zeros((2, 4, 4), np.uint8), NumberOfFrames=2)

    with pytest.raises(UsageError, match=f"no frame {frame}: the image has 2"):
        render(path, frames=[frame])


@pytest.mark.parametrize(
    ("pixels", "attributes", "flag"),
    [
        (np.full((4, 4), 7, np.uint8), {}, Flag.FLAT),
        (np.full((4, 4), 7, "<u2"), {"PixelPaddingValue": 7}, Flag.PADDING_ONLY),
        (np.full((4, 4, 3), 7, np.uint8), {"PhotometricInterpretation": "RGB"}, Flag.FLAT),
        (np.arange(16, dtype="<u2").reshape(4, 4), {"WindowCenter": 9000, "WindowWidth": 10}, Flag.FLAT),
    ],
)
def test_a_picture_that_shows_nothing_is_flagged(
    tmp_path: Path, pixels: NDArray[Any], attributes: dict[str, Any], flag: Flag
) -> None:
    (rendered,) = render(made_image(tmp_path / "i", pixels, **attributes))

    assert rendered.flags == (flag,)


def test_pixels_that_are_not_square_are_made_square(tmp_path: Path) -> None:
    path = made_image(tmp_path / "i", np.arange(256, dtype=np.uint8).reshape(16, 16), PixelSpacing=[1, "0.5"])

    (rendered,) = render(path)

    assert (rendered.width, rendered.height) == (16, 32)
    assert opened(rendered).shape == (32, 16)


def test_pixel_data_that_ends_in_a_frame_is_shown_as_far_as_it_goes(tmp_path: Path) -> None:
    attributes = image_attributes(np.zeros((2, 2), np.uint8), NumberOfFrames=3)
    path = write_image(tmp_path / "i", attributes, [bytes([10, 20, 30, 40, 50, 60])])

    whole, part = render(path)

    assert (opened(whole).tolist(), whole.flags) == ([[10, 20], [30, 40]], (Flag.FRAMES_MISSING,))
    assert (opened(part).tolist(), part.flags) == ([[50, 60], [0, 0]], (Flag.FRAMES_MISSING, Flag.TRUNCATED))


def test_a_frame_count_that_lies_gives_the_frames_that_are_there(tmp_path: Path) -> None:
    path = made_image(tmp_path / "i", np.array([[[0, 200]], [[0, 100]]], np.uint8), NumberOfFrames=2**31 - 1)

    assert [opened(frame).tolist() for frame in render(path)] == [[[0, 200]], [[0, 100]]]


def test_a_size_that_the_pixel_data_cannot_fill_takes_no_memory(tmp_path: Path) -> None:
    path = made_image(tmp_path / "i", np.zeros((4, 4), "<u2"), Rows=65535, Columns=65535)

    with pytest.raises(CannotRender, match="32 of 8589672450 bytes"):
        render(path)


def test_a_length_that_lies_does_not_reach_behind_the_file(tmp_path: Path) -> None:
    path = write_image(
        tmp_path / "i", image_attributes(np.zeros((2, 2), np.uint8)), [bytes([9, 99])], length=0xFFFFFFF0
    )

    (rendered,) = render(path)

    assert rendered.flags == (Flag.TRUNCATED,)


def test_what_stands_behind_the_data_set_is_not_read(tmp_path: Path) -> None:
    path = made_image(tmp_path / "i", np.array([[10, 20]], np.uint8))
    length = path.stat().st_size
    with path.open("ab") as file:
        file.write(b"\xff" * 100)
    offset, transfer_syntax = locate_data_set(path)

    (rendered,) = render_frames(path, offset, transfer_syntax, PNG, length=length - offset)

    assert rendered.flags == ()


@pytest.mark.parametrize("columns", [1, 3, 7])
@pytest.mark.parametrize(("photometric", "samples"), [("MONOCHROME2", ()), ("RGB", (3,))])
def test_odd_sizes(tmp_path: Path, columns: int, photometric: str, samples: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (3, 5, columns, *samples), np.uint8)
    path = made_image(tmp_path / "i", pixels, NumberOfFrames=3, PhotometricInterpretation=photometric)

    assert np.array_equal(np.stack([opened(frame) for frame in render(path)]), pixels)


def test_monochrome1_is_inverted_after_the_window(tmp_path: Path) -> None:
    path = made_image(
        tmp_path / "i",
        np.array([[0, 50, 100]], "<u2"),
        PhotometricInterpretation="MONOCHROME1",
        PresentationLUTShape="INVERSE",
        WindowCenter="50.5",
        WindowWidth=101,
    )

    (rendered,) = render(path)

    assert opened(rendered).tolist() == [[255, 127, 0]]


def test_the_recipe_has_every_number_and_is_json(tmp_path: Path) -> None:
    path = made_image(
        tmp_path / "i",
        np.array([[0, 50]], "<u2"),
        RescaleSlope=2,
        RescaleIntercept=1,
        WindowCenter=50,
        WindowWidth=100,
        PixelPaddingValue=0,
    )

    (rendered,) = render(path, RenderSettings(quality=85))

    recipe = json.loads(json.dumps(rendered.recipe))
    assert recipe["netty"] == __version__
    assert recipe["frame"] == 1
    assert recipe["grayscale"] == {
        "modality": {"kind": "rescale", "slope": 2.0, "intercept": 1.0, "units": ""},
        "voi": {"kind": "window", "center": 50.0, "width": 100.0, "function": "LINEAR", "explanation": ""},
        "presentation": None,
        "inverted": False,
        "padding": {"low": 0, "high": 0},
    }
    encoder = recipe["output"].pop("encoder")
    assert re.fullmatch(r"simplejpeg \d+\.\d+.*", encoder)
    assert recipe["output"] == {
        "kind": "picture",
        "rows": 1,
        "columns": 2,
        "format": "jpeg",
        "quality": 85,
        "bits": 8,
        "subsampling": None,
        "passed_through": False,
    }


def test_a_transfer_syntax_that_is_not_read_is_refused_by_name(tmp_path: Path) -> None:
    path = made_image(tmp_path / "i", np.zeros((2, 2), np.uint8))

    with pytest.raises(DataSetError, match=r"cannot be rendered: .* transfer syntax 1\.2\.840\.10008\.1\.2\.4\.100"):
        list(render_frames(path, 0, "1.2.840.10008.1.2.4.100", PNG))


def test_a_presentation_state_is_told_apart_from_an_image_that_fails(tmp_path: Path) -> None:
    state = made_image(tmp_path / "s", np.zeros((2, 2), np.uint8), SOPClassUID="1.2.840.10008.5.1.4.1.1.11.1")

    with pytest.raises(NoPicture, match="presentation state"):
        render(state)


def job(path: Path, **more: Any) -> dict[str, Any]:
    offset, transfer_syntax = locate_data_set(path)
    stated = {"path": str(path), "offset": offset, "transfer_syntax": transfer_syntax, "format": "png", "quality": 90}
    return stated | more


def test_a_job_answers_with_the_image_and_its_frames(tmp_path: Path) -> None:
    path = made_image(tmp_path / "i", np.arange(32, dtype=np.uint8).reshape(2, 4, 4), NumberOfFrames=2)

    (image, nothing), *frames = render_job(job(path))

    assert (image, nothing) == ({"kind": "image", "frames": 2}, b"")
    assert [rendered_of(json.loads(json.dumps(header)), data) for header, data in frames] == render(path)


def test_a_job_answers_why_there_is_no_picture(tmp_path: Path) -> None:
    state = made_image(tmp_path / "s", np.zeros((2, 2), np.uint8), SOPClassUID="1.2.840.10008.5.1.4.1.1.11.1")
    broken = made_image(tmp_path / "b", np.zeros((2, 2), np.uint8), PhotometricInterpretation="HSV")

    ((no_picture, _),) = render_job(job(state))
    ((cannot, _),) = render_job(job(broken))

    assert no_picture == {
        "kind": "no_picture",
        "template": "It holds no picture ({kind}).",
        "values": {"kind": "presentation state"},
        "references": [],
    }
    assert cannot["kind"] == "cannot_render"
    assert cannot["values"] == {"name": "HSV"}


@pytest.mark.parametrize(("size", "frames"), [(512, 60), (2236, 3)])
def test_an_image_never_stands_in_memory_whole(tmp_path: Path, size: int, frames: int) -> None:
    """Anonymous memory grows by a few frames, not by the image; numpy tells tracemalloc what it takes."""
    row = (np.arange(size, dtype="<u2") * 7)[None, :]
    frame = np.repeat(row, size, axis=0)
    path = write_image(
        tmp_path / "i", image_attributes(frame, NumberOfFrames=frames), (frame.tobytes() for _ in range(frames))
    )
    jpeg = RenderSettings()
    tracemalloc.start()
    try:
        for _ in render_frames(path, *locate_data_set(path), jpeg):
            pass
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 3 * frame.nbytes + 4_000_000


RENDER_CHILD = (
    sys.executable,
    "-c",
    "from netty.processes.worker import serve_jobs; from netty.workflow.render_job import render_job; "
    "serve_jobs(render_job)",
)


@pytest.mark.parametrize(("side", "dtype"), [(30000, "<u2"), (65535, "u1")])
def test_a_render_child_that_an_image_is_too_large_for_says_so_and_renders_the_next(
    tmp_path: Path, side: int, dtype: str
) -> None:
    small = made_image(tmp_path / "small", np.arange(16, dtype=np.uint8).reshape(4, 4))
    huge = write_image(tmp_path / "huge", image_attributes(np.zeros((4, 4), dtype), Rows=side, Columns=side), [])
    length = side * side * np.dtype(dtype).itemsize
    with huge.open("r+b") as file:  # 1.8 and 4.3 GB, without taking them from the disk
        file.seek(-4, 2)
        file.write(length.to_bytes(4, "little"))
        file.truncate(file.tell() + length)
    with ChildPool(RENDER_CHILD, 1, ChildLimits(memory=512 * MEGABYTE)) as pool:
        with pytest.raises(ChildFailed, match=r"ran out of memory \(limit 512 MB\)"):
            list(pool.run(job(huge)))

        _, frame = pool.run(job(small))

    assert [rendered_of(frame.header, frame.payload)] == render(small)
