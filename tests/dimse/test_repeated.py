"""Command sets that were seen before are read and written as any other is, only faster."""

import struct
from collections.abc import Callable
from dataclasses import fields, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netty.dimse.codec import decode_command, encode_command
from netty.dimse.command import EchoRequest, EchoResponse, Message, StoreRequest, StoreResponse, UnusableRequest
from netty.dimse.errors import MessageError
from netty.dimse.repeated import RepeatedCommands, encode
from support.wire import CT_IMAGE_STORAGE

STORE = StoreRequest(message_id=7, affected_sop_class_uid=CT_IMAGE_STORAGE, affected_sop_instance_uid="1.2.3")

numbers = st.integers(0, 0xFFFF)
uids = st.sampled_from(["1.2.3", "1.2.34", "1.2.345", "9.9.9", "1.2.3.4.5.6.7"])
stores = st.builds(
    StoreRequest,
    message_id=numbers,
    affected_sop_class_uid=st.sampled_from([CT_IMAGE_STORAGE, "1.2"]),
    affected_sop_instance_uid=uids,
    priority=st.sampled_from([0, 2]),
    move_originator_ae_title=st.sampled_from([None, "NETTY"]),
    move_originator_message_id=st.sampled_from([None, 5]),
    has_data_set=st.booleans(),
)


def read(decode: Callable[[bytes], Message], data: bytes) -> object:
    """What comes of a command set, in a form that can be compared."""
    try:
        message = decode(data)
    except MessageError as error:
        return str(error)
    if not isinstance(message, UnusableRequest):
        return message
    refusal = message.refusal
    return [
        (refusal.status, str(refusal), refusal.offending_element) if value is refusal else value
        for value in (getattr(message, each.name) for each in fields(message))
    ]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(stores, st.builds(EchoRequest, message_id=numbers)), max_size=12), st.data())
def test_whatever_came_before_a_command_set_says_what_it_says(messages: list[Message], data: st.DataObject) -> None:
    reader = RepeatedCommands()

    for message in messages:
        raw = bytearray(encode_command(message))
        if data.draw(st.integers(0, 3)) == 0:
            raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))

        assert read(reader.decode, bytes(raw)) == read(decode_command, bytes(raw))


@pytest.mark.parametrize(
    "change",
    [
        {"message_id": 8},
        {"affected_sop_instance_uid": "1.2.9"},
        {"affected_sop_class_uid": CT_IMAGE_STORAGE[:-1] + "4"},
        {"priority": 1},
        {"has_data_set": False},
    ],
    ids=lambda change: next(iter(change)),
)
def test_each_value_of_the_next_command_set_counts(change: dict[str, object]) -> None:
    reader = RepeatedCommands()
    reader.decode(encode_command(STORE))
    following = replace(STORE, **change)  # type: ignore[arg-type]

    assert reader.decode(encode_command(following)) == following


def test_an_instance_uid_of_nothing_but_padding_is_refused_as_the_first_time() -> None:
    reader = RepeatedCommands()
    raw = encode_command(STORE)
    reader.decode(raw)
    spoilt = raw.replace(b"1.2.3\0", b"\0" * 6)

    assert read(reader.decode, spoilt) == read(decode_command, spoilt)


def test_two_instance_uids_in_one_command_set_are_read_as_the_first() -> None:
    reader = RepeatedCommands()
    second = struct.pack("<HHL", 0, 0x1000, 4) + b"9.9\0"

    for uid in ("1.2.3", "1.2.4"):
        raw = encode_command(replace(STORE, affected_sop_instance_uid=uid)) + second
        assert reader.decode(raw) == decode_command(raw)


@settings(max_examples=300, deadline=None)
@given(
    numbers,
    numbers,
    st.sampled_from([None, CT_IMAGE_STORAGE]),
    st.sampled_from([None, "", "1.2.3", "1.2.34"]),
    st.sampled_from([None, "Not what the command says."]),
    st.sampled_from([(), (0x00080018,)]),
)
def test_a_response_is_written_as_any_other(
    number: int,
    status: int,
    sop_class: str | None,
    instance: str | None,
    comment: str | None,
    offending: tuple[int, ...],
) -> None:
    response = StoreResponse(
        message_id_being_responded_to=number,
        status=status,
        affected_sop_class_uid=sop_class,
        affected_sop_instance_uid=instance,
        error_comment=comment,
        offending_element=offending,
    )

    assert encode(response) == encode_command(response)


def test_other_messages_are_written_as_ever() -> None:
    response = EchoResponse(message_id_being_responded_to=3)

    assert encode(response) == encode_command(response)
