"""A pipe on which many processes tell one what lies ready: short lines, written whole or not at all (pipe(7)).

The supervisor holds both ends, so that a line outlives its writer, and waits while its reader is restarted. A line is
a hint: whoever reads must be able to find by itself what was never announced.
"""

import collections
import contextlib
import fcntl
import os
import select
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

    def put(self, name: str) -> bool:
        """Let a name (without line breaks, under 4 KB) wait for the next `flush`; whether it is the only one."""
        self._waiting.append(f"{name}\n".encode())
        return len(self._waiting) == 1

    def announce(self, name: str) -> bool:
        """Announce a name now; whether nothing waits any more."""
        self.put(name)
        return self.flush()

    def flush(self) -> bool:
        """Write what waits; whether nothing waits any more."""
        while self._waiting:
            lines = self._next_lines()
            try:
                os.write(self._descriptor, b"".join(lines))
            except BlockingIOError:
                return False
            for _ in lines:
                self._waiting.popleft()
        return True

    def _next_lines(self) -> list[bytes]:
        """As many as the pipe takes whole or not at all."""
        lines: list[bytes] = []
        size = 0
        for line in self._waiting:
            size += len(line)
            if lines and size > select.PIPE_BUF:
                break
            lines.append(line)
        return lines

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
