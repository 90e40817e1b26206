"""Rejections and aborts in words, with what to do about them (PS3.8 Tables 9-21 and 9-26)."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from netty.ul.pdu import AbortReason, AbortSource, AssociateReject

# Table 9-21 fixes the reason for each source, but not which result goes with which reason; these are the pairs
# that other implementations send too.
NO_REASON_GIVEN: Final = AssociateReject(1, 1, 1)
APPLICATION_CONTEXT_NOT_SUPPORTED: Final = AssociateReject(1, 1, 2)
CALLING_AE_TITLE_NOT_RECOGNIZED: Final = AssociateReject(1, 1, 3)
CALLED_AE_TITLE_NOT_RECOGNIZED: Final = AssociateReject(1, 1, 7)
PROTOCOL_VERSION_NOT_SUPPORTED: Final = AssociateReject(1, 2, 2)
TEMPORARY_CONGESTION: Final = AssociateReject(2, 3, 1)
LOCAL_LIMIT_EXCEEDED: Final = AssociateReject(2, 3, 2)

_REJECTS: Mapping[tuple[int, int], str] = MappingProxyType(
    {
        (1, 1): "the peer gives no reason",
        (1, 2): "the peer does not support the application context; is there a DICOM service on that port?",
        (1, 3): "the peer does not know our AE title; have it registered there, with our address",
        (1, 7): "the peer does not go by that AE title; check the title of this remote",
        (2, 1): "the peer gives no reason",
        (2, 2): "the peer does not support the protocol version",
        (3, 1): "the peer is overloaded; try again later",
        (3, 2): "the peer has no room for another association; try again later",
    }
)

_ABORTS: Mapping[int, str] = MappingProxyType(
    {
        AbortReason.NOT_SPECIFIED: "no reason given",
        AbortReason.UNRECOGNIZED_PDU: "it did not recognise a PDU",
        AbortReason.UNEXPECTED_PDU: "it did not expect a PDU",
        AbortReason.UNRECOGNIZED_PDU_PARAMETER: "it did not recognise a PDU parameter",
        AbortReason.UNEXPECTED_PDU_PARAMETER: "it did not expect a PDU parameter",
        AbortReason.INVALID_PDU_PARAMETER_VALUE: "it found a PDU parameter invalid",
    }
)


def explain_reject(reject: AssociateReject) -> str:
    """The reason for a rejection, with advice."""
    return _REJECTS.get((reject.source, reject.reason), "the peer gives an unknown reason")


def explain_abort(source: int, reason: int) -> str:
    """The reason for an abort that a peer sent."""
    if source == AbortSource.SERVICE_USER:
        return "the peer's application aborted"
    return _ABORTS.get(reason, "the peer gives an unknown reason")
