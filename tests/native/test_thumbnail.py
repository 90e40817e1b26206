"""The compiled twin of making a picture smaller makes the pixels that Pillow makes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netty import native
from netty.image.thumbnail import BY_PYTHON, COMPILED

pytestmark = pytest.mark.skipif(native.compiled is None, reason="the native parts are not installed")


def assert_reduced_alike(picture: np.ndarray, step: int) -> None:
    assert COMPILED is not None
    small = COMPILED(picture, step)
    expected = BY_PYTHON(picture, step)
    assert small.dtype == expected.dtype
    assert small.shape == expected.shape
    assert np.array_equal(small, expected)


@given(
    rows=st.integers(1, 90),
    columns=st.integers(1, 90),
    samples=st.sampled_from([(), (3,)]),
    step=st.integers(2, 20),
    levels=st.sampled_from([2, 3, 256]),
    seed=st.integers(0, 1 << 32),
)
def test_pictures_of_any_size(
    rows: int, columns: int, samples: tuple[int, ...], step: int, levels: int, seed: int
) -> None:
    steps = np.random.default_rng(seed).integers(0, levels, (rows, columns, *samples), np.uint8)
    assert_reduced_alike((steps * (255 // (levels - 1))).astype(np.uint8), step)


@pytest.mark.parametrize("samples", [(), (3,)])
@pytest.mark.parametrize("step", [*range(2, 34), 64, 100, 127, 128, 200, 254, 255, 256, 300])
def test_steps_of_any_length(step: int, samples: tuple[int, ...]) -> None:
    picture = np.random.default_rng(step).integers(0, 256, (2 * step + 1, 3 * step - 1, *samples), np.uint8)
    for each in (picture, np.full_like(picture, 255), np.zeros_like(picture)):
        assert_reduced_alike(each, step)


@pytest.mark.parametrize("step", range(2, 17))
def test_every_sum_of_a_square(step: int) -> None:
    """What is added to a sum, and what it is multiplied with, are such that few sums are on the edge."""
    sums = np.arange(255 * step * step + 1)
    squares = np.zeros((sums.size, step * step), np.uint8)
    for at in range(step * step):
        squares[:, at] = np.clip(sums - 255 * at, 0, 255)
    assert_reduced_alike(squares.reshape(-1, step), step)


@pytest.mark.parametrize(
    "picture",
    [
        np.arange(64 * 64, dtype=np.uint8).reshape(64, 64)[:, ::2],
        np.arange(64 * 64 * 4, dtype=np.uint8).reshape(64, 64, 4),
    ],
)
def test_pictures_of_other_forms(picture: np.ndarray) -> None:
    assert_reduced_alike(picture, 3)


@pytest.mark.parametrize(
    ("small", "pixels", "numbers"),
    [
        (4, 15, (4, 4, 1, 2)),
        (3, 16, (4, 4, 1, 2)),
        (5, 16, (4, 4, 1, 2)),
        (4, 16, (4, 4, 1, 0)),
        (4, 16, (4, 4, 1, -2)),
        (1, 1 << 16, (256, 256, 1, 256)),
        (4, 32, (4, 4, 2, 2)),
        (0, 0, (0, 4, 1, 2)),
        (1, 1, (-1, -1, 1, 2)),
        (1, 0, ((1 << 28) + 1, 1, 1, 255)),
    ],
)
def test_no_smaller_one_where_nothing_fits(small: int, pixels: int, numbers: tuple[int, ...]) -> None:
    with pytest.raises(ValueError):
        native.compiled.reduce(bytearray(small), bytes(pixels), *numbers)  # type: ignore[union-attr]


def test_it_is_not_written_over_what_is_read() -> None:
    room = memoryview(bytearray(16))
    with pytest.raises(ValueError):
        native.compiled.reduce(room[12:], room, 4, 4, 1, 2)  # type: ignore[union-attr]
