"""PDU values to bytes and back (PS3.8 section 9.3, Annex D; PS3.7 section D.3.3): one function for each PDU.

Decoders take the body, without the header of 6 bytes. They check every length against its enclosing one; unknown items
and sub-items are passed over (PS3.8 section D.2 note 2). Whatever else does not fit raises PduError.
"""

import struct
from collections.abc import Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from netty.ul.errors import PduError
from netty.ul.pdu import (
    Abort,
    AbortReason,
    AcceptedContext,
    AssociateAccept,
    AssociateReject,
    AssociateRequest,
    ContextResult,
    DataTransfer,
    PduType,
    PresentationDataValue,
    ProposedContext,
    RejectedContext,
    ReleaseRequest,
    ReleaseResponse,
    RoleSelection,
    UserIdentity,
    UserInformation,
)

HEADER: Final = struct.Struct(">BxL")  # type, reserved, length (PS3.8 section 9.3.1)
PDV_HEADER: Final = struct.Struct(">LBB")  # length, context id, message control header
DATA_HEADER: Final = struct.Struct(">BxLLBB")  # a P-DATA-TF of one PDV, up to the fragment
LENGTH_FIELD: Final = 4  # of a PDV: what the length of a PDU counts besides that of its PDV
PDV_OVERHEAD: Final = 2  # what the PDV length counts besides the fragment
IS_COMMAND: Final = 0x01  # message control header (PS3.8 Annex E.2)
IS_LAST: Final = 0x02

ASSOCIATE_HEADER: Final = struct.Struct(">HH16s16s32s")
_ITEM: Final = struct.Struct(">BxH")
_APPLICATION_CONTEXT, _PROPOSED, _ANSWERED, _ABSTRACT_SYNTAX, _TRANSFER_SYNTAX, _USER_INFORMATION = (
    0x10,
    0x20,
    0x21,
    0x30,
    0x40,
    0x50,
)
_MAXIMUM_LENGTH, _CLASS_UID, _ASYNCHRONOUS, _ROLE, _VERSION_NAME = 0x51, 0x52, 0x53, 0x54, 0x55
_EXTENDED, _COMMON_EXTENDED, _IDENTITY = 0x56, 0x57, 0x58


# --- bytes to values ---------------------------------------------------------------------------------------------


def _items(body: memoryview) -> Iterator[tuple[int, memoryview]]:
    """The items of a variable field; an item may not end behind the field (PS3.8 section 9.3.1)."""
    position, end = 0, len(body)
    while position < end:
        if end - position < _ITEM.size:
            raise PduError("The peer sent a malformed PDU: bytes are left behind the last item.")
        item_type, length = _ITEM.unpack_from(body, position)
        position += _ITEM.size
        if length > end - position:
            raise PduError("The peer sent a malformed PDU: item {item:02X}H ends behind it.", item=item_type)
        yield item_type, body[position : position + length]
        position += length


def _uid(value: memoryview) -> str:
    """A UID as it stands. Padding is not allowed here (PS3.8 Annex F), but sent by some."""
    return str(value, "latin-1").rstrip("\0 ")


def _title(value: bytes) -> str:
    """An AE title without padding: spaces on either side are not significant (PS3.5 Table 6.2-1)."""
    return value.decode("latin-1").strip(" \0")


def _context_id(item: memoryview) -> int:
    if len(item) < 4:
        raise PduError("The peer sent a malformed PDU: a presentation context item is too short.")
    context_id = item[0]
    if not context_id & 1:  # odd integers between 1 and 255 (PS3.8 section 9.3.2.2)
        raise PduError("The peer sent a malformed PDU: presentation context id {id} is not odd.", id=context_id)
    return context_id


def _proposed(item: memoryview) -> ProposedContext:
    context_id, abstract_syntax, transfer_syntaxes = _context_id(item), "", []
    for item_type, value in _items(item[4:]):
        if item_type == _ABSTRACT_SYNTAX:
            abstract_syntax = _uid(value)
        elif item_type == _TRANSFER_SYNTAX:
            transfer_syntaxes.append(_uid(value))
    return ProposedContext(context_id, abstract_syntax, tuple(transfer_syntaxes))


