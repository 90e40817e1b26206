"""Retrieval as SCU: C-MOVE of one study to ourselves (PS3.4 C.4.2, statement 4.2.6)."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from netty.dicom import tags
from netty.dicom.elements import decode_identifier, encode_identifier, text_values
from netty.dicom.uids import STUDY_ROOT_MOVE
from netty.dimse.command import CancelRequest, Message, MoveRequest, MoveResponse
from netty.dimse.status import Category, Status, category
from netty.errors import PeerError
from netty.model.remote import Remote, RestartsOn
from netty.model.repair import WHOLE_STUDY, MoveScope
from netty.network.errors import AssociationAborted, DimseFailure, move_failure
from netty.network.query_scu import usable_uid
from netty.network.requestor import RequestedAssociation, associate, one_context
from netty.network.settings import AeSettings, Timers

_MANY_REMAINING: Final = 10  # sub-operations; with fewer the end is near
_REST_SECONDS: Final = 0.02  # between two looks at what a remote has counted meanwhile
CANCEL_SECONDS: Final = 5.0  # for the answer to C-CANCEL; many PACS ignore it (pynetdicom issue 553)


@dataclass(frozen=True, slots=True)
class MoveOutcome:
    """The final response of a C-MOVE: what the remote says it did. Evidence, never the verdict.

    Attributes:
        remaining, completed, failed, warning: sub-operations as last counted; None where the remote does not count.
        failed_instances: the Failed SOP Instance UID List (0008,0058), where it gave one.
        failure: the error in words, where the status is a failure.
    """

    status: int
    remaining: int | None = None
    completed: int | None = None
    failed: int | None = None
    warning: int | None = None
    failed_instances: tuple[str, ...] = ()
    comment: str = ""
    failure: DimseFailure | None = field(default=None, compare=False)


def _ignore(response: MoveResponse) -> None:
    """Nobody follows."""


class _NotStopped(PeerError):
    """The remote did not answer C-CANCEL."""


async def move_study(
    remote: Remote,
    ae: AeSettings,
    timers: Timers,
    study_instance_uid: str,
    message_id: int,
    on_response: Callable[[MoveResponse], None] = _ignore,
    cancelled: asyncio.Event | None = None,
    last_store: Callable[[], float | None] | None = None,
    scope: MoveScope = WHOLE_STUDY,
) -> MoveOutcome:
    """Ask a remote to send a study to us; returns with its final response, whatever the status.

    Args:
        scope: what of the study; the statement knows only the whole (table 3).
        message_id: 1 to 65535; the remote repeats it in the C-STOREs it sends, if it is kind.
        on_response: told of every pending response.
        cancelled: when set, C-CANCEL is sent; who does not answer it within `CANCEL_SECONDS` is aborted.
        last_store: seconds since the last image of this retrieval arrived, None before the first. Asked only when the
            response timer has run out, and only where `response_restarts_on` is ``store``.

    Raises:
        UsageError: the UID is not usable; an empty one makes some PACS send their whole archive. Nothing is sent.
        PeerError: the association failed; images may still arrive (PS3.4 C.4.2.3.1).
    """
    identifier = encode_identifier(_keys(study_instance_uid, scope))
    cancelled = cancelled or asyncio.Event()
    progress = _Progress(on_response)
    restarts = last_store if timers.response_restarts_on is RestartsOn.STORE else None
    try:
        async with associate(remote, ae, timers, one_context(STUDY_ROOT_MOVE)) as association:
            context = association.context_for(STUDY_ROOT_MOVE, "Study Root Query/Retrieve - MOVE")
            if cancelled.is_set():
                return MoveOutcome(Status.CANCEL)
            request = MoveRequest(message_id=message_id, move_destination=ae.title)
            association.listen(progress.hear)
            await association.send(context.context_id, request, identifier)
            canceller = asyncio.create_task(_cancel(association, context.context_id, message_id, cancelled))
            try:
                response, data_set = await _final_response(association, timers.response, progress, restarts)
            finally:
                canceller.cancel()
    except _NotStopped:
        return progress.outcome(Status.CANCEL)
    progress.count(response)
    comment = response.error_comment or ""
    failure = None
    if category(response.status) is Category.FAILURE:
        failure = move_failure(remote.name, response.status, comment, ae.title, ae.port)
    return progress.outcome(response.status, _failed_instances(data_set), comment, failure)


def _keys(study_instance_uid: str, scope: MoveScope) -> dict[int, str | bytes]:
    """One value for each unique key above the level, and none of them empty (PS3.4 C.4.2.2.1)."""
    keys: dict[int, str | bytes] = {
        tags.QUERY_RETRIEVE_LEVEL: scope.level.upper(),
        tags.STUDY_INSTANCE_UID: usable_uid(study_instance_uid, "Study Instance UID"),
    }
    if scope.series_instance_uid:
        keys[tags.SERIES_INSTANCE_UID] = usable_uid(scope.series_instance_uid, "Series Instance UID")
    if scope.sop_instance_uids:
        uids = [usable_uid(uid, "SOP Instance UID") for uid in scope.sop_instance_uids]
        keys[tags.SOP_INSTANCE_UID] = "\\".join(uids)
    return keys


class _Progress:
    """The counters as last heard; many PACS leave them out of some responses.

    Attributes:
        heard_at: when the last pending response came, in loop time.
        error: what the one who follows could not do.
    """

    def __init__(self, on_response: Callable[[MoveResponse], None]) -> None:
        self.heard_at = 0.0
        self.error: Exception | None = None
        self._on_response = on_response
        self._last = MoveOutcome(Status.PENDING)
        self._now = asyncio.get_running_loop().time

    def hear(self, received: tuple[Message, bytes]) -> float | None:
        """Take a pending response where it comes: they come one by one, and to wake a task costs more than each.

        Gives for how many seconds those behind it may wait, to be read together: as long as many are to come. None for
        what is not taken.
        """
        response, _ = received
        if not isinstance(response, MoveResponse) or category(response.status) is not Category.PENDING or self.error:
            return None
        self.heard_at = self._now()
        self.count(response)
        try:
            self._on_response(response)
        except Exception as error:  # raised where the retrieval is, not in the event loop
            self.error = error
            return None
        return _REST_SECONDS if (self._last.remaining or 0) >= _MANY_REMAINING else 0.0

    def count(self, response: MoveResponse) -> None:
        last = self._last
        self._last = MoveOutcome(
            response.status,
            response.number_of_remaining_suboperations,  # left out of a final response that is no cancel
            _or(response.number_of_completed_suboperations, last.completed),
            _or(response.number_of_failed_suboperations, last.failed),
            _or(response.number_of_warning_suboperations, last.warning),
        )

    def outcome(
        self,
        status: int,
        failed_instances: tuple[str, ...] = (),
        comment: str = "",
        failure: DimseFailure | None = None,
    ) -> MoveOutcome:
        last = self._last
        return MoveOutcome(
            status,
            last.remaining,
            last.completed,
            last.failed,
            last.warning,
            failed_instances,
            comment,
            failure,
        )


def _or(value: int | None, otherwise: int | None) -> int | None:
    return otherwise if value is None else value


async def _final_response(
    association: RequestedAssociation,
    patience: float,
    progress: _Progress,
    last_store: Callable[[], float | None] | None,
) -> tuple[MoveResponse, bytes]:
    """Follow the pending responses; silence of more than `patience` seconds ends it, unless images arrive."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + patience
    while True:
        received = await association.receive(deadline)
        if progress.error is not None:
            raise progress.error
        if received is None and progress.heard_at + patience > deadline:
            deadline = progress.heard_at + patience
            continue
        if received is None:
            quiet = last_store() if last_store is not None else None
            if quiet is None or quiet >= patience:
                raise association.time_out("response")
            deadline = loop.time() + patience - quiet
            continue
        response, data_set = received
        if not isinstance(response, MoveResponse):
            raise AssociationAborted(
                "The remote {remote} answered C-MOVE with something else.", remote=association.remote.name
            )
        return response, data_set


async def _cancel(
    association: RequestedAssociation, context_id: int, message_id: int, cancelled: asyncio.Event
) -> None:
    """Send C-CANCEL once it is wanted (PS3.7 9.3.4.3), and do not wait for ever for it to work."""
    await cancelled.wait()
    with suppress(PeerError):  # the one who waits for the final response is told
        await association.send(context_id, CancelRequest(message_id_being_responded_to=message_id))
    await asyncio.sleep(CANCEL_SECONDS)
    association.give_up(_NotStopped("The remote {remote} did not stop.", remote=association.remote.name))


def _failed_instances(data_set: bytes) -> tuple[str, ...]:
    """The Failed SOP Instance UID List; whatever else a PACS puts there is not worth failing for."""
    try:
        values = decode_identifier(data_set)
    except PeerError:
        return ()
    return text_values(values.get(tags.FAILED_SOP_INSTANCE_UID_LIST))
