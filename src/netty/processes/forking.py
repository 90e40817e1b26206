"""Children by fork(2): each starts with what its parent has loaded, at once, and shares that memory with it.

A parent must have one thread when it forks: of several, only the forking one lives on in the child, and a lock that
another held stays locked there. Whatever starts threads is therefore loaded and opened in the children.
"""

import contextlib
import ctypes
import gc
import logging
import os
import signal
import sys
import traceback
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Final, NoReturn

from netty.errors import NettyError
from netty.processes.lifeline import die_with_parent

log = logging.getLogger(__name__)

_HANDLED: Final = (signal.SIGTERM, signal.SIGINT)
_PR_SET_NAME: Final = 15  # prctl(2)
_STANDARD: Final = frozenset({0, 1, 2})


class Forked:
    """A child of this process."""

    def __init__(self, run: Callable[[], int | None], keep: Collection[int] = ()) -> None:
        """Fork; the child runs `run` and ends with the exit code that it gives, 0 without one, 1 after an exception.

        It has what a new program would have: standard input empty, the descriptors `keep` and no others (a lock on a
        folder must go with its holder), no handlers of its parent's, a process group of its own, so that Ctrl-C on a
        terminal reaches only the parent. It ends when the parent does. OSError where there is no room for it.
        """
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        gc.freeze()  # the collector would write into every page that the two share, and end what is the parent's
        parent = os.getpid()
        # A signal that finds the parent's handlers in the child would be the parent's to the event loop.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _HANDLED)
        try:
            self.pid = os.fork()
            if self.pid == 0:
                _become_child(run, parent, keep, before)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        self.code: int | None = None  # known when it was waited for
        try:
            self.descriptor = os.pidfd_open(self.pid)  # can be read when it has ended
        except OSError:  # no descriptor is left
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            raise

    def wait(self) -> int:
        """Its exit code, or minus the number of the signal that ended it."""
        if self.code is None:
            _pid, status = os.waitpid(self.pid, 0)
            self.code = os.waitstatus_to_exitcode(status)
            os.close(self.descriptor)
        return self.code

    def kill(self) -> None:
        """End it at once, unless it has ended."""
        self.send_signal(signal.SIGKILL)

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal, unless it has ended."""
        if self.code is None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self.descriptor, number)


def _become_child(
    run: Callable[[], int | None], parent: int, keep: Collection[int], mask: Collection[signal.Signals | int]
) -> NoReturn:
    """Everything of the child; the frames below belong to the parent, and are never returned to."""
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        for number in _HANDLED:
            signal.signal(number, signal.SIG_DFL)
        os.setpgid(0, 0)
        die_with_parent(parent)
        _close_all_but(keep)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        code = run() or 0
    except NettyError as error:
        log.error("%s", error)
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError):
            sys.stderr.flush()
        os._exit(code)


def _close_all_but(keep: Collection[int]) -> None:
    """Close what a new program would not have inherited; standard input gives nothing."""
    if 0 not in keep:
        with contextlib.suppress(OSError):  # nobody had one
            os.close(0)  # first: its number serves to list the others, should none be left
    for descriptor in [int(entry.name) for entry in Path("/proc/self/fd").iterdir()]:
        if descriptor not in _STANDARD and descriptor not in keep:
            os.close(descriptor)
    if 0 not in keep:
        os.open(os.devnull, os.O_RDONLY)


def name_process(name: str) -> None:
    """What `ps` and `top` call this process; 15 bytes of it."""
    ctypes.CDLL(None).prctl(_PR_SET_NAME, name.encode(), 0, 0, 0)
