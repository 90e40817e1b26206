"""The main job, from asking for a study to its last picture registered; beside other programs doing the same steps."""

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pydicom

from bench.contest import Contestant, Result, Table, compete, rate
from bench.headers import PATIENT_ID
from bench.images import CT_STUDY, write_study
from bench.machine import children_seconds, cpu_seconds
from bench.receivers import DCMTK_ENVIRONMENT, wait_until_listening
from bench.scope import Scope
from support.netty_process import Netty, RemoteEntry, netty, simulated
from support.peers import dcmqrscp, run
from support.ports import free_port

_PACS = "BENCH_PACS"
_TITLE = "HAPPY_netty"
_SECONDS = 600.0
_COUNT = 400


@dataclass(frozen=True, slots=True)
class Source:
    """A PACS that sends the study."""

    title: str
    port: int


Start = Callable[[Path, Sequence[Path], int], AbstractContextManager[Source]]


@contextmanager
def simulator(folder: Path, files: Sequence[Path], destination: int) -> Iterator[Source]:
    """netty's simulated hospital, with the files where they lie."""
    with simulated(files[0].parent, title=_PACS, netty_port=destination, log=folder / "simulator.log") as port:
        yield Source(_PACS, port)


@contextmanager
def dcmtk(folder: Path, files: Sequence[Path], destination: int) -> Iterator[Source]:
    """DCMTK's dcmqrscp, with copies of the files."""
    with dcmqrscp(folder / "dcmqrscp", files, netty_port=destination, title=_PACS) as peer:
        yield Source(_PACS, peer.port)


def tables(scope: Scope) -> Iterator[Table]:
    """The same study by all of them."""
    with tempfile.TemporaryDirectory(prefix="netty-bench-", dir=scope.folder) as place:
        base = Path(place)
        files = write_study(CT_STUDY, _COUNT, base / "files")
        study = str(pydicom.dcmread(files[0], stop_before_pixels=True).StudyInstanceUID)
        contestants = [
            Contestant("netty, simulator", "synced, registered", _in_folder(base, run_netty, files, simulator))
        ]
        if shutil.which("dcmqrscp"):
            contestants += [
                Contestant("netty, dcmqrscp", "the same", _in_folder(base, run_netty, files, dcmtk)),
                Contestant(
                    "storescp, dcmj2pnm",
                    "from dcmqrscp; neither synced nor registered",
                    _in_folder(base, run_dcmtk, files, study),
                ),
            ]
        yield compete(f"main job: {_COUNT} CT of 0.5 MB fetched and shown", contestants, scope.rounds)


def _in_folder(base: Path, work: Callable[..., Result], *arguments: object) -> Callable[[], Result]:
    def measure() -> Result:
        with tempfile.TemporaryDirectory(dir=base) as folder:
            return work(Path(folder), *arguments)

    return measure


def run_netty(folder: Path, files: Sequence[Path], start: Start) -> Result:
    """`netty retrieve --wait`, and the pictures that are registered then."""
    port = free_port()
    with start(folder, files, port) as source:
        remote = RemoteEntry("pacs", source.title, source.port)
        with netty(folder / "netty", [remote], port=port, quiet_time=0) as one:
            one.register("person", pacs=PATIENT_ID)
            return _retrieved(one, len(files))


def _retrieved(one: Netty, count: int) -> Result:
    assert one.process is not None
    cpu, began = cpu_seconds(one.process.pid), time.perf_counter()
    answer = one.ok("retrieve", "pacs", "--patient-id", PATIENT_ID, "--wait", seconds=_SECONDS)
    seconds = time.perf_counter() - began
    cpu = cpu_seconds(one.process.pid) - cpu
    rendered = sum(each["rendered"] for each in answer["retrievals"])
    pictures = len(list((one.folder / "data" / "blobs" / "renditions").rglob("*.jpg")))
    return rate(count, seconds, cpu=cpu, done=min(rendered, pictures))


def run_dcmtk(folder: Path, files: Sequence[Path], study_instance_uid: str) -> Result:
    """movescu asks, storescp writes, then dcmj2pnm by two at a time: one after the other, as scripts do it."""
    port = free_port()
    received, shown = folder / "received", folder / "shown"
    received.mkdir()
    shown.mkdir()
    with dcmtk(folder, files, port) as source:
        command = ["storescp", "--fork", "--aetitle", _TITLE, "--output-directory", str(received), str(port)]
        log = folder / "storescp.log"
        with log.open("wb") as output, subprocess.Popen(command, env=DCMTK_ENVIRONMENT, stderr=output) as scp:
            try:
                wait_until_listening(scp, port, log)
                began, before = time.perf_counter(), children_seconds()
                asked = ["-S", "-aec", _PACS, "-aet", _TITLE, "-aem", _TITLE, "-k", "QueryRetrieveLevel=STUDY"]
                key = f"StudyInstanceUID={study_instance_uid}"
                moved = run("movescu", *asked, "-k", key, "127.0.0.1", source.port, seconds=_SECONDS)
                if moved.code:
                    print(moved.output[-2000:], file=sys.stderr)
                with ThreadPoolExecutor(2) as pool:
                    list(pool.map(partial(_shown, shown), received.iterdir()))
                seconds = time.perf_counter() - began
                cpu = children_seconds() - before + cpu_seconds(scp.pid)
            finally:
                scp.terminate()
    return rate(len(files), seconds, cpu=cpu, done=len(list(shown.iterdir())))


def _shown(folder: Path, file: Path) -> None:
    run("dcmj2pnm", "+oj", "+Jq", "90", "+Wi", "1", file, folder / f"{file.name}.jpg")
