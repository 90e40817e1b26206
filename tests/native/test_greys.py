"""The compiled twins of computing greys and of looking them up give what those in numpy give, of every cell."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netty import native
from netty.image import grayscale, pixel_data, ramp
from netty.image.grayscale import GrayscalePlan, grey_frame, grey_levels
from netty.image.modality import Rescale
from netty.image.pixel_data import PhotometricInterpretation, PixelDescription, stored_values
from netty.image.ramp import Ramp
from netty.image.voi import ValueRange, VoiLutFunction, Window

pytestmark = pytest.mark.skipif(native.compiled is None, reason="the native parts are not installed")

EVERY_WORD = np.arange(1 << 16, dtype=np.uint16)
EVERY_OCTET = np.arange(1 << 8, dtype=np.uint8)
SIZES = [0, 1, 2, 15, 16, 17, 31, 33, 63, 64, 65, 127, 129, 1000, 65535, 65537, (1 << 18) + 3]
WORD, NUMBER = st.integers(0, 0xFFFF), st.integers(0, 0xFFFFFFFF)
MIDDLE = Ramp(12, False, 824, 1223, (255 << 24) // 399, 12345)


def assert_painted_alike(one: Ramp, cells: np.ndarray) -> None:
    assert ramp.COMPILED is not None
    greys, by_python = np.full(cells.size, 7, np.uint8), np.full(cells.size, 8, np.uint8)
    ramp.COMPILED(one, greys, cells)
    ramp.BY_PYTHON(one, by_python, cells)
    assert np.array_equal(greys, by_python)


def ramps(bits: int) -> st.SearchStrategy[Ramp]:
    return st.builds(Ramp, st.integers(1, bits), st.booleans(), WORD, WORD, NUMBER, NUMBER)


@given(ramps(16))
def test_any_ramp_over_every_word(one: Ramp) -> None:
    assert_painted_alike(one, EVERY_WORD)


@given(ramps(8))
def test_any_ramp_over_every_octet(one: Ramp) -> None:
    assert_painted_alike(one, EVERY_OCTET)


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("stored_bits", range(1, 17))
@pytest.mark.parametrize("ends", [(0, 0xFFFF), (1, 2), (9, 9), (200, 100), (0xFFFF, 0)])
@pytest.mark.parametrize("numbers", [(0, 0), (0xFFFFFFFF, 0xFFFFFFFF), (1 << 24, 0), (0xFFFF0000, 0xFF800000)])
def test_the_extremes(stored_bits: int, signed: bool, ends: tuple[int, int], numbers: tuple[int, int]) -> None:
    assert_painted_alike(Ramp(stored_bits, signed, *ends, *numbers), EVERY_WORD)
    assert_painted_alike(Ramp(min(stored_bits, 8), signed, *ends, *numbers), EVERY_OCTET)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("first", [0, 1])
def test_odd_numbers_of_cells_that_stand_anywhere(size: int, first: int) -> None:
    octets = np.random.default_rng(size).integers(0, 256, 2 * size + first, np.uint8)[first:]
    assert_painted_alike(MIDDLE, octets.view(np.uint16))
    assert_painted_alike(replace(MIDDLE, stored_bits=8, low=10, high=200), octets)


@pytest.mark.parametrize("cells", [EVERY_WORD.astype(">u2"), EVERY_WORD[::3], EVERY_WORD[::-1]])
def test_cells_in_another_order(cells: np.ndarray) -> None:
    assert_painted_alike(MIDDLE, cells)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("entries", ["u1", "u2"])
def test_cells_looked_up(size: int, entries: str) -> None:
    generator = np.random.default_rng(size)
    table = generator.integers(0, 256, 1 << 16, np.uint8).astype(entries)
    words = generator.integers(0, 1 << 16, size, np.uint16)
    for cells in (words, words.astype(">u2"), words[::2]):
        found, by_python = np.zeros(cells.size, entries), np.ones(cells.size, entries)
        assert pixel_data.COMPILED is not None
        pixel_data.COMPILED(table, found, cells)
        pixel_data.BY_PYTHON(table, by_python, cells)
        assert found.tobytes() == by_python.tobytes() == table[cells].tobytes()


@pytest.mark.parametrize("table", [EVERY_OCTET.repeat(256)[::-1], np.arange(512, dtype=np.uint8).reshape(256, 2)])
@pytest.mark.parametrize("cells", [EVERY_OCTET, EVERY_OCTET.astype(np.uint16)])
def test_tables_of_other_forms(table: np.ndarray, cells: np.ndarray) -> None:
    found = np.empty((256, *table.shape[1:]), np.uint8)
    assert pixel_data.COMPILED is not None
    pixel_data.COMPILED(table, found, cells)

    assert np.array_equal(found, table[cells])


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize(
    "bits", [(8, 8, 7), (8, 5, 4), (8, 5, 6), (16, 16, 15), (16, 12, 11), (16, 10, 13), (32, 16, 15)]
)
@pytest.mark.parametrize(
    "voi", [Window(40, 300), Window(20, 90, VoiLutFunction.SIGMOID), ValueRange(-100, 100, "bits")]
)
def test_a_frame_is_what_the_transforms_make_of_it(
    bits: tuple[int, int, int], signed: bool, voi: Window | ValueRange
) -> None:
    allocated, stored, high_bit = bits
    description = PixelDescription(61, 67, PhotometricInterpretation.MONOCHROME2, allocated, stored, high_bit, signed)
    cells = np.random.default_rng(stored).integers(0, 1 << allocated, 61 * 67, np.dtype(f"u{allocated // 8}"))
    for plan in (GrayscalePlan(Rescale(1, -40), voi, inverted=inverted, padding=None) for inverted in (False, True)):
        greys = grey_frame([cells[:999], cells[999:]], description, plan)

        assert np.array_equal(greys.reshape(-1), grey_levels(stored_values(cells, description), plan))


def test_octets_are_computed_where_there_is_a_ramp() -> None:
    plan = GrayscalePlan(None, Window(128, 200), inverted=False, padding=None)

    assert isinstance(getattr(grayscale._painter(8, 8, 7, False, plan, 8), "__self__", None), Ramp)


@pytest.mark.parametrize(
    ("greys", "cells", "numbers"),
    [
        (3, 8, (12, 0, 1, 2, 3, 4)),
        (4, 2, (12, 0, 1, 2, 3, 4)),
        (4, 4, (12, 0, 1, 2, 3, 4)),  # octets of 12 bits
        (4, 8, (0, 0, 1, 2, 3, 4)),
        (4, 8, (17, 0, 1, 2, 3, 4)),
        (4, 8, (12, 0, -1, 2, 3, 4)),
        (4, 8, (12, 0, 1, 1 << 16, 3, 4)),
        (4, 8, (12, 0, 1, 2, 1 << 32, 4)),
        (4, 8, (12, 0, 1, 2, 3, -1)),
    ],
)
def test_no_ramp_where_nothing_fits(greys: int, cells: int, numbers: tuple[int, ...]) -> None:
    with pytest.raises(ValueError):
        native.compiled.paint_ramp(bytearray(greys), bytes(cells), *numbers)  # type: ignore[union-attr]


@pytest.mark.parametrize(("greys", "cells", "table"), [(4, 8, 256), (4, 4, 65536), (5, 8, 65536), (4, 8, 65537)])
def test_no_table_where_nothing_fits(greys: int, cells: int, table: int) -> None:
    with pytest.raises(ValueError):
        native.compiled.look_up(bytearray(greys), bytes(cells), bytes(table))  # type: ignore[union-attr]


def test_greys_are_not_written_over_what_is_read() -> None:
    assert native.compiled is not None
    room = memoryview(bytearray(1 << 17))
    with pytest.raises(ValueError):
        native.compiled.paint_ramp(room[8:16], room[:16], 12, 0, 1, 2, 3, 4)
    with pytest.raises(ValueError):
        native.compiled.look_up(room[:4], bytes(8), room[: 1 << 16])
    with pytest.raises((BufferError, TypeError)):
        native.compiled.paint_ramp(bytes(4), bytes(8), 12, 0, 1, 2, 3, 4)
