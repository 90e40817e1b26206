"""A descriptor in reserve: with it a connection can be taken, told that there is no room, and closed."""

import asyncio
import contextlib
import errno
import os
import socket
from typing import Final

NO_DESCRIPTOR: Final = frozenset({errno.EMFILE, errno.ENFILE})
_PATIENCE = 0.5  # seconds: who asks for an association has said so by then; others wait behind it
_AT_MOST = 1 << 16


class Reserve:
    """Held while there are enough; given up for one connection at a time when there are none."""

    def __init__(self) -> None:
        self._descriptor: int | None = None
        self.refill()

    def refill(self) -> None:
        """Take the descriptor again, if there is one."""
        if self._descriptor is None:
            with contextlib.suppress(OSError):
                self._descriptor = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)

    def close(self) -> None:
        """Give it up."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    async def turn_away(self, listener: socket.socket, answer: bytes) -> bool:
        """Take the next connection, answer it whatever it asks, and close it; False if there is none to be taken."""
        self.close()
        try:
            connection, _address = listener.accept()
        except OSError:  # without a descriptor the kernel refuses before it looks whether anybody waits (accept(2))
            return False
        else:
            with connection:
                connection.setblocking(False)
                await _answer(connection, answer)
            return True
        finally:
            self.refill()


async def _answer(connection: socket.socket, answer: bytes) -> None:
    """After the request has come, and before the connection is closed: a reset would take the answer away."""
    loop = asyncio.get_running_loop()
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(_PATIENCE):
            await loop.sock_recv(connection, _AT_MOST)
            await loop.sock_sendall(connection, answer)
            connection.shutdown(socket.SHUT_WR)
            while await loop.sock_recv(connection, _AT_MOST):
                pass
