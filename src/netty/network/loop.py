"""The event loop for what starts its own: the searches and retrievals of jobs and commands, and child processes."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

_Result = TypeVar("_Result")


def run_to_end(main: Coroutine[Any, Any, _Result]) -> _Result:
    """What a coroutine comes to, on uvloop where it is installed: it moves bytes with less CPU."""
    new_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
    with contextlib.suppress(ImportError):
        from uvloop import new_event_loop as new_loop
    with asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(main)
