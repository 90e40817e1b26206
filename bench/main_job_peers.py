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

from bench import bare_dicom, limit
from bench.headers import PATIENT_ID
from bench.images import CT_STUDY, Kind, made_study, write_study
from bench.load import send
from bench.machine import children_seconds, cpu_seconds
from bench.receivers import DCMTK_ENVIRONMENT, wait_until_listening
from bench.render_workers import QUALITY
from support.netty_process import simulated
from support.peers import dcmqrscp, orthanc, program, run
from support.ports import free_port

PACS: Final = "BENCH_PACS"
TITLE: Final = "HAPPY_netty"
_SECONDS: Final = 600.0
_CLIENTS: Final = 2
_ONE_PDU: Final = 1 << 30


@dataclass(frozen=True)
class Study:
    """One of the studies that are fetched, each of a patient of its own."""

    patient_id: str
    files: Sequence[Path]

    @cached_property
    def uid(self) -> str:
        """Its Study Instance UID."""
        return str(pydicom.dcmread(self.files[0], stop_before_pixels=True).StudyInstanceUID)


def made_studies(kind: Kind, number: int, count: int, folder: Path) -> list[Study]:
    """So many studies of `count` images each, as files in one folder."""
    ids = [f"{each:0{len(PATIENT_ID)}}" for each in range(1, number + 1)]
    return [Study(id, write_study(kind, count, folder / id, id)) for id in ids]


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be fetched, one study a round, and a folder to work in.

    Nobody removes what he has fetched: a hospital does not either, and some disks take long over new files for minutes
    after many were removed.
    """

    folder: Path
    studies: Sequence[Study]

    @property
    def files(self) -> list[Path]:
        """Of all studies."""
        return [file for study in self.studies for file in study.files]

    @property
    def held(self) -> Path:
        """The folder below which they lie."""
        return self.studies[0].files[0].parent.parent


@dataclass(frozen=True, slots=True)
class Work:
    """A program that is ready to fetch.

    Attributes:
        run: fetches and shows a study; gives seconds, and how many pictures are registered, as far as it registers any.
        pictures: the JPEG files that there are then, of all studies.
        settle: waits until it is at rest.
        others: seconds of processor time of programs beside the one with `pid`.
    """

    pid: int
    run: Callable[[Study], tuple[float, int]]
    pictures: Callable[[], Iterable[Path]]
    settle: Callable[[], None] = lambda: None
    others: Callable[[], float] = lambda: 0.0

    def cpu(self) -> float:
        """Seconds of processor time so far."""
        return cpu_seconds(self.pid) + self.others()


@dataclass(frozen=True, slots=True)
class Peer:
    """One that does the job; `is_slow`: the usual subset gives it smaller studies, for what counts is its rate."""

    name: str
    note: str
    start: Callable[[Job], AbstractContextManager[Work]]
    programs: tuple[str, ...] = ()
    is_slow: bool = False

    @property
    def missing(self) -> bool:
        """Whether a program that it needs is not installed."""
        return any(program(name) is None for name in self.programs)


Source = Callable[[Job, int], AbstractContextManager[int]]
"""A PACS that holds a job's files and sends to a port of ours; gives its own port."""


def timed(work: Callable[[Study], int], study: Study) -> tuple[float, int]:
    """Seconds, and what it gives."""
    began = time.perf_counter()
    count = work(study)
    return time.perf_counter() - began, count


@contextmanager
def dcmtk(job: Job, port: int) -> Iterator[int]:
    """DCMTK's dcmqrscp with copies of the files, that sends to a port of ours; gives its own port."""
    with dcmqrscp(job.folder / "dcmqrscp", job.files, netty_port=port, netty_title=TITLE, title=PACS) as peer:
        yield peer.port


