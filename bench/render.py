"""How fast images become JPEG, without network, on one core: netty's renderer beside others.

Orthanc draws on one core too; who asks it has the other one.
"""

import http.client
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from bench.contest import RATE, Contestant, Result, Table, compete, rate
from bench.goals import Bound, Quantity, goal
from bench.headers import OF_CINE, OF_CR, OF_CT, OF_MG, OF_MR, OF_US
from bench.images import Kind, write_study
from bench.machine import children_seconds, cpu_seconds
from bench.pictures import expected, has_size, shows
from bench.render_workers import QUALITY
from bench.scope import Scope
from netty.processes.limits import CHILD_ENVIRONMENT
from netty.simulator.studies_objects import CR, CT, MG, MR, US, XA
from support.peers import orthanc, program

_MEMORY: Final = Path("/dev/shm")
_CORES: Final = sorted(os.sched_getaffinity(0))
_CLIENTS: Final = 2

KINDS: Final = (
    Kind("CT", CT, OF_CT, 100, 512, 512),
    Kind("MR", MR, OF_MR, 200, 256, 256),
    Kind("CR", CR, OF_CR, 16, 2048, 2048, bits=10, photometric="MONOCHROME1", different=4),
    Kind("mammograms", MG, OF_MG, 6, 4096, 3418, different=2),
    Kind("ultrasound, RGB", US, OF_US, 60, 480, 640, bits=8, photometric="RGB"),
    Kind("cine", XA, OF_CINE, 1, 512, 512, frames=100, bits=8, different=1),
)

Draw = Callable[[], tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Task:
    """Files of one kind, and where their pictures go."""

    kind: Kind
    files: Sequence[Path]
    folder: Path

    @property
    def pictures(self) -> int:
        """How many there are to be."""
        return len(self.files) * self.kind.frames


def tables(scope: Scope) -> Iterator[Table]:
    """One for each kind of image."""
    with tempfile.TemporaryDirectory(prefix="netty-bench-", dir=_MEMORY if _MEMORY.is_dir() else None) as place:
        for kind in KINDS:
            yield table(kind, scope.rounds, Path(place) / kind.name, scope.full)


def table(kind: Kind, rounds: int, folder: Path, full: bool = True) -> Table:
    """They draw in turn, each in a process (or server) that has everything loaded."""
    files = write_study(kind, kind.count, folder / "files")
    with ExitStack() as stack:
        contestants = []
        for one in ARTISTS:
            if one.missing:
                continue
            count = len(files) if full else max(kind.different, int(len(files) * one.share))
            task = Task(kind, files[:count], folder / one.name)
            task.folder.mkdir()
            draw = stack.enter_context(one.start(task))
            contestants.append(Contestant(one.name, one.note, partial(drawn, task, draw)))
        goals = [
            goal("netty", Bound(2.5, "Orthanc"), Bound(0.8, "bare")),
            goal("netty", Bound(6, "pydicom, Pillow"), Bound(0.8, "bare")),
            goal("netty", Bound(1.2, "bare"), what=Quantity.CPU),
        ]
        return compete(f"render {kind}, {kind.columns} x {kind.rows}", contestants, rounds, RATE, goals)


def drawn(task: Task, draw: Draw) -> Result:
    """A round: all pictures drawn, looked at, and removed."""
    cpu, seconds = draw()
    good = sum(_is_good(task, picture) for picture in task.folder.iterdir())
    for picture in task.folder.iterdir():
        picture.unlink()
    return rate(task.pictures, seconds, cpu=cpu, done=min(good, task.pictures))


def _is_good(task: Task, picture: Path) -> bool:
    """Whether it shows the image; where many show the same one, it is enough that the others have its size."""
    number, frame = map(int, picture.stem.split("-"))
    data = picture.read_bytes()
    if number * task.kind.frames + frame > 8:
        return has_size(data, task.kind.rows, task.kind.columns)
    return shows(data, expected(task.files[number], frame))


# --- Who draws -------------------------------------------------------------------------------------------------------


@contextmanager
def on_core(number: int) -> Iterator[None]:
    """This thread, and what it starts meanwhile, on one core; the first (0) or the last (-1)."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {_CORES[number]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def _worker(name: str, task: Task) -> Iterator[Draw]:
    """One of `render_workers`; all of them in the environment of a render child, which keeps an image's memory."""
    command = [sys.executable, "-W", "ignore", "-m", "bench.render_workers", name, task.folder, *task.files]
    environment = os.environ | CHILD_ENVIRONMENT
    with on_core(0):
        process = subprocess.Popen(
            list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        requests, answers = process.stdin, process.stdout

        def draw() -> tuple[float, float]:
            requests.write("\n")
            requests.flush()
            cpu, seconds = map(float, answers.readline().split())
            return cpu, seconds

        if answers.readline() != "ready\n":
            raise RuntimeError(f"{name} did not start")
        yield draw
        requests.close()


@contextmanager
def _dcmj2pnm(task: Task) -> Iterator[Draw]:
    command = [program("dcmj2pnm") or "", "+oj", "+Jq", str(QUALITY)]
    command += [] if task.kind.samples == 3 else ["+Wi", "1"]
    command += ["--all-frames"] if task.kind.frames > 1 else []

    def draw() -> tuple[float, float]:
        before, began = children_seconds(), time.perf_counter()
        with on_core(0):
            for number, file in enumerate(task.files):
                # Of several frames it makes <name>.<number from 0>.jpg.
                name = f"{number}" if task.kind.frames > 1 else f"{number}-1.jpg"
                subprocess.run([*command, file, task.folder / name], check=False)
        seconds = time.perf_counter() - began
        for picture in task.folder.glob("*.*.jpg"):
            number_of, frame, _ = picture.name.split(".")
            picture.rename(picture.with_name(f"{number_of}-{int(frame) + 1}.jpg"))
        return children_seconds() - before, seconds

    yield draw


@contextmanager
def _orthanc(task: Task) -> Iterator[Draw]:
    with ExitStack() as stack:
        with on_core(0):
            place = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=task.folder.parent)))
            peer = stack.enter_context(orthanc(place / "orthanc", [], netty_port=104))
        web = peer.notes["web"]
        ids = [_uploaded(web, file) for file in task.files]
        wanted = [
            (f"/instances/{id}/frames/{frame - 1}/rendered?quality={QUALITY}", task.folder / f"{number}-{frame}.jpg")
            for number, id in enumerate(ids)
            for frame in range(1, task.kind.frames + 1)
        ]

        def draw() -> tuple[float, float]:
            before, began = cpu_seconds(peer.process.pid), time.perf_counter()
            with ThreadPoolExecutor(_CLIENTS) as pool:
                list(pool.map(lambda share: _ask(web, share), [wanted[each::_CLIENTS] for each in range(_CLIENTS)]))
            seconds = time.perf_counter() - began
            return cpu_seconds(peer.process.pid) - before, seconds

        yield draw


