"""Hours of the day in which something may run: ``["22:00-06:00", "12:00-13:00"]``."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import time

from netty.errors import SettingsError

_WINDOW = re.compile(r"(\d{2}):(\d{2})-(\d{2}):(\d{2})")
_MINUTES_A_DAY = 24 * 60


@dataclass(frozen=True, slots=True)
class Window:
    """From `start` to before `end`, in minutes since local midnight; it passes midnight where `end` <= `start`."""

    start: int
    end: int

    def contains(self, minute: int) -> bool:
        """Whether the minute of the day (0 to 1439) lies in the window."""
        if self.start < self.end:
            return self.start <= minute < self.end
        return minute >= self.start or minute < self.end


def parse_window(text: str) -> Window:
    """A window from ``HH:MM-HH:MM``; 24:00 may end one.

    Raises:
        SettingsError: where `text` is not of this form.
    """
    match = _WINDOW.fullmatch(text.strip())
    if match is not None:
        hour, minute, end_hour, end_minute = (int(part) for part in match.groups())
        start, end = hour * 60 + minute, end_hour * 60 + end_minute
        if max(minute, end_minute) < 60 and start < _MINUTES_A_DAY and end <= _MINUTES_A_DAY:
            return Window(start, end)
    raise SettingsError("{text} is not a time window. Write it as 22:00-06:00 (24:00 ends a day).", text=repr(text))


def within_hours(windows: Iterable[str], now: time) -> bool:
    """Whether `now` (local time) lies in one of the windows. No window at all means never."""
    minute = now.hour * 60 + now.minute
    return any(parse_window(window).contains(minute) for window in windows)
