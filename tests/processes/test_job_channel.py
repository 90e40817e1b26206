"""A message arrives whole, in however many parts the kernel takes it."""

import socket
from collections.abc import Sequence
from threading import Thread
from typing import cast

import pytest

from netty.processes.job_channel import Channel, Kind, Message


class InParts:
    """A socket whose first system call is interrupted by a signal after `taken` bytes."""

    def __init__(self, real: socket.socket, taken: int) -> None:
        self._real, self._taken = real, taken
        self.sendall = real.sendall

    def sendmsg(self, parts: Sequence[bytes]) -> int:
        """Sends no more than that."""
        return self._real.send(b"".join(parts)[: self._taken])


@pytest.mark.parametrize("taken", [1, 13, 14, 20, 60, 100, 5000, 1_000_000])
def test_a_message_that_is_taken_in_parts_is_sent_whole(taken: int) -> None:
    sent = Message(
        Kind.ANSWERS, {"kind": "rendition", "window": "C 40 W 400"}, [bytes(range(256)) * 8, bytes(range(256)) * 12]
    )
    ours, theirs = socket.socketpair()
    with ours, theirs:
        sender = Thread(target=Channel(cast(socket.socket, InParts(ours, taken))).send, args=[sent])
        sender.start()
        received = Channel(theirs).receive(10)
        sender.join()

    assert received is not None
    assert (received.kind, received.header) == (sent.kind, sent.header)
    assert b"".join(received.payload) == b"".join(sent.payload)
