"""Command sets to bytes and back: Implicit VR Little Endian, group 0000 (PS3.7 sections 6.3.1 and 9.3, Annex E).

One table says which element fills which field of which message; encoding and decoding only walk it.
"""

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from netty import native
from netty.dimse.command import (
    RESPONSE_BIT,
    CancelRequest,
    CommandField,
    EchoRequest,
    EchoResponse,
    FindRequest,
    FindResponse,
    Message,
    MoveRequest,
    MoveResponse,
    StoreRequest,
    StoreResponse,
    UnusableRequest,
    UnusableResponse,
)
from netty.dimse.errors import MessageError
from netty.dimse.status import MAXIMUM_ERROR_COMMENT, Refusal, Status

_ELEMENT: Final = struct.Struct("<HHL")
_GROUP_LENGTH: Final = 0x0000
_COMMAND_FIELD: Final = 0x0100
_MESSAGE_ID: Final = 0x0110
_DATA_SET_TYPE: Final = 0x0800
_NO_DATA_SET: Final = 0x0101  # any other value: one follows (PS3.7 Table E.1-1)
_DATA_SET: Final = 0x0001
_HIGHEST: Final = 0xFFFF  # number of an element in group 0000


class _BadValue(Exception):
    """A value that its representation does not allow."""


def _text(value: bytes) -> str:
    """Text whatever stands there: padded with NULs, too long, in some other character set. It must stay usable."""
    return value.decode("latin-1").strip("\0 ")


def _us(value: bytes) -> int:
    if len(value) != 2:
        raise _BadValue
    return int.from_bytes(value, "little")


def _at(value: bytes) -> tuple[int, ...]:
    if len(value) % 4:
        raise _BadValue
    return tuple(group << 16 | element for group, element in struct.iter_unpack("<HH", value))


def _even(value: bytes, padding: bytes) -> bytes:
    return value + padding if len(value) % 2 else value


def _error_comment(text: str) -> bytes:
    """An Error Comment that every peer can show: printable ASCII, 64 characters, no backslash (it separates values)."""
    printable = (char if " " <= char <= "~" and char != "\\" else "?" for char in text[:MAXIMUM_ERROR_COMMENT])
    return "".join(printable).encode("ascii")


@dataclass(frozen=True, slots=True)
class Representation:
    """A value representation of command elements: how its values are read and written (PS3.7 Table E.1-1)."""

    decode: Callable[[bytes], Any]
    encode: Callable[[Any], bytes]


UI: Final = Representation(_text, lambda uid: _even(uid.encode("latin-1", "replace"), b"\0"))
AE: Final = Representation(_text, lambda title: _even(title.encode("ascii", "replace")[:16], b" "))
US: Final = Representation(_us, lambda number: int(number).to_bytes(2, "little"))
LO: Final = Representation(_text, lambda text: _even(_error_comment(text), b" "))
AT: Final = Representation(_at, lambda tags: b"".join(struct.pack("<HH", tag >> 16, tag & 0xFFFF) for tag in tags))


@dataclass(frozen=True, slots=True)
class Element:
    """One command element: its number in group 0000, the field it fills, whether the message is nothing without it."""

    number: int
    name: str
    representation: Representation
    required: bool = True


_CLASS = Element(0x0002, "affected_sop_class_uid", UI)
_CLASS_U = Element(0x0002, "affected_sop_class_uid", UI, required=False)
_ID = Element(0x0110, "message_id", US)
_ANSWERED = Element(0x0120, "message_id_being_responded_to", US)
_PRIORITY = Element(0x0700, "priority", US, required=False)  # mandatory, but nothing depends on it
_STATUS = Element(0x0900, "status", US)
_OFFENDING = Element(0x0901, "offending_element", AT, required=False)
_COMMENT = Element(0x0902, "error_comment", LO, required=False)
_INSTANCE = Element(0x1000, "affected_sop_instance_uid", UI)
_INSTANCE_U = Element(0x1000, "affected_sop_instance_uid", UI, required=False)

# Ascending by number, for so they are written (PS3.7 section 6.3.1).
ELEMENTS: Final[Mapping[type[Message], tuple[Element, ...]]] = {
    EchoRequest: (_CLASS, _ID),
    EchoResponse: (_CLASS_U, _ANSWERED, _STATUS, _OFFENDING, _COMMENT),
    StoreRequest: (
        _CLASS,
        _ID,
        _PRIORITY,
        _INSTANCE,
        Element(0x1030, "move_originator_ae_title", AE, required=False),
        Element(0x1031, "move_originator_message_id", US, required=False),
    ),
    StoreResponse: (_CLASS_U, _ANSWERED, _STATUS, _OFFENDING, _COMMENT, _INSTANCE_U),
    FindRequest: (_CLASS, _ID, _PRIORITY),
    FindResponse: (_CLASS_U, _ANSWERED, _STATUS, _OFFENDING, _COMMENT),
    MoveRequest: (_CLASS, _ID, Element(0x0600, "move_destination", AE), _PRIORITY),
    MoveResponse: (
        _CLASS_U,
        _ANSWERED,
        _STATUS,
        _OFFENDING,
        _COMMENT,
        Element(0x1020, "number_of_remaining_suboperations", US, required=False),
        Element(0x1021, "number_of_completed_suboperations", US, required=False),
        Element(0x1022, "number_of_failed_suboperations", US, required=False),
        Element(0x1023, "number_of_warning_suboperations", US, required=False),
    ),
    CancelRequest: (_ANSWERED,),
    UnusableRequest: (_CLASS_U, _ID, _INSTANCE_U),
    UnusableResponse: (_CLASS_U, _ANSWERED, _STATUS, _OFFENDING, _COMMENT),
}

