"""The compiled twins of the look at a picture see what those in numpy see."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netty import native
from netty.image.flags import Flag
from netty.image.padding import Padding
from netty.image.pixel_data import PhotometricInterpretation, PixelDescription
from netty.image.self_check import BY_PYTHON, COMPILED

pytestmark = pytest.mark.skipif(native.compiled is None, reason="the native parts are not installed")

BITS = [
    (8, 8, 7),
    (8, 3, 5),
    (16, 16, 15),
    (16, 12, 11),
    (16, 12, 15),
    (16, 1, 0),
    (1, 1, 0),
    (32, 20, 25),
    (32, 32, 31),
]


def content(picture: np.ndarray) -> Flag | None:
    assert COMPILED is not None
    found = COMPILED.content(picture)
    assert found is BY_PYTHON.content(picture)
    return found


def picture_of(shape: tuple[int, ...], dark: float, seed: int) -> np.ndarray:
    generator = np.random.default_rng(seed)
    return np.where(generator.random(shape) < dark, 12, 13).astype(np.uint8)


@given(
    rows=st.integers(1, 90),
    columns=st.integers(1, 90),
    samples=st.sampled_from([(), (1,), (3,)]),
    dark=st.sampled_from([0, 0.5, 0.98, 0.99, 0.995, 0.999, 0.9995, 1]),
    seed=st.integers(0, 1 << 32),
)
def test_dark_and_flat_pictures(rows: int, columns: int, samples: tuple[int, ...], dark: float, seed: int) -> None:
    content(picture_of((rows, columns, *samples), dark, seed))


@pytest.mark.parametrize("size", [1000, 1001, 2047, 2048, 2049, 4095, 4096, 6144, 6145, 100_000])
@pytest.mark.parametrize("lit", [0, 1, 2, 10, 11, 100, 101, 1000])
def test_the_last_pixel_that_makes_a_picture_black(size: int, lit: int) -> None:
    picture = np.zeros((1, size), np.uint8)
    picture[0, np.random.default_rng(lit).permutation(size)[:lit]] = 255
    picture[0, 0] = 1  # so that it is not flat

    content(picture)


@pytest.mark.parametrize("at", [0, 1, 2, 3, 500, 1199])
@pytest.mark.parametrize("shape", [(20, 60), (20, 20, 3)])
def test_one_pixel_that_differs_is_seen_wherever_it_is(at: int, shape: tuple[int, ...]) -> None:
    picture = np.full(shape, 200, np.uint8)
    assert content(picture) is Flag.FLAT
    picture.reshape(-1)[at] = 201
    assert content(picture) is None


def test_a_colour_is_flat_though_its_samples_differ() -> None:
    assert content(np.broadcast_to(np.array([1, 2, 3], np.uint8), (9, 8, 3)).copy()) is Flag.FLAT


@pytest.mark.parametrize(
    "picture",
    [
        np.arange(3 * 64 * 64, dtype=np.uint8).reshape(3, 64, 64).transpose(1, 2, 0),  # colour by plane
        np.arange(64 * 64, dtype=np.uint16).reshape(64, 64) >> 8,  # greys of 16 bits
        np.zeros((64, 128), np.uint8)[:, ::2],
    ],
)
def test_pictures_of_other_forms(picture: np.ndarray) -> None:
    content(picture)


@given(
    bits=st.sampled_from(BITS),
    signed=st.booleans(),
    rows=st.integers(1, 70),
    columns=st.integers(1, 90),
    ends=st.none() | st.tuples(st.integers(-70000, 70000), st.integers(0, 40000)),
    seed=st.integers(0, 1 << 32),
    order=st.sampled_from("<>"),
    grey_bits=st.sampled_from([8, 8, 16]),
)
def test_sums_over_any_cells(
    bits: tuple[int, int, int],
    signed: bool,
    rows: int,
    columns: int,
    ends: tuple[int, int] | None,
    seed: int,
    order: str,
    grey_bits: int,
) -> None:
    assert COMPILED is not None
    allocated, stored, high_bit = bits
    size = rows * columns
    description = PixelDescription(
        rows, columns, PhotometricInterpretation.MONOCHROME2, allocated, stored, high_bit, signed
    )
    generator = np.random.default_rng(seed)
    greys = generator.integers(0, 1 << grey_bits, size, np.dtype(f"u{grey_bits // 8}"))
    cells = generator.integers(0, 1 << allocated, size, np.dtype(f"u{max(1, allocated // 8)}"))
    sample = cells.astype(cells.dtype.newbyteorder(order))[:: max(1, size // 2048) | 1].copy()
    padding = Padding(ends[0], ends[0] + ends[1]) if ends else None

    compiled = COMPILED.sums(greys, sample, description, padding)

    assert compiled == BY_PYTHON.sums(greys, sample, description, padding)
    assert all(isinstance(each, int) for each in compiled)


@pytest.mark.parametrize(
    "arguments",
    [
        (bytes(9), 1, bytes(8), 0, 8, False, None),
        (bytes(9), 3, bytes(4), 0, 8, False, None),
        (bytes(9), 0, bytes(9), 0, 8, False, None),
        (bytes(9), 1, bytes(9), 0, 9, False, None),
        (bytes(9), 1, bytes(18), 5, 12, False, None),
        (bytes(9), 1, bytes(18), -1, 12, False, None),
        (bytes(9), 1, bytes(18), 0, 0, False, None),
        (bytes(9), 1, bytes(18), 1 << 30, 1 << 30, False, None),
        (bytes((1 << 20) + 1), 1, bytes((1 << 20) + 1), 0, 8, False, None),
    ],
)
def test_no_sums_where_nothing_fits(arguments: tuple[object, ...]) -> None:
    with pytest.raises(ValueError):
        native.compiled.sums(*arguments)  # type: ignore[union-attr]


@pytest.mark.parametrize("padding", [(1,), (1, 2, 3), ("a", "b")])
def test_no_padding_of_other_numbers(padding: tuple[object, ...]) -> None:
    with pytest.raises(TypeError):
        native.compiled.sums(bytes(9), 1, bytes(9), 0, 8, False, padding)  # type: ignore[union-attr]


@pytest.mark.parametrize(("picture", "pixel"), [(b"", 1), (b"12", 3), (b"1234", 3), (b"12", 0), (b"12", -1)])
def test_no_part_of_a_pixel(picture: bytes, pixel: int) -> None:
    with pytest.raises(ValueError):
        native.compiled.content(picture, pixel)  # type: ignore[union-attr]
