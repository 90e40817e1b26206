"""Storage as SCP: C-STORE streamed to whoever keeps it (PS3.4 Annex B, PS3.7 9.1.1, statement table 6)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from netty.dicom.stencil import Stencil, longest
from netty.dicom.uids import is_usable_uid
from netty.dimse.command import StoreRequest, StoreResponse
from netty.dimse.repeated import response_stencil
from netty.dimse.status import Refusal, Status, StoreStatus
from netty.network.service import AnyResponse, CallingAssociation, Express, Offer, Operation, Way
from netty.ul.pdu import AcceptedContext

_AFFECTED_SOP_CLASS_UID: Final = 0x00000002
_AFFECTED_SOP_INSTANCE_UID: Final = 0x00001000
_DATA_SET_TYPE: Final = 0x00000800


@dataclass(frozen=True, slots=True)
class StoreOutcome:
    """What to answer to a C-STORE: 0x0000 only when the instance is safe."""

    status: int = StoreStatus.SUCCESS
    error_comment: str = ""
    offending_element: int | None = None


class Reception(Protocol):
    """One instance that is coming in."""

    def write(self, parts: Sequence[memoryview], size: int) -> int:
        """The next `size` bytes of the data set, as one read brought them; they are valid only during the call.

        Returns how many are sure to follow, as far as is known. May raise `Refusal`: the rest is then dropped,
        `abandon` is called, and the refusal is the answer.
        """

    def finish_at_once(self) -> StoreOutcome | None:
        """The data set is complete: what to answer, where nothing is to be waited for. May raise `Refusal`."""

    async def finish(self) -> StoreOutcome:
        """The same, where `finish_at_once` gave None; other associations go on meanwhile. May raise `Refusal`."""
        ...

    def abandon(self) -> None:
        """The data set will not be completed. Must not raise. Not called once either of the two is."""

    def express(self, way: Way, answer: Stencil) -> Express | None:
        """What takes further instances like this one, which is answered; None where nothing can."""


class StoreHandler(Protocol):
    """Keeps what is stored here."""

    def begin(self, request: StoreRequest, association: CallingAssociation, context: AcceptedContext) -> Reception:
        """A C-STORE has come; its data set follows. May raise `Refusal`."""
        ...


@dataclass(frozen=True, slots=True)
class Statuses:
    """The statuses in which the statement departs from the standard."""

    sop_class_not_supported: int
    invalid_sop_instance: int
    stopping: int


STATUSES: Final[dict[str, Statuses]] = {  # by the setting receive.statuses
    "statement": Statuses(  # table 6, which knows neither 0122 nor 0117
        StoreStatus.STATEMENT_SOP_CLASS_NOT_SUPPORTED, StoreStatus.CANNOT_UNDERSTAND, StoreStatus.STATEMENT_STOPPING
    ),
    "standard": Statuses(
        StoreStatus.SOP_CLASS_NOT_SUPPORTED, Status.INVALID_SOP_INSTANCE, StoreStatus.OUT_OF_RESOURCES
    ),
}


class StorageScp:
    """Checks what can be told from the command alone, and hands the data set on."""

    def __init__(
        self, handler: StoreHandler, sop_classes: Collection[str], statuses: Statuses = STATUSES["statement"]
    ) -> None:
        self._handler = handler
        self._sop_classes = frozenset(sop_classes)
        self._statuses = statuses

    def begin(self, operation: Operation) -> "_Storing":
        """A request in the context of a storage class."""
        request, context = operation.request, operation.context
        if not isinstance(request, StoreRequest):
            raise Refusal(Status.UNRECOGNIZED_OPERATION, "Only C-STORE is served in this presentation context.")
        self._check(request, context)
        storing = _Storing(request, self._handler.begin(request, operation.association, context))
        operation.express = storing.express
        return storing

    def _check(self, request: StoreRequest, context: AcceptedContext) -> None:
        sop_class_uid = request.affected_sop_class_uid
        if sop_class_uid not in self._sop_classes:
            raise Refusal(
                self._statuses.sop_class_not_supported,
                "This SOP class is not supported.",
                offending_element=_AFFECTED_SOP_CLASS_UID,
            )
        if sop_class_uid != context.abstract_syntax:
            raise Refusal(
                self._statuses.sop_class_not_supported,
                "The SOP class is not that of the presentation context.",
                offending_element=_AFFECTED_SOP_CLASS_UID,
            )
        if not is_usable_uid(request.affected_sop_instance_uid):
            raise Refusal(
                self._statuses.invalid_sop_instance,
                "The Affected SOP Instance UID is not valid.",
                offending_element=_AFFECTED_SOP_INSTANCE_UID,
            )
        if not request.has_data_set:
            raise Refusal(StoreStatus.CANNOT_UNDERSTAND, "There is no data set.", offending_element=_DATA_SET_TYPE)


class _Storing:
    """A C-STORE under way."""

    __slots__ = ("_outcome", "_reception", "_request", "abandon", "write")

    def __init__(self, request: StoreRequest, reception: Reception) -> None:
        self._request = request
        self._reception = reception
        self._outcome: StoreOutcome | None = None
        self.write = reception.write  # no call in between: this is the hot path
        self.abandon = reception.abandon

    def finish_at_once(self) -> AnyResponse | None:
        """The handler's outcome as C-STORE-RSP, where it is there."""
        outcome = self._reception.finish_at_once()
        return None if outcome is None else self._response(outcome)

    async def finish(self) -> AnyResponse:
        """The handler's outcome as C-STORE-RSP."""
        return self._response(await self._reception.finish())

    def express(self, way: Way) -> Express | None:
        """For further instances like this one, with the same answer."""
        if self._outcome is None:
            return None
        answer = response_stencil(self._response(self._outcome), way.context_id)
        if answer is None or longest(answer) > way.longest_answer:
            return None
        return self._reception.express(way, answer)

    def _response(self, outcome: StoreOutcome) -> StoreResponse:
        self._outcome = outcome
        return StoreResponse(
            message_id_being_responded_to=self._request.message_id,
            status=outcome.status,
            affected_sop_class_uid=self._request.affected_sop_class_uid,
            affected_sop_instance_uid=self._request.affected_sop_instance_uid,
            error_comment=outcome.error_comment or None,
            offending_element=() if outcome.offending_element is None else (outcome.offending_element,),
        )


def storage_offers(
    handler: StoreHandler,
    sop_classes: Collection[str],
    transfer_syntaxes: tuple[str, ...],
    statuses: Statuses = STATUSES["statement"],
) -> dict[str, Offer]:
    """Storage of each class by abstract syntax, to be offered by an acceptor (statement table 5)."""
    scp = StorageScp(handler, sop_classes, statuses)
    return {sop_class_uid: Offer(scp, transfer_syntaxes) for sop_class_uid in sop_classes}