_MESSAGES: Final[Mapping[int, type[Message]]] = {
    CommandField.C_STORE_RQ: StoreRequest,
    CommandField.C_STORE_RSP: StoreResponse,
    CommandField.C_FIND_RQ: FindRequest,
    CommandField.C_FIND_RSP: FindResponse,
    CommandField.C_MOVE_RQ: MoveRequest,
    CommandField.C_MOVE_RSP: MoveResponse,
    CommandField.C_ECHO_RQ: EchoRequest,
    CommandField.C_ECHO_RSP: EchoResponse,
    CommandField.C_CANCEL_RQ: CancelRequest,
}


@lru_cache(maxsize=32)
def encode_command(message: Message) -> bytes:
    """The command set of `message`; fields that are None or empty are left out.

    The answers to one C-FIND all have the same, and so have most requests.
    """
    written = [(_COMMAND_FIELD, US.encode(message.command_field))]
    data_set_type = _DATA_SET if message.has_data_set else _NO_DATA_SET
    written.append((_DATA_SET_TYPE, US.encode(data_set_type)))
    for element in ELEMENTS[type(message)]:
        value = getattr(message, element.name)
        if element.required or (value is not None and value not in ("", ())):
            written.append((element.number, element.representation.encode(value)))
    body = b"".join(_ELEMENT.pack(0, number, len(value)) + value for number, value in sorted(written))
    return _ELEMENT.pack(0, _GROUP_LENGTH, 4) + len(body).to_bytes(4, "little") + body


def decode_command(data: bytes | memoryview) -> Message:
    """The message that a command set holds.

    A request that cannot be carried out, but answered, comes as UnusableRequest. What cannot even be answered raises
    MessageError. Group length and order of the elements are not tested: nothing depends on them.
    """
    values = split(data)
    command_field = _number(values, _COMMAND_FIELD)
    if command_field is None:
        raise MessageError("The peer sent a command set without a command field.")
    data_set_type = _number(values, _DATA_SET_TYPE)
    if data_set_type is None:
        raise MessageError("The peer sent a command set that does not say whether a data set follows.")
    has_data_set = data_set_type != _NO_DATA_SET
    message_type = _MESSAGES.get(command_field)
    if message_type is None:
        status = Status.UNRECOGNIZED_OPERATION
        return _unusable(command_field, values, has_data_set, Refusal(status, "This operation is not supported."))
    fields: dict[str, Any] = {}
    for element in ELEMENTS[message_type]:
        try:
            value = _decode(element, values)
        except _BadValue:
            refusal = Refusal(
                Status.MISTYPED_ARGUMENT,
                "A command element is missing or mistyped.",
                offending_element=element.number,
            )
            return _unusable(command_field, values, has_data_set, refusal)
        if value is not None:
            fields[element.name] = value
        elif element.name == _CLASS_U.name:  # has a default for what we send ourselves
            fields[element.name] = None
    message: Message = message_type(has_data_set=has_data_set, **fields)
    return message


decode_answer: Final = lru_cache(maxsize=64)(decode_command)
"""The same for who asked: all answers to all queries, thousands of them, begin with the same few command sets."""


def _decode(element: Element, values: Mapping[int, bytes]) -> Any:
    """The value of `element`, None where it may be absent and is. An optional one that is mistyped counts as absent."""
    raw = values.get(element.number, b"")
    try:
        value = element.representation.decode(raw) if raw else None
    except _BadValue:
        if element.required:
            raise
        return None
    if value in (None, "", ()):
        if element.required:
            raise _BadValue
        return None
    return value


def _unusable(command_field: int, values: Mapping[int, bytes], has_data_set: bool, refusal: Refusal) -> UnusableRequest:
    message_id = _number(values, _MESSAGE_ID)
    if message_id is None or command_field & RESPONSE_BIT or command_field == CommandField.C_CANCEL_RQ:
        raise MessageError(
            "The peer sent a command set (command field {field:04X}H) that cannot be read or answered.",
            field=command_field,
        )
    return UnusableRequest(
        command_field=command_field,
        message_id=message_id,
        refusal=refusal,
        affected_sop_class_uid=_decode(_CLASS_U, values),
        affected_sop_instance_uid=_decode(_INSTANCE_U, values),
        has_data_set=has_data_set,
    )


def _number(values: Mapping[int, bytes], number: int) -> int | None:
    raw = values.get(number)
    return int.from_bytes(raw, "little") if raw is not None and len(raw) == 2 else None


def split(data: bytes | memoryview) -> dict[int, bytes]:
    """Element number -> raw value; the first of two with the same number counts."""
    if native.compiled is not None:  # a command set is in Implicit VR Little Endian too (PS3.7 section 6.3.1)
        plain: dict[int, bytes] | None = native.compiled.split_elements(data)
        if plain and max(plain) <= _HIGHEST:
            return plain
    return split_by_python(data)


def split_by_python(data: bytes | memoryview) -> dict[int, bytes]:
    """The same without its compiled twin, which knows neither other groups nor errors."""
    return {number: bytes(data[place]) for number, place in element_places(data).items()}


def element_places(data: bytes | memoryview) -> dict[int, slice]:
    """Element number -> where its value stands; the first of two with the same number counts."""
    places: dict[int, slice] = {}
    position, end = 0, len(data)
    while position < end:
        if end - position < _ELEMENT.size:
            raise MessageError("The peer sent a command set with bytes left behind its last element.")
        group, number, length = _ELEMENT.unpack_from(data, position)
        position += _ELEMENT.size
        if group != 0:
            raise MessageError("The peer sent a command set with an element of group {group:04X}.", group=group)
        if length > end - position:
            raise MessageError("The peer sent a command set with an element that ends behind it.")
        places.setdefault(number, slice(position, position + length))
        position += length
    return places
