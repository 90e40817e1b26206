"""Errors that a library written in C swallows: Cython reports them to Python's hook, and goes on as if nothing were."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from netty.image.errors import CannotRender


@contextmanager
def no_error_swallowed(what: str) -> Iterator[None]:
    """CannotRender if an error was swallowed meanwhile: the picture that was given may be anything (HTJ2K does so).

    The hook is the process's: for a render child, which does one thing at a time.
    """
    swallowed: list[BaseException | None] = []
    before = sys.unraisablehook
    sys.unraisablehook = lambda unraisable: swallowed.append(unraisable.exc_value)
    try:
        yield
    finally:
        sys.unraisablehook = before
    if swallowed:
        raise CannotRender(
            "{syntax}: a frame cannot be decoded: {cause}", syntax=what, cause=str(swallowed[0])
        ) from swallowed[0]
