"""Which values a picture without a fitting window spans: PS3.3 C.11.2, and what the field writes."""

from typing import Any

import pytest

from netty.image.modality import Rescale
from netty.image.series_range import is_of_range, series_range
from netty.image.stored_window import means_stored_values
from netty.image.voi import Window


@pytest.mark.parametrize(
    ("window", "rescale", "high", "expected"),
    [
        (Window(1000, 2000), Rescale(0.01, 0), 4095, True),  # Philips MR
        (Window(5000, 10000), Rescale(0.0002, 0), 32767, True),  # PET in SUV: the window holds all of 0 .. 6.6
        (Window(3, 6), Rescale(0.0002, 0), 32767, False),
        (Window(40, 400), Rescale(1, -1024), 4095, False),
        (Window(-600, 1500), Rescale(1, -1024), 4095, False),
        (Window(1024, 4096), Rescale(1, -1024), 255, False),  # neither would be filled
        (Window(2000, 100), Rescale(1, -8192), 4095, True),
        (Window(128, 256), Rescale(-1, 255), 255, False),
    ],
)
def test_a_window_for_stored_values_is_known_by_where_it_lies(
    window: Window, rescale: Rescale, high: int, expected: bool
) -> None:
    assert means_stored_values(window, rescale, 0, high) is expected


def recipe(low: float, high: float, source: str = "min-max") -> dict[str, Any]:
    return {"grayscale": {"voi": {"kind": "range", "low": low, "high": high, "source": source}}}


WINDOW: dict[str, Any] = {"grayscale": {"voi": {"kind": "window", "center": 1, "width": 2}}}


def test_the_range_of_a_series_spans_its_images_without_a_window() -> None:
    assert series_range([recipe(5, 10), WINDOW, recipe(-3, 7), recipe(0, 255, "bits"), {"grayscale": None}]) == (-3, 10)
    assert series_range([recipe(5, 10, "series"), recipe(0, 7)]) == (0, 10)
    assert series_range([WINDOW]) is None


def test_what_is_rendered_again() -> None:
    assert [is_of_range(one, 0, 10) for one in (recipe(0, 9), recipe(0, 10), WINDOW, recipe(0, 1, "bits"))] == [
        False,
        True,
        True,
        True,
    ]
