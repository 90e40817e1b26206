"""Loops and thumbnails: all frames, each for its time."""

import builtins
import io
import tracemalloc
from typing import Any

import numpy as np
import pytest
from PIL import Image

from netty.errors import UsageError
from netty.image.animation import encode_loop, loop_encoder
from netty.image.errors import CannotRender
from netty.image.pixel_data import Array
from netty.image.settings import LoopFormat
from netty.image.thumbnail import SIDE, reduced, thumbnail, thumbnail_size

RAMP = np.tile(np.arange(0, 64, dtype=np.uint8), (48, 1))
GREYS = [RAMP, RAMP + 60, RAMP + 120]
COLOURS = [np.stack([grey, grey[::-1], grey // 2], -1) for grey in GREYS]
TIMES = [40, 120, 80]
RAMP_256 = np.tile(np.arange(0, 256, dtype=np.uint8), (256, 1))


def webp_frames(data: bytes) -> tuple[list[Array], list[int]]:
    pictures, times = [], []
    with Image.open(io.BytesIO(data)) as image:
        for frame in range(image.n_frames):
            image.seek(frame)
            pictures.append(np.asarray(image.convert("RGB")).astype(int))
            times.append(int(image.info["duration"]))
    return pictures, times


@pytest.mark.parametrize("pictures", [GREYS, COLOURS], ids=["grey", "colour"])
def test_an_animated_webp_shows_each_frame_for_its_time(pictures: list[Array]) -> None:
    shown, times = webp_frames(encode_loop(iter(pictures), TIMES, LoopFormat.WEBP, 90))

    assert times == TIMES
    for ours, picture in zip(shown, pictures, strict=True):
        theirs = picture if picture.ndim == 3 else picture[..., np.newaxis]
        assert np.abs(ours - theirs).mean() < 6


@pytest.mark.parametrize(
    "pictures", [GREYS, COLOURS, [grey[:-1, :-1] for grey in GREYS]], ids=["grey", "colour", "odd"]
)
def test_an_mp4_shows_each_frame_for_its_time(pictures: list[Array]) -> None:
    av = pytest.importorskip("av")

    data = encode_loop(iter(pictures), TIMES, LoopFormat.MP4, 95)

    with av.open(io.BytesIO(data)) as container:
        frames = list(container.decode(video=0))
        starts = [round(float(frame.time) * 1000) for frame in frames]
        assert starts == [0, 40, 160]
        assert (frames[0].width % 2, frames[0].height % 2) == (0, 0)
        for frame, picture in zip(frames, pictures, strict=True):
            shown = frame.to_ndarray(format="rgb24").astype(int)[: picture.shape[0], : picture.shape[1]]
            theirs = picture if picture.ndim == 3 else picture[..., np.newaxis]
            assert np.abs(shown - theirs).mean() < 6


def test_pictures_are_taken_one_at_a_time() -> None:
    taken = []

    def pictures() -> Any:
        for number in range(20):
            taken.append(number)
            yield GREYS[number % 3]

    encode_loop(pictures(), [50] * 20, LoopFormat.WEBP, 50)

    assert taken == list(range(20))


@pytest.mark.parametrize("format", [LoopFormat.WEBP, LoopFormat.MP4])
def test_frames_of_several_sizes_make_no_loop(format: LoopFormat) -> None:
    if format is LoopFormat.MP4:
        pytest.importorskip("av")
    with pytest.raises(CannotRender, match="differ in size"):
        encode_loop([RAMP, RAMP[:10]], [10, 10], format, 90)


def test_without_pyav_mp4_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    found = builtins.__import__

    def without_av(name: str, *more: Any) -> Any:
        if name == "av":
            raise ImportError(name)
        return found(name, *more)

    monkeypatch.setattr(builtins, "__import__", without_av)

    with pytest.raises(UsageError, match=r"pip install 'happy-netty\[video\]'"):
        encode_loop(GREYS, TIMES, LoopFormat.MP4, 90)
    assert loop_encoder(LoopFormat.WEBP).startswith("Pillow ")


@pytest.mark.parametrize(
    ("shape", "size"),
    [
        ((512, 512), (256, 256)),
        ((100, 50), (50, 100)),
        ((3000, 20, 3), (2, 300)),
        ((1, 9000), (300, 1)),
        ((321, 7), (4, 161)),
    ],
)
def test_a_thumbnail_is_a_small_jpeg(shape: tuple[int, ...], size: tuple[int, int]) -> None:
    with Image.open(io.BytesIO(thumbnail(np.zeros(shape, np.uint8)))) as small:
        assert (small.format, small.size) == ("JPEG", size)
        assert small.mode == ("RGB" if len(shape) == 3 else "L")
    assert thumbnail_size(*shape[:2]) == size[::-1]


def test_a_pixel_of_a_thumbnail_is_the_mean_of_a_square() -> None:
    squares = np.kron([[0, 200], [100, 50]], np.ones((200, 200))).astype(np.uint8)
    squares[::2, :200] += 40

    with Image.open(io.BytesIO(thumbnail(squares))) as small:
        greys = np.asarray(small).astype(int)

    assert greys.shape == (200, 200)
    assert [greys[50, 50], greys[50, 150], greys[150, 50], greys[150, 150]] == pytest.approx([20, 200, 120, 50], abs=1)


def test_only_what_changes_is_encoded_and_the_rest_stays() -> None:
    still = np.random.default_rng(1).integers(0, 256, (200, 200), np.uint8)
    moved = still.copy()
    moved[101:103, 51:55] ^= 255

    one = encode_loop([still], [40], LoopFormat.WEBP, 90)
    both = encode_loop([still, moved, moved], [40, 40, 40], LoopFormat.WEBP, 90)

    assert len(both) < len(one) + 1000
    shown, times = webp_frames(both)
    assert len(shown) == len(times) == 3
    outside = np.ones((200, 200), bool)
    outside[100:104, 50:56] = False
    assert np.array_equal(shown[0][outside], shown[1][outside])
    assert np.abs(shown[1][101:103, 51:55, 0] - moved[101:103, 51:55]).mean() < 60


@pytest.mark.parametrize("format", [LoopFormat.WEBP, LoopFormat.MP4])
def test_a_loop_of_too_many_pixels_is_refused_before_it_is_made(format: LoopFormat) -> None:
    if format is LoopFormat.MP4:
        pytest.importorskip("av")
    with pytest.raises(CannotRender, match="too many"):
        encode_loop([np.zeros((1024, 1024), np.uint8)] * 2, [10] * 1000, format, 90)


def test_colours_carry_their_profile_into_a_loop() -> None:
    data = encode_loop(COLOURS, TIMES, LoopFormat.WEBP, 90, b"a profile, odd.")

    with Image.open(io.BytesIO(data)) as image:
        assert image.info["icc_profile"] == b"a profile, odd."


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_of_a_huge_picture_not_every_pixel_is_looked_at_for_its_thumbnail(dtype: type) -> None:
    ramp = np.tile(np.linspace(0, np.iinfo(dtype).max, 9000).astype(dtype), (6000, 1))

    with Image.open(io.BytesIO(thumbnail(ramp))) as small:
        greys = np.asarray(small)[100].astype(int)

    assert small.size == (300, 200)
    assert np.abs(greys - np.linspace(0, 255, 300)).max() < 4


def test_a_long_loop_takes_no_more_memory_than_a_short_one_but_for_the_file() -> None:
    def peak(frames: int) -> tuple[int, int]:
        pictures = (np.roll(RAMP_256, number, 1) for number in range(frames))
        tracemalloc.start()
        try:
            size = len(encode_loop(pictures, [40] * frames, LoopFormat.WEBP, 90))
            return tracemalloc.get_traced_memory()[1], size
        finally:
            tracemalloc.stop()

    (short, _), (long, size) = peak(3), peak(100)

    assert long < short + 2 * size + RAMP_256.nbytes
    assert 97 * RAMP_256.nbytes > 2 * size + RAMP_256.nbytes  # else all pictures at once would not be noticed


@pytest.mark.parametrize("shape", [(512, 512), (500, 640), (511, 640), (640, 511), (512, 512, 3), (900, 900)])
def test_a_thumbnail_is_the_mean_of_squares(shape: tuple[int, ...]) -> None:
    """As Pillow has it, whoever works it out: half is rounded up."""
    picture = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    step = -(-max(shape) // SIDE)

    mean = np.asarray(Image.fromarray(picture).reduce(step))

    assert np.array_equal(reduced(picture, step), mean)
