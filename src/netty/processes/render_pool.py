"""A few child processes that are kept alive, each doing one job at a time; one that dies or hangs costs that job."""

import contextlib
import queue
import signal
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Any, Self

from netty.errors import LocalError
from netty.processes.job_channel import (
    Answer,
    AnswerKind,
    BrokenMessage,
    Bytes,
    Channel,
    Kind,
    Message,
    answers_of,
)
from netty.processes.limits import MEGABYTE, ChildLimits
from netty.processes.nursery import Nursery, NurseryChild
from netty.processes.worker import OUT_OF_MEMORY

START_SECONDS = 60.0  # importing numpy and pydicom on a busy machine


class ChildFailed(LocalError):
    """The job was not done; the sentence says why. The next one finds a sound child."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply to a job. `job`: its place among those that were given together."""

    header: Mapping[str, Any]
    payload: Bytes
    job: int = 0


class ChildPool:
    """`count` children of `command`, whose program calls `worker.serve_jobs`. Any thread may call `run`.

    One nursery forks them all. Where one died of itself the next ones come from a new nursery: an image that is
    made to find an address in a decoder finds others each time.
    """

    def __init__(self, command: Sequence[str], count: int, limits: ChildLimits | None = None) -> None:
        self._command = tuple(command)
        self._limits = limits or ChildLimits()
        self._slots: queue.LifoQueue[_Child | None] = queue.LifoQueue()  # the child that worked last is warm
        for _ in range(count):
            self._slots.put(None)
        self._count = count
        self._children: set[_Child] = set()
        self._nursery: Nursery | None = None
        self._left: list[Nursery] = []  # that end with the last of their children
        self._lock = threading.Lock()
        self._closed = threading.Event()
        # A nursery dies with the thread that started it (PDEATHSIG), so one thread starts them all and stays.
        self._starter = ThreadPoolExecutor(1, thread_name_prefix="child-starter")

    def start(self) -> None:
        """Starts all children now instead of at their first job; does not wait for them."""
        slots = [self._slots.get() for _ in range(self._count)]
        for slot in slots:
            self._slots.put(slot or self._started())

    def run(self, job: Mapping[str, Any]) -> Iterator[Reply]:
        """The replies to a job, one by one as the child makes them; waits while all children are busy.

        Raises ChildFailed when the job is not done. A caller who stops in the middle costs the child its life.
        """
        return self.run_all([job])

    def run_all(self, jobs: Sequence[Mapping[str, Any]]) -> Iterator[Reply]:
        """The same for several jobs that one child does in turn: for short ones it takes less time than by itself.

        Raises ChildFailed when any of them is not done; of those behind it nothing is known then.
        """
        child = self._slots.get()
        try:
            child = self._fit(child) or self._started()
            yield from child.run(jobs)
        finally:
            self._slots.put(self._fit(child))

    def close(self) -> None:
        """Ends all children at once; running jobs fail."""
        self._closed.set()
        with self._lock:
            children = list(self._children)
        for child in sorted(children, key=lambda one: not one.is_ready):  # of the others only the nursery knows yet
            child.end()  # a thread that waits for it finds that out, and closes the socket that only it may close
        idle: list[_Child | None] = []
        with contextlib.suppress(queue.Empty):
            while True:
                idle.append(self._slots.get_nowait())
        for slot in idle:
            self._slots.put(self._fit(slot))
        self._starter.shutdown()
        with self._lock:
            nurseries, self._nursery, self._left = [*self._left, *filter(None, [self._nursery])], None, []
        for nursery in nurseries:
            nursery.end()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _fit(self, child: "_Child | None") -> "_Child | None":
        """The child if it can do another job; one that died, or is still at a job nobody waits for, is ended."""
        if child is not None and not child.is_fit:
            self._discard(child)
            return None
        return child

    def _started(self) -> "_Child":
        if self._closed.is_set():
            raise ChildFailed("The renderers are stopped.")
        try:
            child = self._starter.submit(self._born).result()
        except (OSError, RuntimeError) as error:
            raise ChildFailed("The renderer cannot be started: {cause}", cause=str(error)) from error
        with self._lock:
            self._children.add(child)
        if self._closed.is_set():  # while it started
            self._discard(child)
            raise ChildFailed("The renderers are stopped.")
        return child

    def _born(self) -> "_Child":
        """A child of the nursery, and that, if there is none."""
        with self._lock:
            self._left = [nursery for nursery in self._left if nursery.is_running]
            if self._nursery is not None and not self._nursery.is_running:
                self._nursery.release()
                self._nursery = None
            nursery = self._nursery = self._nursery or Nursery(self._command)
        return _Child(nursery.child(), self._limits)

    def _discard(self, child: "_Child") -> None:
        with self._lock:
            self._children.discard(child)
            if child.died and child.nursery is self._nursery:
                self._nursery = None
                self._left.append(child.nursery)
                child.nursery.release()
        child.end()
        child.close()


