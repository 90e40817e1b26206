"""How fast whole patients are searched: STUDY, SERIES and IMAGE level, one patient at a time and eight."""

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import astuple
from functools import partial
from pathlib import Path

from bench.contest import Contestant, Result, Table, Unit, compete, rate
from bench.goals import Bound, goal
from bench.scope import Scope
from bench.search_askers import Job, asked
from bench.search_data import Size, listed, write_files
from netty.config import load_settings
from netty.gateway.desk import initialise, open_desk
from netty.model.patient import Patient, PatientLink
from support.netty_process import Netty, RemoteEntry, simulated
from support.peers import dcmqrscp
from support.ports import free_port

_PACS = "BENCH_PACS"
_NOTES = {
    "netty": "an association for each query; compared with what is held, noted, audited",
    "findscu": "a process and an association for each query",
    "pynetdicom": "an association for all queries of a patient; asks again where it has lost answers",
    "limit": "sockets that know the questions beforehand, an association for each",
}
_PATIENTS = Unit("patients/s", more_is_better=True)
_GOALS = (
    goal("netty", Bound(10, "findscu"), Bound(0.8, "limit")),
    goal("netty", Bound(5, "pynetdicom"), Bound(0.8, "limit")),
)


@contextmanager
def simulator(folder: Path, files: Sequence[Path]) -> Iterator[int]:
    """netty's simulated hospital; its port."""
    with simulated(files[0].parent, title=_PACS, netty_port=free_port(), log=folder / "simulator.log") as port:
        yield port


@contextmanager
def dcmtk(folder: Path, files: Sequence[Path]) -> Iterator[int]:
    """DCMTK's dcmqrscp; its port."""
    with dcmqrscp(folder / "dcmqrscp", files, netty_port=free_port(), title=_PACS) as peer:
        yield peer.port


Start = Callable[[Path, Sequence[Path]], AbstractContextManager[int]]


def tables(scope: Scope) -> Iterator[Table]:
    """For each PACS and number of patients at a time."""
    size = Size(patients=48 if scope.full else 16)
    with tempfile.TemporaryDirectory(prefix="netty-bench-", dir=scope.folder) as place:
        base = Path(place)
        files = write_files(base / "files", size)
        places: dict[str, Start] = {"netty's simulator": simulator}
        if shutil.which("dcmqrscp"):
            places["dcmqrscp"] = dcmtk
        for name, start in places.items():
            with start(base, files) as port:
                for at_once in (1, 8):
                    title = f"search {name}: {size}, {at_once} patient(s) at a time"
                    yield compete(title, _contestants(port, size, at_once, base), scope.rounds, _PATIENTS, _GOALS)


def _contestants(port: int, size: Size, at_once: int, base: Path) -> list[Contestant]:
    return [
        Contestant(who, note, partial(measure, who, port, size, at_once, base))
        for who, note in _NOTES.items()
        if who != "findscu" or shutil.which("findscu")
    ]


def measure(who: str, port: int, size: Size, at_once: int, base: Path) -> Result:
    """Let one ask for all patients; a patient counts whose instances were found, no more and no fewer."""
    with tempfile.TemporaryDirectory(dir=base) as place:
        job = Job(_PACS, port, list(astuple(size)), at_once, "")
        if who == "netty":
            job = Job(_PACS, port, job.size, at_once, str(_netty(Path(place), port, job.patients)))
        found = asked(who, job, Path(place))
    wanted: dict[str, set[str]] = {}
    for one in listed(size):
        wanted.setdefault(one.patient_id, set()).add(one.sop_instance_uid)
    right = [patient for patient, uids in wanted.items() if sorted(found.instances.get(patient, [])) == sorted(uids)]
    if len(right) < len(wanted):
        print(f"{who} found the instances of {len(right)} of {len(wanted)} patients", file=sys.stderr)
    return rate(len(wanted), found.seconds, cpu=found.cpu or None, done=len(right))


def _netty(folder: Path, port: int, patients: Sequence[str]) -> Path:
    """The settings of a fresh netty that knows the patients and the PACS."""
    one = Netty(folder / "netty")
    one.configure([RemoteEntry("pacs", _PACS, port)])
    settings = load_settings(one.settings)
    initialise(settings)
    with open_desk(settings) as desk:
        desk.patients.import_all([Patient(each, each, links=(PatientLink("pacs", each),)) for each in patients])
    return one.settings
