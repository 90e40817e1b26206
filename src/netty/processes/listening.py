"""What one `netty serve` holds for itself alone: the data folder and its ports."""

import errno
import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from netty.errors import LocalError

_BACKLOG = 1024

_WHY_NOT = {
    errno.EADDRINUSE: "The port {port} for {what} is in use by another program. Stop it, or set another port.",
    errno.EACCES: "netty may not open the port {port} for {what}. Ports below 1024 need root; set a higher one.",
    errno.EADDRNOTAVAIL: "This machine has no address {host} (port {port} for {what}). Set one of its own addresses.",
}


class FolderInUse(LocalError):
    """Another netty works on the data folder."""


def bind(host: str, port: int, what: str) -> socket.socket:
    """A listening TCP socket.

    Raises:
        LocalError: saying what holds the port, or what else is wrong with the address.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except (OSError, OverflowError) as error:
        listener.close()
        number = error.errno if isinstance(error, OSError) else None
        template = _WHY_NOT.get(number or 0, "netty cannot listen on {host}:{port} for {what}: {error}.")
        raise LocalError(template, host=host, port=port, what=what, error=error) from error
    listener.setblocking(False)
    return listener


@contextmanager
def folder_lock(folder: Path) -> Iterator[None]:
    """Hold the data folder; the lock goes with the process, however it ends.

    Raises:
        FolderInUse: if another process holds it.
        LocalError: if the folder cannot be written.
    """
    descriptor = _open_lock(folder)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            pid = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip() or "?"
            raise FolderInUse(
                "Another netty (process {pid}) works on the folder {folder}. Stop it first.", pid=pid, folder=folder
            ) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def folder_in_use(folder: Path) -> bool:
    """Whether a netty serves from the data folder now."""
    if not (folder / _LOCK).exists():
        return False
    descriptor = _open_lock(folder)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


_LOCK = "netty.lock"


def _open_lock(folder: Path) -> int:
    try:
        # Not inherited by children: the lock is the supervisor's, and must go with it.
        return os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise LocalError(
            "The data folder {folder} cannot be written ({error}). Give netty's user write access, or set `data`.",
            folder=folder,
            error=error.strerror,
        ) from error