@contextmanager
def simulator(job: Job, port: int) -> Iterator[int]:
    """netty's simulated hospital with the files where they lie, that sends to a port of ours; gives its own port."""
    with simulated(job.held, title=PACS, netty_port=port, log=job.folder / "simulator.log") as own:
        yield own


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

            def fetch(study: Study) -> int:
                wanted = {"Level": "Study", "Resources": [{"StudyInstanceUID": study.uid}], "TargetAet": TITLE}
                _asked(f"{web}/modalities/pacs/move", wanted | {"Timeout": int(_SECONDS)})
                (found,) = _asked(f"{web}/tools/find", {"Level": "Study", "Query": {"StudyInstanceUID": study.uid}})
                ids = [one["ID"] for one in _asked(f"{web}/studies/{found}/instances")]
                with ThreadPoolExecutor(_CLIENTS) as pool:
                    shares = [ids[number::_CLIENTS] for number in range(_CLIENTS)]
                    list(pool.map(partial(_show, peer.notes["web"], shown), shares))
                return len(ids)

            yield Work(peer.process.pid, partial(timed, fetch), shown.iterdir)


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
    earlier: set[Path] = set()
    options = ["--fork", "--bit-preserving", "--max-pdu", "131072", "--aetitle", TITLE]
    with dcmtk(job, port) as pacs, _started(["storescp", *options, "-od", received, port], port, job) as pid:

        def fetch(study: Study) -> int:
            moved = run("movescu", *asked, "-k", f"StudyInstanceUID={study.uid}", "127.0.0.1", pacs, seconds=_SECONDS)
            if moved.code:
                print(moved.output[-2000:], file=sys.stderr)
            new = set(received.iterdir()) - earlier
            earlier.update(new)
            with ThreadPoolExecutor(2) as pool:
                return len(list(pool.map(partial(_picture, shown), new)))

        yield Work(pid, partial(timed, fetch), shown.iterdir, others=children_seconds)


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
        command = [sys.executable, "-m", "bench.pynetdicom_job", port, folder, pacs, PACS]
        with subprocess.Popen(
            list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            requests, answers = process.stdin, process.stdout
            if answers.readline() != "ready\n":
                raise RuntimeError("pynetdicom's program did not start")

            def fetch(study: Study) -> tuple[float, int]:
                requests.write(f"{study.uid}\n")
                requests.flush()
                seconds, count = answers.readline().split()
                return float(seconds), int(count)

            yield Work(process.pid, fetch, lambda: folder.glob("*.jpg"))
            requests.close()


# --- The bare minimum ------------------------------------------------------------------------------------------------


@contextmanager
def _bare(job: Job, sync: bool) -> Iterator[Work]:
    """The same bytes from the load generator."""
    images = made_study(CT_STUDY, len(job.studies[0].files))
    with _bare_job(job, sync) as (pid, port, pictures):

        def fetch(_: Study) -> tuple[float, int]:
            sent = send(port, limit.announced, [images], _ONE_PDU)
            return sent.seconds, sent.images - sent.refused

        yield Work(pid, fetch, pictures)


@contextmanager
def _bare_from(job: Job, source: Source) -> Iterator[Work]:
    count = len(job.studies[0].files)
    with _bare_job(job, sync=True, from_pacs=count) as (pid, port, pictures), source(job, port) as pacs:

        def fetch(study: Study) -> int:
            bare_dicom.fetch(pacs, PACS, TITLE, study.uid)
            return count

        yield Work(pid, partial(timed, fetch), pictures)


@contextmanager
def _bare_job(job: Job, sync: bool, from_pacs: int = 0) -> Iterator[tuple[int, int, Callable[[], Iterable[Path]]]]:
    """The process with its port and its pictures."""
    port, folder = free_port(), job.folder / "images"
    folder.mkdir()
    command = [sys.executable, "-m", "bench.bare_job", port, folder, job.files[0], int(sync), from_pacs]
    with _started(command, port, job) as pid:
        yield pid, port, lambda: folder.glob("*.jpg")


PEERS: Final = (
    Peer(
        "Orthanc", "from dcmqrscp; synced, indexed, /rendered by two clients", _orthanc, ("Orthanc", "dcmqrscp"), True
    ),
    Peer(
        "storescp, dcmj2pnm", "from dcmqrscp; neither synced nor registered", _storescp, ("dcmqrscp", "dcmj2pnm"), True
    ),
    Peer("pynetdicom, pydicom", "from dcmqrscp; Pillow, SQLite; not synced", _pynetdicom, ("dcmqrscp",), True),
    Peer(
        "bare, dcmqrscp",
        "from dcmqrscp; no check, no name, no row; else as the next but one",
        partial(_bare_from, source=dcmtk),
        ("dcmqrscp",),
    ),
    Peer("bare, simulator", "the same from netty's simulator", partial(_bare_from, source=simulator)),
    Peer("bare", "one receives, two look up and encode; synced as netty does", partial(_bare, sync=True)),
    Peer("bare, not synced", "the same, and a power cut may take it all", partial(_bare, sync=False)),
)
