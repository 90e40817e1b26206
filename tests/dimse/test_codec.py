"""Command sets (PS3.7 section 9.3), beside pynetdicom's encoder and recorded bytes."""

from io import BytesIO
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import Dataset
from pydicom.filereader import read_dataset
from pynetdicom.dsutils import encode

from netty.dicom.uids import STUDY_ROOT_FIND, STUDY_ROOT_MOVE
from netty.dimse.codec import ELEMENTS, decode_command, encode_command
from netty.dimse.command import (
    CancelRequest,
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
    respond,
)
from netty.dimse.errors import MessageError
from netty.dimse.status import Refusal, Status, StoreStatus
from support.wire import CT_IMAGE_STORAGE

STORE = StoreRequest(
    message_id=7,
    affected_sop_class_uid=CT_IMAGE_STORAGE,
    affected_sop_instance_uid="1.2.3",
    move_originator_ae_title="HAPPY_netty",
    move_originator_message_id=77,
)
MESSAGES: list[Message] = [
    EchoRequest(message_id=1),
    EchoResponse(message_id_being_responded_to=1),
    STORE,
    StoreRequest(
        message_id=65535, affected_sop_class_uid=CT_IMAGE_STORAGE, affected_sop_instance_uid="1.2.34", priority=2
    ),
    StoreResponse(
        message_id_being_responded_to=7,
        status=StoreStatus.CANNOT_UNDERSTAND,
        affected_sop_class_uid=CT_IMAGE_STORAGE,
        affected_sop_instance_uid="1.2.3",
        error_comment="Nobody asked for this study.",
        offending_element=(0x0020000D, 0x00080018),
    ),
    FindRequest(message_id=2),
    FindResponse(
        message_id_being_responded_to=2, status=0xFF00, affected_sop_class_uid=STUDY_ROOT_FIND, has_data_set=True
    ),
    FindResponse(message_id_being_responded_to=2, status=0, affected_sop_class_uid=STUDY_ROOT_FIND),
    MoveRequest(message_id=3, move_destination="HAPPY_netty"),
    MoveResponse(
        message_id_being_responded_to=3,
        status=0xFF00,
        affected_sop_class_uid=STUDY_ROOT_MOVE,
        number_of_remaining_suboperations=0,
        number_of_completed_suboperations=4,
        number_of_failed_suboperations=0,
        number_of_warning_suboperations=1,
    ),
    MoveResponse(message_id_being_responded_to=3, status=0xA801),
    CancelRequest(message_id_being_responded_to=2),
]


@pytest.mark.parametrize("message", MESSAGES)
def test_a_message_is_read_as_it_was_written(message: Message) -> None:
    assert decode_command(encode_command(message)) == message


@pytest.mark.parametrize("message", MESSAGES)
def test_pydicom_reads_the_same_values(message: Message) -> None:
    data = encode_command(message)

    data_set = read_dataset(BytesIO(data), True, True)

    assert data_set.CommandGroupLength == len(data) - 12
    assert data_set.CommandField == message.command_field
    assert (data_set.CommandDataSetType != 0x0101) == message.has_data_set
    for element in ELEMENTS[type(message)]:
        expected = getattr(message, element.name)
        raw = data_set.get((0, element.number))
        assert (raw is None) == (expected in (None, "", ()))
        if raw is not None and not isinstance(expected, tuple):
            assert raw.value == expected


@pytest.mark.parametrize("message_type", ELEMENTS)
def test_elements_stand_in_ascending_order_in_the_table(message_type: type[Message]) -> None:
    numbers = [element.number for element in ELEMENTS[message_type]]

    assert numbers == sorted(set(numbers))


def test_an_echo_request_is_these_bytes() -> None:
    assert encode_command(EchoRequest(message_id=1)) == bytes.fromhex(
        "00000000 04000000 38000000"
        "00000200 12000000 312e322e3834302e31303030382e312e3100"
        "00000001 02000000 3000"
        "00001001 02000000 0100"
        "00000008 02000000 0101"
    )


def command(**values: Any) -> bytes:
    """A command set as pynetdicom encodes it."""
    data_set = Dataset()
    for keyword, value in values.items():
        setattr(data_set, keyword, value)
    data = encode(data_set, True, True)
    assert data is not None
    return data


STORE_VALUES: dict[str, Any] = {
    "AffectedSOPClassUID": CT_IMAGE_STORAGE,
    "CommandField": 1,
    "MessageID": 7,
    "Priority": 0,
    "CommandDataSetType": 1,
    "AffectedSOPInstanceUID": "1.2.3",
    "MoveOriginatorApplicationEntityTitle": "HAPPY_netty",
    "MoveOriginatorMessageID": 77,
}


def test_a_store_request_of_pynetdicom_is_read() -> None:
    assert decode_command(command(**STORE_VALUES)) == STORE


def raw_element(number: int, value: bytes) -> bytes:
    return bytes(2) + number.to_bytes(2, "little") + len(value).to_bytes(4, "little") + value