def decode_associate_request(body: memoryview, maximum_contexts: int = 128) -> AssociateRequest:
    """A-ASSOCIATE-RQ (PS3.8 section 9.3.2). A missing item is left empty: negotiation has an answer to it."""
    version, called, calling, title_fields, variable = _associate_header(body)
    application_context, user_information = "", UserInformation()
    contexts: dict[int, ProposedContext] = {}
    for item_type, item in _items(variable):
        if item_type == _PROPOSED:
            context = _proposed(item)
            if context.context_id in contexts:
                raise PduError(
                    "The peer sent a malformed PDU: presentation context {id} stands twice.", id=context.context_id
                )
            if len(contexts) >= maximum_contexts:
                raise PduError("The peer sent a malformed PDU: there are too many presentation contexts.")
            contexts[context.context_id] = context
        elif item_type == _APPLICATION_CONTEXT:
            application_context = _uid(item)
        elif item_type == _USER_INFORMATION:
            user_information = decode_user_information(item)
    return AssociateRequest(
        called_ae_title=called,
        calling_ae_title=calling,
        presentation_contexts=tuple(contexts.values()),
        user_information=user_information,
        application_context_name=application_context,
        protocol_version=version,
        title_fields=title_fields,
    )


def decode_associate_accept(
    body: memoryview, proposed: Mapping[int, ProposedContext] = MappingProxyType({})
) -> AssociateAccept:
    """A-ASSOCIATE-AC (PS3.8 section 9.3.3), read against what was `proposed`.

    A proposal without an answer, or accepted with a transfer syntax that we did not propose, counts as rejected.
    """
    version, _, _, title_fields, variable = _associate_header(body)
    application_context, user_information = "", UserInformation()
    answers: dict[int, tuple[int, str]] = {}
    for item_type, item in _items(variable):
        if item_type == _ANSWERED:
            context_id = _context_id(item)
            syntaxes = [_uid(value) for kind, value in _items(item[4:]) if kind == _TRANSFER_SYNTAX]
            answers.setdefault(context_id, (item[2], syntaxes[0] if syntaxes else ""))
        elif item_type == _APPLICATION_CONTEXT:
            application_context = _uid(item)  # not tested (PS3.8 section 9.3.3.1)
        elif item_type == _USER_INFORMATION:
            user_information = decode_user_information(item)
    return AssociateAccept(
        presentation_contexts=tuple(_answered(context, answers) for context in proposed.values()),
        user_information=user_information,
        application_context_name=application_context,
        protocol_version=version,
        title_fields=title_fields,
    )


def _answered(proposed: ProposedContext, answers: Mapping[int, tuple[int, str]]) -> AcceptedContext | RejectedContext:
    result, transfer_syntax = answers.get(proposed.context_id, (ContextResult.NO_REASON, ""))
    if result == ContextResult.ACCEPTANCE and transfer_syntax in proposed.transfer_syntaxes:
        return AcceptedContext(proposed.context_id, proposed.abstract_syntax, transfer_syntax)
    try:
        reason = ContextResult(result or ContextResult.NO_REASON)
    except ValueError:
        reason = ContextResult.NO_REASON
    return RejectedContext(proposed.context_id, proposed.abstract_syntax, reason)


def _associate_header(body: memoryview) -> tuple[int, str, str, bytes, memoryview]:
    if len(body) < ASSOCIATE_HEADER.size:
        raise PduError("The peer sent a malformed PDU: an A-ASSOCIATE PDU is too short.")
    version, _, called, calling, _ = ASSOCIATE_HEADER.unpack_from(body)
    size = ASSOCIATE_HEADER.size
    return version, _title(called), _title(calling), bytes(body[4:size]), body[size:]


def decode_user_information(item: memoryview) -> UserInformation:
    """User information, item 50H (PS3.8 Annex D, PS3.7 section D.3.3)."""
    fields: dict[int, memoryview] = {}
    roles: list[RoleSelection] = []
    extended: list[tuple[str, bytes]] = []
    for item_type, value in _items(item):
        if item_type == _ROLE:
            uid, rest = _prefixed(value)
            if len(rest) < 2:
                raise PduError("The peer sent a malformed PDU: a role selection is too short.")
            roles.append(RoleSelection(_uid(uid), rest[0] == 1, rest[1] == 1))
        elif item_type in (_EXTENDED, _COMMON_EXTENDED):
            uid, rest = _prefixed(value)
            extended.append((_uid(uid), bytes(rest)))
        else:
            fields[item_type] = value
    if _MAXIMUM_LENGTH in fields and len(fields[_MAXIMUM_LENGTH]) != 4:
        raise PduError("The peer sent a malformed PDU: the maximum length is not 4 bytes long.")
    defaults = UserInformation()
    return UserInformation(
        maximum_length=int.from_bytes(fields[_MAXIMUM_LENGTH], "big")
        if _MAXIMUM_LENGTH in fields
        else defaults.maximum_length,
        implementation_class_uid=_uid(fields.get(_CLASS_UID, memoryview(b""))),
        implementation_version_name=_title(bytes(fields.get(_VERSION_NAME, b""))),
        asynchronous_operations=_asynchronous(fields.get(_ASYNCHRONOUS)),
        role_selections=tuple(roles),
        extended_negotiations=tuple(extended),
        user_identity=_identity(fields.get(_IDENTITY)),
    )


