"""Programs that ask a PACS for whole patients, each in its usual way: `python -m bench.search_askers WHO JOB`.

JOB is a file with a `Job`; what was found goes to stdout as a `Found`, both as JSON. What a program needs to start, and
for its first patient, is not counted, except where it starts anew for each query.
"""

import asyncio
import json
import os
import re
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from math import prod
from multiprocessing import get_context
from pathlib import Path

from bench.search_bare import ask_all, questions
from bench.search_data import Size, listed
from netty.config import load_settings
from netty.dicom.uids import IMPLICIT_VR_LITTLE_ENDIAN, STUDY_ROOT_FIND
from netty.gateway.desk import open_desk
from netty.network.loop import run_to_end

_TITLE = "HAPPY_netty"
_MOST_TRIES = 5
_DCMTK = os.environ | {"TCP_NODELAY": "1"}

# What netty asks for at each level (statement table 3), and what everybody asks for here.
_KEYS = {
    "STUDY": ("PatientID", "StudyDate", "StudyTime", "AccessionNumber", "StudyInstanceUID"),
    "SERIES": ("StudyInstanceUID", "SeriesInstanceUID", "Modality"),
    "IMAGE": ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID", "InstanceNumber"),
}
_UNIQUE = {"STUDY": "StudyInstanceUID", "SERIES": "SeriesInstanceUID", "IMAGE": "SOPInstanceUID"}


@dataclass(frozen=True, slots=True)
class Job:
    """Whom to ask, and how many patients at a time.

    Attributes:
        size: how many patients, studies, series and instances each the PACS holds; all of them are asked for.
        netty: the settings file of a netty that knows the patients and the PACS.
    """

    title: str
    port: int
    size: list[int]
    at_once: int
    netty: str

    @property
    def patients(self) -> list[str]:
        """The Patient IDs."""
        return list(dict.fromkeys(one.patient_id for one in listed(Size(*self.size))))


@dataclass(frozen=True, slots=True)
class Found:
    """The SOP Instance UIDs by patient, and what finding them took."""

    seconds: float
    cpu: float
    instances: dict[str, list[str]]


Answers = dict[str, list[str]]
Query = Callable[[str, dict[str, str]], Iterable[str]]


def _measured(work: Callable[[], Answers]) -> Found:
    before, began = _cpu(), time.perf_counter()
    instances = work()
    return Found(time.perf_counter() - began, _cpu() - before, instances)


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def _whole_patient(ask: Query, patient_id: str) -> list[str]:
    """All three levels, by one query after the other."""
    found: list[str] = []
    for study in list(ask("STUDY", {"PatientID": patient_id})):
        for series in list(ask("SERIES", {"StudyInstanceUID": study})):
            found += ask("IMAGE", {"StudyInstanceUID": study, "SeriesInstanceUID": series})
    return found


# --- netty -----------------------------------------------------------------------------------------------------------


def netty(job: Job) -> Found:
    """As a search for a registered patient does it: asked, compared with what is held, noted, and audited."""
    with open_desk(load_settings(Path(job.netty))) as desk:

        async def one(patient_id: str, gate: asyncio.Semaphore) -> list[str]:
            async with gate:
                differences = await desk.linkage.search("pacs", patient_id, asked_by="bench")
            return [each.sop_instance_uid for found in differences for each in found.study.instances]

        async def everybody(patients: list[str]) -> Answers:
            gate = asyncio.Semaphore(job.at_once)
            found = await asyncio.gather(*(one(patient_id, gate) for patient_id in patients))
            return dict(zip(patients, found, strict=True))

        run_to_end(everybody(job.patients[: job.at_once]))  # as many as are asked for at a time
        return _measured(lambda: run_to_end(everybody(job.patients)))


# --- DCMTK -----------------------------------------------------------------------------------------------------------


