"""Jobs that survive a crash: one DBOS workflow per retrieval, and one per search sweep of a remote.

Someone who wants a retrieval writes a row with state ``queued``: netty's own rows are the queue. A *feeder* thread here
starts as many of them as their remotes allow at once. Between the row and the workflow nothing can be lost: the
workflow's id is made of the row's, so that starting it twice is the same workflow.
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from dbos import DBOS, DBOSConfig, SetWorkflowID
from sqlalchemy import Engine

from netty.jobs.engine import create_jobs_engine

_APPLICATION = "netty"
_SWEEP_SECONDS = 1.0
_CLEAN_SECONDS = 3600.0
_AFTER_FAILURE_SECONDS = 5.0
_RETENTION = timedelta(days=14)
_ENDED = ("SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED")

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

    def under_way(self) -> Iterable[QueuedRetrieval]:
        """Retrievals that had begun when the service ended."""

    def queued(self) -> Iterable[QueuedRetrieval]:
        """Retrievals with state ``queued``; of each remote the oldest, at least as many as may run at once."""

    def due(self) -> Iterable[DueSweep]:
        """Sweeps whose time has come."""


@dataclass(slots=True)
class _Chore:
    """Something the feeder does again and again; `when_woken` also when somebody knows that there is something."""

    run: Callable[[], None]
    every: float
    when_woken: bool = False
    due_at: float = 0.0
    has_failed: bool = False


class Jobs:
    """The running job engine. One process of a data folder launches it."""

    def __init__(self, url: str, executor_id: str, work: Work, look_seconds: float) -> None:
        """`look_seconds`: between two looks for what is queued; who knows that something is calls `wake`."""
        self._url = url
        self._look_seconds = look_seconds
        self._executor_id = executor_id
        self._work = work
        self._engine: Engine | None = None
        self._stopping = threading.Event()
        self._wake = threading.Event()
        self._feeder = threading.Thread(target=self._feed, name="job-feeder", daemon=True)
        self._running: dict[str, str] = {}  # the remote of each retrieval that has begun, by its id
        self._sweeping: set[str] = set()  # remotes
        self._swept: set[str] = set()

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
        self._retrieval, self._sweep = self._workflows()
        DBOS.listen_queues([])  # it would look into a queue of its own many times a second, also at night
        DBOS.launch()
        _forget_queued()
        for one in self._work.under_way():
            self._start_retrieval(one)
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
            _Chore(self._feed_once, self._look_seconds, when_woken=True),
            _Chore(self._start_due_sweeps, _SWEEP_SECONDS),
            _Chore(_forget_old_jobs, _CLEAN_SECONDS),
        ]
        woken = False
        while not self._stopping.is_set():
            for chore in chores:
                at_once = woken and chore.when_woken and not chore.has_failed
                if at_once or chore.due_at <= time.monotonic():
                    self._do(chore)
            woken = self._wake.wait(self._look_seconds)
            self._wake.clear()

    def _do(self, chore: "_Chore") -> None:
        pause, chore.has_failed = chore.every, False
        try:
            chore.run()
        except Exception:
            # A locked or full database must not end the feeding: what is queued stays queued.
            log.exception("jobs: a chore failed; it is tried again")
            pause, chore.has_failed = max(pause, _AFTER_FAILURE_SECONDS), True
        chore.due_at = time.monotonic() + pause

    def _feed_once(self) -> None:
        begun = self._running.copy()  # before the rows are read: what ends meanwhile is not queued in them any more
        running = Counter(begun.values())
        for one in self._work.queued():
            if one.id not in begun and running[one.remote] < one.max_moves:
                running[one.remote] += 1
                self._start_retrieval(one)

    def _start_retrieval(self, one: QueuedRetrieval) -> None:
        workflow_id = f"retrieval-{one.id}"
        self._running[one.id] = one.remote
        try:
            before = DBOS.get_workflow_status(workflow_id)
            if before is not None and before.status in _ENDED:  # the rows know nothing of it: restored from a copy
                DBOS.delete_workflow(workflow_id)
            _start(workflow_id, self._retrieval, one.id)
        except BaseException:
            del self._running[one.id]
            raise

    def _start_due_sweeps(self) -> None:
        due = {f"sweep-{sweep.remote}-{sweep.slot}": sweep.remote for sweep in self._work.due()}
        for workflow_id, remote in due.items():
            if workflow_id not in self._swept and remote not in self._sweeping:
                self._swept.add(workflow_id)
                _start(workflow_id, self._sweep, remote)
        self._swept &= set(due)

    def _workflows(self) -> tuple[Callable[[str], None], Callable[[str], None]]:
        """Register the two workflows with DBOS; their names are what the database remembers them by."""
        work = self._work

        @DBOS.workflow(name="retrieval")
        def retrieval(retrieval_id: str) -> None:
            try:
                DBOS.run_step({"name": "move"}, work.move, retrieval_id)
                DBOS.run_step({"name": "settle"}, work.settle, retrieval_id)
            except Exception as error:
                if self._stopping.is_set():
                    raise
                log.exception("jobs: retrieval %s failed", retrieval_id)
                DBOS.run_step({"name": "give up"}, work.give_up, retrieval_id, f"{type(error).__name__}: {error}")
            finally:
                self._running.pop(retrieval_id, None)
                self.wake()  # the next one may have waited for it

        @DBOS.workflow(name="sweep")
        def sweep(remote: str) -> None:
            self._sweeping.add(remote)
            try:
                for patient_key in DBOS.run_step({"name": "patients"}, work.patients_of, remote):
                    if not DBOS.run_step({"name": "search"}, work.search, remote, patient_key):
                        break
            finally:
                self._sweeping.discard(remote)

        return retrieval, sweep


def _start(workflow_id: str, run: Callable[[str], None], what: str) -> None:
    """Start a workflow; where one of this id has not ended, that one goes on by itself."""
    with SetWorkflowID(workflow_id):
        DBOS.start_workflow(run, what)


def _forget_queued() -> None:
    """Versions of netty before this one kept what waited in queues of DBOS; netty's rows still name all of it."""
    waiting = DBOS.list_workflows(status="ENQUEUED", load_input=False)
    old = [one.workflow_id for one in waiting if (one.queue_name or "").startswith(("moves-", "sweeps"))]
    if old:
        DBOS.delete_workflows(old)


def _forget_old_jobs() -> None:
    """Delete ended workflows older than the retention: netty's own tables keep the history that people see."""
    before = datetime.now(UTC) - _RETENTION
    ended = DBOS.list_workflows(status=list(_ENDED), completed_before=before.isoformat(), limit=1000, load_input=False)
    if ended:
        DBOS.delete_workflows([workflow.workflow_id for workflow in ended])
