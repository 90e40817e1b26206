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
from netty.dicom import tags
from netty.dicom.deflated import DeflatedWalk
from netty.dicom.errors import DataSetError
from netty.dicom.facts import WANTED, facts_of, uid_of
from netty.dicom.iod import IMAGE_CLASSES, IOD_VALUES, departure
from netty.dicom.part10 import file_meta
from netty.dicom.uids import (
    DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
    EXPLICIT_VR_BIG_ENDIAN,
    IMPLICIT_VR_LITTLE_ENDIAN,
    is_usable_uid,
)
from netty.dicom.walk import ElementWalk, WalkLimits, WalkResult
from netty.dimse.command import StoreRequest
from netty.dimse.status import Refusal, Status, StoreStatus
from netty.model.lease import Admission, Offered, Outcome
from netty.network.service import CallingAssociation
from netty.network.settings import AeSettings
from netty.network.storage_scp import StoreOutcome
from netty.ul.pdu import AcceptedContext
from netty.workflow.admission import Admissions
from netty.workflow.settings import Durability, Keep, ReceiveSettings, Unsolicited

log = logging.getLogger(__name__)

_WALKED = WANTED | IOD_VALUES
_UNSOLICITED_COMMENT = "Not asked for by netty; discarded."

UNSOLICITED_ANSWERS = {
    Unsolicited.DISCARD: StoreOutcome(StoreStatus.CANNOT_UNDERSTAND, _UNSOLICITED_COMMENT),
    Unsolicited.DISCARD_SUCCESS: StoreOutcome(StoreStatus.SUCCESS),
    Unsolicited.REFUSE: StoreOutcome(Status.NOT_AUTHORIZED, _UNSOLICITED_COMMENT),
    Unsolicited.QUARANTINE: StoreOutcome(StoreStatus.SUCCESS),
}

# What our copy lacks beside what was sent; told only with `warn_changes`.
_DISCARDED = StoreOutcome(StoreStatus.ELEMENTS_DISCARDED, "Pictures are kept, the DICOM object is not.")
_KEPT_AS = {
    Keep.STATEMENT: StoreOutcome(
        StoreStatus.COERCION_OF_DATA_ELEMENTS,
        "Identifying elements are cleared in the copy that is kept.",
        tags.PATIENT_ID,
    ),
    Keep.BASIC: StoreOutcome(
        StoreStatus.ELEMENTS_DISCARDED, "Identifying elements are removed in the copy that is kept."
    ),
}


@dataclass(frozen=True, slots=True)
class Receiver:
    """The `StoreHandler` of the Storage SCP.

    `announce` is called with the name of each spool file that is safe. Where images are synced, their files may be made
    `ahead`.
    """

    spool: Spool
    admissions: Admissions
    audit: Audit
    announce: Callable[[str], None]
    ae: AeSettings
    settings: ReceiveSettings
    limits: WalkLimits
    keep: Keep = Keep.NONE
    ahead: SpoolAhead | None = None

    def begin(self, request: StoreRequest, association: CallingAssociation, context: AcceptedContext) -> "_Reception":
        """Open a spool file for what comes.

        Raises:
            Refusal: 0xA700 where the disk has no room.
        """
        try:
            self.spool.require_room(self.settings.minimum_free)
            file = (self.ahead or self.spool).create()
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
            raise _no_room(error) from error
        return _Reception(self, request, association, context, file, len(head))


