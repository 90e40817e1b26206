"""A pipe on which many processes tell one what lies ready: short lines, written whole or not at all (pipe(7)).

The supervisor holds both ends, so that a line outlives its writer, and waits while its reader is restarted. A line is
a hint: whoever reads must be able to find by itself what was never announced.
"""

import collections
import contextlib
import fcntl
import os
from collections.abc import Callable

_F_SETPIPE_SZ = 1031  # fcntl(2), Linux
_CAPACITY = 1 << 20


def announcement_pipe() -> tuple[int, int]:
    """The reading and the writing end, as descriptors."""
    reading, writing = os.pipe()
    with contextlib.suppress(OSError):  # an unprivileged user may have used up the system's share; 64 KB do as well
        fcntl.fcntl(writing, _F_SETPIPE_SZ, _CAPACITY)
    return reading, writing


class Announcer:
    """The writing end in one process. Never blocks: what the pipe does not take now waits here for the next call."""

    def __init__(self, descriptor: int) -> None:
        os.set_blocking(descriptor, False)
        self._descriptor = descriptor
        self._waiting: collections.deque[bytes] = collections.deque()

    def announce(self, name: str) -> bool:
        """Announce a name (without line breaks, under 4 KB); whether nothing waits any more."""
        self._waiting.append(f"{name}\n".encode())
        return self.flush()

    def flush(self) -> bool:
        """Write what waits; whether nothing waits any more."""
        while self._waiting:
            try:
                os.write(self._descriptor, self._waiting[0])
            except BlockingIOError:
                return False
            self._waiting.popleft()
        return True

    def close(self) -> None:
        """Close this end; what still waits is left to whoever looks for itself."""
        os.close(self._descriptor)


def read_announcements(descriptor: int, heard: Callable[[list[str]], None]) -> None:
    """Call back with the names of each read, until all writers are gone. Blocks: give it a thread."""
    rest = b""
    while data := os.read(descriptor, 1 << 16):
        *lines, rest = (rest + data).split(b"\n")
        if lines:
            heard([line.decode() for line in lines])
