"""`netty demo`: two simulated hospitals, netty beside them, and the linked patients' images fetched by themselves."""

import asyncio
import contextlib
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
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from netty.archive.users import Role
from netty.config import Settings, load_settings
from netty.errors import LocalError
from netty.gateway.desk import Desk, initialise, open_desk
from netty.model.patient import Patient, PatientLink
from netty.model.remote import Remote
from netty.model.retrieval import RetrievalState
from netty.network.settings import AeSettings
from netty.simulator.hospital import Destination, Hospital
from netty.simulator.studies import DemoRegion, write_demo_hospitals

_LONGEST_SECONDS = 300.0
_START_SECONDS = 60.0
_LOOK_SECONDS = 0.2
_USER = "demo"
_LOOPBACK = "127.0.0.1"
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
    for number in (signal.SIGINT, signal.SIGTERM):  # also where a shell has us ignore Ctrl-C in the background
        signal.signal(number, signal.default_int_handler)
    try:
        with tempfile.TemporaryDirectory(prefix="netty-demo-") as folder:
            return _demo(Path(folder), exit_when_done, port, console)
    except KeyboardInterrupt:
        return _INTERRUPTED


def _demo(base: Path, exit_when_done: bool, port: int, console: Console) -> int:
    """netty starts while the studies are being made; then the hospitals are there, and the patients are linked."""
    settings = _settings(base, _free_port(), port or _free_port())
    password = secrets.token_urlsafe(12)
    initialise(settings)
    with open_desk(settings) as desk, _netty(settings) as service:
        desk.users.add(_USER, password, Role.ADMIN)
        console.note("Making the studies of two hospitals ...")
        region = write_demo_hospitals(base / "hospitals")
        with _hospitals(region, settings.ae) as remotes:
            service.wait_ready()
            _link(desk, region, remotes)
            if not exit_when_done:
                console.address(f"http://{settings.web.host}:{settings.web.port}/", _USER, password)
            return _show(desk, region, service, console, exit_when_done)


def _show(desk: Desk, region: DemoRegion, service: "_Service", console: Console, exit_when_done: bool) -> int:
    console.note("netty searches both hospitals by itself and fetches what is missing here ...")
    rows = _wait_until_fetched(desk, region, service)
    console.result(rows)
    if not exit_when_done:
        console.note("The pages stay open until Ctrl-C.")
        service.process.wait()
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


def _wait_until_fetched(desk: Desk, region: DemoRegion, service: "_Service") -> list[DemoRow]:
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
        service.must_live()
        if time.monotonic() - started > _LONGEST_SECONDS:
            return rows
        time.sleep(_LOOK_SECONDS)


def _link(desk: Desk, region: DemoRegion, remotes: Sequence[Remote]) -> None:
    """Register hospitals and patients; the automatic search may begin when both are there."""
    for remote in remotes:
        desk.remotes.add(replace(remote, paused=True))
    desk.patients.import_all(
        Patient(
            key=patient.key,
            name=patient.display_name,
            birth_date=patient.birth_date,
            links=tuple(PatientLink(hospital, number) for hospital, number in patient.patient_ids.items()),
        )
        for patient in region.patients
    )
    for remote in remotes:
        desk.remotes.pause(remote.name, False)


def _settings(base: Path, dicom_port: int, web_port: int) -> Settings:
    """The settings of the demo: the defaults, but for ports and a pace that suits simulated hospitals."""
    file = base / "netty.toml"
    file.write_text(
        f'[ae]\nhost = "{_LOOPBACK}"\nport = {dicom_port}\n\n[web]\nport = {web_port}\n\n[search]\npace = 100\n',
        encoding="utf-8",
    )
    return load_settings(file)


@dataclass(frozen=True, slots=True)
class _Service:
    """`netty serve` as a process of its own; what it logs is shown only if it ends."""

    process: "subprocess.Popen[bytes]"
    log: Path

    def wait_ready(self) -> None:
        """Wait until it serves."""
        deadline = time.monotonic() + _START_SECONDS
        while b"netty is ready" not in self.log.read_bytes():
            self.must_live()
            if time.monotonic() > deadline:
                self._show_log()
                raise LocalError("netty did not start in time; its log above may say why.")
            time.sleep(_LOOK_SECONDS / 4)

    def must_live(self) -> None:
        """LocalError, behind the log, if it has ended."""
        if self.process.poll() is not None:
            self._show_log()
            raise LocalError("netty ended by itself; its log above says why.")

    def _show_log(self) -> None:
        sys.stderr.write(self.log.read_text(errors="replace"))


@contextmanager
def _netty(settings: Settings) -> Iterator[_Service]:
    log = settings.data.parent / "netty.log"
    command = [sys.executable, "-m", "netty", "--config", str(settings.file), "serve"]
    with log.open("wb") as output:
        # A session of its own: Ctrl-C reaches us alone, and we end it in order.
        process = subprocess.Popen(command, stderr=output, start_new_session=True)
    try:
        yield _Service(process, log)
    finally:
        process.terminate()
        try:
            process.wait(_START_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def _hospitals(region: DemoRegion, ae: AeSettings) -> Iterator[list[Remote]]:
    """The simulated hospitals on free ports, on an event loop in a thread of their own; gives them as remotes."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="hospitals", daemon=True)
    thread.start()
    destination = Destination(ae.title, ae.host, ae.port)
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
    """A port on which nothing listens, and which the system gives to nobody who connects (those begin at 32768)."""
    while True:
        port = secrets.choice(range(15_000, 32_000))
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind((_LOOPBACK, port))
            return port