class _Reception:
    """One instance that is coming in."""

    __slots__ = (
        "_association",
        "_context",
        "_data_offset",
        "_digest",
        "_file",
        "_receiver",
        "_request",
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
        self._digest = Digest()
        self._walk = _walk_over(context.transfer_syntax, receiver.limits)

    def write(self, parts: Sequence[memoryview], size: int) -> None:
        """Spool, hash and walk what one read brought. What is wrong is answered as soon as it is seen."""
        # In one piece: it costs less to copy them once than to write, hash (BLAKE3 likes long inputs) and walk each.
        data = parts[0] if len(parts) == 1 else memoryview(b"".join(parts))
        try:
            self._file.write(data)
        except (DiskFull, DiskFault) as error:
            raise _no_room(error) from error
        self._digest.update(data)
        walk = self._walk
        if walk.pass_over(size):  # the inside of the pixel data, as nearly all is
            return
        try:
            more = walk.feed(data)
            while more:
                more = walk.resume()
        except DataSetError as error:
            raise Refusal(StoreStatus.CANNOT_UNDERSTAND, str(error)) from error

    @property
    def _size(self) -> int:
        """Bytes of the data set so far."""
        return self._file.size - self._data_offset

    async def finish(self) -> StoreOutcome:
        """Check, admit, sync; 0x0000 means that the instance is safe."""
        try:
            result = self._checked()
            facts = facts_of(result.values)
            admission = await self._admission(result, facts)
            if admission.lease is None:
                return await self._answer_unsolicited(result, facts, admission)
        except BaseException:
            self._file.discard()
            raise
        await self._keep(self._received(result, facts, admission))
        return self._kept_outcome(result)

    def abandon(self) -> None:
        """Remove what came."""
        self._file.discard()

    def _checked(self) -> WalkResult:
        """The walk to the end, and the data set is what the command says (PS3.4 B.2.3; statement table 6)."""
        try:
            result = self._walk.finish()
        except DataSetError as error:
            raise Refusal(StoreStatus.CANNOT_UNDERSTAND, str(error)) from error
        _check_identity(self._request, result)
        return result

    def _kept_outcome(self, result: WalkResult) -> StoreOutcome:
        """Success, or one of the warnings of statement table 6: the instance is safe with every one of them."""
        sop_class_uid = self._request.affected_sop_class_uid
        departs = departure(sop_class_uid, result.values, result.pixel_data)
        if departs is not None:
            return StoreOutcome(StoreStatus.DATA_SET_DOES_NOT_MATCH_WARNING, departs.comment, departs.element)
        receiver = self._receiver
        if receiver.settings.warn_changes and receiver.keep is not Keep.NONE:
            return _KEPT_AS[receiver.keep]
        if receiver.settings.warn_changes and sop_class_uid in IMAGE_CLASSES:  # what has no picture is kept as it is
            return _DISCARDED
        return StoreOutcome(StoreStatus.SUCCESS)

    async def _admission(self, result: WalkResult, facts: dict[str, str]) -> Admission:
        offered = Offered(
            remotes=self._association.remotes,
            study_instance_uid=uid_of(result.values, tags.STUDY_INSTANCE_UID),
            patient_id=facts.get("patient_id", ""),
            move_originator_ae_title=self._request.move_originator_ae_title,
            move_originator_message_id=self._request.move_originator_message_id,
        )
        try:
            return await self._receiver.admissions.decide(offered)
        except DatabaseFault as error:
            raise _no_answer(error) from error

    def _received(self, result: WalkResult, facts: dict[str, str], admission: Admission) -> Received:
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
            study_instance_uid=uid_of(result.values, tags.STUDY_INSTANCE_UID),
            series_instance_uid=uid_of(result.values, tags.SERIES_INSTANCE_UID),
            remote=lease.remote if lease else next(iter(self._association.remotes), ""),
            calling_ae_title=self._association.calling_ae_title,
            address=self._association.address,
            retrieval_id=lease.retrieval_id if lease else "",
            lease_id=lease.id if lease else 0,
            patient_key=lease.patient_key if lease else "",
            received_at=datetime.now(UTC),
            facts=facts,
            on_hold_reason=admission.reason if admission.outcome is not Outcome.ADMITTED else "",
        )

    async def _keep(self, received: Received) -> None:
        """Make the instance safe: the receipt behind it, then the sync of file and folder; then its rows.

        From here on the image is ours: it is sealed and registered even if the sender goes away meanwhile.
        """
        if self._receiver.settings.durability is Durability.FSYNC:
            await asyncio.shield(self._keep_synced(received))
        else:  # a single short write: a thread would cost more
            self._seal(received, sync=False)
            self._receiver.announce(received.spool_name)

    async def _keep_synced(self, received: Received) -> None:
        await asyncio.to_thread(self._seal, received, sync=True)
        self._receiver.announce(received.spool_name)

    def _seal(self, received: Received, sync: bool) -> None:
        try:
            self._file.seal(received.receipt(), sync)
        except (DiskFull, DiskFault) as error:
            raise _no_room(error) from error

    async def _answer_unsolicited(
        self, result: WalkResult, facts: dict[str, str], admission: Admission
    ) -> StoreOutcome:
        """Audited before it is answered, so that no answer is without its row."""
        setting = self._receiver.settings.unsolicited
        quarantine = setting is Unsolicited.QUARANTINE
        event = AuditEvent(
            AuditKind.STORE_ON_HOLD if quarantine else AuditKind.STORE_DISCARDED,
            study_instance_uid=uid_of(result.values, tags.STUDY_INSTANCE_UID),
            remote=next(iter(self._association.remotes), ""),
            outcome=setting,
            detail={
                "reason": admission.reason,
                "sop_instance_uid": self._request.affected_sop_instance_uid,
                "sop_class_uid": self._request.affected_sop_class_uid,
                "calling_ae_title": self._association.calling_ae_title,
                "address": self._association.address,
                "bytes": self._size,
                "patient_id": facts.get("patient_id", ""),
            },
        )
        try:
            await asyncio.to_thread(self._receiver.audit.write, event)
        except DatabaseFault as error:
            raise _no_answer(error) from error
        if quarantine:
            await self._keep(self._received(result, facts, admission))
        else:
            self._file.discard()
        return UNSOLICITED_ANSWERS[setting]


