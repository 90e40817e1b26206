"""A small load generator: made CT images, sent over one association by a process that does nothing else."""

import socket
import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass

from netty.dicom.uids import IMPLICIT_VR_LITTLE_ENDIAN
from netty.dimse.codec import decode_command, encode_command
from netty.dimse.command import StoreRequest, StoreResponse
from netty.ul.codec import decode_associate_accept, encode_associate_request, encode_release_request
from netty.ul.pdu import AssociateRequest, ProposedContext, UserInformation

CT_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.2"
SIDE = 512  # pixels; two bytes each make 0.5 MB

_P_DATA_TF = 0x04
_PDU_HEADER = struct.Struct(">BxI")
_PDV_HEADER = struct.Struct(">IBB")
_COMMAND, _LAST = 0x01, 0x02  # message control header, PS3.8 Annex E.2
_CONTEXT_ID = 1


@dataclass(frozen=True, slots=True)
class Image:
    """One made image, as a data set in Implicit VR Little Endian."""

    sop_instance_uid: str
    data_set: bytes


@dataclass(frozen=True, slots=True)
class Sent:
    """What sending took, from the first byte of the first image to the last response."""

    images: int
    bytes: int
    seconds: float
    refused: int

    @property
    def megabytes_per_second(self) -> float:
        """10^6 bytes of data sets in a second."""
        return self.bytes / self.seconds / 1e6


def made_images(study_instance_uid: str, count: int, pixels: Sequence[bytes] = ()) -> list[Image]:
    """CT images with distinct UIDs; of the given pixels, over and over, or of some that no compression shrinks."""
    pixels = pixels or [
        bytes((row * 7 + column * 13) & 0xFF for row in range(16) for column in range(SIDE)) * (SIDE // 8)
    ]
    return [_image(study_instance_uid, number, pixels[number % len(pixels)]) for number in range(1, count + 1)]


def send(host: str, port: int, called: str, calling: str, images: Sequence[Image]) -> Sent:
    """Send all images over one association, each after the response to the one before (statement 4.2.3)."""
    with socket.create_connection((host, port), timeout=60) as peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        stream = _Stream(peer)
        length = _associate(stream, called, calling)
        messages = [_message(image, number % 0xFFFF + 1, length) for number, image in enumerate(images)]
        refused = 0
        started = time.perf_counter()
        for message in messages:
            peer.sendall(message)
            refused += stream.response().status != 0
        seconds = time.perf_counter() - started
        peer.sendall(encode_release_request())
        stream.pdu()
    return Sent(len(images), sum(len(image.data_set) for image in images), seconds, refused)


class _Stream:
    """PDUs read from a blocking socket."""

    def __init__(self, peer: socket.socket) -> None:
        self.peer = peer
        self._file = peer.makefile("rb")

    def pdu(self) -> tuple[int, memoryview]:
        """Type and body of the next PDU."""
        header = self._file.read(6)
        if len(header) < 6:
            raise ConnectionError("the receiver closed the connection")
        kind, length = _PDU_HEADER.unpack(header)
        return kind, memoryview(self._file.read(length))

    def response(self) -> StoreResponse:
        """The next C-STORE-RSP, which fits in one PDV."""
        kind, body = self.pdu()
        if kind != _P_DATA_TF:
            raise ConnectionError(f"the receiver sent a PDU of type {kind:02X}H")
        response = decode_command(body[_PDV_HEADER.size :])
        if not isinstance(response, StoreResponse):
            raise ConnectionError(f"the receiver sent a {type(response).__name__}")
        return response


def _associate(stream: _Stream, called: str, calling: str) -> int:
    """Open the association; gives the receiver's maximum PDU length."""
    proposed = (ProposedContext(_CONTEXT_ID, CT_IMAGE_STORAGE, (IMPLICIT_VR_LITTLE_ENDIAN,)),)
    request = AssociateRequest(called, calling, proposed, UserInformation(16384, "2.25.1", "NETTY_BENCH"))
    stream.peer.sendall(encode_associate_request(request))
    kind, body = stream.pdu()
    if kind != 0x02:
        raise ConnectionError(f"the receiver answered with a PDU of type {kind:02X}H")
    return decode_associate_accept(body, {_CONTEXT_ID: proposed[0]}).user_information.maximum_length or 1 << 20


def _message(image: Image, message_id: int, maximum_length: int) -> bytes:
    command = StoreRequest(
        message_id=message_id,
        affected_sop_class_uid=CT_IMAGE_STORAGE,
        affected_sop_instance_uid=image.sop_instance_uid,
    )
    parts = [_pdu(encode_command(command), _COMMAND | _LAST)]
    room = maximum_length - _PDV_HEADER.size
    data = memoryview(image.data_set)
    for start in range(0, len(data), room):
        last = _LAST if start + room >= len(data) else 0
        parts.append(_pdu(data[start : start + room], last))
    return b"".join(parts)


def _pdu(fragment: bytes | memoryview, control: int) -> bytes:
    pdv = _PDV_HEADER.pack(len(fragment) + 2, _CONTEXT_ID, control)
    return _PDU_HEADER.pack(_P_DATA_TF, len(pdv) + len(fragment)) + pdv + fragment


def _image(study_instance_uid: str, number: int, pixels: bytes) -> Image:
    uid = f"{study_instance_uid}.1.{number}"
    short = struct.Struct("<H").pack
    elements: tuple[tuple[int, int, bytes], ...] = (
        (0x0008, 0x0016, CT_IMAGE_STORAGE.encode()),
        (0x0008, 0x0018, uid.encode()),
        (0x0008, 0x0020, b"20260401"),
        (0x0008, 0x0060, b"CT"),
        (0x0010, 0x0010, b"BENCH^MARK"),
        (0x0010, 0x0020, b"BENCH"),
        (0x0020, 0x000D, study_instance_uid.encode()),
        (0x0020, 0x000E, f"{study_instance_uid}.1".encode()),
        (0x0020, 0x0013, str(number).encode()),
        (0x0028, 0x0002, short(1)),
        (0x0028, 0x0004, b"MONOCHROME2"),
        (0x0028, 0x0010, short(SIDE)),
        (0x0028, 0x0011, short(SIDE)),
        (0x0028, 0x0100, short(16)),
        (0x0028, 0x0101, short(12)),
        (0x0028, 0x0102, short(11)),
        (0x0028, 0x0103, short(0)),
        (0x0028, 0x1050, b"40"),
        (0x0028, 0x1051, b"400"),
        (0x0028, 0x1052, b"-1024"),
        (0x0028, 0x1053, b"1"),
        (0x7FE0, 0x0010, pixels),
    )
    return Image(uid, b"".join(_element(*element) for element in elements))


def _element(group: int, element: int, value: bytes) -> bytes:
    # UIDs are padded by a zero byte, texts by a space (PS3.5 6.2); all UIDs here stand in these three groups.
    padding = b"\0" if value[:2] in (b"1.", b"2.") else b" "
    value += padding * (len(value) % 2)
    return struct.pack("<HHI", group, element, len(value)) + value
