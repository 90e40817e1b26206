"""Fragments to messages and back (PS3.7 section 6.3, PS3.8 Annex E). Data sets pass through and are never held."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

from netty.dimse import repeated
from netty.dimse.codec import decode_command
from netty.dimse.command import Message
from netty.dimse.errors import MessageError
from netty.ul.association import Association, Buffer
from netty.ul.events import DataReceived

COMMAND_LIMIT: Final = 65536
"""A command set is a few hundred bytes long; nobody fills our memory with one that never ends."""


class MessageBegan(NamedTuple):  # a tuple, as there are thousands in a second
    """A command set is complete. If `command.has_data_set`, fragments follow; MessageEnded comes in any case."""

    command: Message
    context_id: int


class DataSetFragment(NamedTuple):  # likewise
    """A part of the message's data set. `parts` are valid only as long as those of DataReceived."""

    parts: list[memoryview]
    size: int


@dataclass(frozen=True, slots=True)
class MessageEnded:
    """The message is complete."""


MessageEvent = MessageBegan | DataSetFragment | MessageEnded
_ENDED: Final = MessageEnded()


class MessageAssembler:
    """Makes messages of the PDVs of one association, one message after another."""

    __slots__ = ("_command", "_command_limit", "_context_id", "_decode", "_in_data_set")

    def __init__(self, command_limit: int = COMMAND_LIMIT, decode: Callable[[bytes], Message] = decode_command) -> None:
        """`decode` is `decode_answer` on the side that asks."""
        self._command_limit = command_limit
        self._decode = decode
        self._command = bytearray()
        self._context_id: int | None = None  # of the message that is under way
        self._in_data_set = False

    @property
    def between_messages(self) -> bool:
        """Whether no message is under way."""
        return self._context_id is None

    def feed(self, received: DataReceived) -> tuple[MessageEvent, ...]:
        """What these parts bring. Raises MessageError: abort the association."""
        if self._context_id is None:
            self._context_id = received.context_id
        elif received.context_id != self._context_id:
            raise MessageError("The peer sent parts of one message in two presentation contexts.")
        if received.is_command is self._in_data_set:
            raise MessageError(
                "The peer sent a command where a data set was to come."
                if self._in_data_set
                else "The peer sent a data set that no command announced."
            )
        return self._feed_data_set(received) if self._in_data_set else self._feed_command(received)

    def _feed_data_set(self, received: DataReceived) -> tuple[MessageEvent, ...]:
        fragment = DataSetFragment(received.parts, received.size)
        if not received.is_last:
            return (fragment,)
        self._in_data_set, self._context_id = False, None
        return (fragment, _ENDED)

    def _feed_command(self, received: DataReceived) -> tuple[MessageEvent, ...]:
        if len(self._command) + received.size > self._command_limit:
            raise MessageError(
                "The peer sent a command set of more than {limit} bytes.",
                limit=self._command_limit,
            )
        if not received.is_last:
            self._command += b"".join(received.parts)
            return ()
        data = b"".join((self._command, *received.parts))
        if self._command:
            self._command = bytearray()
        began = MessageBegan(self._decode(data), received.context_id)
        if began.command.has_data_set:
            self._in_data_set = True
            return (began,)
        self._context_id = None
        return (began, _ENDED)


def send_command(association: Association, context_id: int, command: Message) -> None:
    """Send the command set of a message; its data set, if it has one, is the caller's to send with `send_data_set`."""
    association.send_fragment(context_id, True, repeated.encode(command), True)


def send_data_set(association: Association, context_id: int, fragment: Buffer, last: bool) -> None:
    """Send a part of a data set, of any size: it is cut as the peer's maximum length asks for, and not copied."""
    association.send_fragment(context_id, False, fragment, last)


def send_message(association: Association, context_id: int, command: Message, data_set: Buffer = b"") -> None:
    """Send a whole message whose data set, if it has one, is small enough to be at hand, such as an identifier."""
    send_command(association, context_id, command)
    if command.has_data_set:
        send_data_set(association, context_id, data_set, True)
