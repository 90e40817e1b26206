"""Verification as SCP: C-ECHO (PS3.4 Annex A, statement table 2)."""

from collections.abc import Sequence

from netty.dicom.uids import IMPLICIT_VR_LITTLE_ENDIAN, VERIFICATION
from netty.dimse.command import EchoRequest, respond
from netty.dimse.status import Refusal, Status
from netty.network.service import AnyResponse, Offer, Operation


class VerificationScp:
    """Answers C-ECHO."""

    def begin(self, operation: Operation) -> "_Echo":
        """A request in the Verification context."""
        if not isinstance(operation.request, EchoRequest):
            raise Refusal(Status.UNRECOGNIZED_OPERATION, "Only C-ECHO is served in this presentation context.")
        return _Echo(operation.request)


class _Echo:
    __slots__ = ("_request",)

    def __init__(self, request: EchoRequest) -> None:
        self._request = request

    def write(self, parts: Sequence[memoryview], size: int) -> int:
        """C-ECHO has no data set; one that comes all the same is passed over."""
        return 0

    def finish_at_once(self) -> AnyResponse:
        """Success."""
        return respond(self._request)

    async def finish(self) -> AnyResponse:
        """Success."""
        return respond(self._request)

    def abandon(self) -> None:
        """Nothing to do."""


def verification_offer(transfer_syntaxes: tuple[str, ...] = (IMPLICIT_VR_LITTLE_ENDIAN,)) -> dict[str, Offer]:
    """Verification by abstract syntax, to be offered by an acceptor."""
    return {VERIFICATION: Offer(VerificationScp(), transfer_syntaxes)}
