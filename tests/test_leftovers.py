"""The look after every test finds what is left, whatever it is, and waits for nothing where nothing is."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from netty.archive.leases import Leases
from netty.archive.retrievals import Retrievals
from netty.archive.spool import Spool
from netty.model.retrieval import RetrievalState
from support import leftovers
from support.catalogue import new_database, retrieval
from support.leftovers import LONGEST_QUIET_TIME, nothing_left

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


@pytest.fixture
def afterwards() -> Iterator[ExitStack]:
    """Puts away what these tests leave on purpose."""
    with ExitStack() as stack:
        yield stack


def _leave_a_thread(folder: Path, afterwards: ExitStack) -> None:
    waiting = threading.Event()
    thread = threading.Thread(target=waiting.wait, name="forgotten")
    thread.start()
    afterwards.callback(thread.join)
    afterwards.callback(waiting.set)


def _leave_a_socket(folder: Path, afterwards: ExitStack) -> None:
    afterwards.enter_context(socket.socket())


def _leave_a_file_open(folder: Path, afterwards: ExitStack) -> None:
    descriptor = os.open(folder / "open", os.O_CREAT | os.O_WRONLY)
    afterwards.callback(os.close, descriptor)


def _leave_a_process(folder: Path, afterwards: ExitStack) -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    afterwards.callback(process.wait)
    assert process.stdin is not None
    afterwards.callback(process.stdin.close)


def _leave_an_orphan(folder: Path, afterwards: ExitStack) -> None:
    """Its parent ends before it does: it is ours then."""
    reading, writing = os.pipe()
    program = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'input()'])"
    subprocess.run([sys.executable, "-c", program], stdin=reading, check=True)
    os.close(reading)
    afterwards.callback(os.close, writing)


def _leave_a_temporary_file(folder: Path, afterwards: ExitStack) -> None:
    path = folder / "temporary" / "tmp123"
    path.touch()
    afterwards.callback(path.unlink)


def _leave_half_an_image(folder: Path, afterwards: ExitStack) -> None:
    with new_database(folder):
        spool = Spool(folder / "spool", folder / "quarantine")
        half = spool.create()
        half.write(b"half of an image")
        spool.close()
    afterwards.callback(half.discard)


def _leave_a_lease(folder: Path, afterwards: ExitStack) -> None:
    with new_database(folder) as database:
        asked = retrieval()
        Retrievals(database).create(asked, [])
        Leases(database).open(asked, (NOW + timedelta(seconds=1000)).timestamp())
        Retrievals(database).update(asked.id, state=RetrievalState.FAILED, ended_at=NOW)
        afterwards.callback((folder / "netty.db").unlink)


@pytest.mark.parametrize(
    ("leave", "said"),
    [
        (_leave_a_thread, "thread forgotten"),
        (_leave_a_socket, "descriptor .*socket"),
        (_leave_a_file_open, "descriptor .*/open"),
        (_leave_a_process, "process .*input"),
        (_leave_an_orphan, "process .*input"),
        (_leave_a_temporary_file, "temporary file tmp123"),
        (_leave_half_an_image, "half-written .*spool"),
        (_leave_a_lease, "open lease of the retrieval r1, which is failed"),
    ],
    ids=lambda value: value.__name__.removeprefix("_leave_") if callable(value) else "",
)
def test_what_is_left_is_named(tmp_path: Path, afterwards: ExitStack, leave: object, said: str) -> None:
    (tmp_path / "temporary").mkdir()
    assert callable(leave)
    with pytest.raises(AssertionError, match=said), nothing_left(tmp_path / "temporary", patience=0.2):
        leave(tmp_path, afterwards)


def test_what_a_test_leaves_on_purpose_is_left_alone(tmp_path: Path, afterwards: ExitStack) -> None:
    (tmp_path / "temporary").mkdir()
    with nothing_left(tmp_path / "temporary", but_for=("temporary",), patience=0):
        _leave_a_temporary_file(tmp_path, afterwards)


def test_a_lease_may_outlive_its_retrieval_by_the_quiet_time(tmp_path: Path) -> None:
    with nothing_left(patience=0), new_database(tmp_path) as database:
        asked = retrieval()
        Retrievals(database).create(asked, [])
        Leases(database).open(asked, (NOW + timedelta(seconds=LONGEST_QUIET_TIME)).timestamp())
        Retrievals(database).update(asked.id, state=RetrievalState.COMPLETE, ended_at=NOW)


def test_what_ends_in_a_moment_is_waited_for() -> None:
    with nothing_left(patience=10):
        threading.Timer(0.1, lambda: None).start()


def test_where_nothing_is_left_nothing_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test has a look before and after it."""
    monkeypatch.setattr(leftovers, "_wait", lambda *_: pytest.fail("something is waited for"))

    with nothing_left(tmp_path):
        pass