class _Child:
    """One process and the socket to it."""

    def __init__(self, process: NurseryChild, limits: ChildLimits) -> None:
        self._process = process
        self._limits = limits
        self._ready = False
        self._fit = True
        self.died = False  # of itself, in the middle of a job
        self._channel = Channel(process.socket)
        # It lies in the socket's buffer until the child is there; one that has ended already is found out later.
        with contextlib.suppress(ConnectionError):
            self._channel.send(Message(Kind.START, {"limits": asdict(limits)}))

    @property
    def nursery(self) -> Nursery:
        """Where it comes from."""
        return self._process.nursery

    @property
    def is_ready(self) -> bool:
        """Whether it has told that it waits for jobs."""
        return self._ready

    @property
    def is_fit(self) -> bool:
        """Whether it lives and is not in the middle of a job."""
        return self._fit and self._process.is_running

    def run(self, jobs: Sequence[Mapping[str, Any]]) -> Iterator[Reply]:
        """The replies to some jobs; ChildFailed when one ends otherwise than with END."""
        self._fit = False  # until all of them have come to an orderly end
        if not self._ready:
            self._expect_ready()
        try:
            self._channel.send(Message(Kind.JOBS, {"jobs": jobs}))
        except ConnectionError:
            raise self._death() from None
        under_way, ended, failure = len(jobs), 0, None
        left = self._limits.wall_seconds
        while ended < under_way:
            began = time.monotonic()
            answers = self._receive(left)
            left -= time.monotonic() - began
            for one in answers:
                if one.job != ended or ended == under_way:  # it does them in order
                    raise ChildFailed("A child process sent something that is no message.")
                if one.kind is AnswerKind.REPLY:
                    yield Reply(one.header, one.payload, one.job)
                    continue
                ended += 1
                if one.kind is AnswerKind.FAILED:
                    failure = failure or one.header
                    if one.header.get("fault") == OUT_OF_MEMORY:
                        raise self._failure(one.header)
        self._fit = True
        if failure is not None:
            raise self._failure(failure)

    def end(self) -> None:
        """Ends the process, whatever it is doing, and sees it off."""
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """Closes the socket."""
        self._process.close()

    def _expect_ready(self) -> None:
        try:
            begun = self._process.wait_begun(START_SECONDS)
            message = self._channel.receive(START_SECONDS) if begun else None
        except TimeoutError:
            raise ChildFailed("The renderer did not start within {seconds:g} s.", seconds=START_SECONDS) from None
        if message is None or message.kind is not Kind.READY:
            code = self._process.wait() if begun else self._process.nursery.wait()
            raise ChildFailed("The renderer ended while it started ({end}); the log says more.", end=_end(code))
        self._ready = True

    def _receive(self, seconds: float) -> Sequence[Answer]:
        try:
            message = self._channel.receive(max(seconds, 0.0))
            if message is not None:
                return list(answers_of(message))
        except TimeoutError:
            raise ChildFailed(
                "The renderer took longer than {limit:g} s and was ended.", limit=self._limits.wall_seconds
            ) from None
        except BrokenMessage as error:
            raise ChildFailed(error.template) from error
        raise self._death()

    def _failure(self, header: Mapping[str, Any]) -> ChildFailed:
        if header.get("fault") == OUT_OF_MEMORY:
            return ChildFailed(
                "The renderer ran out of memory (limit {limit} MB).", limit=self._limits.memory // MEGABYTE
            )
        return ChildFailed(header["template"], **header["values"])

    def _death(self) -> ChildFailed:
        """Why the process is gone."""
        self.died = True
        code = self._process.wait()
        if code == -signal.SIGXCPU:
            return ChildFailed(
                "The renderer used more than {limit} s of processor time and was ended.",
                limit=self._limits.cpu_seconds,
            )
        return ChildFailed("The renderer died ({end}).", end=_end(code))


def _end(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