def _uploaded(web: int, file: Path) -> str:
    request = urllib.request.Request(f"http://127.0.0.1:{web}/instances", data=file.read_bytes())
    with urllib.request.urlopen(request, timeout=60) as answer:
        id: str = json.load(answer)["ID"]
        return id


def _ask(web: int, wanted: Sequence[tuple[str, Path]]) -> None:
    """One client, over one connection."""
    with on_core(-1):
        connection = http.client.HTTPConnection("127.0.0.1", web, timeout=120)
        for address, path in wanted:
            connection.request("GET", address, headers={"Accept": "image/jpeg"})
            path.write_bytes(connection.getresponse().read())
        connection.close()


@dataclass(frozen=True, slots=True)
class Artist:
    """One who draws.

    Attributes:
        share: of the files, that it draws in the usual subset, as it is slow: what counts is its rate.
    """

    name: str
    note: str
    start: Callable[[Task], AbstractContextManager[Draw]]
    share: float = 1.0
    program: str = ""

    @property
    def missing(self) -> bool:
        """Whether it is not installed."""
        return bool(self.program) and program(self.program) is None


ARTISTS: Final = (
    Artist("netty", "what a render child does", partial(_worker, "netty")),
    Artist("Orthanc", "/rendered, by two clients on another core", _orthanc, program="Orthanc"),
    Artist("pydicom, Pillow", "one process", partial(_worker, "pillow"), 0.5),
    Artist("dcmj2pnm", "a process each", _dcmj2pnm, 0.2, "dcmj2pnm"),
    Artist("bare", "table and encoding alone; nothing read", partial(_worker, "bare")),
)
