"""The hospital's storage SCU: instances sent to a destination over one association, as a PACS does it."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Final

from netty.dicom import tags
from netty.dicom.uids import IMPLICIT_VR_LITTLE_ENDIAN
from netty.dimse.command import StoreRequest
from netty.dimse.status import Category, category
from netty.errors import NettyError
from netty.model.remote import Remote
from netty.network.requestor import RequestedAssociation, associate
from netty.network.settings import AeSettings, Timers
from netty.network.storage_scu import data_set_of, store
from netty.simulator.index import StoredInstance
from netty.simulator.transcode import NATIVE, Buffer, to_implicit
from netty.ul.pdu import ProposedContext

log = logging.getLogger(__name__)

Pause = Callable[[], Coroutine[Any, Any, None]]

PATIENCE: Final = Timers(association=30, response=300, total=24 * 3600)
_MOST_CONTEXTS: Final = 128  # odd numbers from 1 to 255 (PS3.8 9.3.2.2)


@dataclass(frozen=True, slots=True)
class Originator:
    """Who asked for the move; both fields are optional in a C-STORE (PS3.7 Table 9.1-1)."""

    ae_title: str | None = None
    message_id: int | None = None


@dataclass(frozen=True, slots=True)
class Parcel:
    """One instance to be sent, perhaps not as it is."""

    instance: StoredInstance
    patient_id: str | None = None
    """A Patient ID that replaces the true one."""

    lost: bool = False
    """It cannot be sent, whatever the destination says."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of one sub-operation."""

    instance: StoredInstance
    category: Category
    status: int | None = None


def proposed_contexts(instances: Iterable[StoredInstance]) -> list[ProposedContext]:
    """Per class one context in Implicit VR LE for what is native, and one for each other syntax as it is."""
    pairs = {(each.sop_class_uid, _offered_syntax(each)): None for each in instances}
    return [
        ProposedContext(2 * number + 1, sop_class_uid, (transfer_syntax,))
        for number, (sop_class_uid, transfer_syntax) in enumerate(list(pairs)[:_MOST_CONTEXTS])
    ]


def _offered_syntax(instance: StoredInstance) -> str:
    return IMPLICIT_VR_LITTLE_ENDIAN if instance.transfer_syntax in NATIVE else instance.transfer_syntax


async def at_once() -> None:
    """No pause before an image."""


async def send(
    destination: Remote,
    ae: AeSettings,
    parcels: Sequence[Parcel],
    originator: Originator,
    stop: asyncio.Event,
    pause: Pause = at_once,
) -> AsyncGenerator[Sent, None]:
    """Send the parcels one after another; what cannot be sent is told like everything else, never raised.

    `pause` is waited for before each of them; `stop` ends it before the next.
    """
    association: RequestedAssociation | None = None
    async with AsyncExitStack() as stack:
        try:
            contexts = proposed_contexts(parcel.instance for parcel in parcels)
            association = await stack.enter_async_context(associate(destination, ae, PATIENCE, contexts))
        except NettyError as error:
            log.warning("%s: %s", ae.title, error)
        for number, parcel in enumerate(parcels, 1):
            await _pause(pause, stop)
            if stop.is_set():
                return
            sent = Sent(parcel.instance, Category.FAILURE)
            if association is not None and not parcel.lost:
                try:
                    sent = await _send_one(association, parcel, number, originator)
                except (NettyError, OSError, ValueError) as error:
                    log.warning("%s: %s was not sent: %s", ae.title, parcel.instance.path.name, error)
            yield sent


async def _pause(pause: Pause, stop: asyncio.Event) -> None:
    """Wait for `pause`, but not when it is time to stop."""
    if pause is at_once:
        return
    tasks = [asyncio.ensure_future(pause()), asyncio.ensure_future(stop.wait())]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _send_one(association: RequestedAssociation, parcel: Parcel, number: int, originator: Originator) -> Sent:
    instance = parcel.instance
    context_id = _context_id(association, instance)
    if context_id is None:
        log.info("%s takes no %s in %s", association.remote.name, instance.sop_class_uid, instance.transfer_syntax)
        return Sent(instance, Category.FAILURE)
    request = StoreRequest(
        message_id=(number - 1) % 65535 + 1,
        affected_sop_class_uid=instance.sop_class_uid,
        affected_sop_instance_uid=instance.sop_instance_uid,
        move_originator_ae_title=originator.ae_title,
        move_originator_message_id=originator.message_id,
    )
    response = await store(association, context_id, request, _data_set(parcel, association.send_length))
    if category(response.status) is not Category.SUCCESS:
        log.info("%s answered %04X %s", association.remote.name, response.status, response.error_comment or "")
    return Sent(instance, category(response.status), response.status)


def _context_id(association: RequestedAssociation, instance: StoredInstance) -> int | None:
    wanted = (instance.sop_class_uid, _offered_syntax(instance))
    found = (each.context_id for each in association.contexts if (each.abstract_syntax, each.transfer_syntax) == wanted)
    return next(found, None)


def _data_set(parcel: Parcel, send_length: int) -> Iterable[Buffer]:
    """The bytes to send; a file that is as it should be goes out in pieces, without being held."""
    instance = parcel.instance
    if instance.transfer_syntax not in NATIVE:
        return data_set_of(instance.path, instance.data_set_offset, send_length)
    if instance.transfer_syntax == IMPLICIT_VR_LITTLE_ENDIAN and parcel.patient_id is None:
        return data_set_of(instance.path, instance.data_set_offset, send_length)
    content = instance.path.read_bytes()[instance.data_set_offset :]
    replaced = {} if parcel.patient_id is None else {tags.PATIENT_ID: parcel.patient_id.encode("ascii")}
    return to_implicit(content, instance.transfer_syntax, replaced)
