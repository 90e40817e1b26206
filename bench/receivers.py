"""The receivers that are compared, each started on a free port with an empty folder and ended by its process id."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

from bench import limit
from bench.headers import PATIENT_ID
from bench.images import Image
from bench.kept import kept_whole
from bench.load import CALLING, Open, associated
from netty.archive.database import open_database
from netty.archive.leases import Leases
from netty.archive.patients import Patients
from netty.archive.registration import Registration
from netty.archive.retrievals import Retrievals
from netty.archive.spool import Spool
from netty.model.patient import Patient, PatientLink
from netty.model.retrieval import LedgerEntry, Retrieval, RetrievalState
from support.netty_process import TITLE, Netty, RemoteEntry, descendants, is_alive
from support.peers import orthanc, program
from support.ports import free_port
from support.waiting import TooLate, wait_until

DCMTK_ENVIRONMENT: Final = os.environ | {"TCP_NODELAY": "1", "TCP_BUFFER_LENGTH": "1048576"}  # 30 times slower without
_PATIENCE: Final = 60.0


@dataclass(frozen=True, slots=True)
class Setup:
    """What all receivers of a table have in common.

    Attributes:
        sync: whether success means that the image is on the disk.
    """

    folder: Path
    max_pdu: int
    associations: int
    sync: bool


@dataclass(frozen=True, slots=True)
class Running:
    """A receiver that runs.

    Attributes:
        open_to: how the load generator begins with it.
        admit: what must be known before images come.
        kept: how many of these images it has, with all their pixels, when it has come to rest.
        clear: removes them, so that the next round finds the place empty.
        drawn: waits until it has drawn them, or so many seconds; where it draws.
    """

    port: int
    pid: int
    open_to: Open
    admit: Callable[[Sequence[Image]], None]
    kept: Callable[[Sequence[Image]], int]
    clear: Callable[[], None]
    drawn: Callable[[Sequence[Image], float], None] = lambda images, seconds: None


@dataclass(frozen=True, slots=True)
class Receiver:
    """One to be measured.

    Attributes:
        share: of the images it gets this part in the usual subset, as it is slow: what counts is its rate.
    """

    name: str
    start: Callable[[Setup], AbstractContextManager[Running]]
    promise: Callable[[Setup], str]
    program: str = ""
    share: float = 1.0

    @property
    def missing(self) -> bool:
        """Whether it is not installed."""
        return bool(self.program) and program(self.program) is None


# --- netty -----------------------------------------------------------------------------------------------------------


class _NettyWithoutDrawing(Netty):
    module = "bench.netty_receiver"


@contextmanager
def netty_receiving(setup: Setup, drawing: bool = False) -> Iterator[Running]:
    """`netty serve` with all its processes; only its renderer draws nothing, if it is not told to."""
    one = (Netty if drawing else _NettyWithoutDrawing)(setup.folder)
    durability = "fsync" if setup.sync else "os"
    receive = f'durability = "{durability}"'
    one.configure([RemoteEntry("bench", CALLING, 104)], receive=receive, ae=f"max_pdu = {setup.max_pdu}")
    one.start()
    assert one.process is not None
    database = open_database(f"sqlite:///{setup.folder}/data/netty.db")
    spool = Spool(setup.folder / "data" / "spool", setup.folder / "data" / "quarantine")
    registration, retrievals = Registration(database), Retrievals(database)
    Patients(database).add(Patient("person", links=(PatientLink("bench", PATIENT_ID),)))

    def admit(images: Sequence[Image]) -> None:
        """What a retrieval writes before its C-MOVE leaves."""
        first = images[0]
        retrieval = Retrieval(
            id=first.study_instance_uid,
            remote="bench",
            study_instance_uid=first.study_instance_uid,
            patient_key="person",
            patient_id=PATIENT_ID,
            state=RetrievalState.MOVING,
            requested_by="bench",
            requested_at=datetime.now(UTC),
        )
        ledger = [
            LedgerEntry(each.sop_instance_uid, each.kind.sop_class_uid, each.series_instance_uid) for each in images
        ]
        Leases(database).open(retrievals.create(retrieval, ledger), time.time() + 3600)

    def kept(images: Sequence[Image]) -> int:
        wait_until(
            lambda: len(registration.spool_names() & spool.names()) >= len(images), _PATIENCE, "rows", one.process
        )
        rows = registration.spool_names()
        files = [spool.path(name) for name, _ in spool.sealed() if name in rows]
        return len(kept_whole(files, _by_uid(images)))

    def drawn(images: Sequence[Image], seconds: float) -> None:
        with suppress(TooLate):
            id = images[0].study_instance_uid
            wait_until(lambda: retrievals.count(id).rendered == len(images), seconds, "drawn", one.process, 0.2)

    def clear() -> None:
        spool.remove(*(spool.names() & registration.spool_names()))  # others are made ahead

    try:
        yield Running(one.port, one.process.pid, associated(TITLE), admit, kept, clear, drawn)
    finally:
        spool.close()
        database.close()
        one.stop()


# --- the others ------------------------------------------------------------------------------------------------------


@contextmanager
def _writing(setup: Setup, command: Callable[[int, Path], Sequence[object]], open_to: Open) -> Iterator[Running]:
    """A program that writes a file for each image into a folder."""
    folder = setup.folder / "received"
    folder.mkdir(parents=True)
    port, log = free_port(), setup.folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            list(map(str, command(port, folder))), env=DCMTK_ENVIRONMENT, stdout=output, stderr=output
        )
    try:
        wait_until_listening(process, port, log)
        kept = lambda images: _kept_in(folder, process.pid, images)  # noqa: E731
        yield Running(port, process.pid, open_to, lambda _: None, kept, partial(_empty, folder))
    finally:
        process.terminate()
        process.wait(30)


def _kept_in(folder: Path, pid: int, images: Sequence[Image]) -> int:
    # Not whether they are gone: storescp waits for those that have ended only when the next one calls.
    wait_until(lambda: not any(map(is_alive, descendants(pid))), _PATIENCE, "its processes end with their associations")
    return len(kept_whole(folder.iterdir(), _by_uid(images)))


def _by_uid(images: Sequence[Image]) -> dict[str, Image]:
    return {each.sop_instance_uid: each for each in images}


def _empty(folder: Path) -> None:
    for file in folder.iterdir():
        file.unlink()


def _storescp(setup: Setup) -> AbstractContextManager[Running]:
    def command(port: int, folder: Path) -> Sequence[object]:
        # Written as it comes: a fifth to a half faster than by its default, which takes data sets apart.
        options = ["--fork", "--bit-preserving", "--max-pdu", setup.max_pdu]
        return ["storescp", *options, "--output-directory", folder, port]

    return _writing(setup, command, associated("STORESCP"))


def _pynetdicom(setup: Setup) -> AbstractContextManager[Running]:
    def command(port: int, folder: Path) -> Sequence[object]:
        return [sys.executable, "-m", "bench.pynetdicom_receiver", port, folder, setup.max_pdu]

    return _writing(setup, command, associated("PYNETDICOM"))


@contextmanager
def _limit(setup: Setup) -> Iterator[Running]:
    def command(port: int, folder: Path) -> Sequence[object]:
        return [sys.executable, "-m", "bench.limit", port, folder, int(setup.sync)]

    with _writing(setup, command, limit.announced) as one:
        folder = setup.folder / "received"

        def kept(images: Sequence[Image]) -> int:
            """It knows no DICOM: its files hold PDUs."""
            whole = [file for file in folder.iterdir() if file.stat().st_size > len(images[0])]
            return len(whole)

        yield Running(one.port, one.pid, one.open_to, one.admit, kept, one.clear)


@contextmanager
def _orthanc(setup: Setup) -> Iterator[Running]:
    more = {
        "MaximumPduLength": 131072,
        "SyncStorageArea": setup.sync,
        "DicomThreadsCount": max(4, setup.associations),
        "SaveJobs": False,
    }
    with orthanc(setup.folder, [], netty_port=104, more=more) as peer:
        address = f"http://127.0.0.1:{peer.notes['web']}"
        storage = setup.folder / "storage"

        def clear() -> None:
            with urllib.request.urlopen(f"{address}/studies", timeout=60) as answer:
                studies = json.load(answer)
            for study in studies:
                request = urllib.request.Request(f"{address}/studies/{study}", method="DELETE")
                urllib.request.urlopen(request, timeout=60).close()

        def kept(images: Sequence[Image]) -> int:
            return len(kept_whole(storage.rglob("*"), _by_uid(images)))

        yield Running(peer.port, peer.process.pid, associated(peer.title), lambda _: None, kept, clear)


def wait_until_listening(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    """Ask until it answers: another program's start has no event to wait for."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise RuntimeError(f"the receiver did not start:\n{log.read_text(errors='replace')}")


def _synced(yes: str, no: str) -> Callable[[Setup], str]:
    return lambda setup: yes if setup.sync else no


NETTY: Final = Receiver(
    "netty",
    netty_receiving,
    _synced("walked, admitted, hashed, synced, registered", "walked, admitted, hashed, registered"),
)
STORESCP: Final = Receiver("storescp", _storescp, _synced("written, never synced", "written"), "storescp")
ORTHANC: Final = Receiver("Orthanc", _orthanc, _synced("synced, indexed", "indexed"), "Orthanc", share=0.25)
PYNETDICOM: Final = Receiver("pynetdicom", _pynetdicom, _synced("written, never synced", "written"), share=0.25)
LIMIT: Final = Receiver("limit", _limit, _synced("socket to file, fdatasync", "socket to file"))
