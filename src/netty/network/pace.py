"""Watches one association's pace: who stalls in the middle of something is cut off, who rests costs little."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PaceLimits:
    """Within a message `minimum_rate` bytes per second over each `window`; between messages `idle` (0: for ever)."""

    minimum_rate: float
    window: float
    idle: float


class Pace:
    """One timer per association at most, set only while there is something to watch; nothing is done per byte."""

    __slots__ = (
        "_bytes",
        "_handle",
        "_limits",
        "_loop",
        "_on_idle",
        "_on_rest",
        "_on_slow",
        "_received",
        "_since",
        "_under_way",
    )

    def __init__(
        self,
        limits: PaceLimits,
        received: Callable[[], int],
        on_slow: Callable[[], None],
        on_idle: Callable[[], None],
        on_rest: Callable[[], None],
    ) -> None:
        """`received` counts the bytes; `on_rest` is called when nothing has come for a window between messages."""
        self._loop = asyncio.get_running_loop()
        self._limits = limits
        self._received = received
        self._on_slow = on_slow
        self._on_idle = on_idle
        self._on_rest = on_rest
        self._under_way = False
        self._since = self._loop.time()
        self._bytes = 0
        self._handle: asyncio.TimerHandle | None = None

    def note(self, under_way: bool) -> None:
        """Whether the peer owes us the rest of something: to be called after every read."""
        if under_way is self._under_way and self._handle is not None:
            return
        self._under_way = under_way
        self._since = self._loop.time()
        self._bytes = self._received()
        if self._handle is None:
            self._handle = self._loop.call_at(self._since + self._limits.window, self._look)

    def stop(self) -> None:
        """The association is over."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _look(self) -> None:
        """The timer: it was not moved at every change, so it may come too early."""
        now = self._loop.time()
        if self._under_way:
            due = self._since + self._limits.window
            if now >= due:
                received = self._received()
                if received - self._bytes < self._limits.minimum_rate * self._limits.window:
                    self._handle = None
                    self._on_slow()
                    return
                self._since, self._bytes = now, received
                due = now + self._limits.window
            self._handle = self._loop.call_at(due, self._look)
            return
        self._rest(now)

    def _rest(self, now: float) -> None:
        idle, window = self._limits.idle, self._limits.window
        received = self._received()
        if received != self._bytes:  # whole messages have come in the meantime
            self._since, self._bytes = now, received
        resting = now - self._since
        if idle and resting >= idle:
            self._handle = None
            self._on_idle()
            return
        if resting >= window:
            self._on_rest()
        next_looks = [self._since + limit for limit in (window, idle) if limit and resting < limit]
        self._handle = self._loop.call_at(min(next_looks), self._look) if next_looks else None
