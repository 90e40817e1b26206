"""Messages between a parent and its child over one stream socket: a head, a JSON header, and bytes.

Each message wakes the other side up, so the parent gives several jobs at once, and the child several answers.
"""

import io
import json
import socket
import struct
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, TypeAlias

from netty.errors import LocalError

_HEAD = struct.Struct("<cIQ")  # kind, bytes of the header, bytes of the payload
_as_json = json.JSONEncoder(separators=(",", ":")).encode
MAX_HEADER = 16 * 1024 * 1024
MAX_PAYLOAD = 1024 * 1024 * 1024  # a child reads what strangers wrote: its word about lengths is not taken for granted
_MICROSECONDS: Final = 1_000_000
_TIMEVAL: Final = struct.Struct("@ll")  # of SO_RCVTIMEO, socket(7)

Bytes: TypeAlias = bytes | memoryview


class Kind(Enum):
    """What a message is."""

    START = b"S"  # parent: your limits
    READY = b"Y"  # child: everything is imported, the limits are set
    JOBS = b"J"  # parent: one after the other
    ANSWERS = b"A"  # child: some answers to them, in order


@dataclass(frozen=True, slots=True)
class Message:
    """One message. What is sent in several pieces arrives in one."""

    kind: Kind
    header: Mapping[str, Any] = field(default_factory=dict)
    payload: Sequence[Bytes] = ()


class AnswerKind(Enum):
    """What an answer is."""

    REPLY = "R"  # one of the replies to a job
    END = "E"  # that was the last
    FAILED = "F"  # the job failed


@dataclass(frozen=True, slots=True)
class Answer:
    """Something that a child says about one of its jobs, by its place among those that came with it."""

    job: int
    kind: AnswerKind
    header: Mapping[str, Any] = field(default_factory=dict)
    payload: Bytes = b""


def answers_message(answers: Sequence[Answer]) -> Message:
    """Some answers in one message."""
    said = [(one.job, one.kind.value, one.header, len(one.payload)) for one in answers]
    return Message(Kind.ANSWERS, {"answers": said}, [one.payload for one in answers if one.payload])


def answers_of(message: Message) -> Iterator[Answer]:
    """The answers that a message carries; BrokenMessage where it is none that does."""
    if message.kind is not Kind.ANSWERS:
        raise _no_message()
    whole = memoryview(message.payload[0] if message.payload else b"")
    start = 0
    try:
        for job, kind, header, size in message.header["answers"]:
            yield Answer(job, AnswerKind(kind), header, whole[start : start + size])
            start += size
    except (KeyError, TypeError, ValueError) as error:
        raise _no_message() from error


class BrokenMessage(LocalError):
    """What came is no message."""


class Channel:
    """One end of the socket. Sending blocks while the other side does not read: that is the back-pressure."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._patience: float | None = None

    def send(self, message: Message) -> None:
        """Sends a message whole."""
        header = _as_json(dict(message.header)).encode()
        size = sum(map(len, message.payload))
        pieces: list[Bytes] = [_HEAD.pack(message.kind.value, len(header), size) + header, *message.payload]
        sent = self._socket.sendmsg(pieces)
        for piece in pieces:
            if sent < len(piece):  # a signal came between
                self._socket.sendall(memoryview(piece)[max(0, sent) :])
            sent -= len(piece)

    def receive(self, seconds: float | None = None) -> Message | None:
        """The next message; None when the other side is gone. TimeoutError after `seconds`, however slowly it comes."""
        deadline = None if seconds is None else time.monotonic() + seconds
        head = self._read(_HEAD.size, deadline)
        if head is None:
            return None
        kind, header_size, payload_size = _HEAD.unpack(head)
        if header_size > MAX_HEADER or payload_size > MAX_PAYLOAD:
            raise BrokenMessage("A child process sent a message of impossible length.")
        body = self._read(header_size + payload_size, deadline)
        if body is None:
            return None
        try:
            header = json.loads(body[:header_size])
            return Message(Kind(kind), header, [memoryview(body)[header_size:]] if payload_size else [])
        except ValueError as error:
            raise _no_message() from error

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
        """One call of the kernel for all of it, as a rule: Python's own time-outs would take three for each part."""
        filled = 0
        while filled < len(view):
            self._wait_at_most(None if deadline is None else deadline - time.monotonic())
            try:
                count = self._socket.recv_into(view[filled:], 0, socket.MSG_WAITALL)
            except BlockingIOError:
                raise TimeoutError from None
            except ConnectionError:
                count = 0
            if count == 0:
                return False
            filled += count
        return True

    def _wait_at_most(self, seconds: float | None) -> None:
        """Have the kernel give up after so long; to wait a tenth longer than that is not worth another call."""
        if seconds is not None and seconds <= 0:
            raise TimeoutError
        patience = self._patience
        if seconds == patience or (
            seconds is not None and patience is not None and seconds <= patience <= 1.1 * seconds
        ):
            return
        whole, part = divmod(int((seconds or 0) * _MICROSECONDS), _MICROSECONDS)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _TIMEVAL.pack(whole, part))  # 0: for ever
        self._patience = seconds


def _no_message() -> BrokenMessage:
    return BrokenMessage("A child process sent something that is no message.")