def findscu(job: Job) -> Found:
    """A process for each query; what it prints is read."""
    command = ["findscu", "-S", "+sr", "-xi", "-aet", _TITLE, "-aec", job.title]

    def ask(level: str, known: dict[str, str]) -> list[str]:
        keys = {"QueryRetrieveLevel": level} | dict.fromkeys(_KEYS[level], "") | known
        options = [part for name, value in keys.items() for part in ("-k", f"{name}={value}" if value else name)]
        done = subprocess.run(
            [*command, *options, "127.0.0.1", str(job.port)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=_DCMTK, check=True,
        )  # fmt: skip
        return re.findall(rf"UI \[([0-9.]+)\0? *\] .* {_UNIQUE[level]}\n", done.stdout.decode("latin-1"))

    return _in_threads(job, lambda patient_id: _whole_patient(ask, patient_id))


def _in_threads(job: Job, ask: Callable[[str], list[str]]) -> Found:
    with ThreadPoolExecutor(job.at_once) as threads:
        return _measured(lambda: dict(zip(job.patients, threads.map(ask, job.patients), strict=True)))


# --- pynetdicom ------------------------------------------------------------------------------------------------------


def pynetdicom(job: Job) -> Found:
    """One association for all queries of a patient; a process for each patient under way.

    Where answers come fast and the machine is busy, pynetdicom loses one now and then. A program that did not know what
    to expect would not notice; this one is told, and asks for the patient again.
    """
    expected = prod(job.size[1:])
    asked = [(job.title, job.port, patient_id, expected) for patient_id in job.patients]
    with get_context("fork").Pool(job.at_once) as pool:
        pool.starmap(_until_whole, asked[: job.at_once], 1)
        found = _measured(lambda: dict(zip(job.patients, pool.starmap(_until_whole, asked, 1), strict=True)))
        return replace(found, cpu=0.0)  # the children's is not told before they end


def _until_whole(title: str, port: int, patient_id: str, expected: int) -> list[str]:
    for _ in range(_MOST_TRIES):
        found = _patient_by_pynetdicom(title, port, patient_id)
        if len(found) == expected:
            break
    return found


def _patient_by_pynetdicom(title: str, port: int, patient_id: str) -> list[str]:
    from pydicom import Dataset
    from pynetdicom import AE, evt

    def no_delay(event: evt.Event) -> None:
        connected = event.assoc.dul.socket
        assert connected is not None
        assert connected.socket is not None
        connected.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    ae = AE(ae_title=_TITLE)
    ae.add_requested_context(STUDY_ROOT_FIND, IMPLICIT_VR_LITTLE_ENDIAN)
    association = ae.associate("127.0.0.1", port, ae_title=title, evt_handlers=[(evt.EVT_CONN_OPEN, no_delay)])
    if not association.is_established:
        return []

    def ask(level: str, known: dict[str, str]) -> Iterable[str]:
        if not association.is_established:  # given up with the answer that was lost: the patient is asked for again
            return
        query = Dataset()
        query.QueryRetrieveLevel = level
        for name in _KEYS[level]:
            setattr(query, name, known.get(name, ""))
        for status, answer in association.send_c_find(query, STUDY_ROOT_FIND):
            if status and status.Status in (0xFF00, 0xFF01) and answer is not None:
                yield str(answer[_UNIQUE[level]].value)

    try:
        return _whole_patient(ask, patient_id)
    finally:
        association.release()


# --- the limit -------------------------------------------------------------------------------------------------------


def limit(job: Job) -> Found:
    """Sockets that know the questions beforehand, an association each, and only look for the end of the answers."""
    with get_context("fork").Pool(job.at_once) as pool:
        asked = questions(Size(*job.size))
        shares = [(job.title, job.port, asked[number :: job.at_once]) for number in range(job.at_once)]
        pool.map(abs, range(job.at_once))  # they run

        def ask() -> Answers:
            return {patient: found for share in pool.starmap(ask_all, shares) for patient, found in share.items()}

        return replace(_measured(ask), cpu=0.0)  # the children's is not told before they end


ASKERS: dict[str, Callable[[Job], Found]] = {
    "netty": netty, "findscu": findscu, "pynetdicom": pynetdicom, "limit": limit
}  # fmt: skip


def asked(who: str, job: Job, folder: Path) -> Found:
    """Let one of them ask, in a process of its own."""
    place = folder / "job.json"
    place.write_text(json.dumps(asdict(job)))
    done = subprocess.run(
        [sys.executable, "-m", "bench.search_askers", who, str(place)], stdout=subprocess.PIPE, check=True
    )
    return Found(**json.loads(done.stdout))


def main(arguments: Sequence[str]) -> None:
    """WHO and JOB."""
    who, place = arguments
    found = ASKERS[who](Job(**json.loads(Path(place).read_text())))
    sys.stdout.write(json.dumps(asdict(found)))


if __name__ == "__main__":
    main(sys.argv[1:])
