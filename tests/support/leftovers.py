"""What a test may not leave behind in its process: threads, descriptors, half-written files."""

import gc
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from support.waiting import TooLate, wait_until

PATIENCE = 10.0


def threads() -> set[str]:
    """Those that run, but for the workers of an event loop's pool: they are few, and stay as long as their loop."""
    running = threading.enumerate()
    return {f"{thread.name} ({thread.ident})" for thread in running if not thread.name.startswith("asyncio_")}


_NOT_OURS = ("/proc/", "anon_inode:")
"""The look itself; and the blob store's runtime, one per process. A loop of ours that leaks leaks sockets too."""


def descriptors(pid: int | str = "self") -> dict[str, str]:
    """What is open, by number."""
    found = {}
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):
            found[entry.name] = os.readlink(entry)  # noqa: PTH115 - sockets and pipes are no paths
    return found


@contextmanager
def nothing_left() -> Iterator[None]:
    """As many threads and descriptors afterwards as before; they get a moment to end."""
    gc.collect()
    threads_before, open_before = threads(), set(descriptors())
    yield

    def left() -> list[str]:
        gc.collect()
        now = descriptors()
        return sorted(threads() - threads_before) + sorted(
            f"{number}: {now[number]}"
            for number in now.keys() - open_before
            if not any(part in now[number] for part in _NOT_OURS)
        )

    try:
        wait_until(lambda: not left(), PATIENCE, "nothing is left over")
    except TooLate as error:
        raise AssertionError(f"left over: {left()}") from error
