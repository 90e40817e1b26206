"""Searches that a person started from a page: all remotes of a patient at once, each for itself.

A remote that does not answer holds up nobody but its own column.
"""

import asyncio
import logging
from typing import Final

from netty.errors import NettyError, PeerError
from netty.language import mark
from netty.model.patient import Patient
from netty.web.bulletin import Bulletin, SearchChanged
from netty.web.parts import Linkage

log = logging.getLogger(__name__)

_AT_ONCE: Final = 16
_KEPT_FAILURES: Final = 1000
UNFORESEEN: Final = mark("The search failed for a reason that nobody foresaw. It stands in the log.")


class Searches:
    """Runs searches as tasks of the page server's event loop; never two for one patient and remote."""

    def __init__(self, linkage: Linkage, bulletin: Bulletin) -> None:
        self._linkage = linkage
        self._bulletin = bulletin
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._tasks: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._failures: dict[tuple[str, str], str] = {}

    def running(self, patient_key: str) -> frozenset[str]:
        """The remotes that are being asked for this patient."""
        return frozenset(remote for key, remote in self._tasks if key == patient_key)

    def failures(self, patient_key: str) -> dict[str, str]:
        """Remote to why it could not be asked: what no archive notes, because nothing was sent."""
        return {remote: why for (key, remote), why in self._failures.items() if key == patient_key}

    def start(self, patient: Patient, asked_by: str) -> None:
        """Ask all remotes of the patient that are not being asked already."""
        for link in patient.links:
            place = (patient.key, link.remote)
            if place not in self._tasks:
                self._tasks[place] = asyncio.create_task(self._search(place, asked_by))
                self._bulletin.publish(SearchChanged(*place, running=True))

    async def _search(self, place: tuple[str, str], asked_by: str) -> None:
        key, remote = place
        self._failures.pop(place, None)
        try:
            async with self._turns:
                await self._linkage.search(remote, key, asked_by=asked_by)
        except PeerError as error:
            log.info("search at %r: %r", remote, str(error))  # noted beside the last answer
        except NettyError as error:
            self._note(place, str(error))
        except Exception:
            log.exception("search at %r", remote)
            self._note(place, UNFORESEEN)
        finally:
            self._tasks.pop(place, None)
            self._bulletin.publish(SearchChanged(*place, running=False))

    def _note(self, place: tuple[str, str], why: str) -> None:
        self._failures[place] = why
        while len(self._failures) > _KEPT_FAILURES:
            self._failures.pop(next(iter(self._failures)))

    async def stop(self) -> None:
        """Give up all searches."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
