"""What the first 6 bytes of a PDU decide (PS3.8 section 9.3.1), before anything is kept for its body."""

from collections.abc import Callable, Mapping
from typing import Final

from netty.ul import codec
from netty.ul.errors import PduError
from netty.ul.limits import Limits
from netty.ul.pdu import Abort, AbortReason, AssociateReject, PduType, ReleaseRequest, ReleaseResponse
from netty.ul.states import TRANSITIONS, Action, State, Trigger

RECEIVED: Final[Mapping[int, Trigger]] = {
    PduType.ASSOCIATE_RQ: Trigger.ASSOCIATE_RQ_RECEIVED,
    PduType.ASSOCIATE_AC: Trigger.ASSOCIATE_AC_RECEIVED,
    PduType.ASSOCIATE_RJ: Trigger.ASSOCIATE_RJ_RECEIVED,
    PduType.DATA_TF: Trigger.DATA_TF_RECEIVED,
    PduType.RELEASE_RQ: Trigger.RELEASE_RQ_RECEIVED,
    PduType.RELEASE_RP: Trigger.RELEASE_RP_RECEIVED,
    PduType.ABORT: Trigger.ABORT_RECEIVED,
}

SHORT_DECODERS: Final[
    Mapping[int, Callable[[memoryview], AssociateReject | ReleaseRequest | ReleaseResponse | Abort]]
] = {
    PduType.ASSOCIATE_RJ: codec.decode_associate_reject,
    PduType.RELEASE_RQ: codec.decode_release_request,
    PduType.RELEASE_RP: codec.decode_release_response,
    PduType.ABORT: codec.decode_abort,
}

_UNEXPECTED: Final = frozenset(  # a PDU that leads to AA-1, AA-7 or AA-8 is not even waited for
    key
    for key, step in TRANSITIONS.items()
    if key[0] in RECEIVED.values() and (Action.SEND_PROVIDER_ABORT in step.actions or Action.SEND_ABORT in step.actions)
)


_DATA_TF: Final = int(PduType.DATA_TF)
_PDV_HEADER: Final = codec.PDV_HEADER.size


def check_header(pdu_type: int, length: int, state: State, limits: Limits) -> None:
    """Refuse what is unknown, not expected in this state, or too long."""
    if pdu_type == _DATA_TF and state is State.ESTABLISHED and _PDV_HEADER <= length <= limits.maximum_length:
        return  # what nearly all are
    trigger = RECEIVED.get(pdu_type)
    if trigger is None:
        raise codec.unrecognized(pdu_type)
    if (trigger, state) in _UNEXPECTED:
        raise PduError(
            "The peer sent a PDU (type {pdu_type:02X}H) that is not expected now.",
            reason=AbortReason.UNEXPECTED_PDU,
            pdu_type=pdu_type,
        )
    lowest, highest = _bounds(pdu_type, limits)
    if not lowest <= length <= highest:
        raise PduError(
            "The peer sent a PDU (type {pdu_type:02X}H) of {length} bytes; {lowest} to {highest} are allowed.",
            pdu_type=pdu_type,
            length=length,
            lowest=lowest,
            highest=highest,
        )


def _bounds(pdu_type: int, limits: Limits) -> tuple[int, int]:
    """The shortest and the longest length field of a PDU of this type."""
    if pdu_type == PduType.DATA_TF:
        return codec.PDV_HEADER.size, limits.maximum_length
    if pdu_type in (PduType.ASSOCIATE_RQ, PduType.ASSOCIATE_AC):
        return codec.ASSOCIATE_HEADER.size, limits.associate_length
    return 4, 4
