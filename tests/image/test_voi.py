"""The VOI transform by the standard's own examples and edges: PS3.3 C.11.2."""

import math

import numpy as np
import pytest

from netty.image.lookup_table import LookupTable
from netty.image.voi import ValueRange, VoiLutFunction, Window, apply_voi, apply_window


def greys(values: list[float], window: Window, maximum: float = 255.0) -> list[float]:
    result: list[float] = apply_window(np.array(values, np.float64), window, maximum).tolist()
    return result


@pytest.mark.parametrize(
    ("center", "width", "bottom", "top"),
    [
        # The four examples under C.11.2.1.2.1: "if x <= bottom then ymin, else if x > top then ymax".
        (2048, 4096, 0, 4095),
        (2048, 1, 2047.5, 2047.5),
        (0, 100, -50, 49),
        (0, 1, -0.5, -0.5),
    ],
)
def test_linear_examples_of_c_11_2_1_2_1(center: float, width: float, bottom: float, top: float) -> None:
    window = Window(center, width)

    assert greys([bottom - 1, bottom], window) == [0, 0]
    assert greys([top + 0.001, top + 1], window) == [255, 255]
    if width > 1:
        middle = (bottom + top) / 2
        assert greys([middle, top], window) == pytest.approx([127.5, 255])
        formula = ((middle + 7 - (center - 0.5)) / (width - 1) + 0.5) * 255
        assert greys([middle + 7], window) == pytest.approx([formula])


def test_linear_of_width_1_is_a_threshold() -> None:
    assert greys([98.5, 99, 99.5, 100, 100.5], Window(100, 1)) == [0, 0, 0, 255, 255]


def test_linear_exact_of_c_11_2_1_3_2() -> None:
    window = Window(0, 100, VoiLutFunction.LINEAR_EXACT)

    assert greys([-51, -50, -25, 0, 25, 50, 51], window) == pytest.approx([0, 0, 63.75, 127.5, 191.25, 255, 255])
    assert greys([-0.25, 0, 0.25], Window(0, 0.5, VoiLutFunction.LINEAR_EXACT)) == [0, 127.5, 255]


def test_sigmoid_of_c_11_2_1_3_1() -> None:
    window = Window(100, 50, VoiLutFunction.SIGMOID)

    expected = [255 / (1 + math.exp(-4 * (x - 100) / 50)) for x in (50, 100, 150)]
    assert greys([50, 100, 150], window) == pytest.approx(expected)
    assert greys([-1e9, 1e9], window) == pytest.approx([0, 255])


@pytest.mark.parametrize(
    ("window", "meaning"),
    [
        (Window(0, 1), True),
        (Window(0, 0.99), False),
        (Window(0, 0), False),
        (Window(0, -5), False),
        (Window(0, 0.01, VoiLutFunction.LINEAR_EXACT), True),
        (Window(0, 0, VoiLutFunction.SIGMOID), False),
    ],
)
def test_which_widths_have_a_meaning(window: Window, meaning: bool) -> None:
    assert window.has_meaning is meaning


def test_a_voi_lut_clamps_at_both_ends_and_fills_the_greys() -> None:
    table = LookupTable(-2, 12, np.array([0, 1000, 4095], "<u2").tobytes())

    result = apply_voi(np.array([-100.0, -2, -1, 0, 100]), table)

    assert result.tolist() == pytest.approx([0, 0, 1000 * 255 / 4095, 255, 255])


@pytest.mark.parametrize(
    ("low", "high", "expected"), [(10, 20, [0, 0, 127.5, 255, 255]), (10, 10, [0, 0, 255, 255, 255])]
)
def test_a_range_runs_from_its_first_to_its_last_value(low: float, high: float, expected: list[float]) -> None:
    assert apply_voi(np.array([0.0, 10, 15, 20, 30]), ValueRange(low, high, "min-max")).tolist() == expected
