"""A load generator: prepared messages, sent over several associations at once by a process each.

It waits for nothing but responses: an image goes out by one call as a list of pieces that lie ready (PDU headers, and
slices of pixels that nobody copies), and responses are looked at when all is over.
"""

import multiprocessing
import socket
import struct
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Final

from bench.images import Image
from netty.dicom.uids import IMPLICIT_VR_LITTLE_ENDIAN
from netty.dimse.codec import decode_command, encode_command
from netty.dimse.command import StoreRequest, StoreResponse
from netty.ul.codec import decode_associate_accept, encode_associate_request, encode_release_request
from netty.ul.pdu import AssociateRequest, ProposedContext, UserInformation

CALLING: Final = "BENCH"

_P_DATA_TF: Final = 0x04
_PDU_HEADER: Final = struct.Struct(">BxI")
_PDV_HEADER: Final = struct.Struct(">IBB")
_BOTH_HEADERS: Final = struct.Struct(">BxIIBB")
_COMMAND, _LAST = 0x01, 0x02  # message control header, PS3.8 Annex E.2
_CONTEXT_ID: Final = 1
_TIMEOUT: Final = struct.pack("@ll", 120, 0)  # seconds; the kernel's own, so that calls stay blocking ones
_MOST_PIECES: Final = 1024  # of one call
_SPAWN: Final = multiprocessing.get_context("fork")  # the images are not copied

Pieces = list[bytes | memoryview]
Open = Callable[["Stream", Sequence[Image], int], int]


@dataclass(frozen=True, slots=True)
class Sent:
    """What sending took: from the first byte of the first image to the last response, over all associations."""

    images: int
    seconds: float
    refused: int


class Stream:
    """PDUs, or other answers with a length before them, read from a blocking socket."""

    def __init__(self, peer: socket.socket) -> None:
        self.peer = peer
        self._kept = b""

    def pdu(self) -> bytes:
        """The next PDU with its header of 6 bytes."""
        kept = self._kept
        while len(kept) < 6 or len(kept) < 6 + int.from_bytes(kept[2:6]):
            received = self.peer.recv(65536)
            if not received:
                raise ConnectionError("the receiver closed the connection")
            kept += received
        end = 6 + int.from_bytes(kept[2:6])
        self._kept = kept[end:]
        return kept[:end]


def send(port: int, open_to: Open, shares: Sequence[Sequence[Image]], max_pdu: int) -> Sent:
    """Send each share over a connection of its own, each image after the response to the one before (statement 4.2.3).

    Raises:
        ConnectionError: where a receiver closed a connection, answered nothing, or something else.
    """
    pipes, processes = [], []
    for share in shares:
        ours, theirs = _SPAWN.Pipe()
        process = _SPAWN.Process(target=_work, args=(theirs, port, open_to, share, max_pdu))
        process.start()
        theirs.close()
        pipes.append(ours)
        processes.append(process)
    try:
        for answer in [pipe.recv() for pipe in pipes]:  # all are associated, and have their messages ready
            if answer:
                raise ConnectionError(answer)
        for pipe in pipes:
            pipe.send("go")
        results = [pipe.recv() for pipe in pipes]
    except EOFError:
        raise ConnectionError("a sender ended early") from None
    finally:
        for process in processes:
            process.join(150)
    for result in results:
        if isinstance(result, str):
            raise ConnectionError(result)
    began, ended = min(each[0] for each in results), max(each[1] for each in results)
    return Sent(sum(map(len, shares)), ended - began, sum(each[2] for each in results))


def shared(images: Sequence[Image], associations: int) -> list[Sequence[Image]]:
    """The images dealt out."""
    return [images[number::associations] for number in range(associations)]


def _work(pipe: Connection, port: int, open_to: Open, images: Sequence[Image], max_pdu: int) -> None:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=30) as peer:
            peer.settimeout(None)
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
                peer.setsockopt(socket.SOL_SOCKET, option, _TIMEOUT)
            stream = Stream(peer)
            length = open_to(stream, images, max_pdu)
            messages = [message(image, number % 0xFFFF + 1, length) for number, image in enumerate(images)]
            pipe.send("")
            pipe.recv()
            pipe.send(_measured(stream, messages))
    except (OSError, ValueError) as error:
        pipe.send(f"{type(error).__name__}: {error}")


def _measured(stream: Stream, messages: Sequence[Sequence[Pieces]]) -> tuple[float, float, int]:
    answers = []
    sendmsg = stream.peer.sendmsg
    began = time.perf_counter()
    for one in messages:
        for pieces in one:
            sent = sendmsg(pieces)
            if sent < sum(map(len, pieces)):
                stream.peer.sendall(b"".join(pieces)[sent:])
        answers.append(stream.pdu())
    ended = time.perf_counter()
    stream.peer.sendall(encode_release_request())
    with_release = stream.peer.recv(64)
    if not with_release:
        raise ConnectionError("the receiver closed the connection instead of releasing it")
    return began, ended, sum(_refused(answer) for answer in answers)


def _refused(answer: bytes) -> bool:
    """Whether an answer is not a C-STORE-RSP with success."""
    if answer[0] != _P_DATA_TF:
        return True
    response = decode_command(memoryview(answer)[_PDU_HEADER.size + _PDV_HEADER.size :])
    return not isinstance(response, StoreResponse) or response.status != 0


def associated(called: str) -> Open:
    """Opens an association; gives how long PDUs to the receiver may be: as asked for, or shorter if it says so."""

    def open_to(stream: Stream, images: Sequence[Image], max_pdu: int) -> int:
        proposed = (ProposedContext(_CONTEXT_ID, images[0].kind.sop_class_uid, (IMPLICIT_VR_LITTLE_ENDIAN,)),)
        request = AssociateRequest(called, CALLING, proposed, UserInformation(16384, "2.25.1", "NETTY_BENCH"))
        stream.peer.sendall(encode_associate_request(request))
        answer = stream.pdu()
        if answer[0] != 0x02:
            raise ConnectionError(f"the receiver answered with a PDU of type {answer[0]:02X}H")
        accepted = decode_associate_accept(memoryview(answer)[6:], {_CONTEXT_ID: proposed[0]})
        return min(max_pdu, accepted.user_information.maximum_length or max_pdu)

    return open_to


def message(image: Image, message_id: int, maximum_length: int) -> list[Pieces]:
    """A C-STORE-RQ as pieces that lie ready, in lists that one call takes."""
    command = encode_command(StoreRequest(
        message_id=message_id,
        affected_sop_class_uid=image.kind.sop_class_uid,
        affected_sop_instance_uid=image.sop_instance_uid,
    ))  # fmt: skip
    pieces: Pieces = [_headers(len(command), _COMMAND | _LAST) + command]
    room = maximum_length - _PDV_HEADER.size
    head, pixels = image.head, memoryview(image.pixels)
    total = len(image)
    for start in range(0, total, room):
        end = min(start + room, total)
        headers = _headers(end - start, _LAST if end == total else 0)
        pieces.append(headers + head[start:end])
        if end > len(head):
            pieces.append(pixels[max(0, start - len(head)) : end - len(head)])
    return [pieces[start : start + _MOST_PIECES] for start in range(0, len(pieces), _MOST_PIECES)]


def _headers(length: int, control: int) -> bytes:
    """Of a PDU with one PDV."""
    return _BOTH_HEADERS.pack(_P_DATA_TF, length + _PDV_HEADER.size, length + 2, _CONTEXT_ID, control)
