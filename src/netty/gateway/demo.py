"""`netty demo`: two simulated hospitals, netty beside them, and the linked patients' images fetched by themselves."""

import asyncio
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from netty.archive.users import Role
from netty.config import Settings, load_settings, remotes_to_toml
from netty.errors import LocalError
from netty.gateway.desk import Desk, initialise, open_desk
from netty.model.patient import Patient, PatientLink
from netty.model.remote import Remote
from netty.model.retrieval import RetrievalState
from netty.simulator.hospital import Destination, Hospital
from netty.simulator.studies import DemoRegion, write_demo_hospitals

_LONGEST_SECONDS = 300.0
_START_SECONDS = 60.0
_LOOK_SECONDS = 0.2
_USER = "demo"
_LOOPBACK = "127.0.0.1"
_TITLE = "HAPPY_netty"
_ALL_ARRIVED, _PARTLY, _INTERRUPTED = 0, 7, 130


@dataclass(frozen=True, slots=True)
class DemoRow:
    """One patient at one hospital: what lies there, and what has come here."""

    patient: str
    hospital: str
    studies: int
    listed: int
    fetched: int
    rendered: int

    @property
    def whole(self) -> bool:
        """Whether every image is here, with its picture if it can have one."""
        return self.fetched == self.listed and self.rendered == self.listed


class Console(Protocol):
    """How the demo speaks to the person who runs it."""

    def note(self, text: str, /, **values: object) -> None:
        """What happens now."""

    def address(self, address: str, user: str, password: str) -> None:
        """Where the pages are."""

    def result(self, rows: Sequence[DemoRow]) -> None:
        """What was fetched."""


