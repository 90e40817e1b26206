"""The servers that hostile peers meet: each started in a folder of its own, with what a test has to know of it."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from netty.archive.spool import Spool
from netty.config import load_settings
from netty.gateway.desk import Desk, open_desk
from support.netty_process import RemoteEntry, descendants, netty
from support.ports import free_port
from support.raw_peer import CT, Image, Move, RawPacs, images

CALLING = "RAW_PACS"
PROBING = "PROBE"
SIZE_OF_FULL_DISK = 1 << 20


@dataclass
class Target:
    """A running server.

    Attributes:
        originator: what a C-STORE says about the C-MOVE that it belongs to.
        acknowledged: what it has answered with success.
        missing: which of some acknowledged images cannot be read back, asked after a while.
        unfinished: what it has left half-written.
        ahead: the empty files that it holds open for images to come.
    """

    name: str
    port: int
    process: "subprocess.Popen[bytes]"
    log: Path
    storage: Path
    called: str
    image: Image
    originator: dict[str, str | int] = field(default_factory=dict)
    acknowledged: list[Image] = field(default_factory=list)
    missing: Callable[[list[Image]], list[str]] = lambda _: []
    unfinished: Callable[[], list[str]] = list
    ahead: Callable[[], list[str]] = list
    numbers: list[int] = field(default_factory=lambda: [0])
    lock: threading.Lock = field(default_factory=threading.Lock)

    def new_image(self) -> Image:
        """An image of the study that is asked for, like no other."""
        with self.lock:
            self.numbers[0] += 1
            return self.image.but(sop=f"{self.image.sop}.{self.numbers[0]}")

    def processes(self) -> list[int]:
        """All of them."""
        return [self.process.pid, *descendants(self.process.pid)]

    def memory(self) -> int:
        """Bytes that no file backs, each counted once however many processes share it."""
        return sum(map(_anonymous, self.processes()))

    @property
    def is_dead(self) -> bool:
        """Whether it has ended."""
        return self.process.poll() is not None


def _anonymous(pid: int) -> int:
    with suppress(OSError, IndexError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss_Anon:"):
                return int(line.split()[1]) * 1024
    return 0


# --- netty -----------------------------------------------------------------------------------------------------------


@contextmanager
def netty_target(folder: Path, disk: Path | None = None, more: str = "") -> Iterator[Target]:
    """`netty serve` with its defaults, fetching a study from a PACS whose C-MOVE stays open.

    `disk` is its spool; `more` stands in its settings.
    """
    held_open = images("hostile", 1)
    done, moving = threading.Event(), threading.Event()
    message_ids: list[int] = []

    def stay_open(move: Move) -> None:
        message_ids.append(move.message_id)
        moving.set()
        with suppress(OSError):
            while not done.wait(5):
                move.pending(remaining=1, completed=0, failed=0, warning=0)

    receive = "minimum_free = 0" if disk is not None else ""
    with ExitStack() as stack:
        pacs = stack.enter_context(RawPacs(held_open, script=stay_open))
        if disk is not None:
            spool = folder / "netty" / "data" / "spool"
            spool.parent.mkdir(parents=True)
            spool.symlink_to(disk)
        remotes = [RemoteEntry("raw", CALLING, pacs.port), RemoteEntry("probe", PROBING, 1)]
        running = stack.enter_context(
            netty(folder / "netty", remotes, receive=receive, more=f"[timers]\ntotal = 100000\n{more}")
        )
        stack.callback(done.set)
        desk = stack.enter_context(open_desk(load_settings(running.settings)))
        running.register("person", raw=held_open[0].patient_id)
        running.ok("retrieve", "raw", "--patient-id", held_open[0].patient_id)
        if not moving.wait(60):
            raise RuntimeError(f"netty asked for nothing:\n{running.said()}")
        assert running.process is not None
        yield Target(
            "netty",
            running.port,
            running.process,
            running.log,
            running.folder / "data" / "spool",
            "HAPPY_netty",
            held_open[0],
            {"originator": "HAPPY_netty", "originator_id": message_ids[0]},
            missing=lambda stored: _missing_of_netty(desk, stored),
            unfinished=lambda: _unsealed(desk.spool, empty=False),
            ahead=lambda: _unsealed(desk.spool, empty=True),
        )


def _unsealed(spool: Spool, empty: bool) -> list[str]:
    """Files without a receipt. Of an image that is coming the first bytes are there as soon as its file has a use."""
    found = []
    for name in sorted(spool.names()):
        with suppress(FileNotFoundError):
            if spool.receipt(name) is None and (spool.path(name).stat().st_size == 0) is empty:
                found.append(name)
    return found


def _missing_of_netty(desk: Desk, stored: list[Image]) -> list[str]:
    """Those that are not in the catalogue, or whose files are not as they should be."""
    held = desk.holdings.held_of({image.study for image in stored})
    lacking = [image.sop for image in stored if image.sop not in held[image.study]]
    return lacking + [f"{problem.kind}: {problem.what}" for problem in desk.verify().problems]


# --- the others ------------------------------------------------------------------------------------------------------


def _dcmqrscp(port: int, folder: Path, storage: Path) -> list[str]:
    settings = folder / "dcmqrscp.cfg"
    settings.write_text(
        f"NetworkTCPPort = {port}\nMaxPDUSize = 131072\nMaxAssociations = 16\nHostTable BEGIN\nHostTable END\n"
        f"VendorTable BEGIN\nVendorTable END\nAETable BEGIN\nANY {storage} RW (500, 4096mb) ANY\nAETable END\n"
    )
    return ["dcmqrscp", "-v", "-c", str(settings)]


def _orthanc(port: int, folder: Path, storage: Path) -> list[str]:
    settings = folder / "orthanc.json"
    said = {
        "DicomPort": port,
        "HttpPort": free_port(),
        "DicomAet": "ANY",
        "DicomCheckCalledAet": False,
        "DicomAlwaysAllowStore": True,
        "StorageDirectory": str(storage),
        "IndexDirectory": str(folder / "index"),
    }
    settings.write_text(json.dumps(said))
    return [shutil.which("Orthanc") or "/usr/sbin/Orthanc", str(settings)]


OTHERS: dict[str, Callable[[int, Path, Path], list[str]]] = {
    "Orthanc": _orthanc,
    "storescp": lambda port, folder, storage: ["storescp", "-v", "-od", str(storage), str(port)],
    "storescp --fork": lambda port, folder, storage: ["storescp", "-v", "--fork", "-od", str(storage), str(port)],
    "dcmqrscp": _dcmqrscp,
    "pynetdicom": lambda port, folder, storage: [
        *(sys.executable, "-m", "pynetdicom", "storescp", "-v", "-od", str(storage), str(port)),
    ],
}
_PATH = os.environ["PATH"] + ":/usr/sbin:/sbin"


def installed() -> list[str]:
    """Those that are here."""
    programs = {"storescp --fork": "storescp", "pynetdicom": sys.executable}
    return [name for name in OTHERS if shutil.which(programs.get(name, name), path=_PATH)]


@contextmanager
def other_target(name: str, folder: Path, disk: Path | None = None) -> Iterator[Target]:
    """One of the others with its defaults, in an empty folder."""
    storage = disk or folder / "storage"
    storage.mkdir(parents=True, exist_ok=True)
    port, log = free_port(), folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            OTHERS[name](port, folder, storage),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=folder,
            env=os.environ | {"PATH": _PATH},
            start_new_session=True,
        )
    try:
        _wait_until_listening(process, port, log)
        target = Target(name, port, process, log, storage, "ANY", images("hostile", 1)[0])
        target.unfinished = lambda: _unanswered(target)
        yield target
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _unanswered(target: Target) -> list[str]:
    """More files than success was answered."""
    files = [path for path in target.storage.rglob("*") if path.is_file() and path.name != "index.dat"]
    return [path.name for path in files[len(target.acknowledged) :]]


def _wait_until_listening(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            time.sleep(0.3)
            return
        time.sleep(0.05)
    raise RuntimeError(f"the server did not start:\n{log.read_text(errors='replace')[-2000:]}")


# --- a full disk -----------------------------------------------------------------------------------------------------


@contextmanager
def small_disk(folder: Path) -> Iterator[Path | None]:
    """A disk of 1 MB, None where we may not mount one."""
    folder.mkdir(parents=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE_OF_FULL_DISK}", "tmpfs", str(folder)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        yield None
        return
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=False)


__all__ = ["CALLING", "CT", "PROBING", "Target", "installed", "netty_target", "other_target", "small_disk"]
