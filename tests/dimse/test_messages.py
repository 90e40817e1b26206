"""Messages out of fragments (PS3.7 section 6.3, PS3.8 Annex E)."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netty.dimse.codec import decode_answer, decode_command, encode_command
from netty.dimse.command import EchoRequest, FindRequest, FindResponse, Message, StoreRequest, UnusableRequest
from netty.dimse.errors import MessageError
from netty.dimse.messages import (
    DataSetFragment,
    MessageAssembler,
    MessageBegan,
    MessageEnded,
    MessageEvent,
    send_command,
    send_data_set,
    send_message,
)
from netty.ul.events import DataReceived
from support.wire import CT_IMAGE_STORAGE, AssociationPair

STORE = StoreRequest(message_id=7, affected_sop_class_uid=CT_IMAGE_STORAGE, affected_sop_instance_uid="1.2.3")
ECHO = EchoRequest(message_id=1)


def pdv(data: bytes, command: bool, last: bool, context_id: int = 3) -> DataReceived:
    return DataReceived(context_id, command, last, [memoryview(data)], len(data))


def assembled(pair: AssociationPair, assembler: MessageAssembler) -> list[object]:
    """What the acceptor's assembler makes of what the requestor wrote; fragments as bytes."""
    events: list[MessageEvent] = []
    for event in pair.to_acceptor():
        assert isinstance(event, DataReceived)
        events += assembler.feed(event)
    return [b"".join(event.parts) if isinstance(event, DataSetFragment) else event for event in events]


def test_a_message_without_data_set_begins_and_ends_at_once() -> None:
    pair, assembler = AssociationPair().establish(), MessageAssembler()

    send_message(pair.requestor.association, 1, ECHO)

    assert assembled(pair, assembler) == [MessageBegan(ECHO, 1), MessageEnded()]
    assert assembler.between_messages


def test_a_data_set_passes_through_in_fragments() -> None:
    pair, assembler = AssociationPair().establish(), MessageAssembler()
    association = pair.requestor.association

    send_command(association, 3, STORE)
    send_data_set(association, 3, b"a" * 20000, False)
    send_data_set(association, 3, b"b", True)

    assert assembled(pair, assembler) == [
        MessageBegan(STORE, 3),
        b"a" * 20000 + b"b",
        MessageEnded(),
    ]


@pytest.mark.parametrize("decode", [decode_command, decode_answer])
def test_answers_that_begin_alike_are_answers_each_and_others_among_them_are_read_anew(
    decode: Callable[[bytes], Message],
) -> None:
    pending = FindResponse(message_id_being_responded_to=1, status=0xFF00, has_data_set=True)
    without_keys = FindResponse(message_id_being_responded_to=1, status=0xFF01, has_data_set=True)
    final = FindResponse(message_id_being_responded_to=1, status=0x0000)
    assembler = MessageAssembler(decode=decode)

    seen = []
    for answer, context_id in ((pending, 3), (pending, 3), (without_keys, 3), (pending, 5), (pending, 3), (final, 3)):
        seen += assembler.feed(pdv(encode_command(answer), True, True, context_id))
        if answer.has_data_set:
            seen += assembler.feed(pdv(b"identifier", False, True, context_id))

    began = [(one.command, one.context_id) for one in seen if isinstance(one, MessageBegan)]
    assert began == [(pending, 3), (pending, 3), (without_keys, 3), (pending, 5), (pending, 3), (final, 3)]
    assert sum(isinstance(one, DataSetFragment) for one in seen) == 5
    assert sum(isinstance(one, MessageEnded) for one in seen) == 6


def test_one_message_follows_another() -> None:
    pair, assembler = AssociationPair().establish(), MessageAssembler()
    association = pair.requestor.association
    find = FindRequest(message_id=2)

    send_message(association, 3, find, b"identifier")
    send_message(association, 1, ECHO)

    assert assembled(pair, assembler) == [
        MessageBegan(find, 3),
        b"identifier",
        MessageEnded(),
        MessageBegan(ECHO, 1),
        MessageEnded(),
    ]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 110), max_size=5))
def test_a_command_set_may_come_in_any_fragments(cuts: list[int]) -> None:
    data, assembler = encode_command(STORE), MessageAssembler()
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts)]
    events: list[MessageEvent] = []

    for index, start in enumerate(edges):
        is_last = index == len(edges) - 1
        stop = len(data) if is_last else edges[index + 1]
        events += assembler.feed(pdv(data[start:stop], True, is_last))

    assert events == [MessageBegan(STORE, 3)]
    assert not assembler.between_messages


def test_the_data_set_of_a_request_that_cannot_be_carried_out_passes_too() -> None:
    without_instance = encode_command(STORE).replace(b"\0\0\0\x10\6", b"\0\0\xff\x0f\6")
    assembler = MessageAssembler()

    (began,) = assembler.feed(pdv(without_instance, True, True))
    rest = assembler.feed(pdv(b"data", False, True))

    assert isinstance(began, MessageBegan)
    assert isinstance(began.command, UnusableRequest)
    assert rest == (DataSetFragment([memoryview(b"data")], 4), MessageEnded())


@pytest.mark.parametrize(
    "fragments",
    [
        [pdv(b"data", False, True)],
        [pdv(encode_command(STORE), True, True), pdv(encode_command(ECHO), True, True)],
        [pdv(encode_command(STORE), True, True), pdv(b"data", False, True, context_id=1)],
        [pdv(encode_command(STORE)[:20], True, False), pdv(b"data", False, True)],
        [pdv(encode_command(STORE)[:20], True, False), pdv(encode_command(STORE)[20:], True, True, context_id=1)],
        [pdv(encode_command(ECHO), True, True), pdv(b"data", False, True)],
        [pdv(b"\xff" * 40, True, True)],
        [pdv(bytes(16000), True, False)] * 5,
    ],
    ids=[
        "data set first",
        "command instead of data set",
        "data set in another context",
        "data set inside a command",
        "command in two contexts",
        "data set after a message without one",
        "garbage",
        "endless command",
    ],
)
def test_fragments_out_of_order_are_an_error(fragments: list[DataReceived]) -> None:
    assembler = MessageAssembler()

    with pytest.raises(MessageError):
        for fragment in fragments:
            assembler.feed(fragment)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.builds(
            pdv,
            st.sampled_from([encode_command(STORE), encode_command(ECHO), b"", b"data", b"\0\0\0\x01\2\0\0\0\1\0"]),
            st.booleans(),
            st.booleans(),
            st.sampled_from([1, 3]),
        ),
        max_size=6,
    )
)
def test_any_fragments_give_events_or_a_message_error(fragments: list[DataReceived]) -> None:
    assembler = MessageAssembler()

    try:
        for fragment in fragments:
            assembler.feed(fragment)
    except MessageError:
        return
