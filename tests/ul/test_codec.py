"""PDUs as bytes (PS3.8 section 9.3), beside pynetdicom's encoder and recorded bytes."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pynetdicom import pdu as peer_pdu
from pynetdicom.pdu_primitives import (
    A_ASSOCIATE,
    AsynchronousOperationsWindowNegotiation,
    ImplementationClassUIDNotification,
    ImplementationVersionNameNotification,
    MaximumLengthNotification,
    SCP_SCU_RoleSelectionNegotiation,
    SOPClassExtendedNegotiation,
    UserIdentityNegotiation,
)
from pynetdicom.presentation import build_context

from netty.dicom.uids import EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN, VERIFICATION
from netty.ul import codec
from netty.ul.errors import PduError
from netty.ul.pdu import (
    Abort,
    AbortReason,
    AcceptedContext,
    AssociateAccept,
    AssociateReject,
    ContextResult,
    DataTransfer,
    PresentationDataValue,
    ProposedContext,
    RejectedContext,
    ReleaseRequest,
    ReleaseResponse,
    RoleSelection,
    UserIdentity,
)
from support.wire import CT_IMAGE_STORAGE, associate_request, user_information


def body(pdu: bytes) -> memoryview:
    assert len(pdu) == 6 + int.from_bytes(pdu[2:6], "big")
    return memoryview(pdu)[6:]


def peer_request(negotiation: list[Any]) -> bytes:
    """A request with everything in it, as pynetdicom writes it."""
    length = MaximumLengthNotification()
    length.maximum_length_received = 16382
    implementation = ImplementationClassUIDNotification()
    implementation.implementation_class_uid = "1.2.826.0.1.3680043.9.3811.3.0.4"
    version = ImplementationVersionNameNotification()
    version.implementation_version_name = "PYNETDICOM_304"
    primitive = A_ASSOCIATE()
    primitive.application_context_name = "1.2.840.10008.3.1.1.1"
    primitive.calling_ae_title = "MODALITY"
    primitive.called_ae_title = "HAPPY_netty"
    context = build_context(CT_IMAGE_STORAGE, [IMPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_LITTLE_ENDIAN])
    context.context_id = 5
    primitive.presentation_context_definition_list = [context]
    primitive.user_information = [length, implementation, version, *negotiation]
    pdu = peer_pdu.A_ASSOCIATE_RQ()
    pdu.from_primitive(primitive)
    return pdu.encode()


def everything() -> list[Any]:
    window = AsynchronousOperationsWindowNegotiation()
    window.maximum_number_operations_invoked = 4
    window.maximum_number_operations_performed = 5
    role = SCP_SCU_RoleSelectionNegotiation()
    role.sop_class_uid = CT_IMAGE_STORAGE
    role.scu_role, role.scp_role = False, True
    extended = SOPClassExtendedNegotiation()
    extended.sop_class_uid = CT_IMAGE_STORAGE
    extended.service_class_application_information = b"\x02\x00"
    identity = UserIdentityNegotiation()
    identity.user_identity_type = 2
    identity.primary_field, identity.secondary_field = b"user", b"secret"
    identity.positive_response_requested = True
    return [window, role, extended, identity]


def test_a_request_of_pynetdicom_is_read_whole() -> None:
    request = codec.decode_associate_request(body(peer_request(everything())))

    assert (request.called_ae_title, request.calling_ae_title) == ("HAPPY_netty", "MODALITY")
    assert request.presentation_contexts == (
        ProposedContext(5, CT_IMAGE_STORAGE, (IMPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_LITTLE_ENDIAN)),
    )
    information = request.user_information
    assert information.maximum_length == 16382
    assert information.implementation_class_uid == "1.2.826.0.1.3680043.9.3811.3.0.4"
    assert information.implementation_version_name == "PYNETDICOM_304"
    assert information.asynchronous_operations == (4, 5)
    assert information.role_selections == (RoleSelection(CT_IMAGE_STORAGE, scu=False, scp=True),)
    assert information.extended_negotiations == ((CT_IMAGE_STORAGE, b"\x02\x00"),)
    assert information.user_identity == UserIdentity(2, True, b"user", b"secret")


def test_pynetdicom_reads_our_request() -> None:
    pdu = peer_pdu.A_ASSOCIATE_RQ()
    pdu.decode(codec.encode_associate_request(associate_request()))

    assert (pdu.called_ae_title, pdu.calling_ae_title) == ("HAPPY_netty", "CENTRAL_PACS")
    assert [(c.presentation_context_id, c.abstract_syntax) for c in pdu.presentation_context] == [
        (1, VERIFICATION),
        (3, CT_IMAGE_STORAGE),
    ]
    assert pdu.presentation_context[1].transfer_syntax == [IMPLICIT_VR_LITTLE_ENDIAN]
    assert pdu.user_information is not None
    assert pdu.user_information.maximum_length == 16384
    assert pdu.user_information.implementation_class_uid == "1.2.276.0.7230010.3.0.3.6.0"
    assert pdu.user_information.implementation_version_name == "OFFIS_DCMTK_360"
    assert pdu.user_information.async_ops_window is None  # statement 4.2.3


ACCEPT = AssociateAccept(
    (
        AcceptedContext(1, VERIFICATION, IMPLICIT_VR_LITTLE_ENDIAN),
        RejectedContext(3, CT_IMAGE_STORAGE, ContextResult.TRANSFER_SYNTAXES_NOT_SUPPORTED),
    ),
    user_information(),
)


def proposed() -> dict[int, ProposedContext]:
    return {context.context_id: context for context in associate_request().presentation_contexts}


def test_pynetdicom_reads_our_acceptance() -> None:
    pdu = peer_pdu.A_ASSOCIATE_AC()
    pdu.decode(codec.encode_associate_accept(ACCEPT))

    assert [(c.presentation_context_id, c.result) for c in pdu.presentation_context] == [(1, 0), (3, 4)]
    assert pdu.presentation_context[0].transfer_syntax == IMPLICIT_VR_LITTLE_ENDIAN


def test_an_acceptance_is_read_as_it_was_written() -> None:
    assert codec.decode_associate_accept(body(codec.encode_associate_accept(ACCEPT)), proposed()) == ACCEPT


def test_an_acceptance_sends_the_title_fields_back_as_they_came() -> None:
    wire = bytearray(codec.encode_associate_request(associate_request()))
    wire[10:74] = bytes(range(64))
    request = codec.decode_associate_request(body(bytes(wire)))

    accept = AssociateAccept((), user_information(), title_fields=request.title_fields)

    assert codec.encode_associate_accept(accept)[10:74] == bytes(range(64))


@pytest.mark.parametrize(
    "answer",
    [
        b"",  # none at all
        bytes.fromhex("21000008 01000000 40000000".replace(" ", "")),  # accepted without a transfer syntax
        bytes.fromhex("2100000d 01000000 40000005".replace(" ", "")) + b"1.2.3",  # one that was not proposed
        bytes.fromhex("21000008 01006300 40000000".replace(" ", "")),  # a result that nobody knows
    ],
)
def test_a_context_that_is_not_properly_accepted_is_rejected(answer: bytes) -> None:
    head = b"\x00\x01" + bytes(66)

    accept = codec.decode_associate_accept(memoryview(head + answer), proposed())

    assert accept.accepted_contexts == ()
    assert accept.presentation_contexts[0] == RejectedContext(1, VERIFICATION, ContextResult.NO_REASON)


def test_titles_are_trimmed_on_both_sides_and_keep_their_case() -> None:
    wire = codec.encode_associate_request(associate_request()).replace(b"HAPPY_netty     ", b"  HAPPY_netty \0 ")

    assert codec.decode_associate_request(body(wire)).called_ae_title == "HAPPY_netty"


def test_unknown_items_and_sub_items_are_passed_over() -> None:
    wire = codec.encode_associate_request(associate_request())
    unknown = b"\x60\x00\x00\x02??"
    information = codec.encode_user_information(user_information())
    extended = information + b"\x5f\x00\x00\x01!"
    changed = wire.replace(
        b"\x50\x00" + len(information).to_bytes(2, "big") + information,
        unknown + b"\x50\x00" + len(extended).to_bytes(2, "big") + extended,
    )

    assert codec.decode_associate_request(memoryview(changed)[6:]) == associate_request()


def test_what_is_missing_is_left_empty() -> None:
    request = codec.decode_associate_request(memoryview(b"\x00\x01" + bytes(66)))

    assert request.application_context_name == ""
    assert request.presentation_contexts == ()
    assert request.user_information.maximum_length == 16384


SHORT: list[tuple[Any, Callable[[Any], bytes], Callable[[memoryview], Any], str]] = [
    (AssociateReject(1, 1, 7), codec.encode_associate_reject, codec.decode_associate_reject, "030000000004 00010107"),
    (ReleaseRequest(), lambda _: codec.encode_release_request(), codec.decode_release_request, "050000000004 00000000"),
    (
        ReleaseResponse(),
        lambda _: codec.encode_release_response(),
        codec.decode_release_response,
        "060000000004 00000000",
    ),
    (Abort(2, 6), codec.encode_abort, codec.decode_abort, "070000000004 00000206"),
]


@pytest.mark.parametrize(("value", "encode", "decode", "wire"), SHORT)
def test_short_pdus_are_these_bytes(
    value: Any, encode: Callable[[Any], bytes], decode: Callable[[memoryview], Any], wire: str
) -> None:
    assert encode(value) == bytes.fromhex(wire)
    assert decode(memoryview(bytes.fromhex(wire))[6:]) == value


@pytest.mark.parametrize(("value", "encode", "decode", "wire"), SHORT)
@pytest.mark.parametrize("size", [0, 3, 5])
def test_short_pdus_of_another_length_are_malformed(
    value: Any, encode: Callable[[Any], bytes], decode: Callable[[memoryview], Any], wire: str, size: int
) -> None:
    with pytest.raises(PduError):
        decode(memoryview(bytes(size)))


def test_a_data_transfer_is_these_bytes() -> None:
    transfer = DataTransfer(
        (PresentationDataValue(1, True, True, b"abcd"), PresentationDataValue(3, False, False, b"")),
    )

    wire = codec.encode_data_transfer(transfer)

    assert wire == bytes.fromhex("040000000010 00000006 01 03 61626364 00000002 03 00")
    assert codec.decode_data_transfer(body(wire)) == transfer


def test_the_head_of_a_fragment_is_that_of_a_data_transfer() -> None:
    whole = codec.encode_data_transfer(DataTransfer((PresentationDataValue(3, False, True, b"abcd"),)))

    assert codec.encode_data_header(3, False, True, 4) + b"abcd" == whole


@pytest.mark.parametrize(
    "wire",
    ["", "00000001 01", "00000001 0100", "00000000 0100", "00000003 0100", "FFFFFFFF 0100", "00000002 0100 00"],
)
def test_a_pdv_that_does_not_fit_is_malformed(wire: str) -> None:
    with pytest.raises(PduError):
        codec.decode_data_transfer(memoryview(bytes.fromhex(wire)))


def item(kind: int, value: bytes, length: int | None = None) -> bytes:
    return bytes((kind, 0)) + (len(value) if length is None else length).to_bytes(2, "big") + value


@pytest.mark.parametrize(
    "variable",
    [
        item(0x10, b"1.2", 4),
        item(0x20, b"\x01\0\0"),
        item(0x20, b"\x02\0\0\0" + item(0x30, b"1.2") + item(0x40, b"1.2")),
        item(0x20, b"\x01\0\0\0" + item(0x30, b"1.2", 9)),
        item(0x20, b"\x01\0\0\0") * 2,
        item(0x50, item(0x51, b"\0\0\0")),
        item(0x50, item(0x53, b"\0\0\0")),
        item(0x50, item(0x54, b"\0\x031.2\0")),
        item(0x50, item(0x54, b"\0\x091.2")),
        item(0x50, item(0x56, b"\0")),
        item(0x50, item(0x58, b"\x02")),
        item(0x50, item(0x58, b"\x02\0\0\x09u")),
        item(0x50, b"\x51\0\0"),
        b"\x10",
    ],
)
def test_lengths_that_do_not_fit_are_malformed(variable: bytes) -> None:
    with pytest.raises(PduError) as caught:
        codec.decode_associate_request(memoryview(b"\x00\x01" + bytes(66) + variable))

    assert caught.value.abort == Abort(2, AbortReason.INVALID_PDU_PARAMETER_VALUE)


def test_the_number_of_contexts_is_limited() -> None:
    contexts = tuple(ProposedContext(2 * n + 1, VERIFICATION, ("1.2",)) for n in range(3))
    wire = body(codec.encode_associate_request(associate_request(contexts)))

    assert len(codec.decode_associate_request(wire, maximum_contexts=3).presentation_contexts) == 3
    with pytest.raises(PduError):
        codec.decode_associate_request(wire, maximum_contexts=2)


DECODERS: list[Callable[[memoryview], Any]] = [
    codec.decode_associate_request,
    lambda data: codec.decode_associate_accept(data, proposed()),
    codec.decode_associate_reject,
    codec.decode_data_transfer,
    codec.decode_release_request,
    codec.decode_release_response,
    codec.decode_abort,
    codec.decode_user_information,
]


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(DECODERS), st.binary(max_size=200))
def test_any_bytes_give_a_value_or_a_pdu_error(decode: Callable[[memoryview], Any], data: bytes) -> None:
    with suppress(PduError):
        decode(memoryview(data))


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_damaged_request_gives_a_value_or_a_pdu_error(data: st.DataObject) -> None:
    wire = bytearray(peer_request(everything())[6:])
    for _ in range(data.draw(st.integers(1, 4))):
        wire[data.draw(st.integers(0, len(wire) - 1))] = data.draw(st.integers(0, 255))
    end = data.draw(st.integers(0, len(wire)))

    with suppress(PduError):
        codec.decode_associate_request(memoryview(wire)[:end])
