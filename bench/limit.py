"""``python -m bench.limit PORT FOLDER SYNC``: the limit, as any receiver on this machine might come near it.

The same bytes in the same rhythm (one image, then one answer of the size of a C-STORE-RSP) from a socket to one file
for each image by recv_into and write, a process for each connection; with SYNC 1 it calls fdatasync for each image.
"""

import os
import signal
import socket
import struct
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from bench.images import Image
from bench.load import Stream, message
from netty.dimse.codec import encode_command
from netty.dimse.command import StoreResponse

_BUFFER: Final = 1 << 18
_LENGTHS: Final = struct.Struct(">Q")
_READY: Final = b"\x05\x00\x00\x00\x00\x00"  # as PDUs have it, so that the load generator can read it


def announced(stream: Stream, images: Sequence[Image], max_pdu: int) -> int:
    """What the load generator says first: how long each image is, as this receiver knows no DICOM."""
    lengths = [sum(len(each) for pieces in message(image, 1, max_pdu) for each in pieces) for image in images]
    stream.peer.sendall(b"".join(map(_LENGTHS.pack, [len(lengths), *lengths])))
    stream.pdu()
    return max_pdu


def main(port: str, folder: str, sync: str) -> None:
    """Listen until SIGTERM."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    with socket.create_server(("127.0.0.1", int(port)), backlog=64) as listener:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        number = 0
        while True:
            peer, _ = listener.accept()
            number += 1
            _reap()
            if os.fork() == 0:
                _serve(peer, str(Path(folder) / str(number)), sync == "1")
                os._exit(0)
            peer.close()


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return


def _serve(peer: socket.socket, prefix: str, sync: bool) -> None:
    for _ in images_of(peer, prefix, sync):
        pass


def images_of(peer: socket.socket, prefix: str, sync: bool) -> Iterator[tuple[Path, bool]]:
    """Each file as soon as it is written, and whether it is the last; it is answered when the next one is asked for."""
    head = peer.recv(_LENGTHS.size, socket.MSG_WAITALL)
    if len(head) < _LENGTHS.size:
        return  # somebody asks only whether we listen
    (count,) = _LENGTHS.unpack(head)
    table = peer.recv(count * _LENGTHS.size, socket.MSG_WAITALL)
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    peer.sendall(_READY)
    answer = _answer()
    view = memoryview(bytearray(_BUFFER))
    for number, (length,) in enumerate(_LENGTHS.iter_unpack(table), 1):
        path = Path(f"{prefix}-{number}")
        file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        left = length
        while left:
            received = peer.recv_into(view[:left] if left < _BUFFER else view)
            if not received:
                return
            os.write(file, view[:received])
            left -= received
        if sync:
            os.fdatasync(file)
        os.close(file)
        yield path, number == count
        peer.sendall(answer)
    peer.recv(64)  # what stands for A-RELEASE
    peer.sendall(_READY)


def _answer() -> bytes:
    """A C-STORE-RSP; what is in it does not matter to anybody, but its length."""
    uid = "2.25." + "1" * 39
    body = encode_command(StoreResponse(
        message_id_being_responded_to=1, affected_sop_class_uid="1.2.840.10008.5.1.4.1.1.2",
        affected_sop_instance_uid=uid, status=0,
    ))  # fmt: skip
    return struct.pack(">BxIIBB", 0x04, len(body) + 6, len(body) + 2, 1, 0x03) + body


if __name__ == "__main__":
    main(*sys.argv[1:])
