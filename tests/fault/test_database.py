"""The database does not answer for a while: admitted images are safe all the same, and all is in order afterwards.

FAULTS=long holds it for two minutes.
"""

import os
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from netty.archive.database import BUSY_SECONDS
from support.raw_peer import images, raw_peer
from support.receiving import Receiving, receiving
from support.waiting import wait_until

LOCKED_SECONDS = 120.0 if os.environ.get("FAULTS") == "long" else 3.0
RECOVERED = 30.0
ASKED, UNASKED = images("locked", 5), images("nobody asked", 1)[0]


@contextmanager
def locked(running: Receiving) -> Iterator[None]:
    """Nobody else can write."""
    other = sqlite3.connect(running.folder / "netty.db", isolation_level=None)
    try:
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")
    finally:
        other.close()


def test_images_that_are_asked_for_are_taken_while_the_database_is_locked_and_registered_after(tmp_path: Path) -> None:
    with receiving(tmp_path / "netty") as running:
        running.open_lease(ASKED[0])
        with locked(running):
            with raw_peer(running.port) as peer:
                peer.associate()
                assert [peer.store(image).status for image in ASKED] == [0x0000] * len(ASKED)
                assert peer.echo() == 0
                peer.release()
            time.sleep(LOCKED_SECONDS)
            assert running.registered() == []

        wait_until(lambda: len(running.registered()) == len(ASKED), RECOVERED, "all are registered")
        assert set(running.registered()) == set(running.spooled())


def test_what_nobody_asked_for_is_refused_while_it_cannot_be_audited_and_leaves_nothing(tmp_path: Path) -> None:
    """No answer without its row: A700, for the sender to try again."""
    with receiving(tmp_path / "netty") as running:
        with locked(running), raw_peer(running.port) as peer, raw_peer(running.port) as other:
            peer.socket.settimeout(BUSY_SECONDS + 20)
            peer.associate()
            other.associate()
            with ThreadPoolExecutor(1) as thread:
                answer = thread.submit(peer.store, UNASKED)
                assert other.echo() == 0
                assert answer.result().status == 0xA700
        assert running.spooled() == []
        with raw_peer(running.port) as peer:
            peer.associate()
            assert peer.store(UNASKED).status == 0xC000
            peer.release()
        assert running.audited()[0] == "store_discarded"
