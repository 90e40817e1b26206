"""A PostgreSQL server of our own: in a folder that goes with it, on a Unix socket, never as root."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from netty.processes.lifeline import die_with_parent
from support.waiting import wait_until

_USERS = ("postgres", "nobody")  # who may run it where we are root, which PostgreSQL refuses to be
_START = 60.0
_STOP = 60.0


def programs() -> Path | None:
    """The folder of initdb and postgres, None where they are not installed."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: float(folder.parent.name))
    on_path = [Path(found).resolve().parent] if (found := shutil.which("postgres")) else []
    folders = [folder for folder in (*on_path, *reversed(debian)) if (folder / "initdb").exists()]
    return next(iter(folders), None)


class Server:
    """A running server; the connection is trusted, for nobody else can reach the socket."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def url(self, database: str = "postgres") -> str:
        """The address of a database, as netty's settings give it."""
        return f"postgresql+psycopg://netty@/{database}?host={self._folder}"

    def run(self, statement: str, database: str = "postgres") -> None:
        """Run a statement that can be in no transaction, such as CREATE DATABASE."""
        with self._connection(database) as connection:
            connection.execute(statement.encode())

    def answers(self) -> bool:
        """Whether it takes connections."""
        try:
            self._connection().close()
        except psycopg.OperationalError:
            return False
        return True

    def _connection(self, database: str = "postgres") -> "psycopg.Connection[Any]":
        return psycopg.connect(f"host={self._folder} user=netty dbname={database}", autocommit=True)


@contextmanager
def server(*settings: str) -> Iterator[Server]:
    """A server with these settings (``name=value``), in a temporary folder; it ends with this process."""
    place = programs()
    assert place is not None, "PostgreSQL is not installed"
    identity = _identity()
    # Another user must reach it, and a socket's path is short: pytest's folder for temporary files is neither.
    with swept_folder("netty-postgres-", "/tmp" if identity else None) as folder:
        if identity:
            os.chown(folder, identity["user"], identity["group"])
        data = folder / "data"
        _do([str(place / "initdb"), "-D", str(data), "-U", "netty", "-A", "trust", "-N", "-E", "UTF8", "--no-locale"],
            identity)  # fmt: skip
        command = [str(place / "postgres"), "-D", str(data), "-k", str(folder), "-c", "listen_addresses="]
        for setting in settings:
            command += ["-c", setting]
        with _running(command, folder, identity) as process:
            running = Server(folder)
            wait_until(running.answers, _START, "PostgreSQL answers", process)
            yield running


@contextmanager
def swept_folder(prefix: str, parent: str | None = None) -> Iterator[Path]:
    """A temporary folder that goes with the block, and also where this process is killed in it.

    A shell of its own session waits for the end of a pipe that this process holds open, and then removes the folder;
    more than once, for what was killed with us may be writing its last file.
    """
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    sweep = 'read -r _; for _ in 1 2 3 4 5 6 7 8 9 10; do rm -rf -- "$0" && break; sleep 1; done'
    with subprocess.Popen(["sh", "-c", sweep, str(folder)], stdin=subprocess.PIPE, start_new_session=True) as sweeper:
        try:
            yield folder
        finally:
            sweeper.kill()
            shutil.rmtree(folder)


@contextmanager
def _running(command: Sequence[str], folder: Path, identity: dict[str, Any]) -> Iterator["subprocess.Popen[bytes]"]:
    parent = os.getpid()
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log, **identity,
            preexec_fn=lambda: die_with_parent(parent),
        )  # fmt: skip
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)  # fast shutdown
        try:
            process.wait(_STOP)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _do(command: Sequence[str], identity: dict[str, Any]) -> None:
    done = subprocess.run(command, cwd="/", capture_output=True, check=False, **identity)
    assert done.returncode == 0, done.stderr.decode(errors="replace")


def _identity() -> dict[str, Any]:
    """As whom it runs, for subprocess; nothing where we are not root."""
    if os.geteuid() != 0:
        return {}
    for name in _USERS:
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    raise AssertionError(f"none of the users {_USERS} is there to run PostgreSQL")
