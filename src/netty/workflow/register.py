"""Registering what was received: rows follow in batches, and a crash between file and row loses nothing."""

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterable, Sequence

from netty.archive.errors import DatabaseFault
from netty.archive.received import Received, Registered, RegistrationOutcome
from netty.archive.registration import Registration
from netty.archive.spool import Spool

log = logging.getLogger(__name__)

_LARGEST_BATCH = 1000
_PATIENCE_SECONDS = 1.0
_GATHER_SECONDS = 0.1  # while images come one behind the other: rows cost receiving less when many are written at once
_GATHER_IN_A_FLOOD_SECONDS = 0.5  # while so many come that both cores are receiving anyhow
_FLOOD = 40  # images between two looks
_PAUSE_SECONDS = 0.02  # from look to look; without another one, what is there need not wait for more


def register_batch(registration: Registration, spool: Spool, batch: Sequence[Received]) -> list[Registered]:
    """Write the rows of a batch, then put each spool file where it belongs now."""
    outcomes = registration.register(batch)
    spool.remove(*(one.spool_name for one in outcomes if one.outcome is RegistrationOutcome.SAME))
    _quarantine(registration, spool, [one.spool_name for one in outcomes if one.to_quarantine])
    return outcomes


def unregistered(registration: Registration, spool: Spool) -> list[str]:
    """The sealed spool files that have no row yet: their process died in between, or is about to write it."""
    unknown = spool.names() - registration.spool_names()
    return [name for name in sorted(unknown) if spool.receipt(name) is not None]


def awaits_rows(registration: Registration, spool: Spool, retrieval_id: str) -> bool:
    """Whether an image of a retrieval is safe in the spool, and its row still to be written."""
    return any(one.retrieval_id == retrieval_id for one in received_of(spool, unregistered(registration, spool)))


def register_leftovers(registration: Registration, spool: Spool) -> int:
    """Register what was answered 0x0000 and has no row yet, because a process died in between; gives how many."""
    leftovers = received_of(spool, unregistered(registration, spool))
    for start in range(0, len(leftovers), _LARGEST_BATCH):
        register_batch(registration, spool, leftovers[start : start + _LARGEST_BATCH])
    _quarantine(registration, spool, registration.to_quarantine())
    return len(leftovers)


def received_of(spool: Spool, names: Iterable[str]) -> list[Received]:
    """What the receipts of these files say; a file that has gone has been registered before."""
    receipts = ((name, spool.receipt(name)) for name in names)
    return [Received.from_receipt(name, receipt) for name, receipt in receipts if receipt is not None]


def _quarantine(registration: Registration, spool: Spool, names: Iterable[str]) -> None:
    moved = list(names)
    if moved:
        spool.quarantine(*moved)
        registration.quarantined(moved)


class Registrar(threading.Thread):
    """Writes the rows of spool files by name: whatever has come in since the last commit goes into the next.

    It runs in a process of its own kind: beside a receiver's event loop, the two would wait for the interpreter's lock
    in turn, and an image would take ten times as long.
    """

    def __init__(self, registration: Registration, spool: Spool, registered: Callable[[], None] = lambda: None) -> None:
        """`registered` is called when rows were written."""
        super().__init__(name="registrar", daemon=True)
        self._registered = registered
        self._registration = registration
        self._spool = spool
        self._incoming: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._giving_up = threading.Event()

    def put(self, spool_name: str) -> None:
        """Register this sealed file soon."""
        self._incoming.put(spool_name)

    def stop(self) -> None:
        """Register what is left and end. If the database does not let us, the spool keeps it for the next start."""
        self._incoming.put(None)
        self._giving_up.set()
        if self.is_alive():
            self.join()

    def run(self) -> None:
        ending = False
        while not ending:
            names, ending = self._next_names()
            for start in range(0, len(names), _LARGEST_BATCH):
                self._register(names[start : start + _LARGEST_BATCH])

    def _register(self, names: Sequence[str]) -> None:
        batch = received_of(self._spool, names)
        while batch and not self._written(batch) and not self._giving_up.wait(_PATIENCE_SECONDS):
            pass

    def _next_names(self) -> tuple[list[str], bool]:
        """Wait for one, a moment more, then take all that are there; whether the end was among them."""
        names: list[str] = []
        name = self._incoming.get()
        self._gather()
        while name is not None:
            names.append(name)
            try:
                name = self._incoming.get_nowait()
            except queue.Empty:
                return names, False
        return names, True

    def _gather(self) -> None:
        """Wait while more come, and not for long."""
        began = time.monotonic()
        came, before = 1, self._incoming.qsize()
        while came and time.monotonic() - began < (_GATHER_IN_A_FLOOD_SECONDS if came >= _FLOOD else _GATHER_SECONDS):
            self._giving_up.wait(_PAUSE_SECONDS)
            waiting = self._incoming.qsize()
            came, before = waiting - before, waiting

    def _written(self, batch: Sequence[Received]) -> bool:
        try:
            register_batch(self._registration, self._spool, batch)
        except DatabaseFault as error:
            log.error("register: %s It is tried again; the images are safe in the spool.", error)
            return False
        except Exception:
            log.exception("register: a batch of %d failed; the next start tries it again", len(batch))
        else:
            self._registered()
        return True
