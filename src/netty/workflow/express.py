"""The express way: images like the two before them, from the bytes that came to the sealed file in compiled code.

The images of a series differ in their pixels and in what names them. Once two have been walked, concluded about and
admitted one after another, the next needs no more than to be compared with them: it is written while it comes, and
counts once all of it was as foretold (`native/src/express.c`). Whatever departs, and whatever the disk does not take,
is left with nothing used up, and comes to `receive.py`: no rule about a peer stands here.
"""

import logging
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from netty import native
from netty.archive.digest import Digest
from netty.archive.disk import disk_error
from netty.archive.errors import DiskFault, DiskFull
from netty.archive.received import Received
from netty.archive.spool import MAGIC, SpoolFile, receipt_stencil
from netty.dicom import tags
from netty.dicom.facts import WANTED
from netty.dicom.iod import IOD_VALUES
from netty.dicom.part10 import file_meta_stencil
from netty.dicom.plain_elements import DEEPEST
from netty.dicom.stencil import Stencil, longest
from netty.dicom.uids import EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN
from netty.dicom.walk import WalkLimits, WalkResult
from netty.dimse.command import StoreRequest
from netty.dimse.status import Refusal, StoreStatus
from netty.network.service import Way
from netty.network.settings import AeSettings

log = logging.getLogger(__name__)

_MOST_VALUES: Final = 64
_MOST_BYTES: Final = 960 << 10  # of a data set: with its headers, it must fit into the largest receive buffer
_LONGEST_RECEIPT: Final = 1 << 16
_EXPLICIT: Final = {IMPLICIT_VR_LITTLE_ENDIAN: False, EXPLICIT_VR_LITTLE_ENDIAN: True}
_OWN: Final = frozenset({tags.SOP_INSTANCE_UID, tags.INSTANCE_NUMBER})
_TAGS: Final = array("I", sorted(WANTED | IOD_VALUES | {tags.PIXEL_DATA})).tobytes()


class Keeping(Protocol):
    """What is needed of the receiver."""

    @property
    def ae(self) -> AeSettings:
        """Whose name stands in the files."""

    @property
    def limits(self) -> WalkLimits:
        """What a data set may ask of us."""

    @property
    def is_synced(self) -> bool:
        """Whether what is answered with success survives a power cut."""

    @property
    def alone(self) -> Callable[[], bool]:
        """Whether nobody else waits while we wait for the disk."""

    @property
    def announce(self) -> Callable[[str], None]:
        """Lets others know of a file that is safe."""

    def new_file(self) -> SpoolFile:
        """For the next image. Raises DiskFull or DiskFault."""


@dataclass(frozen=True, slots=True)
class Forerunner:
    """The image that others may follow: kept, and like the one before it.

    `until`: up to when (monotonic) its lease is sure to admit those too.
    """

    received: Received
    result: WalkResult
    until: float

    @property
    def is_plain(self) -> bool:
        """Whether all that it may be followed by can be foretold: plain pixels, of a length, at its end."""
        received, result = self.received, self.result
        pixels, number = result.pixel_data, received.fact("instance_number")
        return (
            not received.on_hold_reason
            and received.transfer_syntax in _EXPLICIT
            and pixels is not None
            and pixels.length is not None
            and result.size == pixels.offset + pixels.length
            and result.size <= _MOST_BYTES
            and not result.repeated
            and len(result.values) <= _MOST_VALUES
            and number.isascii()
            and number.isdigit()
        )


