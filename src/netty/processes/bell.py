"""A bell in a folder: whoever has written something for another process to do rings, and that one looks at once.

A ring says nothing, costs some microseconds, and may be lost: who listens looks by himself now and then too. It is a
datagram to a socket in the folder (unix(7)), so that only who may write there can ring.
"""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

_NAME: Final = "bell"
_RING: Final = b"!"


def ring(folder: Path) -> None:
    """Ring the bell of a folder. Whether anybody hears it is not known, and nobody waits."""
    with (
        suppress(OSError),
        _reached(folder) as place,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as bell,
    ):
        bell.sendto(_RING, place)


def hang(folder: Path) -> socket.socket:
    """The bell of a folder, to be heard by whoever reads it; the one before it is heard no more.

    Raises:
        OSError: where the folder takes no socket.
    """
    bell = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    try:
        with _reached(folder) as place:
            with suppress(FileNotFoundError):
                os.unlink(place)  # noqa: PTH108 - a way of the kernel's, not a path of ours
            bell.bind(place)
    except BaseException:
        bell.close()
        raise
    return bell


def take_down(folder: Path, bell: socket.socket) -> None:
    """Nobody listens any more: a folder at rest holds files alone."""
    bell.close()
    with suppress(OSError), _reached(folder) as place:
        os.unlink(place)  # noqa: PTH108


def hear(bell: socket.socket) -> bool:
    """Take what has been rung so far; whether it was anything."""
    heard = False
    with suppress(BlockingIOError):
        while bell.recv(len(_RING)):
            heard = True
    return heard


@contextmanager
def _reached(folder: Path) -> Iterator[str]:
    """Its name by way of an open folder: the address of a socket has room for 107 bytes, and a path may be longer."""
    descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{descriptor}/{_NAME}"
    finally:
        os.close(descriptor)