def demo(exit_when_done: bool, port: int, console: Console) -> int:
    """Run the demo until Ctrl-C, or until everything is fetched; 0 only if every image arrived."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends everything in order, as Ctrl-C does
    try:
        with tempfile.TemporaryDirectory(prefix="netty-demo-") as folder:
            return _demo(Path(folder), exit_when_done, port, console)
    except KeyboardInterrupt:
        return _INTERRUPTED


def _demo(base: Path, exit_when_done: bool, port: int, console: Console) -> int:
    console.note("Making the studies of two hospitals ...")
    region = write_demo_hospitals(base / "hospitals")
    dicom_port = _free_port()
    with _hospitals(region, dicom_port) as remotes:
        settings = _settings(base, remotes, dicom_port, port or _free_port())
        password = secrets.token_urlsafe(12)
        _register(settings, region, password)
        with _netty(settings) as service:
            if not exit_when_done:
                console.address(f"http://{settings.web.host}:{settings.web.port}/", _USER, password)
            return _show(settings, region, service, console, exit_when_done)


def _show(
    settings: Settings,
    region: DemoRegion,
    service: "subprocess.Popen[bytes]",
    console: Console,
    exit_when_done: bool,
) -> int:
    console.note("netty searches both hospitals by itself and fetches what is missing here ...")
    with open_desk(settings) as desk:
        rows = _wait_until_fetched(desk, region, service)
    console.result(rows)
    if not exit_when_done:
        console.note("The pages stay open until Ctrl-C.")
        service.wait()
    return _ALL_ARRIVED if all(row.whole for row in rows) else _PARTLY


def _rows(desk: Desk, region: DemoRegion) -> list[DemoRow]:
    """What the hospitals were given against what the archive holds now, by study."""
    held = {study.study_instance_uid: study for study in desk.holdings.studies()}
    rows = []
    for patient in region.patients:
        for hospital in region.hospitals:
            studies = [one for one in region.studies if (one.patient, one.hospital) == (patient.key, hospital.name)]
            if not studies:
                continue
            here = [held[one.study_instance_uid] for one in studies if one.study_instance_uid in held]
            rows.append(
                DemoRow(
                    patient=patient.display_name,
                    hospital=hospital.name,
                    studies=len(studies),
                    listed=sum(one.instances for one in studies),
                    fetched=sum(one.instance_count for one in here),
                    rendered=sum(one.instance_count - one.waiting - one.failed for one in here),
                )
            )
    return rows


def _wait_until_fetched(desk: Desk, region: DemoRegion, service: "subprocess.Popen[bytes]") -> list[DemoRow]:
    """Wait until every image is here, or every retrieval has ended without it."""
    started = time.monotonic()
    expected = len({study.study_instance_uid for study in region.studies})
    while True:
        rows = _rows(desk, region)
        retrievals = desk.retrievals.list()
        ended = len(retrievals) >= expected and all(retrieval.state.final for retrieval in retrievals)
        failed = any(retrieval.state is not RetrievalState.COMPLETE for retrieval in retrievals)
        if ended and (failed or all(row.whole for row in rows)):
            return rows
        if service.poll() is not None:
            raise LocalError("netty ended by itself; its log above says why.")
        if time.monotonic() - started > _LONGEST_SECONDS:
            return rows
        time.sleep(_LOOK_SECONDS)


def _register(settings: Settings, region: DemoRegion, password: str) -> None:
    initialise(settings)
    with open_desk(settings) as desk:
        desk.users.add(_USER, password, Role.ADMIN)
        desk.patients.import_all(
            Patient(
                key=patient.key,
                name=patient.display_name,
                birth_date=patient.birth_date,
                links=tuple(PatientLink(hospital, number) for hospital, number in patient.patient_ids.items()),
            )
            for patient in region.patients
        )


def _settings(base: Path, remotes: Sequence[Remote], dicom_port: int, web_port: int) -> Settings:
    """The settings of the demo: the defaults, but for ports, remotes and a pace that suits simulated hospitals."""
    file = base / "netty.toml"
    file.write_text(
        f'[ae]\nhost = "{_LOOPBACK}"\nport = {dicom_port}\n\n[web]\nport = {web_port}\n\n[search]\npace = 100\n\n'
        + remotes_to_toml(remotes),
        encoding="utf-8",
    )
    return load_settings(file)


@contextmanager
def _netty(settings: Settings) -> "Iterator[subprocess.Popen[bytes]]":
    """`netty serve` as a process of its own; what it logs is shown only if it does not start."""
    log = (settings.data.parent / "netty.log").open("w+b")
    command = [sys.executable, "-m", "netty", "--config", str(settings.file), "serve"]
    # A session of its own: Ctrl-C reaches us alone, and we end it in order.
    service = subprocess.Popen(command, stderr=log, start_new_session=True)
    try:
        _wait_ready(service, Path(log.name))
        yield service
    finally:
        service.terminate()
        try:
            service.wait(_START_SECONDS)
        except subprocess.TimeoutExpired:
            service.kill()
        log.close()


def _wait_ready(service: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while b"netty is ready" not in log.read_bytes():
        if service.poll() is not None or time.monotonic() > deadline:
            sys.stderr.write(log.read_text(errors="replace"))
            raise LocalError("netty did not start; its log above says why.")
        time.sleep(_LOOK_SECONDS / 4)


@contextmanager
def _hospitals(region: DemoRegion, dicom_port: int) -> Iterator[list[Remote]]:
    """The simulated hospitals on free ports, on an event loop in a thread of their own; gives them as remotes."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="hospitals", daemon=True)
    thread.start()
    destination = Destination(_TITLE, _LOOPBACK, dicom_port)
    hospitals = [Hospital(one.title, one.folder, destinations=[destination]) for one in region.hospitals]
    try:
        remotes = []
        for one, hospital in zip(region.hospitals, hospitals, strict=True):
            port = asyncio.run_coroutine_threadsafe(hospital.start(), loop).result()
            remotes.append(Remote(one.name, one.title, _LOOPBACK, port))
        yield remotes
    finally:
        for hospital in hospitals:
            asyncio.run_coroutine_threadsafe(hospital.stop(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port
