"""Keeping a pace, so that automatic work does not weigh on somebody else's PACS."""

import asyncio
from collections.abc import Awaitable, Callable

Turn = Callable[[], Awaitable[None]]
"""Awaited before each association; it returns when the next one may be opened."""


async def at_once() -> None:
    """No pace: a person is waiting for the answer."""


class Pace:
    """At most `per_second` turns a second, evenly spaced."""

    def __init__(self, per_second: float) -> None:
        self._interval = 1 / per_second
        self._next = 0.0

    async def __call__(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        turn = max(self._next, now)
        self._next = turn + self._interval
        if turn > now:
            await asyncio.sleep(turn - now)