def _walk_over(transfer_syntax: str, limits: WalkLimits) -> ElementWalk | DeflatedWalk:
    """The walk for a transfer syntax: all that are compressed are in Explicit VR Little Endian (PS3.5 Annex A)."""
    explicit = transfer_syntax != IMPLICIT_VR_LITTLE_ENDIAN
    big_endian = transfer_syntax == EXPLICIT_VR_BIG_ENDIAN
    walk = ElementWalk(explicit, _WALKED, limits, big_endian=big_endian)
    return DeflatedWalk(walk, limits) if transfer_syntax == DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN else walk


def _check_identity(request: StoreRequest, result: WalkResult) -> None:
    """The data set is what the command says, and has a study and a series (PS3.4 B.2.3; statement table 6)."""
    expected = {
        tags.SOP_CLASS_UID: request.affected_sop_class_uid,
        tags.SOP_INSTANCE_UID: request.affected_sop_instance_uid,
    }
    for tag, value in expected.items():
        if uid_of(result.values, tag) != value:
            raise Refusal(
                StoreStatus.DATA_SET_DOES_NOT_MATCH,
                "The UID in the data set is not that of the command.",
                offending_element=tag,
            )
    for tag in (tags.STUDY_INSTANCE_UID, tags.SERIES_INSTANCE_UID):
        if not is_usable_uid(uid_of(result.values, tag)):
            raise Refusal(
                StoreStatus.CANNOT_UNDERSTAND, "The data set lacks a valid Study or Series UID.", offending_element=tag
            )


def _no_answer(error: DatabaseFault) -> Refusal:
    log.error("receive: %s", error)
    return Refusal(StoreStatus.OUT_OF_RESOURCES, "netty's database does not answer; try again later.")


def _no_room(error: DiskFull | DiskFault) -> Refusal:
    log.error("receive: %s", error)
    return Refusal(StoreStatus.OUT_OF_RESOURCES, "netty's disk does not take the image; try again later.")
