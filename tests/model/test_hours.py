"""Hours in which automatic work may run."""

from datetime import time

import pytest

from netty.errors import SettingsError
from netty.model.hours import parse_window, within_hours


@pytest.mark.parametrize(
    ("windows", "now", "inside"),
    [
        (["00:00-24:00"], time(0, 0), True),
        (["00:00-24:00"], time(23, 59), True),
        (["22:00-06:00"], time(23, 0), True),
        (["22:00-06:00"], time(5, 59), True),
        (["22:00-06:00"], time(6, 0), False),
        (["22:00-06:00"], time(12, 0), False),
        (["12:00-13:00", "22:00-24:00"], time(22, 0), True),
        (["12:00-13:00"], time(13, 0), False),
        ([], time(12, 0), False),
    ],
)
def test_a_window_holds_its_start_and_not_its_end_and_may_pass_midnight(
    windows: list[str], now: time, inside: bool
) -> None:
    assert within_hours(windows, now) is inside


@pytest.mark.parametrize("text", ["", "22-6", "24:00-06:00", "10:60-11:00", "10:00-24:30", "10:00"])
def test_what_is_no_window_is_an_error_that_shows_how_to_write_one(text: str) -> None:
    with pytest.raises(SettingsError, match=r"22:00-06:00"):
        parse_window(text)
