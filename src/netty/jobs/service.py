"""Jobs that survive a crash: one DBOS workflow per retrieval, and one per search sweep of a remote.

Someone who wants a retrieval writes a row with state ``queued``; a *feeder* thread here takes such rows up. Between
the row and the workflow nothing can be lost: the workflow's id is made of the row's, so that feeding it twice is the
same workflow, and a row is fed until it is no longer queued.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from dbos import DBOS, DBOSConfig, SetEnqueueOptions, SetWorkflowID
from sqlalchemy import Engine

from netty.jobs.engine import create_jobs_engine

_APPLICATION = "netty"
_SWEEPS = "sweeps"
_FEED_SECONDS = 0.1
_QUEUE_POLL_SECONDS = 0.6  # each look takes three milliseconds, also at night
_SWEEP_POLL_SECONDS = 2.0  # each look takes two milliseconds, and nobody waits for a sweep
_SWEEP_SECONDS = 1.0
_CLEAN_SECONDS = 3600.0
_AFTER_FAILURE_SECONDS = 5.0
_USUAL_MOVES = 1  # C-MOVEs that a remote is asked for at once, where nobody says more
_RETENTION = timedelta(days=14)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class QueuedRetrieval:
    """A retrieval that waits to be taken up; at most `max_moves` of one remote run at once."""

    id: str
    remote: str
    max_moves: int


@dataclass(frozen=True, slots=True)
class DueSweep:
    """A search sweep whose time has come; `slot` names the round, so that one round runs once."""

    remote: str
    slot: str


class Work(Protocol):
    """What the jobs do. Each step may run twice when a crash interrupts it, and must then come to the same end."""

    def move(self, retrieval_id: str) -> None:
        """Ask the remote for the study."""

    def settle(self, retrieval_id: str) -> None:
        """Wait until everything has arrived and was rendered, or nothing more comes; write the verdict."""

    def give_up(self, retrieval_id: str, reason: str) -> None:
        """End a retrieval that failed for a reason nobody foresaw."""

    def patients_of(self, remote: str) -> Sequence[str]:
        """The keys of the patients to search for in a sweep."""

    def search(self, remote: str, patient_key: str) -> bool:
        """Search for one patient, and request what is missing; False ends the sweep: the remote is not there."""

    def queued(self) -> Iterable[QueuedRetrieval]:
        """Retrievals with state ``queued``."""

    def due(self) -> Iterable[DueSweep]:
        """Sweeps whose time has come."""


@dataclass(slots=True)
class _Chore:
    """Something the feeder does again and again."""

    run: Callable[[], None]
    every: float
    due_at: float = 0.0


class Jobs:
    """The running job engine. One process of a data folder launches it."""

    def __init__(self, url: str, executor_id: str, work: Work) -> None:
        self._url = url
        self._executor_id = executor_id
        self._work = work
        self._engine: Engine | None = None
        self._stopping = threading.Event()
        self._wake = threading.Event()
        self._feeder = threading.Thread(target=self._feed, name="job-feeder", daemon=True)
        self._fed: set[str] = set()
        self._swept: set[str] = set()
        self._classes: set[int] = set()

    def launch(self) -> None:
        """Create or upgrade the jobs' tables, take up what a crash interrupted, and start feeding."""
        self._engine = create_jobs_engine(self._url)
        config: DBOSConfig = {
            "name": _APPLICATION,
            "system_database_url": self._url,
            "system_database_engine": self._engine,
            "executor_id": self._executor_id,
            "application_version": _APPLICATION,  # the default is a hash of the code: an update would orphan all jobs
            "log_level": "WARNING",
            "enable_otlp": False,
        }
        DBOS(config=config)
        retrieval, sweep = _workflows(self._work, self._stopping)
        self._retrieval, self._sweep = retrieval, sweep
        DBOS.launch()
        DBOS.register_queue(
            _SWEEPS, partition_concurrency=1, polling_interval_sec=_SWEEP_POLL_SECONDS, on_conflict="always_update"
        )
        self._queue_for(_USUAL_MOVES)  # DBOS takes a second to notice a new queue: it shall not be the first study's
        self._feeder.start()

    def wake(self) -> None:
        """Look for queued retrievals now."""
        self._wake.set()

    def stop(self) -> None:
        """Take up nothing more. What runs stays recorded as running, and is taken up at the next start."""
        self._stopping.set()
        self._wake.set()
        if self._feeder.is_alive():
            self._feeder.join(timeout=10)
        DBOS.destroy(workflow_completion_timeout_sec=0)
        if self._engine is not None:
            self._engine.dispose()

    def _feed(self) -> None:
        chores = [  # (what, every so many seconds)
            _Chore(self._feed_once, _FEED_SECONDS),
            _Chore(self._start_due_sweeps, _SWEEP_SECONDS),
            _Chore(_forget_old_jobs, _CLEAN_SECONDS),
        ]
        while not self._stopping.is_set():
            woken = self._wake.wait(_FEED_SECONDS)
            self._wake.clear()
            for chore in chores:
                if woken or chore.due_at <= time.monotonic():
                    self._do(chore)

    def _do(self, chore: "_Chore") -> None:
        pause = chore.every
        try:
            chore.run()
        except Exception:
            # A locked or full database must not end the feeding: what is queued stays queued.
            log.exception("jobs: a chore failed; it is tried again")
            pause = max(pause, _AFTER_FAILURE_SECONDS)
        chore.due_at = time.monotonic() + pause

    def _feed_once(self) -> None:
        queued = list(self._work.queued())
        for retrieval in queued:
            if retrieval.id not in self._fed:
                queue = self._queue_for(retrieval.max_moves)
                self._enqueue(queue, retrieval.remote, f"retrieval-{retrieval.id}", self._retrieval, retrieval.id)
        self._fed = {retrieval.id for retrieval in queued}

    def _start_due_sweeps(self) -> None:
        due = {f"sweep-{sweep.remote}-{sweep.slot}": sweep.remote for sweep in self._work.due()}
        for workflow_id in due.keys() - self._swept:
            self._enqueue(_SWEEPS, due[workflow_id], workflow_id, self._sweep, due[workflow_id])
        self._swept = set(due)

    def _enqueue(self, queue: str, partition: str, workflow_id: str, run: Callable[[str], None], what: str) -> None:
        with SetWorkflowID(workflow_id), SetEnqueueOptions(queue_partition_key=partition):
            DBOS.enqueue_workflow(queue, run, what)

    def _queue_for(self, max_moves: int) -> str:
        """One queue per limit, partitioned by remote: a queue of its own for each remote would cost a thread each."""
        name = f"moves-{max_moves}"
        if max_moves not in self._classes:
            DBOS.register_queue(
                name,
                partition_concurrency=max_moves,
                polling_interval_sec=_QUEUE_POLL_SECONDS,
                on_conflict="always_update",
            )
            self._classes.add(max_moves)
        return name


