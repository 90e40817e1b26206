"""Spool files made ahead: their names are safe before the first byte comes, so that an image costs one sync, not two.

They are there while images come, and gone some seconds after the last one.
"""

import threading
import time
from collections import deque
from contextlib import suppress
from typing import Final

from netty.archive.errors import DiskFault, DiskFull
from netty.archive.spool import Spool, SpoolFile

_COUNT: Final = 16
_IDLE_SECONDS: Final = 5.0  # `_COUNT` times this is less than what passes for an abandoned file


class SpoolAhead:
    """Makes files of a spool before they are asked for, in a thread of its own."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._made: deque[SpoolFile] = deque()
        self._wanted = threading.Event()
        self._asked_at = 0.0
        self._ended = False
        self._thread: threading.Thread | None = None

    def create(self) -> SpoolFile:
        """A new, empty file; never waits for one made ahead."""
        self._asked_at = time.monotonic()
        if len(self._made) <= _COUNT // 2:
            self._want()
        try:
            return self._made.popleft()
        except IndexError:
            return self._spool.create()

    def close(self) -> None:
        """Remove what nobody asked for."""
        self._ended = True
        self._wanted.set()
        if self._thread is not None:
            self._thread.join()

    def _want(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="spool-ahead", daemon=True)
            self._thread.start()
        self._wanted.set()

    def _run(self) -> None:
        while not self._ended:
            wanted = self._wanted.wait(_IDLE_SECONDS if self._made else None)
            self._wanted.clear()
            if wanted:
                self._make()
            elif time.monotonic() - self._asked_at >= _IDLE_SECONDS:
                self._discard()
        self._discard()

    def _make(self) -> None:
        with suppress(DiskFull, DiskFault):  # whoever needs a file will be told
            self._made += self._spool.create_named(_COUNT - len(self._made))

    def _discard(self) -> None:
        with suppress(IndexError):
            while True:
                self._made.popleft().discard()
