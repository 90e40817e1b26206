"""One `netty serve` for test_service.py, and a PACS of bytes whose C-MOVE stays open, so that stores come in."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from netty.config import load_settings
from netty.gateway.desk import open_desk
from support.netty_process import RemoteEntry, netty
from support.raw_peer import Move, RawPacs
from support.service import HELD_OPEN, Service


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """It."""
    done, open_now = threading.Event(), threading.Event()

    def stay_open(move: Move) -> None:
        open_now.set()
        while not done.wait(5):
            move.pending(remaining=1, completed=0, failed=0, warning=0)

    folder = Path(tmp_path_factory.mktemp("conformance"))
    with RawPacs(HELD_OPEN, script=stay_open) as pacs:
        with netty(folder / "netty", [RemoteEntry("raw", "RAW_PACS", pacs.port)]) as running:
            pacs.store_port = running.port
            with open_desk(load_settings(running.settings)) as desk:
                running.register("person", raw=HELD_OPEN[0].patient_id)
                running.ok("retrieve", "raw", "--patient-id", HELD_OPEN[0].patient_id)
                assert open_now.wait(30), running.said()
                yield Service(running, pacs, desk)
                done.set()
        assert not pacs.errors
