"""A program that has loaded what children need, and forks them; it does no job itself, so it knows nothing of any.

The children of one nursery share what it has loaded: memory, and the time that loading takes. They share its layout of
addresses too. Who asks for children is not their parent: the nursery tells it how each ended.
"""

import contextlib
import os
import select
import signal
import socket
import struct
import subprocess
import threading
import traceback
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from netty.processes.forking import Forked
from netty.processes.lifeline import die_with_parent
from netty.processes.limits import CHILD_ENVIRONMENT

_NUMBER: Final = struct.Struct("<i")  # a request: the asker's process ID; a report: the child's, then its exit code
_END_SECONDS: Final = 1.0
_SOCKETS: Final = 2  # that come with a request: the child's, and that for the reports


class Nursery:
    """The program `command`, which calls `run_nursery`; to be started and asked from one thread that stays."""

    def __init__(self, command: Sequence[str]) -> None:
        """OSError where it cannot be started."""
        self._requests, theirs = socket.socketpair()
        with theirs:
            try:
                self._process = subprocess.Popen(command, stdin=theirs.fileno(), env=os.environ | CHILD_ENVIRONMENT)
            except BaseException:
                self._requests.close()
                raise

    @property
    def is_running(self) -> bool:
        """Whether it can be asked for more children."""
        return self._process.poll() is None

    def child(self) -> "NurseryChild":
        """Asks for a child and does not wait for it: the nursery may still be loading."""
        sock, its = socket.socketpair()
        reports, of_nursery = socket.socketpair()
        with its, of_nursery, contextlib.suppress(ConnectionError):  # that it has ended is found out later
            request = [_NUMBER.pack(os.getpid())]
            socket.send_fds(self._requests, request, [its.fileno(), of_nursery.fileno()])
        return NurseryChild(self, sock, reports)

    def release(self) -> None:
        """Asks for no more: it ends with the last of its children."""
        self._requests.close()

    def end(self) -> None:
        """Ends it and its children at once."""
        self._process.kill()
        self._process.wait()
        self._requests.close()

    def wait(self) -> int:
        """The exit code of one that has given a child up, because it has ended; where it has not, it is ended."""
        try:
            return self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self.end()
            return self._process.wait()


class NurseryChild:
    """A child that was asked for: `socket` leads to it."""

    def __init__(self, nursery: Nursery, sock: socket.socket, reports: socket.socket) -> None:
        self.nursery, self.socket = nursery, sock
        self._reports = reports
        self._descriptor: int | None = None  # a pidfd: it stays this process's, whoever gets the number next
        self._code: int | None = None
        self._lock = threading.Lock()

    def wait_begun(self, seconds: float) -> bool:
        """Waits until it is there; whether it will be. TimeoutError after `seconds`."""
        self._reports.settimeout(seconds)
        try:
            _, descriptors, *_ = socket.recv_fds(self._reports, _NUMBER.size, 1)
        except ConnectionError:
            descriptors = []
        finally:
            self._reports.settimeout(None)
        self._descriptor = descriptors[0] if descriptors else None
        return self._descriptor is not None

    @property
    def is_running(self) -> bool:
        """Whether it has not ended, as far as is known."""
        if self._descriptor is None:
            return self.nursery.is_running
        poll = select.poll()
        poll.register(self._descriptor, select.POLLIN)
        return not poll.poll(0)

    def kill(self) -> None:
        """Ends it at once; the whole nursery where the child is not there yet."""
        if self._descriptor is None:
            self.nursery.end()
            return
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._descriptor, signal.SIGKILL)

    def wait(self) -> int:
        """Its exit code, or minus the number of the signal that ended it."""
        with self._lock:
            if self._code is None:
                try:
                    report = self._reports.recv(_NUMBER.size)
                except ConnectionError:
                    report = b""
                # Without its nursery it does not live either.
                self._code = _NUMBER.unpack(report)[0] if report else -signal.SIGKILL
            return self._code

    def close(self) -> None:
        """Gives up what leads to it."""
        self.socket.close()
        self._reports.close()
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def run_nursery(run: Callable[[socket.socket], None]) -> None:
    """Forks a child for each request from standard input, which is a socket; returns when nobody is left.

    Each runs `run` with its socket, has no other descriptor of the nursery's, and dies with it.
    """
    for number in (signal.SIGINT, signal.SIGTERM):  # draining and Ctrl-C are the asker's business
        signal.signal(number, signal.SIG_IGN)
    requests = _socket_of_standard_input()
    children: dict[int, tuple[Forked, socket.socket]] = {}
    poll = select.poll()
    poll.register(requests, select.POLLIN)
    asked = True
    while asked or children:
        for descriptor, _ in poll.poll():
            if descriptor in children:
                poll.unregister(descriptor)
                _report(*children.pop(descriptor))
            elif (request := _next_request(requests)) is None:
                poll.unregister(requests)
                asked = False
            elif (begun := _begun(run, *request)) is not None:
                children[begun[0].descriptor] = begun
                poll.register(begun[0].descriptor, select.POLLIN)


def _next_request(requests: socket.socket) -> tuple[socket.socket, socket.socket] | None:
    """The child's socket and that for the reports; None when the asker is gone."""
    try:
        data, descriptors, *_ = socket.recv_fds(requests, _NUMBER.size, _SOCKETS)
    except ConnectionError:
        return None
    if len(descriptors) < _SOCKETS:  # the asker is gone, or no descriptor is free for them
        return None
    die_with_parent(_NUMBER.unpack(data)[0])
    sock, reports = map(_socket_of, descriptors)
    return sock, reports


def _begun(
    run: Callable[[socket.socket], None], sock: socket.socket, reports: socket.socket
) -> tuple[Forked, socket.socket] | None:
    with sock:
        try:
            child = Forked(partial(run, sock), keep={sock.fileno()})
        except OSError:
            traceback.print_exc()
            reports.close()
            return None
    with contextlib.suppress(ConnectionError):
        socket.send_fds(reports, [_NUMBER.pack(child.pid)], [child.descriptor])
    return child, reports


def _report(child: Forked, reports: socket.socket) -> None:
    with reports, contextlib.suppress(ConnectionError):
        reports.send(_NUMBER.pack(child.wait()))


def _socket_of(descriptor: int) -> socket.socket:
    return socket.socket(fileno=descriptor)


def _socket_of_standard_input() -> socket.socket:
    sock = socket.socket(fileno=os.dup(0))
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)  # no library shall read what is ours
    os.close(null)
    return sock
