"""The receivers that are compared, each started on a free port with an empty folder."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.load import SIDE
from netty.archive.database import open_database
from netty.archive.registration import Registration
from netty.archive.spool import Spool

CALLING = "BENCH"
DCMTK_ENVIRONMENT = os.environ | {"TCP_NODELAY": "1", "TCP_BUFFER_LENGTH": "1048576"}  # 30 times slower without


@dataclass(frozen=True, slots=True)
class Receiver:
    """One to be measured.

    Attributes:
        promise: what it has done when it says success.
        command: how it is started on (port, study, folder, maximum PDU length).
        kept: how many images the folder holds when it has ended.
    """

    name: str
    title: str
    promise: str
    command: Callable[[int, str, Path, int], list[str]]
    kept: Callable[[Path], int]
    missing: Callable[[], bool] = lambda: False


def _netty(durability: str) -> Callable[[int, str, Path, int], list[str]]:
    return lambda port, study, folder, max_pdu: [
        sys.executable, "-m", "bench.netty_receiver", str(port), study, str(folder), durability, str(max_pdu)
    ]  # fmt: skip


def _kept_by_netty(folder: Path) -> int:
    """Images that are whole in the spool and have their rows."""
    spool = Spool(folder / "spool", folder / "quarantine")
    database = open_database(f"sqlite:///{folder}/netty.db")
    rows = Registration(database).spool_names()
    database.close()
    return sum(name in rows for name, _ in spool.sealed())


def _kept_by_storescp(folder: Path) -> int:
    return sum(path.stat().st_size > SIDE * SIDE * 2 for path in folder.iterdir())


RECEIVERS = (
    Receiver("netty", "HAPPY_netty", "walked, admitted, hashed, synced, registered", _netty("fsync"), _kept_by_netty),
    Receiver("netty, os", "HAPPY_netty", "the same, synced by the system", _netty("os"), _kept_by_netty),
    Receiver(
        "DCMTK storescp",
        "STORESCP",
        "written, not synced",
        lambda port, study, folder, max_pdu: [
            "storescp",
            "--max-pdu",
            str(max_pdu),
            "--fork",
            "--output-directory",
            str(folder),
            str(port),
        ],
        _kept_by_storescp,
        lambda: shutil.which("storescp") is None,
    ),
)


@contextmanager
def running(receiver: Receiver, study: str, folder: Path, max_pdu: int) -> Iterator[tuple[int, int]]:
    """Start it; gives its port and its process id. It is ended with its children."""
    port = _free_port()
    log = folder.parent / f"{folder.name}.log"
    with log.open("wb") as output:
        command = receiver.command(port, study, folder, max_pdu)
        process = subprocess.Popen(command, env=DCMTK_ENVIRONMENT, stdout=output, stderr=output)
    try:
        wait_until_listening(process, port, log)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait(30)


def wait_until_listening(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Ask until it answers: another program's start has no event to wait for."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise RuntimeError(f"the receiver did not start:\n{log.read_text(errors='replace')}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
