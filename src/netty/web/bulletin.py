"""What happens while a page is open: one place where it is written, and any number of pages that read along.

A reader that is slow misses intermediate steps, never the last one, and nothing piles up for it.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from netty.model.retrieval import LedgerCount, Retrieval


@dataclass(frozen=True, slots=True)
class RetrievalProgress:
    """A retrieval is new, came forward, or ended."""

    retrieval: Retrieval
    count: LedgerCount

    @property
    def patient_key(self) -> str:
        """Whose study it is."""
        return self.retrieval.patient_key

    @property
    def topic(self) -> object:
        """A later event of the same topic replaces an earlier one that was not read yet."""
        return self.retrieval.id


@dataclass(frozen=True, slots=True)
class SearchChanged:
    """A search of one patient at one remote started or ended."""

    patient_key: str
    remote: str
    running: bool

    @property
    def topic(self) -> object:
        """See `RetrievalProgress.topic`."""
        return (self.patient_key, self.remote)


@dataclass(frozen=True, slots=True)
class SessionEnded:
    """Somebody logged out: what the person's open pages still read ends too."""

    session: str

    @property
    def topic(self) -> object:
        """See `RetrievalProgress.topic`."""
        return ("session", self.session)


Happening = RetrievalProgress | SearchChanged | SessionEnded


class Bulletin:
    """Hands every happening to all who read along. Lives in one event loop."""

    def __init__(self) -> None:
        self._readers: set[_Reader] = set()
        self._closed = False

    @property
    def read_along(self) -> bool:
        """Whether anybody reads."""
        return bool(self._readers)

    def publish(self, happening: Happening) -> None:
        """Tell all readers."""
        for reader in self._readers:
            reader.waiting[happening.topic] = happening
            reader.awake.set()

    def close(self) -> None:
        """Let all readers go: a server can stop only when no answer is under way any more."""
        self._closed = True
        for reader in self._readers:
            reader.awake.set()

    async def follow(self, heartbeat: float) -> AsyncIterator[list[Happening]]:
        """What happens from now on, in portions: the last state of each topic.

        At the latest after `heartbeat` seconds a portion comes, empty where nothing happened.
        """
        reader = _Reader()
        self._readers.add(reader)
        try:
            while not self._closed:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(heartbeat):
                        await reader.awake.wait()
                reader.awake.clear()
                portion, reader.waiting = list(reader.waiting.values()), {}
                yield portion
        finally:
            self._readers.discard(reader)


class _Reader:
    def __init__(self) -> None:
        self.waiting: dict[object, Happening] = {}
        self.awake = asyncio.Event()
