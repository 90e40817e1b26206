"""A few child processes that are kept alive, each doing one job at a time; one that dies or hangs costs that job."""

import contextlib
import os
import queue
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Any, Self

from netty.errors import LocalError
from netty.processes.job_channel import BrokenMessage, Channel, Kind, Message
from netty.processes.limits import CHILD_ENVIRONMENT, MEGABYTE, ChildLimits
from netty.processes.worker import OUT_OF_MEMORY

START_SECONDS = 60.0  # importing numpy and pydicom on a busy machine


class ChildFailed(LocalError):
    """The job was not done; the sentence says why. The next one finds a sound child."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer to a job."""

    header: Mapping[str, Any]
    payload: bytes


class ChildPool:
    """`count` children that run `command`, whose program calls `worker.serve_jobs`. Any thread may call `run`."""

    def __init__(self, command: Sequence[str], count: int, limits: ChildLimits | None = None) -> None:
        self._command = tuple(command)
        self._limits = limits or ChildLimits()
        self._slots: queue.LifoQueue[_Child | None] = queue.LifoQueue()  # the child that worked last is warm
        for _ in range(count):
            self._slots.put(None)
        self._count = count
        self._children: set[_Child] = set()
        self._lock = threading.Lock()
        self._closed = threading.Event()
        # A child dies with the thread that started it (PDEATHSIG), so one thread starts them all and stays.
        self._starter = ThreadPoolExecutor(1, thread_name_prefix="child-starter")

    def start(self) -> None:
        """Starts all children now instead of at their first job; does not wait for them."""
        slots = [self._slots.get() for _ in range(self._count)]
        for slot in slots:
            self._slots.put(slot or self._started())

    def run(self, job: Mapping[str, Any]) -> Iterator[Reply]:
        """The answers to a job, one by one as the child makes them; waits while all children are busy.

        Raises ChildFailed when the job is not done. A caller who stops in the middle costs the child its life.
        """
        child = self._slots.get()
        try:
            child = self._fit(child) or self._started()
            yield from child.run(job)
        finally:
            self._slots.put(self._fit(child))

    def close(self) -> None:
        """Ends all children at once; running jobs fail."""
        self._closed.set()
        with self._lock:
            children = list(self._children)
        for child in children:
            child.end()  # a thread that waits for it finds that out, and closes the socket that only it may close
        idle: list[_Child | None] = []
        with contextlib.suppress(queue.Empty):
            while True:
                idle.append(self._slots.get_nowait())
        for slot in idle:
            self._slots.put(self._fit(slot))
        self._starter.shutdown()

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
            child = self._starter.submit(_Child, self._command, self._limits).result()
        except (OSError, RuntimeError) as error:
            raise ChildFailed("The renderer cannot be started: {cause}", cause=str(error)) from error
        with self._lock:
            self._children.add(child)
        if self._closed.is_set():  # while it started
            self._discard(child)
            raise ChildFailed("The renderers are stopped.")
        return child

    def _discard(self, child: "_Child") -> None:
        with self._lock:
            self._children.discard(child)
        child.end()
        child.close()


class _Child:
    """One process and the socket to it."""

    def __init__(self, command: Sequence[str], limits: ChildLimits) -> None:
        self._limits = limits
        self._ready = False
        self._fit = True
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                self._process = subprocess.Popen(command, stdin=theirs.fileno(), env=os.environ | CHILD_ENVIRONMENT)
            except BaseException:
                ours.close()
                raise
        self._channel = Channel(ours)
        # It lies in the socket's buffer until the child has started; one that has ended already is found out later.
        with contextlib.suppress(ConnectionError):
            self._channel.send(Message(Kind.START, {"limits": asdict(limits), "parent": os.getpid()}))

    @property
    def is_fit(self) -> bool:
        """Whether it lives and is not in the middle of a job."""
        return self._fit and self._process.poll() is None

    def run(self, job: Mapping[str, Any]) -> Iterator[Reply]:
        """The answers to a job; ChildFailed when it ends otherwise than with END."""
        self._fit = False  # until the job has come to an orderly end
        if not self._ready:
            self._expect_ready()
        try:
            self._channel.send(Message(Kind.JOB, job))
        except ConnectionError:
            raise self._death() from None
        left = self._limits.wall_seconds
        while True:
            began = time.monotonic()
            message = self._receive(left)
            left -= time.monotonic() - began
            match message.kind:
                case Kind.REPLY:
                    yield Reply(message.header, message.payload)
                case Kind.END:
                    self._fit = True
                    return
                case _:
                    raise self._failure(message.header)

    def end(self) -> None:
        """Ends the process, whatever it is doing, and sees it off."""
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """Closes the socket."""
        self._channel.close()

    def _expect_ready(self) -> None:
        try:
            message = self._channel.receive(START_SECONDS)
        except TimeoutError:
            raise ChildFailed("The renderer did not start within {seconds:g} s.", seconds=START_SECONDS) from None
        if message is None or message.kind is not Kind.READY:
            raise ChildFailed(
                "The renderer ended while it started ({end}); the log says more.", end=_end(self._process.wait())
            )
        self._ready = True

    def _receive(self, seconds: float) -> Message:
        try:
            message = self._channel.receive(max(seconds, 0.0))
        except TimeoutError:
            raise ChildFailed(
                "The renderer took longer than {limit:g} s and was ended.", limit=self._limits.wall_seconds
            ) from None
        except BrokenMessage as error:
            raise ChildFailed(error.template) from error
        if message is None:
            raise self._death()
        return message

    def _failure(self, header: Mapping[str, Any]) -> ChildFailed:
        if header.get("fault") == OUT_OF_MEMORY:
            return ChildFailed(
                "The renderer ran out of memory (limit {limit} MB).", limit=self._limits.memory // MEGABYTE
            )
        self._fit = True
        return ChildFailed(header["template"], **header["values"])

    def _death(self) -> ChildFailed:
        """Why the process is gone."""
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
