"""What a test may not leave behind: threads, descriptors, processes, temporary files, half-written images, leases.

A look costs a millisecond or a few, so that every test can have one; only where something seems to be left is it
waited for, and garbage collected.
"""

import ctypes
import gc
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final

from netty.archive.spool import read_receipt
from netty.model.retrieval import RetrievalState
from support.waiting import TooLate, wait_until

PATIENCE = 10.0
LONGEST_QUIET_TIME: Final = 120.0
"""Seconds for which a lease may outlive its retrieval: `[receive] quiet_time` where a test does not shorten it."""

_PR_SET_CHILD_SUBREAPER: Final = 36  # prctl(2)
_NOT_OURS = ("/proc/", "anon_inode:")
"""The look itself; and the blob store's runtime, one per process. A loop of ours that leaks leaks sockets too."""


_in_use: list[Path] = []
"""The data folders that a netty works in."""
_given_up: list[Path] = []
"""Those that none works in any more, since the last look."""


_OF_A_POOL = ("asyncio_", "AnyIO worker thread")


def threads() -> set[str]:
    """Those that run, but for the workers of an event loop's pool: they are few, and stay as long as their loop."""
    running = threading.enumerate()
    return {f"thread {thread.name} ({thread.ident})" for thread in running if not thread.name.startswith(_OF_A_POOL)}


def descriptors(pid: int | str = "self") -> dict[str, str]:
    """What is open, by number."""
    found = {}
    folder = f"/proc/{pid}/fd"
    for number in os.listdir(folder):  # noqa: PTH208 - before and after every test: names alone are quick
        with suppress(OSError):
            found[number] = os.readlink(f"{folder}/{number}")  # noqa: PTH115 - sockets and pipes are no paths
    return found


def _open() -> set[str]:
    """Those of this process; what is opened in a data folder that is in use is closed with it."""
    passed_over = (*_NOT_OURS, *(f"{data}/" for data in _in_use))
    return {
        f"descriptor {number}: {place}"
        for number, place in descriptors().items()
        if not any(part in place for part in passed_over)
    }


def _open_in(folders: list[Path]) -> set[str]:
    """Whenever it was opened: perhaps by a fixture that lived longer than a test."""
    return {each for each in _open() if any(f"{data}/" in each for data in folders)} if folders else set()


# --- child processes ---------------------------------------------------------------------------------------------


def adopt_orphans() -> None:
    """Let processes whose parent dies become children of this one (prctl(2)), so that none escapes the look."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def children() -> set[str]:
    """Those that run: of a dead one only its exit code is left, and that is its parent's affair."""
    found = set()
    for task in os.listdir("/proc/self/task"):  # noqa: PTH208
        with suppress(OSError):
            found.update(Path(f"/proc/self/task/{task}/children").read_text().split())
    return {f"process {pid}" for pid in found if _runs(pid)}


def _runs(pid: str) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    return False


def _told(each: str) -> str:
    """With what a process was started as, which it only says once it is itself."""
    kind, _, pid = each.partition(" ")
    if kind == "process":
        with suppress(OSError):
            command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ")[:200]
            return f"{each} ({command.decode(errors='replace').strip()})"
    return each


# --- files -------------------------------------------------------------------------------------------------------


def temporary(folder: Path) -> set[str]:
    """What lies where `tempfile` makes its files."""
    return {f"temporary file {name}" for name in os.listdir(folder)}  # noqa: PTH208


def half_written(data: Path) -> set[str]:
    """The spool files below `data` that were never sealed."""
    spool = data / "spool"
    if not spool.is_dir():
        return set()
    return {f"half-written {path}" for path in spool.iterdir() if path.is_file() and _unsealed(path)}


def _unsealed(path: Path) -> bool:
    with suppress(FileNotFoundError):  # registered and rendered while we looked
        return read_receipt(path) is None
    return False


# --- leases ------------------------------------------------------------------------------------------------------

_FINAL = tuple(state.value for state in RetrievalState if state.final)
_OPEN_LEASES = f"""
    SELECT retrievals.id, retrievals.state FROM leases
    JOIN retrievals ON retrievals.id = leases.retrieval WHERE retrievals.state IN ({", ".join("?" * len(_FINAL))})
    AND leases.expires_at - retrievals.ended_at > ?
"""


def open_leases(data: Path) -> set[str]:
    """Leases of the database in `data` that let images in for longer after their retrieval than the quiet time."""
    file = data / "netty.db"
    if not file.is_file():
        return set()
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
        try:
            rows = connection.execute(_OPEN_LEASES, (*_FINAL, (LONGEST_QUIET_TIME + 1) * 1_000_000)).fetchall()
        except sqlite3.OperationalError:  # of another version, or locked: the tests that do that have no retrievals
            return set()
    return {f"open lease of the retrieval {id}, which is {state}" for id, state in rows}


# --- the look ----------------------------------------------------------------------------------------------------


@contextmanager
def data_folder(data: Path) -> Iterator[None]:
    """A netty works in this folder: the spool and the database in it are looked at after each test, and once more."""
    _in_use.append(data)
    try:
        yield
    finally:
        _in_use.remove(data)
        _given_up.append(data)


@contextmanager
def nothing_left(
    temporary_folder: Path | None = None, but_for: tuple[str, ...] = (), patience: float = PATIENCE
) -> Iterator[None]:
    """No more of anything afterwards than before, but for some kinds; threads, processes and files get a moment to end.

    Raises:
        AssertionError: naming what is left.
    """

    def look() -> set[str]:
        there = threads() | children() | _open()
        return there | temporary(temporary_folder) if temporary_folder is not None else there

    before = look()
    yield

    def left() -> set[str]:
        found = look() - before | _open_in(_given_up)
        for folder in {*_in_use, *_given_up}:
            found |= half_written(folder) | open_leases(folder)
        return {each for each in found if not each.startswith(but_for)}

    try:
        if left():
            _wait(left, patience)
    finally:
        _given_up.clear()


def _wait(left: Callable[[], set[str]], patience: float) -> None:
    def nothing() -> bool:
        gc.collect()
        return not left()

    try:
        wait_until(nothing, patience, "nothing is left over")
    except TooLate as error:
        raise AssertionError("left over: " + "; ".join(sorted(map(_told, left())))) from error
