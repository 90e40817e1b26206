"""The child's side of the supervisor: its end of the channel, and what it inherited."""

import asyncio
import os
import signal
import socket
from collections.abc import Callable

from netty.processes.channel import Channel, Message


class Child:
    """One child process of `netty serve`.

    Args:
        end: our end of the channel.
        listener: a bound socket that this child serves itself.
        announcements: the descriptor of our end of the announcements' pipe.
    """

    def __init__(
        self, end: socket.socket, listener: socket.socket | None = None, announcements: int | None = None
    ) -> None:
        self._channel = Channel(end)
        self.listener = listener
        self.announcements = announcements
        self.stopping = asyncio.Event()

    def listen(self, on_connection: Callable[[socket.socket], None] | None = None) -> None:
        """Take connections and the word to stop, on the running event loop."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self.stopping.set)

        def on_message(message: Message, passed: socket.socket | None) -> None:
            if message.get("connection") and passed is None:  # no descriptor was free for it: the kernel closed it
                self.connection_closed()
            if passed is not None:
                if on_connection is None or self.stopping.is_set():
                    passed.close()
                    self.connection_closed()
                else:
                    on_connection(passed)
            if message.get("stop"):
                self.stopping.set()

        self._channel.listen(on_message, on_gone=lambda: os._exit(0))

    def ready(self) -> None:
        """Tell the supervisor that this child can work."""
        self._channel.send({"ready": True})

    def connection_closed(self) -> None:
        """Tell the supervisor that one handed-over connection has ended."""
        self._channel.send({"closed": 1})