def _prefixed(value: memoryview) -> tuple[memoryview, memoryview]:
    """A field with its length of 2 bytes in front, and the rest."""
    if len(value) < 2:
        raise PduError("The peer sent a malformed PDU: a sub-item is too short.")
    end = 2 + int.from_bytes(value[:2], "big")
    if end > len(value):
        raise PduError("The peer sent a malformed PDU: a field ends behind its sub-item.")
    return value[2:end], value[end:]


def _asynchronous(value: memoryview | None) -> tuple[int, int] | None:
    if value is None:
        return None
    if len(value) != 4:
        raise PduError("The peer sent a malformed PDU: the asynchronous operations window is not 4 bytes long.")
    return int.from_bytes(value[:2], "big"), int.from_bytes(value[2:], "big")


def _identity(value: memoryview | None) -> UserIdentity | None:
    if value is None:
        return None
    if len(value) < 2:
        raise PduError("The peer sent a malformed PDU: a user identity is too short.")
    primary, rest = _prefixed(value[2:])
    secondary, _ = _prefixed(rest)
    return UserIdentity(value[0], value[1] == 1, bytes(primary), bytes(secondary))


def _four_bytes(body: memoryview) -> memoryview:
    if len(body) != 4:
        raise PduError("The peer sent a malformed PDU: its length is not 4.")
    return body


def decode_associate_reject(body: memoryview) -> AssociateReject:
    """A-ASSOCIATE-RJ (PS3.8 section 9.3.4)."""
    _, result, source, reason = _four_bytes(body)
    return AssociateReject(result, source, reason)


def decode_release_request(body: memoryview) -> ReleaseRequest:
    """A-RELEASE-RQ (PS3.8 section 9.3.6)."""
    _four_bytes(body)
    return ReleaseRequest()


def decode_release_response(body: memoryview) -> ReleaseResponse:
    """A-RELEASE-RP (PS3.8 section 9.3.7)."""
    _four_bytes(body)
    return ReleaseResponse()


def decode_abort(body: memoryview) -> Abort:
    """A-ABORT (PS3.8 section 9.3.8)."""
    _, _, source, reason = _four_bytes(body)
    return Abort(source, reason)


def decode_pdv(view: memoryview, position: int, end: int) -> tuple[int, int, int, int]:
    """The PDV at `position` of a P-DATA-TF that ends at `end`: context id, control, start and end of its fragment."""
    if end - position < PDV_HEADER.size:
        raise PduError("The peer sent a malformed PDU: bytes are left behind the last PDV.")
    length, context_id, control = PDV_HEADER.unpack_from(view, position)
    start = position + PDV_HEADER.size
    stop = start - PDV_OVERHEAD + length
    if length < PDV_OVERHEAD or stop > end:
        raise PduError("The peer sent a malformed PDU: a PDV length does not fit its PDU.")
    return context_id, control, start, stop


def decode_data_transfer(body: memoryview) -> DataTransfer:
    """P-DATA-TF (PS3.8 section 9.3.5), one or more PDV items."""
    items: list[PresentationDataValue] = []
    position = 0
    while position < len(body) or not items:
        context_id, control, start, position = decode_pdv(body, position, len(body))
        is_command, is_last = bool(control & IS_COMMAND), bool(control & IS_LAST)
        items.append(PresentationDataValue(context_id, is_command, is_last, body[start:position]))
    return DataTransfer(tuple(items))


def unrecognized(pdu_type: int) -> PduError:
    """The error for a PDU type that PS3.8 does not know."""
    return PduError(
        "The peer sent a PDU of unknown type {pdu_type:02X}H.",
        reason=AbortReason.UNRECOGNIZED_PDU,
        pdu_type=pdu_type,
    )


# --- values to bytes ---------------------------------------------------------------------------------------------


def _pdu(pdu_type: PduType, body: bytes) -> bytes:
    return HEADER.pack(pdu_type, len(body)) + body


def _item(item_type: int, value: bytes) -> bytes:
    return _ITEM.pack(item_type, len(value)) + value


def _uid_item(item_type: int, uid: str) -> bytes:
    return _item(item_type, uid.encode("latin-1", "replace"))  # not padded (PS3.8 Annex F)


