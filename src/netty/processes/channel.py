"""A channel between the supervisor and a child: short JSON messages, each with at most one socket."""

import asyncio
import json
import socket
from collections.abc import Callable
from typing import Any

_LONGEST = 65536

Message = dict[str, Any]


def channel_pair() -> tuple[socket.socket, socket.socket]:
    """Two connected ends that keep message boundaries."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


class Channel:
    """One end. Its messages are delivered on the running event loop."""

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(False)
        self._socket = end

    def send(self, message: Message, passed: socket.socket | None = None) -> bool:
        """Send a message, perhaps with a socket; False if the other end has gone or does not keep up."""
        data = json.dumps(message).encode()
        try:
            socket.send_fds(self._socket, [data], [passed.fileno()] if passed is not None else [])
        except (BlockingIOError, ConnectionError, OSError):
            return False
        return True

    def listen(self, on_message: Callable[[Message, socket.socket | None], None], on_gone: Callable[[], None]) -> None:
        """Call back for every message from now on, and once when the other end has gone."""
        loop = asyncio.get_running_loop()

        def readable() -> None:
            try:
                data, descriptors, _flags, _address = socket.recv_fds(self._socket, _LONGEST, 1)
            except BlockingIOError:
                return
            except OSError:
                data, descriptors = b"", []
            if not data:
                loop.remove_reader(self._socket)
                on_gone()
                return
            passed = socket.socket(fileno=descriptors[0]) if descriptors else None
            on_message(json.loads(data), passed)

        loop.add_reader(self._socket, readable)

    def close(self) -> None:
        """Close this end; the other one is told."""
        self._socket.close()