def express_behind(receiver: Keeping, before: Forerunner, way: Way, answer: Stencil) -> "Express | None":
    """What takes images like `before`; None where it is not compiled, or they cannot be foretold."""
    if native.compiled is None or not before.is_plain:
        return None
    received, result = before.received, before.result
    assert result.pixel_data is not None
    receipt = receipt_stencil(received.receipt_of_another())
    if longest(receipt) > _LONGEST_RECEIPT:
        return None
    meta = file_meta_stencil(
        received.sop_class_uid,
        received.transfer_syntax,
        implementation_class_uid=receiver.ae.implementation_class_uid,
        implementation_version_name=receiver.ae.implementation_version_name,
        source_ae_title=received.calling_ae_title,
    )
    compiled = native.compiled.Express(
        command=way.command,
        answer=answer,
        meta=meta,
        receipt=receipt,
        magic=MAGIC,
        digest=Digest,
        tags=_TAGS,
        values=tuple((tag, value) for tag, value in sorted(result.values.items()) if tag not in _OWN),
        pixels=result.pixel_data.length,
        context_id=way.context_id,
        is_explicit=_EXPLICIT[received.transfer_syntax],
        levels=min(DEEPEST, receiver.limits.depth - 1),
        until=before.until,
        max_length=way.longest_pdu,
        bytes=min(way.most_bytes, receiver.limits.size),
        elements=min(receiver.limits.elements, receiver.limits.slice),
    )
    return Express(receiver, received.sop_class_uid, compiled)


class Express:
    """Takes them: `netty.network.service.Express`."""

    def __init__(self, receiver: Keeping, sop_class_uid: str, compiled: Any) -> None:
        self._receiver = receiver
        self._sop_class_uid = sop_class_uid
        self._compiled = compiled
        self._file: SpoolFile | None = None
        self._is_being_sealed = False  # in a thread
        self._is_over = False
        self.take: Callable[[memoryview, int, int, int], int] = compiled.take  # without a call in between
        self.prepare()

    @property
    def is_amid(self) -> bool:
        """Whether a message is under way."""
        amid: bool = self._compiled.is_amid
        return amid

    @property
    def ahead(self) -> int:
        """How many bytes of its data set are sure to come."""
        ahead: int = self._compiled.ahead
        return ahead

    @property
    def came(self) -> int:
        """How many bytes of it were read past the event loop."""
        came: int = self._compiled.came
        return came

    def seal_at_once(self, wire: int) -> bytes | None:
        """Seal it and answer, where others do not wait for the disk meanwhile."""
        if self._receiver.is_synced and not self._receiver.alone():
            self._is_being_sealed = True
            return None
        left = self.seal(wire)
        self.keep()
        return left

    def seal(self, wire: int = -1) -> bytes:
        """The receipt behind the image, and the sync of file and folder if so agreed; then the answer goes, or may go.

        Not from another thread: there `wire` may be somebody else's socket by then.
        """
        file = self._file
        assert file is not None
        try:
            left: bytes = self._compiled.seal(self._receiver.is_synced, file.unsafe_folder, wire)
        except BaseException as error:
            self._is_being_sealed = False
            self._discard()
            if isinstance(error, OSError):
                raise no_room(disk_error(error, Path(file.name))) from error
            raise
        return left

    @property
    def request(self) -> StoreRequest:
        """The message that was taken last, as far as an answer to it needs it."""
        return StoreRequest(
            message_id=self._compiled.message_id,
            affected_sop_class_uid=self._sop_class_uid,
            affected_sop_instance_uid=self._compiled.sop_instance_uid,
        )

    def keep(self) -> None:
        """The image is safe."""
        self._is_being_sealed = False
        file, self._file = self._file, None
        if file is not None:
            file.was_sealed()
            self._receiver.announce(file.name)

    def prepare(self) -> None:
        """Have a file at hand. Where there is none, the next image is left, and told why."""
        if self._file is not None or self._is_over:
            return
        try:
            self._file = self._receiver.new_file()
        except (DiskFull, DiskFault):
            return
        self._compiled.use(self._file.descriptor)

    def abandon(self) -> None:
        """Remove what came of an image, unless it is being sealed: then it is kept."""
        self._is_over = True
        if not self._is_being_sealed:
            self._discard()

    def _discard(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            file.discard()


def no_room(error: DiskFull | DiskFault) -> Refusal:
    """What is answered where the disk does not take an image, and logged with its reason."""
    log.error("receive: %s", error)
    return Refusal(StoreStatus.OUT_OF_RESOURCES, "netty's disk does not take the image; try again later.")