def encode_title(ae_title: str) -> bytes:
    """An AE title as 16 bytes (PS3.8 Table 9-11)."""
    return ae_title.encode("ascii", "replace")[:16].ljust(16)


@lru_cache(maxsize=32)
def encode_associate_request(request: AssociateRequest) -> bytes:
    """A-ASSOCIATE-RQ (PS3.8 section 9.3.2). A remote is asked for each of many associations with the same one."""
    titles = encode_title(request.called_ae_title) + encode_title(request.calling_ae_title)
    contexts = b"".join(
        _item(
            _PROPOSED,
            bytes((context.context_id, 0, 0, 0))
            + _uid_item(_ABSTRACT_SYNTAX, context.abstract_syntax)
            + b"".join(_uid_item(_TRANSFER_SYNTAX, uid) for uid in context.transfer_syntaxes),
        )
        for context in request.presentation_contexts
    )
    return _associate(PduType.ASSOCIATE_RQ, request, titles + bytes(32), contexts)


def encode_associate_accept(accept: AssociateAccept) -> bytes:
    """A-ASSOCIATE-AC (PS3.8 section 9.3.3). A rejected context carries a transfer syntax that means nothing."""
    contexts = b"".join(
        _item(
            _ANSWERED,
            bytes((context.context_id, 0, ContextResult.ACCEPTANCE, 0))
            + _uid_item(_TRANSFER_SYNTAX, context.transfer_syntax)
            if isinstance(context, AcceptedContext)
            else bytes((context.context_id, 0, context.result, 0)) + _item(_TRANSFER_SYNTAX, b""),
        )
        for context in accept.presentation_contexts
    )
    return _associate(PduType.ASSOCIATE_AC, accept, accept.title_fields or bytes(64), contexts)


def _associate(pdu_type: PduType, value: AssociateRequest | AssociateAccept, titles: bytes, contexts: bytes) -> bytes:
    return _pdu(
        pdu_type,
        value.protocol_version.to_bytes(2, "big")
        + bytes(2)
        + titles
        + _uid_item(_APPLICATION_CONTEXT, value.application_context_name)
        + contexts
        + _item(_USER_INFORMATION, encode_user_information(value.user_information)),
    )


def encode_user_information(information: UserInformation) -> bytes:
    """The sub-items that we send: 51H, 52H, 55H. Never 53H (statement 4.2.3), and no other roles than the default."""
    version_name = information.implementation_version_name.encode("ascii", "replace")[:16]
    return (
        _item(_MAXIMUM_LENGTH, information.maximum_length.to_bytes(4, "big"))
        + _uid_item(_CLASS_UID, information.implementation_class_uid)
        + (_item(_VERSION_NAME, version_name) if version_name else b"")
    )


def encode_associate_reject(reject: AssociateReject) -> bytes:
    """A-ASSOCIATE-RJ (PS3.8 section 9.3.4)."""
    return _pdu(PduType.ASSOCIATE_RJ, bytes((0, reject.result, reject.source, reject.reason)))


def encode_release_request() -> bytes:
    """A-RELEASE-RQ (PS3.8 section 9.3.6)."""
    return _pdu(PduType.RELEASE_RQ, bytes(4))


def encode_release_response() -> bytes:
    """A-RELEASE-RP (PS3.8 section 9.3.7)."""
    return _pdu(PduType.RELEASE_RP, bytes(4))


def encode_abort(abort: Abort) -> bytes:
    """A-ABORT (PS3.8 section 9.3.8)."""
    return _pdu(PduType.ABORT, bytes((0, 0, abort.source, abort.reason)))


def encode_data_header(context_id: int, is_command: bool, is_last: bool, size: int) -> bytes:
    """The head of a P-DATA-TF that carries one PDV with a fragment of `size` bytes; the fragment follows as it is."""
    control = (IS_COMMAND if is_command else 0) | (IS_LAST if is_last else 0)
    return DATA_HEADER.pack(PduType.DATA_TF, size + 6, size + PDV_OVERHEAD, context_id, control)


def encode_data_transfer(transfer: DataTransfer) -> bytes:
    """P-DATA-TF (PS3.8 section 9.3.5)."""
    return _pdu(
        PduType.DATA_TF,
        b"".join(
            PDV_HEADER.pack(
                len(item.data) + PDV_OVERHEAD,
                item.context_id,
                (IS_COMMAND if item.is_command else 0) | (IS_LAST if item.is_last else 0),
            )
            + item.data
            for item in transfer.items
        ),
    )