def _workflows(work: Work, stopping: threading.Event) -> tuple[Callable[[str], None], Callable[[str], None]]:
    """Register the two workflows with DBOS; their names are what the database remembers them by."""

    @DBOS.workflow(name="retrieval")
    def retrieval(retrieval_id: str) -> None:
        try:
            DBOS.run_step({"name": "move"}, work.move, retrieval_id)
            DBOS.run_step({"name": "settle"}, work.settle, retrieval_id)
        except Exception as error:
            if stopping.is_set():
                raise
            log.exception("jobs: retrieval %s failed", retrieval_id)
            DBOS.run_step({"name": "give up"}, work.give_up, retrieval_id, f"{type(error).__name__}: {error}")

    @DBOS.workflow(name="sweep")
    def sweep(remote: str) -> None:
        for patient_key in DBOS.run_step({"name": "patients"}, work.patients_of, remote):
            if not DBOS.run_step({"name": "search"}, work.search, remote, patient_key):
                break

    return retrieval, sweep


def _forget_old_jobs() -> None:
    """Delete ended workflows older than the retention: netty's own tables keep the history that people see."""
    before = datetime.now(UTC) - _RETENTION
    ended = DBOS.list_workflows(
        status=["SUCCESS", "ERROR", "CANCELLED"], completed_before=before.isoformat(), limit=1000, load_input=False
    )
    if ended:
        DBOS.delete_workflows([workflow.workflow_id for workflow in ended])