STORE_WITHOUT_ORIGINATOR = b"".join(
    (
        raw_element(0x0002, CT_IMAGE_STORAGE.encode() + b"\0"),
        raw_element(0x0100, b"\1\0"),
        raw_element(0x0110, b"\7\0"),
        raw_element(0x0800, b"\1\0"),
        raw_element(0x1000, b"1.2.3\0"),
    )
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"HAPPY_netty\0", "HAPPY_netty"),
        (b"HAPPY_netty\0\0\0\0\0", "HAPPY_netty"),
        (b"  HAPPY_netty   ", "HAPPY_netty"),
        (b"A_TITLE_OF_MORE_THAN_16", "A_TITLE_OF_MORE_THAN_16"),
        (b"PACS\xe9", "PACS\u00e9"),
        (b"", None),
        (b"\0\0", None),
    ],
)
def test_a_move_originator_stays_usable_whatever_its_padding(value: bytes, expected: str | None) -> None:
    request = decode_command(STORE_WITHOUT_ORIGINATOR + raw_element(0x1030, value))

    assert isinstance(request, StoreRequest)
    assert request.move_originator_ae_title == expected
    assert request.move_originator_message_id is None


def test_what_is_optional_and_mistyped_counts_as_absent() -> None:
    request = decode_command(STORE_WITHOUT_ORIGINATOR + raw_element(0x1031, b"\1\0\0\0") + raw_element(0x0700, b""))

    assert isinstance(request, StoreRequest)
    assert (request.move_originator_message_id, request.priority) == (None, 0)


@pytest.mark.parametrize(("missing", "number"), [("AffectedSOPInstanceUID", 0x1000), ("AffectedSOPClassUID", 0x0002)])
def test_a_store_request_that_lacks_an_argument_is_answered_0212(missing: str, number: int) -> None:
    values = {keyword: value for keyword, value in STORE_VALUES.items() if keyword != missing}

    request = decode_command(command(**values))

    assert isinstance(request, UnusableRequest)
    assert request.has_data_set
    answer = respond(request, request.refusal)
    assert isinstance(answer, StoreResponse)
    assert answer.status == Status.MISTYPED_ARGUMENT
    assert answer.message_id_being_responded_to == 7
    assert answer.offending_element == (number,)
    assert answer.error_comment


def test_an_unknown_operation_is_answered_0211() -> None:
    request = decode_command(command(CommandField=0x0130, MessageID=9, CommandDataSetType=1))

    assert isinstance(request, UnusableRequest)
    answer = respond(request, request.refusal)
    assert isinstance(answer, UnusableResponse)
    assert (answer.command_field, answer.status, answer.message_id_being_responded_to) == (0x8130, 0x0211, 9)
    assert read_dataset(BytesIO(encode_command(answer)), True, True).CommandField == 0x8130


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0",
        raw_element(0x0100, b"\1\0"),  # does not say whether a data set follows
        raw_element(0x0100, b"\1") + raw_element(0x0800, b"\1\1"),
        raw_element(0x0800, b"\1\1"),
        command(CommandField=1, CommandDataSetType=1),  # no message id: no answer is possible
        command(CommandField=0x8001, CommandDataSetType=0x0101, Status=0),  # a response to nothing
        command(CommandField=0x8130, CommandDataSetType=0x0101, Status=0, MessageIDBeingRespondedTo=1, MessageID=1),
        command(CommandField=0x0FFF, CommandDataSetType=0x0101, MessageID=1),
        bytes.fromhex("00000008 f0ffffff 0101"),
        bytes.fromhex("08001800 02000000 3100"),
    ],
)
def test_what_cannot_be_answered_is_an_error(data: bytes) -> None:
    with pytest.raises(MessageError):
        decode_command(data)


def test_an_error_comment_is_cut_and_made_printable() -> None:
    response = StoreResponse(message_id_being_responded_to=1, status=0xC000, error_comment="a\\b\n患者" + "x" * 100)

    decoded = decode_command(encode_command(response))

    assert isinstance(decoded, StoreResponse)
    assert decoded.error_comment == "a?b???" + "x" * 58


@pytest.mark.parametrize("request_", [message for message in MESSAGES if hasattr(message, "message_id")])
def test_every_request_has_its_response(request_: Any) -> None:
    refused = respond(request_, Refusal(0x0124, "No.", offending_element=0x00100020))

    assert refused.command_field == request_.command_field | 0x8000
    assert refused.message_id_being_responded_to == request_.message_id
    assert (refused.status, refused.error_comment, refused.offending_element) == (0x0124, "No.", (0x00100020,))
    assert respond(request_).status == 0
    assert decode_command(encode_command(refused)) == refused


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=120))
def test_any_bytes_give_a_message_or_an_error(data: bytes) -> None:
    try:
        message = decode_command(data)
    except MessageError:
        return
    assert message.command_field


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(MESSAGES), st.data())
def test_a_damaged_command_set_gives_a_message_or_an_error(message: Message, data: st.DataObject) -> None:
    wire = bytearray(encode_command(message))
    for _ in range(data.draw(st.integers(1, 4))):
        wire[data.draw(st.integers(0, len(wire) - 1))] = data.draw(st.integers(0, 255))

    try:
        decoded = decode_command(bytes(wire))
    except MessageError:
        return
    if isinstance(decoded, UnusableRequest):
        encode_command(respond(decoded, decoded.refusal))
