"""Receiving one instance: spooled and walked as it comes, admitted by a lease, synced, and only then answered 0x0000.

What no lease admits is answered and thrown away, and always audited (statement 4.3.1).
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from netty.archive.audit import Audit, AuditEvent, AuditKind
from netty.archive.digest import Digest
from netty.archive.errors import DatabaseFault, DiskFault, DiskFull
from netty.archive.received import Received
from netty.archive.spool import Spool, SpoolFile
from netty.archive.spool_ahead import SpoolAhead
from netty.dicom.deflated import DeflatedWalk
from netty.dicom.errors import DataSetError
from netty.dicom.facts import WANTED
from netty.dicom.iod import IOD_VALUES
from netty.dicom.part10 import file_meta
from netty.dicom.stencil import Stencil
from netty.dicom.uids import (
    DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
    EXPLICIT_VR_BIG_ENDIAN,
    IMPLICIT_VR_LITTLE_ENDIAN,
)
from netty.dicom.walk import ElementWalk, WalkLimits, WalkResult
from netty.dimse.command import StoreRequest
from netty.dimse.status import Refusal, Status, StoreStatus
from netty.model.lease import Admission, Outcome
from netty.network.service import CallingAssociation, Way
from netty.network.settings import AeSettings
from netty.network.storage_scp import StoreOutcome
from netty.ul.pdu import AcceptedContext
from netty.workflow.admission import Admissions
from netty.workflow.conclusions import Concluder, Conclusions
from netty.workflow.express import Express, Forerunner, express_behind, no_room
from netty.workflow.settings import Durability, ReceiveSettings, Unsolicited

log = logging.getLogger(__name__)

_WALKED = WANTED | IOD_VALUES
_UNSOLICITED_COMMENT = "Not asked for by netty; discarded."

UNSOLICITED_ANSWERS = {
    Unsolicited.DISCARD: StoreOutcome(StoreStatus.CANNOT_UNDERSTAND, _UNSOLICITED_COMMENT),
    Unsolicited.DISCARD_SUCCESS: StoreOutcome(StoreStatus.SUCCESS),
    Unsolicited.REFUSE: StoreOutcome(Status.NOT_AUTHORIZED, _UNSOLICITED_COMMENT),
    Unsolicited.QUARANTINE: StoreOutcome(StoreStatus.SUCCESS),
}


def _never() -> bool:
    """Others may be served at the same time."""
    return False


@dataclass(frozen=True, slots=True)
class Receiver:
    """The `StoreHandler` of the Storage SCP.

    `announce` is called with the name of each spool file that is safe. Where images are synced, their files may be made
    `ahead`. `alone`: whether this process serves one association only, so that nobody else waits while it waits for the
    disk; a thread for each sync costs a tenth of an image.
    """

    spool: Spool
    admissions: Admissions
    audit: Audit
    announce: Callable[[str], None]
    ae: AeSettings
    settings: ReceiveSettings
    limits: WalkLimits
    concluder: Concluder
    ahead: SpoolAhead | None = None
    alone: Callable[[], bool] = _never

    @property
    def is_synced(self) -> bool:
        """Whether what is answered with success survives a power cut."""
        return self.settings.durability is Durability.FSYNC

    def new_file(self) -> SpoolFile:
        """For the next image. Raises DiskFull or DiskFault."""
        self.spool.require_room(self.settings.minimum_free)
        return self.ahead.create() if self.ahead else self.spool.create(self.is_synced)

    def begin(self, request: StoreRequest, association: CallingAssociation, context: AcceptedContext) -> "_Reception":
        """Open a spool file for what comes.

        Raises:
            Refusal: 0xA700 where the disk has no room.
        """
        try:
            file = self.new_file()
            head = file_meta(
                request.affected_sop_class_uid,
                request.affected_sop_instance_uid,
                context.transfer_syntax,
                implementation_class_uid=self.ae.implementation_class_uid,
                implementation_version_name=self.ae.implementation_version_name,
                source_ae_title=association.calling_ae_title,
            )
            file.write(head)
        except (DiskFull, DiskFault) as error:
            raise no_room(error) from error
        return _Reception(self, request, association, context, file, len(head))


class _Reception:
    """One instance that is coming in."""

    __slots__ = (
        "_association",
        "_concluded",
        "_context",
        "_data_offset",
        "_digest",
        "_file",
        "_received",
        "_receiver",
        "_request",
        "_result",
        "_walk",
    )

    def __init__(
        self,
        receiver: Receiver,
        request: StoreRequest,
        association: CallingAssociation,
        context: AcceptedContext,
        file: SpoolFile,
        data_offset: int,
    ) -> None:
        self._receiver = receiver
        self._request = request
        self._association = association
        self._context = context
        self._file = file
        self._data_offset = data_offset
        self._result: WalkResult | None = None
        self._concluded: Conclusions | None = None
        self._received: Received | None = None  # there once it is kept
        self._digest = Digest()
        self._walk = _walk_over(context.transfer_syntax, receiver.limits)

    def write(self, parts: Sequence[memoryview], size: int) -> int:
        """Spool, hash and walk what one read brought. What is wrong is answered as soon as it is seen."""
        # In one piece: it costs less to copy them once than to write, hash and walk each.
        data = parts[0] if len(parts) == 1 else memoryview(b"".join(parts))
        try:
            self._file.write(data)
        except (DiskFull, DiskFault) as error:
            raise no_room(error) from error
        self._digest.update(data)
        walk = self._walk
        if walk.pass_over(size):  # the inside of the pixel data, as nearly all is
            return walk.ahead
        try:
            more = walk.feed(data)
            while more:
                more = walk.resume()
        except DataSetError as error:
            raise Refusal(StoreStatus.CANNOT_UNDERSTAND, str(error)) from error
        return walk.ahead

    @property
    def _size(self) -> int:
        """Bytes of the data set so far."""
        return self._file.size - self._data_offset

    def finish_at_once(self) -> StoreOutcome | None:
        """Check, admit, keep, where neither the database nor, for the others' sake, the disk is to be waited for."""
        try:
            concluded = self._concluded = self._conclude()
            if self._receiver.is_synced and not self._receiver.alone():
                return None
            admission = self._receiver.admissions.decide_at_once(concluded.offered)
            if admission is None:
                return None
        except BaseException:
            self._file.discard()
            raise
        self._seal(self._receipt(concluded, admission))
        self._receiver.announce(self._file.name)
        return concluded.outcome

    async def finish(self) -> StoreOutcome:
        """Check, admit, sync; 0x0000 means that the instance is safe."""
        try:
            concluded = self._concluded or self._conclude()
            admission = await self._admission(concluded)
            if admission.lease is None:
                return await self._answer_unsolicited(concluded, admission)
        except BaseException:
            self._file.discard()
            raise
        await self._keep(self._receipt(concluded, admission))
        return concluded.outcome

    def abandon(self) -> None:
        """Remove what came."""
        self._file.discard()

    def _conclude(self) -> Conclusions:
        """The walk to the end, and what follows from it."""
        try:
            result = self._walk.finish()
        except DataSetError as error:
            raise Refusal(StoreStatus.CANNOT_UNDERSTAND, str(error)) from error
        self._result = result
        return self._receiver.concluder.conclude(self._request, self._association, result)

    async def _admission(self, concluded: Conclusions) -> Admission:
        try:
            return await self._receiver.admissions.decide(concluded.offered)
        except DatabaseFault as error:
            raise _no_answer(error) from error

    def express(self, way: Way, answer: Stencil) -> Express | None:
        """For images like this one and the one before it: of two that differ, the next is likely to differ too."""
        concluded, result, received = self._concluded, self._result, self._received
        if concluded is None or result is None or received is None or not concluded.is_repeated:
            return None
        until = self._receiver.admissions.sure_until(concluded.offered)
        return express_behind(self._receiver, Forerunner(received, result, until), way, answer)

    def _receipt(self, concluded: Conclusions, admission: Admission) -> Received:
        lease = admission.lease
        return Received(
            spool_name=self._file.name,
            size=self._size,
            digest=self._digest.text,
            data_offset=self._data_offset,
            data_length=self._size,
            transfer_syntax=self._context.transfer_syntax,
            sop_class_uid=self._request.affected_sop_class_uid,
            sop_instance_uid=self._request.affected_sop_instance_uid,
            study_instance_uid=concluded.study_instance_uid,
            series_instance_uid=concluded.series_instance_uid,
            remote=lease.remote if lease else next(iter(self._association.remotes), ""),
            calling_ae_title=self._association.calling_ae_title,
            address=self._association.address,
            retrieval_id=lease.retrieval_id if lease else "",
            lease_id=lease.id if lease else 0,
            patient_key=lease.patient_key if lease else "",
            received_at=datetime.now(UTC),
            facts=concluded.facts,
            on_hold_reason=admission.reason if admission.outcome is not Outcome.ADMITTED else "",
        )

    async def _keep(self, received: Received) -> None:
        """Make the instance safe: the receipt behind it, then the sync of file and folder; then its rows.

        From here on the image is ours: it is sealed and registered even if the sender goes away meanwhile.
        """
        if self._receiver.is_synced:
            await asyncio.shield(self._keep_synced(received))
        else:  # a single short write: a thread would cost more
            self._seal(received)
            self._receiver.announce(received.spool_name)

    async def _keep_synced(self, received: Received) -> None:
        await asyncio.to_thread(self._seal, received)
        self._receiver.announce(received.spool_name)

    def _seal(self, received: Received) -> None:
        try:
            self._file.seal(received.receipt())
            self._received = received
        except (DiskFull, DiskFault) as error:
            raise no_room(error) from error

    async def _answer_unsolicited(self, concluded: Conclusions, admission: Admission) -> StoreOutcome:
        """Audited before it is answered, so that no answer is without its row."""
        setting = self._receiver.settings.unsolicited
        quarantine = setting is Unsolicited.QUARANTINE
        event = AuditEvent(
            AuditKind.STORE_ON_HOLD if quarantine else AuditKind.STORE_DISCARDED,
            study_instance_uid=concluded.study_instance_uid,
            remote=next(iter(self._association.remotes), ""),
            outcome=setting,
            detail={
                "reason": admission.reason,
                "sop_instance_uid": self._request.affected_sop_instance_uid,
                "sop_class_uid": self._request.affected_sop_class_uid,
                "calling_ae_title": self._association.calling_ae_title,
                "address": self._association.address,
                "bytes": self._size,
                "patient_id": concluded.facts.get("patient_id", ""),
            },
        )
        try:
            await asyncio.to_thread(self._receiver.audit.write, event)
        except DatabaseFault as error:
            raise _no_answer(error) from error
        if quarantine:
            await self._keep(self._receipt(concluded, admission))
        else:
            self._file.discard()
        return UNSOLICITED_ANSWERS[setting]


def _walk_over(transfer_syntax: str, limits: WalkLimits) -> ElementWalk | DeflatedWalk:
    """The walk for a transfer syntax: all that are compressed are in Explicit VR Little Endian (PS3.5 Annex A)."""
    explicit = transfer_syntax != IMPLICIT_VR_LITTLE_ENDIAN
    big_endian = transfer_syntax == EXPLICIT_VR_BIG_ENDIAN
    walk = ElementWalk(explicit, _WALKED, limits, big_endian=big_endian)
    return DeflatedWalk(walk, limits) if transfer_syntax == DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN else walk


def _no_answer(error: DatabaseFault) -> Refusal:
    log.error("receive: %s", error)
    return Refusal(StoreStatus.OUT_OF_RESOURCES, "netty's database does not answer; try again later.")
