"""netty as a program: ``netty serve`` in a folder of its own on loopback, and the commands beside it."""

import io
import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from netty.cli.main import run as run_command
from support.leftovers import data_folder
from support.ports import free_port
from support.waiting import wait_until

TITLE = "HAPPY_netty"
_START = 60.0


@dataclass(frozen=True, slots=True)
class RemoteEntry:
    """One ``[[remote]]`` of the settings."""

    name: str
    title: str
    port: int
    called_from: tuple[str, ...] = ()

    def toml(self) -> str:
        """As the settings file says it."""
        callers = json.dumps([*(self.called_from or (self.title,))])
        return (
            f'[[remote]]\nname = "{self.name}"\ntitle = "{self.title}"\nhost = "127.0.0.1"\n'
            f"port = {self.port}\ncalled_from = {callers}\n"
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command answered with --json."""

    code: int
    document: Any
    errors: str


@dataclass(slots=True)
class Netty:
    """One netty: its folder, its ports, and the service when it runs."""

    folder: Path
    port: int = field(default_factory=free_port)
    web_port: int = field(default_factory=free_port)
    process: "subprocess.Popen[bytes] | None" = None
    module: ClassVar[str] = "netty"  # what Python runs as the service

    @property
    def settings(self) -> Path:
        """Its settings file."""
        return self.folder / "netty.toml"

    @property
    def log(self) -> Path:
        """What the service wrote."""
        return self.folder / "serve.log"

    def said(self) -> str:
        """The end of the log, for the messages of failed assertions."""
        return self.log.read_text(errors="replace")[-6000:] if self.log.exists() else "(no log)"

    def configure(
        self, remotes: Iterable[RemoteEntry], *, quiet_time: float = 2, receive: str = "", ae: str = "", more: str = ""
    ) -> None:
        """Write the settings: no automatic search, so that only what a test asks for moves."""
        text = (
            f'data = "data"\n\n[ae]\ntitle = "{TITLE}"\nhost = "127.0.0.1"\nport = {self.port}\n{ae}\n\n'
            f'[web]\nhost = "127.0.0.1"\nport = {self.web_port}\n\n'
            f"[receive]\nquiet_time = {quiet_time:g}\n{receive}\n\n[search]\nhours = []\n\n{more}\n"
        )
        self.folder.mkdir(parents=True, exist_ok=True)
        self.settings.write_text(text + "\n".join(remote.toml() for remote in remotes))

    def launch(self) -> None:
        """Start the service, and wait for nothing."""
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                _command(self.settings, "serve", module=self.module),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=_environment(),
                cwd=self.folder,
            )

    def start(self) -> None:
        """Start the service and wait until it is ready."""
        self.launch()
        self.wait_ready()

    def wait_ready(self) -> None:
        """Wait until it is ready; it is stopped where it does not come to that."""
        try:
            wait_until(self.ready, _START, "netty is ready", self.process)
        except AssertionError as error:
            self.stop()
            raise AssertionError(f"{error}\n{self.said()}") from error

    def ready(self) -> bool:
        """Whether it says so itself."""
        return self.http("/readyz") == 200

    def http(self, path: str) -> int:
        """The status of a page, 0 where nobody answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.web_port}{path}", timeout=2) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code
        except OSError:
            return 0

    def stop(self) -> int:
        """SIGTERM, and wait: the exit code."""
        if self.process is None:
            return 0
        process, self.process = self.process, None
        if process.poll() is None:
            process.terminate()
        try:
            return process.wait(40)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError(f"netty did not end within 40 s of SIGTERM\n{self.said()}") from None

    def kill_supervisor(self) -> list[int]:
        """kill -9 of the supervisor alone; returns the ids of the children that it had."""
        assert self.process is not None
        children = self.children()
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)
        self.process = None
        return children

    def children(self) -> list[int]:
        """The ids of all processes below the supervisor."""
        assert self.process is not None
        return descendants(self.process.pid)

    def named_children(self) -> dict[str, int]:
        """Those that live, by the name of their kind; of several receivers one."""
        there = [pid for pid in self.children() if is_alive(pid)]
        return {Path(f"/proc/{pid}/comm").read_text().strip(): pid for pid in there}

    def memory(self) -> dict[int, int]:
        """Bytes of memory that no file backs (RssAnon and RssShmem), by process."""
        assert self.process is not None
        ids = [self.process.pid, *self.children()]
        return {pid: size for pid in ids if (size := own_memory(pid)) is not None}

    def cli(self, *arguments: object, seconds: float = 120) -> Answer:
        """Run a command with --json."""
        done = subprocess.run(
            _command(self.settings, *map(str, arguments), "--json"),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=_environment(),
            cwd=self.folder,
            timeout=seconds,
            check=False,
        )
        errors = done.stderr.decode(errors="replace")
        text = done.stdout.decode()
        try:
            document = json.loads(text) if text.strip() else None
        except json.JSONDecodeError as error:
            raise AssertionError(f"{arguments}: no JSON: {error}\n{text[:2000]}\n{errors}") from error
        return Answer(done.returncode, document, errors)

    def ok(self, *arguments: object, seconds: float = 120) -> Any:
        """The document of a command that has to succeed."""
        answer = self.cli(*arguments, seconds=seconds)
        assert answer.code == 0, (
            f"{arguments} ended with {answer.code}: {answer.document}\n{answer.errors}\n{self.said()}"
        )
        return answer.document

    def read(self, *arguments: object) -> Any:
        """The document of a command that only reads, run in this process: what Python needs to start is spared."""
        out, errors = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(errors):
            code = run_command(["--config", str(self.settings), *map(str, arguments), "--json"])
        assert code == 0, f"{arguments} ended with {code}: {out.getvalue()}\n{errors.getvalue()}\n{self.said()}"
        return json.loads(out.getvalue())

    def register(self, patient: str, **ids: str) -> None:
        """Register a patient with one Patient ID per remote."""
        links = [part for remote, patient_id in ids.items() for part in ("--link", f"{remote}={patient_id}")]
        self.ok("patients", "add", patient, *links)

    def audit(self, kind: str | None = None) -> list[dict[str, Any]]:
        """The audit trail, the newest first as the command tells it."""
        events: list[dict[str, Any]] = self.read("audit", "list")["events"]
        return [event for event in events if kind in (None, event["kind"])]

    def held(self) -> dict[str, dict[str, Any]]:
        """All held instances of all visible studies, by SOP Instance UID."""
        studies = self.read("studies", "list")["studies"]
        shown = [self.read("studies", "show", study["study_instance_uid"]) for study in studies]
        return {
            instance["sop_instance_uid"]: instance
            for study in shown
            for series in study["series"]
            for instance in series["instances"]
        }


