"""Reads the unfinished retrievals from the database, once for all open pages, and publishes what changed."""

import asyncio
import logging
from typing import Final

from netty.archive.retrievals import Retrievals
from netty.errors import NettyError
from netty.model.retrieval import RetrievalState
from netty.web.bulletin import Bulletin, RetrievalProgress

log = logging.getLogger(__name__)

UNFINISHED: Final = tuple(state for state in RetrievalState if not state.final)
_AT_MOST: Final = 500  # the newest; nobody watches more at once
_AFTER_FAULT_SECONDS: Final = 5.0


class Progress:
    """Looks every `refresh` seconds, as long as anybody reads along."""

    def __init__(self, retrievals: Retrievals, bulletin: Bulletin, refresh: float) -> None:
        self._retrievals = retrievals
        self._bulletin = bulletin
        self._refresh = refresh
        self._known: dict[str, RetrievalProgress] = {}

    async def run(self) -> None:
        """Look again and again; ends when it is cancelled."""
        while True:
            pause = self._refresh
            if self._bulletin.read_along:
                try:
                    await self.look()
                except NettyError as error:
                    log.warning("cannot read the retrievals: %r", str(error))
                    pause = _AFTER_FAULT_SECONDS
            else:
                self._known.clear()
            await asyncio.sleep(pause)

    async def look(self) -> None:
        """Publish whatever is new, came forward or ended since the last look."""
        known = self._known
        now = await asyncio.to_thread(self._read, tuple(known))
        for identifier, progress in now.items():
            if known.get(identifier) != progress:
                self._bulletin.publish(progress)
        self._known = {key: progress for key, progress in now.items() if not progress.retrieval.state.final}

    def _read(self, known: tuple[str, ...]) -> dict[str, RetrievalProgress]:
        """All unfinished ones, and those known before that have ended."""
        retrievals = {one.id: one for one in self._retrievals.list(UNFINISHED, _AT_MOST)}
        for ended in set(known) - set(retrievals):
            retrievals[ended] = self._retrievals.get(ended)
        counts = self._retrievals.counts(list(retrievals))
        return {key: RetrievalProgress(one, counts[key]) for key, one in retrievals.items() if key in counts}
