"""The main job as others do it: Orthanc, DCMTK's programs, a small program with pynetdicom, and the bare minimum."""

import http.client
import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Final

import pydicom

from bench import limit
from bench.images import CT_STUDY, made_study
from bench.load import send
from bench.machine import children_seconds, cpu_seconds
from bench.receivers import DCMTK_ENVIRONMENT, wait_until_listening
from bench.render_workers import QUALITY
from support.peers import dcmqrscp, orthanc, program, run
from support.ports import free_port

PACS: Final = "BENCH_PACS"
TITLE: Final = "HAPPY_netty"
_SECONDS: Final = 600.0
_CLIENTS: Final = 2
_ONE_PDU: Final = 1 << 30


@dataclass(frozen=True)
class Job:
    """What is to be fetched, and a folder to work in."""

    folder: Path
    files: Sequence[Path]

    @cached_property
    def study(self) -> str:
        """Its Study Instance UID."""
        return str(pydicom.dcmread(self.files[0], stop_before_pixels=True).StudyInstanceUID)


@dataclass(frozen=True, slots=True)
class Work:
    """A program that is ready to fetch.

    Attributes:
        run: fetches and shows; gives seconds, and how many pictures are registered, as far as it registers any.
        pictures: the JPEG files that there are then.
        clear: removes everything of the study.
        others: seconds of processor time of programs beside the one with `pid`.
    """

    pid: int
    run: Callable[[], tuple[float, int]]
    pictures: Callable[[], Iterable[Path]]
    clear: Callable[[], None]
    others: Callable[[], float] = lambda: 0.0

    def cpu(self) -> float:
        """Seconds of processor time so far."""
        return cpu_seconds(self.pid) + self.others()


@dataclass(frozen=True, slots=True)
class Peer:
    """Another one that does the job."""

    name: str
    note: str
    start: Callable[[Job], AbstractContextManager[Work]]
    programs: tuple[str, ...] = ()

    @property
    def missing(self) -> bool:
        """Whether a program that it needs is not installed."""
        return any(program(name) is None for name in self.programs)


def timed(work: Callable[[], int]) -> tuple[float, int]:
    """Seconds, and what it gives."""
    began = time.perf_counter()
    count = work()
    return time.perf_counter() - began, count


@contextmanager
def dcmtk(job: Job, port: int) -> Iterator[int]:
    """DCMTK's dcmqrscp with copies of the files, that sends to a port of ours; gives its own port."""
    with dcmqrscp(job.folder / "dcmqrscp", job.files, netty_port=port, netty_title=TITLE, title=PACS) as peer:
        yield peer.port


def _remove(*folders: Path) -> None:
    for folder in folders:
        for file in folder.iterdir():
            file.unlink()


# --- Orthanc ---------------------------------------------------------------------------------------------------------


@contextmanager
def _orthanc(job: Job) -> Iterator[Work]:
    shown = job.folder / "shown"
    shown.mkdir()
    more = {"MaximumPduLength": 131072, "SyncStorageArea": True, "DicomThreadsCount": 4, "SaveJobs": False}
    with orthanc(job.folder / "orthanc", [], netty_port=104, title=TITLE, more=more) as peer:
        web = f"http://127.0.0.1:{peer.notes['web']}"
        with dcmtk(job, peer.port) as pacs:
            _asked(f"{web}/modalities/pacs", {"AET": PACS, "Host": "127.0.0.1", "Port": pacs}, "PUT")

            def fetch() -> int:
                wanted = {"Level": "Study", "Resources": [{"StudyInstanceUID": job.study}], "TargetAet": TITLE}
                _asked(f"{web}/modalities/pacs/move", wanted | {"Timeout": int(_SECONDS)})
                ids: list[str] = _asked(f"{web}/instances")
                with ThreadPoolExecutor(_CLIENTS) as pool:
                    shares = [ids[number::_CLIENTS] for number in range(_CLIENTS)]
                    list(pool.map(partial(_show, peer.notes["web"], shown), shares))
                return len(ids)

            def clear() -> None:
                _remove(shown)
                for study in _asked(f"{web}/studies"):
                    _asked(f"{web}/studies/{study}", method="DELETE")

            yield Work(peer.process.pid, partial(timed, fetch), shown.iterdir, clear)


