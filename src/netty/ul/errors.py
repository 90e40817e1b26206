"""The errors of the upper layer: each knows the A-ABORT that answers it."""

from typing import Any

from netty.errors import PeerError
from netty.ul.pdu import Abort, AbortReason, AbortSource


class PduError(PeerError):
    """Bytes that PS3.8 does not allow. `abort` is the answer when an association stands (AA-8)."""

    def __init__(
        self,
        template: str,
        /,
        reason: AbortReason = AbortReason.INVALID_PDU_PARAMETER_VALUE,
        **values: Any,
    ) -> None:
        super().__init__(template, **values)
        self.abort = Abort(AbortSource.SERVICE_PROVIDER, reason)
