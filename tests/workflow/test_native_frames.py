"""Cells strip by strip are the cells of the whole frame: PS3.5 8.1.1, 8.1.2."""

import os
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from netty.image.errors import CannotRender
from netty.image.grayscale import GrayscalePlan, grey_frame
from netty.image.pixel_data import ByteOrder, PhotometricInterpretation, PixelDescription
from netty.image.self_check import Sample
from netty.image.voi import Window
from netty.workflow import native_frames
from netty.workflow.native_frames import NativeFrames

GREY = PhotometricInterpretation.MONOCHROME2
START = 7  # bytes before the pixel data
KINDS = [
    PixelDescription(67, 61, GREY, 1, 1, 0, frames=3),  # frames share bytes with their neighbours
    PixelDescription(67, 61, GREY, 8, 8, 7, frames=3),
    PixelDescription(67, 61, GREY, 8, 8, 7, frames=3, byte_order=ByteOrder.BIG_WORDS),
    PixelDescription(67, 61, GREY, 16, 12, 11, frames=3),
    PixelDescription(67, 61, GREY, 16, 16, 15, frames=3, byte_order=ByteOrder.BIG),
    PixelDescription(67, 61, GREY, 32, 32, 31, frames=3),
    PixelDescription(1, 1, GREY, 16, 16, 15, frames=3),
    PixelDescription(67, 61, PhotometricInterpretation.RGB, 8, 8, 7, frames=3),
]


@pytest.fixture
def pixel_data(tmp_path: Path) -> Iterator[int]:
    path = tmp_path / "i"
    path.write_bytes(np.random.default_rng(1).integers(0, 256, 1 << 16, np.uint8).tobytes())
    descriptor = os.open(path, os.O_RDONLY)
    yield descriptor
    os.close(descriptor)


@pytest.mark.parametrize("strip", [2, 64, 4096, 1 << 19])
@pytest.mark.parametrize("pixels", KINDS, ids=lambda each: f"{each.bits_allocated} {each.byte_order.value}")
def test_strips_are_the_frame_in_pieces(
    pixel_data: int, pixels: PixelDescription, strip: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(native_frames, "STRIP", max(strip, pixels.bits_allocated // 8))
    frames = NativeFrames(pixel_data, START, pixels.total_size + 1, pixels)

    for frame in (1, 3, 2):
        cells = np.array(frames.cells(frame))
        pieces = [np.array(piece) for piece in frames.strips(frame)]

        assert cells.size == pixels.cells_per_frame
        assert np.array_equal(np.concatenate(pieces), cells)
        assert len(pieces) >= pixels.frame_size // native_frames.STRIP
        assert not frames.is_cut(frame)


@pytest.mark.parametrize("surplus", [-1, 0, 1])
@pytest.mark.parametrize("pixels", KINDS, ids=lambda each: f"{each.bits_allocated} {each.byte_order.value}")
def test_what_came_with_the_header_is_not_read_again(pixel_data: int, pixels: PixelDescription, surplus: int) -> None:
    first, size, _ = pixels.frame_span(1)
    read = memoryview(os.pread(pixel_data, first + size + surplus, START))
    read_anew = NativeFrames(pixel_data, START, pixels.total_size + 1, pixels)
    frames = NativeFrames(pixel_data if surplus < 0 else -1, START, pixels.total_size + 1, pixels, read)

    for frame in (2, 1):
        expected = np.array(read_anew.cells(frame))
        assert np.array_equal(np.concatenate([np.array(strip) for strip in frames.strips(frame)]), expected)


@pytest.mark.parametrize("missing", [1, 2, 99, 4000])
def test_what_lacks_of_a_frame_is_0_in_its_strips_too(
    pixel_data: int, missing: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(native_frames, "STRIP", 256)
    pixels = PixelDescription(67, 61, GREY, 16, 12, 11)
    whole = NativeFrames(pixel_data, START, pixels.total_size, pixels)
    cut = NativeFrames(pixel_data, START, pixels.total_size - missing, pixels)

    expected = np.array(whole.cells(1)).view(np.uint8)
    expected[-missing:] = 0

    assert np.array_equal(cut.cells(1).view(np.uint8), expected)
    assert np.array_equal(np.concatenate([np.array(strip) for strip in cut.strips(1)]).view(np.uint8), expected)
    assert (whole.is_cut(1), cut.is_cut(1)) == (False, True)


@pytest.mark.parametrize(
    ("frame", "message"),
    [(2, "ends in frame 2: 4086 of 8174 bytes"), (3, "ends before frame 3 of 9")],
)
def test_a_frame_that_is_not_there_is_refused_before_anything_is_read(
    pixel_data: int, frame: int, message: str
) -> None:
    pixels = PixelDescription(67, 61, GREY, 16, 12, 11, frames=9)
    frames = NativeFrames(pixel_data, START, pixels.frame_size + 4086, pixels)

    for ask in (frames.strips, frames.cells):
        with pytest.raises(CannotRender, match=message):
            ask(frame)


def test_a_file_that_shrinks_while_it_is_read_is_known(tmp_path: Path) -> None:
    pixels = PixelDescription(67, 61, GREY, 16, 12, 11)
    path = tmp_path / "i"
    path.write_bytes(bytes([9]) * pixels.total_size)
    with path.open("r+b") as file:
        frames = NativeFrames(file.fileno(), 0, pixels.total_size, pixels)
        assert not frames.is_cut(1)
        file.truncate(5000)

        (strip,) = frames.strips(1)

        assert np.count_nonzero(strip) == 2500
        assert frames.is_cut(1)


@pytest.mark.parametrize("size", [(67, 61), (1, 1), (300, 301), (2048, 5)])
@pytest.mark.parametrize("strip", [2, 100, 4096, 1 << 19])
def test_the_same_cells_are_sampled_whatever_the_strips(size: tuple[int, int], strip: int) -> None:
    pixels = PixelDescription(*size, GREY, 16, 12, 11)
    cells = np.random.default_rng(2).integers(0, 4096, size[0] * size[1], "<u2")
    at_once, in_strips = Sample(pixels), Sample(pixels)
    pieces = [cells[start : start + strip] for start in range(0, cells.size, strip)]

    assert next(at_once.of([cells])) is cells
    assert np.array_equal(np.concatenate(list(in_strips.of(pieces))), cells)

    assert np.array_equal(in_strips.cells, at_once.cells)
    assert at_once.cells.size >= min(cells.size, 1 << 10)


def test_a_large_frame_is_drawn_without_memory_for_its_cells(tmp_path: Path) -> None:
    pixels = PixelDescription(2048, 2048, GREY, 16, 12, 11)
    path = tmp_path / "i"
    path.write_bytes(np.arange(1 << 22, dtype="<u2").tobytes())
    plan = GrayscalePlan(None, Window(2048, 4096), False, None)
    with path.open("rb") as file:
        frames = NativeFrames(file.fileno(), 0, pixels.total_size, pixels)
        grey_frame(frames.strips(1), pixels, plan)  # makes the table

        tracemalloc.start()
        picture = grey_frame(frames.strips(1), pixels, plan)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert picture.nbytes == 1 << 22
    assert peak < picture.nbytes + pixels.frame_size // 2