def _asked(address: str, body: object = None, method: str | None = None) -> Any:
    """An answer of Orthanc's REST API."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address, data=data, method=method)
    with urllib.request.urlopen(request, timeout=_SECONDS) as answer:
        text = answer.read()
    return json.loads(text) if text.strip() else None


def _show(web: int, folder: Path, ids: Sequence[str]) -> None:
    """One client, over one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", web, timeout=120)
    for id in ids:
        connection.request("GET", f"/instances/{id}/rendered?quality={QUALITY}", headers={"Accept": "image/jpeg"})
        (folder / f"{id}.jpg").write_bytes(connection.getresponse().read())
    connection.close()


# --- DCMTK -----------------------------------------------------------------------------------------------------------


@contextmanager
def _storescp(job: Job) -> Iterator[Work]:
    """movescu asks, storescp writes, then dcmj2pnm by two at a time: one after the other, as scripts do it."""
    port = free_port()
    received, shown = job.folder / "received", job.folder / "shown"
    received.mkdir()
    shown.mkdir()
    asked = ["-S", "-aec", PACS, "-aet", TITLE, "-aem", TITLE, "-k", "QueryRetrieveLevel=STUDY"]
    options = ["--fork", "--bit-preserving", "--max-pdu", "131072", "--aetitle", TITLE]
    with dcmtk(job, port) as pacs, _started(["storescp", *options, "-od", received, port], port, job) as pid:

        def fetch() -> int:
            moved = run("movescu", *asked, "-k", f"StudyInstanceUID={job.study}", "127.0.0.1", pacs, seconds=_SECONDS)
            if moved.code:
                print(moved.output[-2000:], file=sys.stderr)
            with ThreadPoolExecutor(2) as pool:
                return len(list(pool.map(partial(_picture, shown), received.iterdir())))

        yield Work(pid, partial(timed, fetch), shown.iterdir, partial(_remove, received, shown), children_seconds)


def _picture(folder: Path, file: Path) -> None:
    run("dcmj2pnm", "+oj", "+Jq", QUALITY, "+Wi", 1, file, folder / f"{file.name}.jpg")


@contextmanager
def _started(command: Sequence[object], port: int, job: Job) -> Iterator[int]:
    """A program that listens; gives its process id."""
    log = job.folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(list(map(str, command)), env=DCMTK_ENVIRONMENT, stdout=output, stderr=output)
    try:
        wait_until_listening(process, port, log)
        yield process.pid
    finally:
        process.terminate()
        process.wait(30)


# --- Python ----------------------------------------------------------------------------------------------------------


@contextmanager
def _pynetdicom(job: Job) -> Iterator[Work]:
    port, folder = free_port(), job.folder / "images"
    folder.mkdir()
    with dcmtk(job, port) as pacs:
        command = [sys.executable, "-m", "bench.pynetdicom_job", port, folder, pacs, PACS, job.study]
        with subprocess.Popen(
            list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            requests, answers = process.stdin, process.stdout
            if answers.readline() != "ready\n":
                raise RuntimeError("pynetdicom's program did not start")

            def fetch() -> tuple[float, int]:
                requests.write("\n")
                requests.flush()
                return float(answers.readline()), len(list(folder.glob("*.jpg")))

            def clear() -> None:
                for file in [*folder.glob("*.dcm"), *folder.glob("*.jpg")]:
                    file.unlink()

            yield Work(process.pid, fetch, lambda: folder.glob("*.jpg"), clear)
            requests.close()


# --- The bare minimum ------------------------------------------------------------------------------------------------


@contextmanager
def _bare(job: Job) -> Iterator[Work]:
    port, folder = free_port(), job.folder / "images"
    folder.mkdir()
    images = made_study(CT_STUDY, len(job.files))
    with _started([sys.executable, "-m", "bench.bare_job", port, folder, job.files[0]], port, job) as pid:

        def fetch() -> tuple[float, int]:
            sent = send(port, limit.announced, [images], _ONE_PDU)
            return sent.seconds, sent.images - sent.refused

        yield Work(pid, fetch, lambda: folder.glob("*.jpg"), partial(_remove, folder))


PEERS: Final = (
    Peer("Orthanc", "from dcmqrscp; synced, indexed, /rendered by two clients", _orthanc, ("Orthanc", "dcmqrscp")),
    Peer("storescp, dcmj2pnm", "from dcmqrscp; neither synced nor registered", _storescp, ("dcmqrscp", "dcmj2pnm")),
    Peer("pynetdicom, pydicom", "from dcmqrscp; Pillow, SQLite; not synced", _pynetdicom, ("dcmqrscp",)),
    Peer("bare", "one receives, two look up and encode; not synced", _bare),
)
