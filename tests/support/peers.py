"""Other people's DICOM programs, started on loopback in folders of their own and ended by their process id."""

import json
import os
import shutil
import socket
import subprocess
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support.ports import free_port
from support.waiting import wait_until

_START = 30.0
_PATH = os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin"
_ENVIRONMENT = {
    **os.environ,
    "TCP_NODELAY": "1",
    "TCP_BUFFER_LENGTH": "1048576",
    "LC_ALL": "C",
}  # without it, DCMTK waits for Nagle


def program(name: str) -> str | None:
    """Where a program lies, None where it is not installed."""
    return shutil.which(name, path=_PATH)


@dataclass(frozen=True, slots=True)
class Ran:
    """A program that ran to its end."""

    code: int
    output: str


def run(name: str, *arguments: object, seconds: float = 120) -> Ran:
    """Run a program to its end; stdout and stderr together."""
    path = program(name)
    if path is None:
        raise FileNotFoundError(name)
    done = subprocess.run(
        [path, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        env=_ENVIRONMENT,
        timeout=seconds,
        check=False,
    )
    return Ran(done.returncode, done.stdout.decode(errors="replace"))


def echoscu(port: int, *, called: str, calling: str = "ECHOSCU", seconds: float = 5) -> Ran:
    """A C-ECHO by DCMTK."""
    timeouts = ("-to", int(seconds), "-ta", int(seconds), "-td", int(seconds))
    return run("echoscu", "-v", *timeouts, "-aec", called, "-aet", calling, "127.0.0.1", port, seconds=seconds + 10)


def storescu(port: int, files: Sequence[Path], *, called: str, calling: str, options: Sequence[str] = ()) -> Ran:
    """C-STOREs by DCMTK, in Implicit VR Little Endian, one after the other whatever the answers are."""
    return run(
        "storescu", "-v", "-nh", "-xi", "-R", *options, "-aec", called, "-aet", calling, "127.0.0.1", port, *files
    )


def dcmsend(port: int, files: Sequence[Path], *, called: str, calling: str) -> Ran:
    """C-STOREs by DCMTK's other sender."""
    return run("dcmsend", "-v", "-aec", called, "-aet", calling, "127.0.0.1", port, *files)


@dataclass(slots=True)
class Peer:
    """A PACS that is running."""

    title: str
    port: int
    process: "subprocess.Popen[bytes]"
    log: Path
    notes: dict[str, Any] = field(default_factory=dict)

    def add(self, files: Sequence[Path]) -> None:
        """Store further files in it, as a modality would."""
        sent = storescu(self.port, files, called=self.title, calling="MODALITY")
        assert sent.code == 0, sent.output

    def said(self) -> str:
        """The end of its log, for the messages of failed assertions."""
        return self.log.read_text(errors="replace")[-4000:] if self.log.exists() else ""


@dataclass(frozen=True, slots=True)
class PeerKind:
    """How a peer is called, and how one is started."""

    name: str
    start: Callable[..., AbstractContextManager[Peer]]


@contextmanager
def _running(command: Sequence[object], log: Path, folder: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A process with its output in `log`; ended by its id, and waited for."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(part) for part in command],
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env=_ENVIRONMENT,
            cwd=folder,
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(port: int, title: str) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return echoscu(port, called=title, seconds=3).code == 0


def _wait_ready(peer: Peer) -> None:
    wait_until(lambda: _answers(peer.port, peer.title), _START, f"{peer.title} answers C-ECHO", peer.process)


_DCMQRSCP = """\
NetworkTCPPort  = {port}
MaxPDUSize      = 131072
MaxAssociations = 16

HostTable BEGIN
netty = ({netty_title}, 127.0.0.1, {netty_port})
HostTable END

VendorTable BEGIN
VendorTable END

AETable BEGIN
{title} {storage} RW (500, 4096mb) ANY
AETable END
"""


@contextmanager
def dcmqrscp(
    folder: Path,
    files: Sequence[Path],
    *,
    netty_port: int,
    netty_title: str = "HAPPY_netty",
    title: str = "DCMTK_PACS",
    options: Sequence[str] = (),
) -> Iterator[Peer]:
    """DCMTK's image archive, holding `files` where they lie, with netty as its one move destination."""
    storage = folder / "storage"
    storage.mkdir(parents=True)
    port = free_port()
    settings = folder / "dcmqrscp.cfg"
    facts = {"port": port, "netty_title": netty_title, "netty_port": netty_port, "title": title, "storage": storage}
    settings.write_text(_DCMQRSCP.format(**facts))
    if files:
        copies = [Path(shutil.copy(path, storage / f"{number:05}.dcm")) for number, path in enumerate(files)]
        indexed = run("dcmqridx", storage, *copies)
        assert indexed.code == 0, indexed.output
    log = folder / "dcmqrscp.log"
    command = [program("dcmqrscp"), "-c", settings, "--log-level", "info", *options]
    with _running(command, log, folder) as process:
        peer = Peer(title, port, process, log)
        _wait_ready(peer)
        yield peer


@contextmanager
def orthanc(
    folder: Path,
    files: Sequence[Path],
    *,
    netty_port: int,
    netty_title: str = "HAPPY_netty",
    title: str = "ORTHANC_PACS",
    more: Mapping[str, Any] | None = None,
) -> Iterator[Peer]:
    """Orthanc with its defaults and `more`, holding `files`; only its one modality, netty, may query it."""
    folder.mkdir(parents=True, exist_ok=True)
    port, web = free_port(), free_port()
    settings = {
        "Name": title,
        "DicomAet": title,
        "DicomPort": port,
        "HttpPort": web,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "StorageDirectory": str(folder / "storage"),
        "IndexDirectory": str(folder / "storage"),
        "Plugins": [],
        "DicomAlwaysAllowStore": True,
        "DicomAlwaysAllowEcho": True,
        "DicomModalities": {"netty": [netty_title, "127.0.0.1", netty_port]},
        "OverwriteInstances": False,
        "StableAge": 1,
        "ConcurrentJobs": 2,
        **(more or {}),
    }
    path = folder / "orthanc.json"
    path.write_text(json.dumps(settings))
    log = folder / "orthanc.log"
    with _running([program("Orthanc"), path], log, folder) as process:
        peer = Peer(title, port, process, log, {"web": web})
        _wait_ready(peer)
        for one in files:
            _upload(web, one)
        yield peer


def _upload(web: int, file: Path) -> None:
    request = urllib.request.Request(
        f"http://127.0.0.1:{web}/instances", data=file.read_bytes(), headers={"Content-Type": "application/dicom"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 200, file
