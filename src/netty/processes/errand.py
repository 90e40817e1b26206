"""A command that is handed to the running service: both ends of the socket on which that is done.

Loading what a command needs takes ten times as long as most commands do; a child of the service has it loaded. The
socket's name is abstract (unix(7)): made of the user and of the settings file, it needs neither a file nor any setting,
and is gone with the service. As anybody may take such a name, each end looks who the other one is.

The terminal's side loads hardly anything itself: that is what it is for.
"""

import json
import os
import select
import signal
import socket
import struct
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final

import netty

LONGEST: Final = 1 << 17  # bytes of a message: arguments and environment
INTERRUPT: Final = b"interrupt"
DECLINED: Final = b"declined"  # instead of an exit code: nothing was done
_PATIENCE: Final = 0.5  # seconds for the service to say who it is; else it has more to do than we
_CREDENTIALS: Final = struct.Struct("3i")  # pid, uid, gid: socket(7), SO_PEERCRED
_ENDED: Final = 128  # shells add the number of the signal that ended a command


def program_identity() -> str:
    """Which program this is: its place, the Python that runs it, and when its newest module was changed."""
    folder = os.path.dirname(netty.__file__)  # noqa: PTH120 - pathlib alone takes as long to load as all of this
    newest = max(_changes(folder))
    return f"{sys.prefix} {sys.version} {folder} {newest}"


def _changes(folder: str) -> list[int]:
    times = [0]
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                times += _changes(entry.path)
            elif entry.name.endswith((".py", ".toml")):
                times.append(entry.stat().st_mtime_ns)
    return times


def address(settings_file: str | os.PathLike[str]) -> str:
    """Where the service of this user with these settings takes commands. OSError where there is no such file."""
    place = os.stat(settings_file)  # noqa: PTH116
    return f"\0netty-{os.geteuid()}-{place.st_dev}-{place.st_ino}"


def is_own(peer: socket.socket) -> bool:
    """Whether the other end is this user's."""
    _pid, user, _group = _CREDENTIALS.unpack(peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    return bool(user == os.geteuid())


def hand_over(arguments: Sequence[str], environment: Mapping[str, str], settings_file: str) -> int | None:
    """Have the service carry out a command; its exit code, or None where this process has to do it itself.

    From the moment on that the service has the command, it is the service's: nothing is ever done twice.

    Raises:
        ConnectionError: the service ended before the command did.
    """
    try:
        service = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    except OSError:
        return None
    with service, _interrupts() as interrupts:
        try:
            service.settimeout(_PATIENCE)
            service.connect(address(settings_file))
            if not is_own(service) or service.recv(LONGEST).decode() != program_identity():
                return None
            folder = os.open(".", os.O_PATH | os.O_DIRECTORY)
            try:
                described = json.dumps(_described(arguments, environment)).encode()
                if len(described) > LONGEST:
                    return None
                socket.send_fds(service, [described], [0, 1, 2, folder])
            finally:
                os.close(folder)
        except (OSError, ValueError):  # nobody there, or one who does not understand
            return None
        service.settimeout(None)
        return _outcome(service, interrupts)


def _described(arguments: Sequence[str], environment: Mapping[str, str]) -> dict[str, Any]:
    umask = os.umask(0)
    os.umask(umask)
    streams = [(stream.encoding, stream.errors) for stream in (sys.stdin, sys.stdout, sys.stderr)]
    return {"arguments": list(arguments), "environment": dict(environment), "umask": umask, "streams": streams}


@contextmanager
def _interrupts() -> Iterator[socket.socket]:
    """A socket that can be read once Ctrl-C was pressed, instead of an exception somewhere.

    An exception would come too late where the signal comes just before a call that waits: Python looks behind it only.
    Where nobody has read it in the end, it is an exception after all. In the background of a script, where a shell has
    Ctrl-C ignored, it stays so.
    """
    pressed, told = socket.socketpair()
    with pressed, told:
        told.setblocking(False)
        pressed.setblocking(False)
        before = signal.getsignal(signal.SIGINT)
        if before is not signal.SIG_IGN:
            signal.signal(signal.SIGINT, lambda _number, _frame: None)
        writing = signal.set_wakeup_fd(told.fileno(), warn_on_full_buffer=False)
        try:
            yield pressed
        finally:
            signal.set_wakeup_fd(writing)
            signal.signal(signal.SIGINT, before)
        with suppress(BlockingIOError):
            pressed.recv(1)
            raise KeyboardInterrupt


def _outcome(service: socket.socket, interrupts: socket.socket) -> int | None:
    """Wait for the command's end; Ctrl-C is for it to take."""
    while True:
        ready, _, _ = select.select([service, interrupts], [], [])
        if interrupts in ready:
            interrupts.recv(LONGEST)
            service.send(INTERRUPT)
            continue
        answer = service.recv(LONGEST)
        if not answer:
            raise ConnectionResetError
        if answer == DECLINED:
            return None
        code = int(answer)
        return code if code >= 0 else _ENDED - code
