"""Messages between a parent and its child over one stream socket: a head, a JSON header, and bytes."""

import io
import json
import socket
import struct
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from netty.errors import LocalError

_HEAD = struct.Struct("<cIQ")  # kind, bytes of the header, bytes of the payload
_as_json = json.JSONEncoder(separators=(",", ":")).encode
MAX_HEADER = 16 * 1024 * 1024
MAX_PAYLOAD = 1024 * 1024 * 1024  # a child reads what strangers wrote: its word about lengths is not taken for granted


class Kind(Enum):
    """What a message is."""

    START = b"S"  # parent: your limits
    READY = b"Y"  # child: everything is imported, the limits are set
    JOB = b"J"  # parent
    REPLY = b"R"  # child: one of the answers to a job
    END = b"E"  # child: that was the last
    FAILED = b"F"  # child: the job failed


@dataclass(frozen=True, slots=True)
class Message:
    """One message."""

    kind: Kind
    header: Mapping[str, Any] = field(default_factory=dict)
    payload: bytes = b""


class BrokenMessage(LocalError):
    """What came is no message."""


class Channel:
    """One end of the socket. Sending blocks while the other side does not read: that is the back-pressure."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock

    def send(self, message: Message) -> None:
        """Sends a message whole."""
        header = _as_json(dict(message.header)).encode()
        front, payload = _HEAD.pack(message.kind.value, len(header), len(message.payload)) + header, message.payload
        self._socket.settimeout(None)
        sent = self._socket.sendmsg([front, payload])
        if sent < len(front):  # a signal came between
            self._socket.sendall(front[sent:])
        if sent < len(front) + len(payload):
            self._socket.sendall(memoryview(payload)[max(0, sent - len(front)) :])

    def receive(self, seconds: float | None = None) -> Message | None:
        """The next message; None when the other side is gone. TimeoutError after `seconds`, however slowly it comes."""
        deadline = None if seconds is None else time.monotonic() + seconds
        head = self._read(_HEAD.size, deadline)
        if head is None:
            return None
        kind, header_size, payload_size = _HEAD.unpack(head)
        if header_size > MAX_HEADER or payload_size > MAX_PAYLOAD:
            raise BrokenMessage("A child process sent a message of impossible length.")
        header, payload = self._read(header_size, deadline), self._read(payload_size, deadline)
        if header is None or payload is None:
            return None
        try:
            return Message(Kind(kind), json.loads(header), payload)
        except ValueError as error:
            raise BrokenMessage("A child process sent something that is no message.") from error

    def close(self) -> None:
        """Closes this end."""
        self._socket.close()

    def _read(self, size: int, deadline: float | None) -> bytes | None:
        """So many bytes; None when the other side is gone before."""
        if not size:
            return b""
        data = io.BytesIO(bytes(size))  # its memory becomes the result: a picture is not copied, and is there once
        with data.getbuffer() as view:
            is_whole = self._fill(view, deadline)
        return data.getvalue() if is_whole else None

    def _fill(self, view: memoryview, deadline: float | None) -> bool:
        filled = 0
        while filled < len(view):
            if deadline is not None:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise TimeoutError
                self._socket.settimeout(left)
            try:
                count = self._socket.recv_into(view[filled:])
            except ConnectionError:
                count = 0
            if count == 0:
                return False
            filled += count
        return True
