"""The job engine: what is queued is done once, limits hold, and a kill loses nothing."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from netty.jobs import DueSweep, Jobs, QueuedRetrieval, jobs_database_url

DEADLINE = 30
LOOK, NEVER = 0.05, 3600.0


class Recorder:
    """Work that writes down what it is asked to do, and can be made to wait."""

    def __init__(self, queued: Sequence[QueuedRetrieval] = (), due: Sequence[DueSweep] = ()) -> None:
        self.waiting = list(queued)
        self.sweeps = list(due)
        self.interrupted: list[QueuedRetrieval] = []
        self.calls: list[tuple[str, ...]] = []
        self.running = 0
        self.most_running = 0
        self.settled = threading.Semaphore(0)
        self.searched = threading.Semaphore(0)
        self.looked = threading.Semaphore(0)
        self.may_move = threading.Event()
        self.may_move.set()
        self._lock = threading.Lock()

    def move(self, retrieval_id: str) -> None:
        with self._lock:
            self.waiting = [one for one in self.waiting if one.id != retrieval_id]
            self.calls.append(("move", retrieval_id))
            self.running += 1
            self.most_running = max(self.most_running, self.running)
        self.may_move.wait(DEADLINE)
        with self._lock:
            self.running -= 1
        if retrieval_id == "broken":
            raise RuntimeError("nobody foresaw this")

    def settle(self, retrieval_id: str) -> None:
        self.calls.append(("settle", retrieval_id))
        self.settled.release()

    def give_up(self, retrieval_id: str, reason: str) -> None:
        self.calls.append(("give up", retrieval_id, reason))
        self.settled.release()

    def patients_of(self, remote: str) -> Sequence[str]:
        return ["p1", "p2"]

    def search(self, remote: str, patient_key: str) -> bool:
        self.calls.append(("search", remote, patient_key))
        self.searched.release()
        return True

    def under_way(self) -> list[QueuedRetrieval]:
        return list(self.interrupted)

    def queued(self) -> list[QueuedRetrieval]:
        waiting = list(self.waiting)
        self.looked.release()  # what waits from now on is not among them
        return waiting

    def due(self) -> list[DueSweep]:
        return list(self.sweeps)


@pytest.fixture
def launched(tmp_path: Path) -> Iterator[list[Jobs]]:
    started: list[Jobs] = []
    yield started
    for jobs in started:
        jobs.stop()


def launch(tmp_path: Path, work: Recorder, launched: list[Jobs], look_seconds: float = LOOK) -> Jobs:
    jobs = Jobs(f"sqlite:///{tmp_path}/jobs.db", "here", work, look_seconds)
    launched.append(jobs)
    jobs.launch()
    return jobs


def test_a_queued_retrieval_is_moved_and_then_settled_once(tmp_path: Path, launched: list[Jobs]) -> None:
    work = Recorder([QueuedRetrieval("r1", "central", 1)])
    launch(tmp_path, work, launched)

    assert work.settled.acquire(timeout=DEADLINE)
    assert work.calls == [("move", "r1"), ("settle", "r1")]


def test_an_unforeseen_failure_ends_the_retrieval_with_its_reason(tmp_path: Path, launched: list[Jobs]) -> None:
    work = Recorder([QueuedRetrieval("broken", "central", 1)])
    launch(tmp_path, work, launched)

    assert work.settled.acquire(timeout=DEADLINE)
    assert work.calls[-1][:2] == ("give up", "broken")
    assert "nobody foresaw this" in work.calls[-1][2]


@pytest.mark.parametrize(("max_moves", "most"), [(1, 1), (2, 2)])
def test_no_more_moves_of_one_remote_run_at_once_than_it_allows(
    tmp_path: Path, launched: list[Jobs], max_moves: int, most: int
) -> None:
    work = Recorder([QueuedRetrieval(f"r{n}", "central", max_moves) for n in range(5)])
    launch(tmp_path, work, launched)

    for _ in range(5):
        assert work.settled.acquire(timeout=DEADLINE)
    assert work.most_running <= most


def test_who_is_woken_looks_at_once(tmp_path: Path, launched: list[Jobs]) -> None:
    work = Recorder()
    jobs = launch(tmp_path, work, launched, NEVER)
    assert work.looked.acquire(timeout=DEADLINE)
    work.waiting.append(QueuedRetrieval("r1", "central", 1))
    jobs.wake()

    assert work.settled.acquire(timeout=DEADLINE)


def test_the_next_one_begins_when_the_one_before_it_has_ended(tmp_path: Path, launched: list[Jobs]) -> None:
    work = Recorder([QueuedRetrieval(f"r{n}", "central", 1) for n in range(3)])
    launch(tmp_path, work, launched, NEVER)

    for _ in range(3):
        assert work.settled.acquire(timeout=DEADLINE)


def test_a_due_sweep_searches_for_every_patient_once(tmp_path: Path, launched: list[Jobs]) -> None:
    work = Recorder(due=[DueSweep("central", "slot-1")])
    jobs = launch(tmp_path, work, launched)
    for _ in range(2):
        assert work.searched.acquire(timeout=DEADLINE)
    jobs.wake()  # the same round again: it has run already
    work.sweeps = [DueSweep("central", "slot-1"), DueSweep("east", "slot-1")]
    for _ in range(2):
        assert work.searched.acquire(timeout=DEADLINE)

    assert [call for call in work.calls if call[1] == "central"] == [
        ("search", "central", "p1"),
        ("search", "central", "p2"),
    ]


def test_what_was_interrupted_is_taken_up_even_where_the_jobs_database_was_lost(
    tmp_path: Path, launched: list[Jobs]
) -> None:
    work = Recorder()
    work.interrupted = [QueuedRetrieval("r1", "central", 1)]
    launch(tmp_path, work, launched)

    assert work.settled.acquire(timeout=DEADLINE)
    assert work.calls == [("move", "r1"), ("settle", "r1")]


def test_what_was_interrupted_counts_against_the_limit_of_its_remote(tmp_path: Path, launched: list[Jobs]) -> None:
    work = Recorder([QueuedRetrieval("r2", "central", 1)])
    work.interrupted = [QueuedRetrieval("r1", "central", 1)]
    launch(tmp_path, work, launched)

    for _ in range(2):
        assert work.settled.acquire(timeout=DEADLINE)
    assert work.calls == [("move", "r1"), ("settle", "r1"), ("move", "r2"), ("settle", "r2")]


def test_a_retrieval_whose_rows_were_restored_from_a_copy_runs_once_more(tmp_path: Path, launched: list[Jobs]) -> None:
    first = launch(tmp_path, work := Recorder([QueuedRetrieval("r1", "central", 1)]), launched)
    assert work.settled.acquire(timeout=DEADLINE)
    first.stop()
    launched.clear()

    launch(tmp_path, work := Recorder([QueuedRetrieval("r1", "central", 1)]), launched)
    assert work.settled.acquire(timeout=DEADLINE)
    assert work.calls == [("move", "r1"), ("settle", "r1")]


PROGRAM = """
    import sys, threading
    sys.path[:0] = [sys.argv[2]]
    from test_jobs import Recorder, QueuedRetrieval, Jobs
    from pathlib import Path

    class Work(Recorder):
        def move(self, retrieval_id):
            super().move(retrieval_id)
            with open(sys.argv[1] + "/log", "a") as log:
                log.write("move ")

        def settle(self, retrieval_id):
            if sys.argv[3] == "hang":
                print("settling", flush=True)
                threading.Event().wait()
            with open(sys.argv[1] + "/log", "a") as log:
                log.write("settle ")
            print("settled", flush=True)

    queued = [QueuedRetrieval("r1", "central", 1)] if sys.argv[3] == "hang" else []
    jobs = Jobs(f"sqlite:///{sys.argv[1]}/jobs.db", "here", Work(queued), 0.05)
    jobs.launch()
    threading.Event().wait()
"""


def test_a_killed_process_leaves_a_retrieval_that_the_next_start_ends_from_its_last_step(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(textwrap.dedent(PROGRAM))
    here = str(Path(__file__).parent)

    for mode, word in (("hang", "settling"), ("finish", "settled")):
        process = subprocess.Popen(
            [sys.executable, str(program), str(tmp_path), here, mode], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        with process.stdout as said:
            assert said.readline().strip() == word
            os.kill(process.pid, signal.SIGKILL)
        process.wait(DEADLINE)

    assert (tmp_path / "log").read_text() == "move settle "


@pytest.mark.parametrize(
    ("catalogue", "jobs"),
    [
        ("sqlite:////srv/netty/data/netty.db", "sqlite:////srv/netty/data/jobs.db"),
        ("postgresql+psycopg://netty:secret@db/netty", "postgresql+psycopg://netty:secret@db/netty"),
    ],
)
def test_the_jobs_live_beside_the_catalogue(catalogue: str, jobs: str) -> None:
    assert jobs_database_url(catalogue) == jobs
