"""Retrieval as SCP: C-MOVE with sub-operations to a known destination (PS3.4 C.4.2, PS3.7 9.1.4)."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Final

from netty.dicom import tags
from netty.dicom.elements import encode_identifier, text_value, text_values
from netty.dimse.command import MoveRequest, MoveResponse
from netty.dimse.status import Category, MoveStatus, Refusal, Status
from netty.model.remote import Remote
from netty.network.service import AnyResponse, Operation
from netty.network.settings import AeSettings
from netty.simulator.find_scp import Identifier, IdentifierSink, level_of
from netty.simulator.index import Index, StoredInstance, matching
from netty.simulator.quirks import Quirk
from netty.simulator.sender import Originator, Parcel, Pause, Sent, send

WRONG_PATIENT_ID: Final = "NOBODY-0000"
_MOST: Final = 65535  # the counters are US


@dataclass(frozen=True, slots=True)
class Store:
    """What a C-MOVE needs of its hospital."""

    ae: AeSettings
    index: Callable[[], Index]
    destination: Callable[[str], Remote | None]
    quirks: frozenset[Quirk]
    pause: Pause
    later: Callable[[Coroutine[Any, Any, None]], None]
    """Runs something beside, to be ended with the hospital."""

    closing: asyncio.Event


@dataclass(slots=True)
class _Count:
    remaining: int
    completed: int = 0
    failed: int = 0
    warning: int = 0

    def add(self, result: Category) -> None:
        self.remaining -= 1
        if result is Category.SUCCESS:
            self.completed += 1
        elif result is Category.WARNING:
            self.warning += 1
        else:
            self.failed += 1


class MoveScp:
    """Sends what it is asked for."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def begin(self, operation: Operation) -> "_Moving":
        """A request in the context of Study Root MOVE."""
        if not isinstance(operation.request, MoveRequest):
            raise Refusal(Status.UNRECOGNIZED_OPERATION, "Only C-MOVE is served in this presentation context.")
        return _Moving(self._store, operation, operation.request)


def chosen(identifier: Identifier, index: Index) -> list[StoredInstance]:
    """The instances that an identifier names: one UID at each level above, one or more at its own."""
    level = level_of(identifier)
    uids = frozenset(text_values(identifier.get(level.unique)))
    if not uids:
        raise Refusal(MoveStatus.IDENTIFIER_DOES_NOT_MATCH, "There is no UID to move.", offending_element=level.unique)
    instances = matching(index.instances, level.unique, uids)
    for tag in level.above:
        instances = matching(instances, tag, frozenset({text_value(identifier[tag])}))
    return instances


class _Moving(IdentifierSink):
    def __init__(self, store: Store, operation: Operation, request: MoveRequest) -> None:
        super().__init__()
        self._store = store
        self._operation = operation
        self._request = request

    def finish_at_once(self) -> None:
        """It takes its time."""

    async def finish(self) -> AnyResponse | None:
        """Pending responses with counters, then the final one."""
        store, quirks = self._store, self._store.quirks
        destination = store.destination(self._request.move_destination)
        if destination is None:
            raise Refusal(MoveStatus.DESTINATION_UNKNOWN, "The move destination is not known here.")
        parcels = self._parcels(chosen(self.identifier(), store.index()))
        if Quirk.SUCCESS_WITHOUT_IMAGES in quirks or not parcels:
            return self._response(MoveStatus.SUCCESS, _Count(0, completed=len(parcels)))
        if Quirk.LATE_STORES in quirks:
            store.later(_exhaust(self._send(destination, parcels, store.closing)))
            return self._response(MoveStatus.SUCCESS, _Count(0, completed=len(parcels)))
        await self._follow(self._send(destination, parcels, self._operation.cancelled), len(parcels))
        return None

    def _parcels(self, instances: Sequence[StoredInstance]) -> list[Parcel]:
        parcels = [Parcel(instance) for instance in instances]
        if parcels and Quirk.WRONG_PATIENT in self._store.quirks:
            parcels[0] = Parcel(instances[0], patient_id=WRONG_PATIENT_ID)
        if parcels and Quirk.DROP_ONE in self._store.quirks:
            parcels[-1] = Parcel(instances[-1], lost=True)
        return parcels

    def _send(self, destination: Remote, parcels: Sequence[Parcel], stop: asyncio.Event) -> AsyncGenerator[Sent, None]:
        originator = Originator(self._operation.association.calling_ae_title, self._request.message_id)
        if Quirk.NO_ORIGINATOR in self._store.quirks:
            originator = Originator()
        return send(destination, self._store.ae, parcels, originator, stop, self._store.pause)

    async def _follow(self, sending: AsyncGenerator[Sent, None], total: int) -> None:
        """Tell the counters after every sub-operation, and in the end what failed (PS3.4 C.4.2.2.1)."""
        count = _Count(total)
        failed: list[str] = []
        await self._pending(count)
        async for sent in sending:
            count.add(sent.category)
            if sent.category is Category.FAILURE:
                failed.append(sent.instance.sop_instance_uid)
            await self._pending(count)
        if count.remaining:
            status = MoveStatus.CANCEL
        elif count.failed == total:
            status = MoveStatus.CANNOT_PERFORM_SUBOPERATIONS
        elif count.failed or count.warning:
            status = MoveStatus.SUBOPERATIONS_COMPLETE_WITH_FAILURES
        else:
            status = MoveStatus.SUCCESS
        uids = encode_identifier({tags.FAILED_SOP_INSTANCE_UID_LIST: "\\".join(failed)}) if failed else b""
        await self._operation.respond(self._response(status, count, has_data_set=bool(failed)), uids)

    async def _pending(self, count: _Count) -> None:
        if count.remaining and Quirk.NO_PENDING not in self._store.quirks:
            await self._operation.respond(self._response(MoveStatus.PENDING, count))

    def _response(self, status: int, count: _Count, has_data_set: bool = False) -> MoveResponse:
        with_remaining = status in (MoveStatus.PENDING, MoveStatus.CANCEL)  # PS3.7 Table 9.1-4
        return MoveResponse(
            message_id_being_responded_to=self._request.message_id,
            affected_sop_class_uid=self._request.affected_sop_class_uid,
            status=status,
            number_of_remaining_suboperations=min(count.remaining, _MOST) if with_remaining else None,
            number_of_completed_suboperations=min(count.completed, _MOST),
            number_of_failed_suboperations=min(count.failed, _MOST),
            number_of_warning_suboperations=min(count.warning, _MOST),
            has_data_set=has_data_set,
        )


async def _exhaust(sending: AsyncGenerator[Sent, None]) -> None:
    async for _ in sending:
        pass
