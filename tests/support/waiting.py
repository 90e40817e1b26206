"""Waiting for programs that tell us nothing: by asking them again, until a deadline, or until they have ended."""

import os
import select
import subprocess
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class TooLate(AssertionError):
    """What was waited for did not come."""


def wait_until(
    condition: Callable[[], T],
    seconds: float,
    what: str,
    process: "subprocess.Popen[bytes] | None" = None,
    pause: float = 0.05,
) -> T:
    """What `condition` answers as soon as it is true; asks again every `pause` seconds.

    Raises:
        TooLate: when `seconds` have passed, or at once when `process` has ended without its coming true.
    """
    deadline = time.monotonic() + seconds
    handle = os.pidfd_open(process.pid) if process is not None and process.poll() is None else None
    try:
        while True:
            answer = condition()
            if answer:
                return answer
            if process is not None and process.poll() is not None:
                raise TooLate(f"{what}: the program ended with {process.returncode} before it came true")
            if time.monotonic() > deadline:
                raise TooLate(f"{what}: not within {seconds:g} s")
            select.select([handle] if handle is not None else [], [], [], pause)
    finally:
        if handle is not None:
            os.close(handle)
