"""The event loop for what starts its own: the searches and retrievals of jobs and commands, and child processes."""

import asyncio
from asyncio import new_event_loop
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

with suppress(ImportError):  # here, not when the first loop is made: a process that forks others has it loaded for them
    from uvloop import new_event_loop

_Result = TypeVar("_Result")


def run_to_end(main: Coroutine[Any, Any, _Result]) -> _Result:
    """What a coroutine comes to, on uvloop where it is installed: it moves bytes with less CPU."""
    results: list[_Result] = []

    async def hold() -> None:
        results.append(await main)

    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        # A task that has the result would be written out with it, twice: Python looks whether its handler for Ctrl-C is
        # one of an enum's members, and makes a sentence of the one that is not (signal.signal in CPython 3.11).
        runner.run(hold())
    return results[0]
