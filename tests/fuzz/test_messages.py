"""PDVs of any kind to messages: a message, a request that can be answered, or MessageError (PS3.7 section 6.3)."""

import struct
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from netty.dimse.codec import encode_command
from netty.dimse.command import (
    CancelRequest,
    EchoRequest,
    FindRequest,
    Message,
    MoveRequest,
    MoveResponse,
    StoreRequest,
    StoreResponse,
)
from netty.dimse.errors import MessageError
from netty.dimse.messages import COMMAND_LIMIT, DataSetFragment, MessageAssembler, MessageBegan, MessageEnded
from netty.ul.events import DataReceived
from support.fuzz_checks import check_command
from support.fuzzing import cases, corpus, spoilings, spoilt, tried

UID = "1.2.840.10008.5.1.4.1.1.2"
MESSAGES: tuple[Message, ...] = (
    EchoRequest(message_id=1),
    StoreRequest(message_id=2, affected_sop_class_uid=UID, affected_sop_instance_uid="1.2.3"),
    StoreRequest(
        message_id=65535,
        affected_sop_class_uid=UID,
        affected_sop_instance_uid="1.2.3.4",
        move_originator_ae_title="HAPPY_netty",
        move_originator_message_id=7,
    ),
    FindRequest(message_id=3),
    MoveRequest(message_id=4, move_destination="HAPPY_netty"),
    CancelRequest(message_id_being_responded_to=4),
    StoreResponse(message_id_being_responded_to=2, status=0xC000, error_comment="No.", offending_element=(0x00080018,)),
    MoveResponse(message_id_being_responded_to=4, status=0xFF00, number_of_remaining_suboperations=3),
)
commands = st.one_of(
    st.builds(spoilt, st.sampled_from([encode_command(message) for message in MESSAGES]), spoilings),
    st.builds(
        lambda parts: b"".join(
            struct.pack("<HHL", 0, number, max(0, len(value) + lie)) + value for number, value, lie in parts
        ),
        st.lists(
            st.tuples(
                st.sampled_from([0, 2, 0x100, 0x110, 0x120, 0x600, 0x700, 0x800, 0x900, 0x901, 0x902, 0x1000, 0x1031]),
                st.one_of(st.binary(max_size=4), st.sampled_from([b"\1\0", b"\1\1", b"\x30\0", b"\x21\x80"])),
                st.sampled_from([0, 0, 0, 0, 2, -1]),
            ),
            max_size=12,
        ),
    ),
)


@cases(400)
@given(data=commands)
def test_a_command_set_is_read_or_refused(data: bytes) -> None:
    tried["command"] += 1
    check_command(data)


@pytest.mark.parametrize("path", corpus("command"), ids=lambda path: path.name)
def test_a_command_set_of_the_corpus_is_read_or_refused(path: Path) -> None:
    check_command(path.read_bytes())


@cases(200)
@given(
    parts=st.lists(
        st.tuples(
            st.sampled_from([1, 1, 1, 3]),
            st.booleans(),
            st.sampled_from([True, True, False]),
            st.one_of(commands, st.binary(max_size=20), st.just(bytes(COMMAND_LIMIT // 2))),
        ),
        max_size=12,
    )
)
@example(parts=[(1, True, False, b"")] * 1000)
def test_any_order_of_fragments_is_a_course_of_messages_or_refused(parts: list[tuple[int, bool, bool, bytes]]) -> None:
    """Each message begins once and ends once, and fragments come only between."""
    tried["fragments"] += 1
    assembler, open_message = MessageAssembler(), False
    for context_id, is_command, is_last, data in parts:
        try:
            events = assembler.feed(DataReceived(context_id, is_command, is_last, [memoryview(data)], len(data)))
        except MessageError:
            return
        for event in events:
            match event:
                case MessageBegan():
                    assert not open_message
                    open_message = True
                case DataSetFragment():
                    assert open_message
                case MessageEnded():
                    assert open_message
                    open_message = False
        assert not open_message or not assembler.between_messages
