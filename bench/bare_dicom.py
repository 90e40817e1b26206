"""DICOM as far as it cannot be left out when a PACS sends the images: an association, the ends of messages, responses.

Nothing is checked, and nothing looked at but where a fragment begins and ends.
"""

import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bench.load import Stream
from netty.dicom import tags
from netty.dicom.elements import encode_identifier
from netty.dicom.uids import IMPLICIT_VR_LITTLE_ENDIAN, STUDY_ROOT_MOVE
from netty.dimse.codec import encode_command
from netty.dimse.command import MoveRequest, StoreResponse
from netty.ul.codec import (
    DATA_HEADER,
    IS_COMMAND,
    IS_LAST,
    decode_associate_request,
    encode_associate_accept,
    encode_associate_request,
    encode_data_header,
    encode_release_request,
    encode_release_response,
)
from netty.ul.pdu import AcceptedContext, AssociateAccept, AssociateRequest, ProposedContext, UserInformation

_ROOM: Final = 1 << 22
_CONTEXT_ID: Final = 1
_SECONDS: Final = 600.0
# Elements of command sets with their length, and one with its value (PS3.7 Annex E).
_MESSAGE_ID: Final = re.compile(rb"\0\0\x10\x01\x02\0\0\0(..)", re.DOTALL)
_ANSWERED: Final = b"\0\0\x20\x01\x02\0\0\0"
_STATUS: Final = b"\0\0\0\x09\x02\0\0\0"
_PENDING: Final = _STATUS + b"\0\xff"
_SUCCESS: Final = encode_command(StoreResponse(message_id_being_responded_to=0, status=0))
_SLACK: Final = 2048  # bytes that messages of one study may differ by
_INFORMATION: Final = UserInformation(131072, "2.25.1", "NETTY_BENCH")


def images_of(peer: socket.socket, prefix: str, sync: bool, count: int) -> Iterator[tuple[Path, bool]]:
    """As `limit.images_of`, from a PACS that sends `count` images over one association."""
    stream = Stream(peer)
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        request = decode_associate_request(memoryview(stream.pdu())[6:])
    except ConnectionError:
        return  # somebody asks only whether we listen
    contexts = [AcceptedContext(each.context_id, each.abstract_syntax, each.transfer_syntaxes[0])
                for each in request.presentation_contexts]  # fmt: skip
    peer.sendall(
        encode_associate_accept(AssociateAccept(tuple(contexts), _INFORMATION, title_fields=request.title_fields))
    )
    view, usual = memoryview(bytearray(_ROOM)), 0
    for number in range(1, count + 1):
        path = Path(f"{prefix}-{number}")
        context_id, command, fragments, usual = _message(peer, view, usual)
        file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        os.writev(file, fragments)
        if sync:
            os.fdatasync(file)
        os.close(file)
        yield path, number == count
        peer.sendall(_answer(context_id, command))
    peer.recv(64)  # A-RELEASE-RQ
    peer.sendall(encode_release_response())


def _message(peer: socket.socket, view: memoryview, usual: int) -> tuple[int, bytes, list[memoryview], int]:
    """Context, command, and fragments of the data set; and how many bytes all that took, PDU headers counted.

    `usual`: what the one before took (0: unknown). Until nearly so much is there, nothing wakes us.
    """
    filled = at = 0
    if usual:
        filled = peer.recv_into(view[: usual - _SLACK], 0, socket.MSG_WAITALL)
    command, fragments = b"", []
    while True:
        while filled - at >= DATA_HEADER.size:
            _, length, _, context_id, control = DATA_HEADER.unpack_from(view, at)
            end = at + 6 + length
            if end > filled:
                break
            if control & IS_COMMAND:
                command = bytes(view[at + DATA_HEADER.size : end])
            else:
                fragments.append(view[at + DATA_HEADER.size : end])
            at = end
            if control == IS_LAST:  # of the data set
                return context_id, command, fragments, at
        received = peer.recv_into(view[filled:])
        if not received:
            raise ConnectionError("the PACS closed the connection")
        filled += received


def _answer(context_id: int, command: bytes) -> bytes:
    """Its C-STORE-RSP; whose it is need not stand there (PS3.7 section 9.3.1.2)."""
    message_id = _MESSAGE_ID.search(command)
    assert message_id is not None
    body = _SUCCESS.replace(_ANSWERED + b"\0\0", _ANSWERED + message_id[1])
    return encode_data_header(context_id, True, True, len(body)) + body


def fetch(port: int, title: str, destination: str, study_instance_uid: str) -> None:
    """C-MOVE of a study; returns with the last response.

    Raises:
        ConnectionError: where the PACS did not send all.
    """
    contexts = (ProposedContext(_CONTEXT_ID, STUDY_ROOT_MOVE, (IMPLICIT_VR_LITTLE_ENDIAN,)),)
    command = encode_command(MoveRequest(message_id=1, move_destination=destination))
    wanted = encode_identifier({tags.QUERY_RETRIEVE_LEVEL: "STUDY", tags.STUDY_INSTANCE_UID: study_instance_uid})
    with socket.create_connection(("127.0.0.1", port), _SECONDS) as peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        stream = Stream(peer)
        peer.sendall(encode_associate_request(AssociateRequest(title, destination, contexts, _INFORMATION)))
        stream.pdu()
        peer.sendall(encode_data_header(_CONTEXT_ID, True, True, len(command)) + command)
        peer.sendall(encode_data_header(_CONTEXT_ID, False, True, len(wanted)) + wanted)
        while _PENDING in (answer := stream.pdu()):
            pass
        if _STATUS + b"\0\0" not in answer:
            raise ConnectionError("the PACS did not send all")
        peer.sendall(encode_release_request())
        peer.recv(64)