def _command(settings: Path, *arguments: str, module: str = "netty") -> Sequence[str]:
    return [sys.executable, "-m", module, "--config", str(settings), *arguments]


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("NETTY_")}
    return {**kept, "LC_ALL": "C.UTF-8", "LANG": "C.UTF-8"}


def descendants(pid: int) -> list[int]:
    """The ids of all processes below one, itself not among them."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            below = [int(child) for child in task.read_text().split()]
        except OSError:  # it ended while we looked
            continue
        for child in below:
            found += [child, *descendants(child)]
    return found


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that is dead and not yet waited for does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def own_memory(pid: int) -> int | None:
    """RssAnon and RssShmem of a process in bytes, None when it has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return None
    sizes = {line.split(":")[0]: int(line.split()[1]) for line in lines if line.startswith(("RssAnon", "RssShmem"))}
    return sum(sizes.values()) * 1024


@contextmanager
def netty(folder: Path, remotes: Iterable[RemoteEntry], *, port: int | None = None, **settings: Any) -> Iterator[Netty]:
    """A running netty that knows `remotes`."""
    one = Netty(folder) if port is None else Netty(folder, port)
    one.configure(remotes, **settings)
    with data_folder(folder / "data"):
        one.start()
        try:
            yield one
        finally:
            one.stop()


@contextmanager
def simulated(
    folder: Path, *, title: str, netty_port: int, quirks: Sequence[str] = (), log: Path | None = None
) -> Iterator[int]:
    """A simulated hospital that serves the files of `folder` and may send to netty; gives its port."""
    port = free_port()
    arguments = ["simulate", str(folder), "--title", title, "--port", str(port)]
    arguments += ["--destination", f"{TITLE}=127.0.0.1:{netty_port}"]
    arguments += [part for quirk in quirks for part in ("--quirk", quirk)]
    place = log or folder.parent / f"{title}.log"
    with place.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "netty", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=_environment(),
        )
    try:
        try:
            wait_until(lambda: _listens(port), _START, f"{title} listens", process)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{place.read_text(errors='replace')[-3000:]}") from error
        yield port
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _listens(port: int) -> bool:
    """Whether somebody listens, read from the kernel's table so that no half association disturbs the program."""
    wanted = f"{port:04X}"
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            columns = line.split()
            if columns[3] == "0A" and columns[1].rpartition(":")[2] == wanted:
                return True
    return False
