"""What hostile peers do, one function for each row: it does it, and tells in a few words what the server did."""

import os
import shutil
import socket
import struct
import subprocess
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from bench.hostile_targets import CALLING, Target
from support.raw_peer import (
    ABORT,
    COMMAND,
    CT,
    IMPLICIT,
    LAST,
    RQ,
    VERIFICATION,
    Image,
    RawPeer,
    Request,
    command_set,
    data_tf,
    element,
    item,
    pdu,
    pdv,
    proposed,
    store_command,
    title,
    user_information,
)

MEGABYTE = 1 << 20
DEFLATED = "1.2.840.10008.1.2.1.99"
MULTIFRAME = "1.2.840.10008.5.1.4.1.1.12.1"
HOLD = 66.0
"""How long a row waits for the server to do something, in seconds."""

CONTEXTS = ((1, VERIFICATION, (IMPLICIT,)), (3, CT, (IMPLICIT,)), (5, MULTIFRAME, (IMPLICIT,)))


@dataclass(frozen=True, slots=True)
class Row:
    """One hostile input.

    Attributes:
        waits: it takes about a minute, and next to nothing of the machine.
        full_disk: it wants a server on a disk of 1 MB.
    """

    name: str
    run: Callable[[Target], str]
    waits: bool = False
    full_disk: bool = False


# --- hands -----------------------------------------------------------------------------------------------------------


@contextmanager
def connected(target: Target) -> Iterator[RawPeer]:
    """A connection."""
    sock = socket.create_connection(("127.0.0.1", target.port), 10)
    peer = RawPeer(sock)
    sock.settimeout(HOLD)
    try:
        yield peer
    finally:
        sock.close()


def request(target: Target, **changes: Any) -> Request:
    """What is usually asked for."""
    usual: dict[str, Any] = {"called": target.called, "calling": CALLING, "contexts": CONTEXTS}
    return Request(**(usual | changes))


@contextmanager
def associated(target: Target, **changes: Any) -> Iterator[RawPeer]:
    """An association."""
    with connected(target) as peer:
        peer.associate(request(target, **changes))
        yield peer


def ending(peer: RawPeer, hold: float = HOLD, began: float | None = None) -> str:
    """How and when the server ends the connection."""
    began = time.monotonic() if began is None else began
    peer.socket.settimeout(hold)
    data, came = b"", 0.0
    try:
        while more := peer.socket.recv(1 << 16):
            data += more
            came = came or time.monotonic() - began
        how = "closed"
    except TimeoutError:
        how = "open >"
    except ConnectionError:
        how = "RST"
    end = f"{how} {_seconds(time.monotonic() - began)}"
    if data[:1] != bytes((ABORT,)):
        return end
    answer = f"A-ABORT {_seconds(came)}"
    return answer if time.monotonic() - began < came + 1 else f"{answer}, {end}"


def _seconds(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"


def flood(peer: RawPeer, piece: bytes, total: int) -> str:
    """Send `piece` again and again; says when the server would not have it any more."""
    sent = 0
    peer.socket.settimeout(HOLD)
    try:
        while sent < total:
            peer.socket.sendall(piece)
            sent += len(piece)
    except TimeoutError:
        return f"stopped reading after {sent >> 20} MB"
    except OSError:
        return f"cut after {sent >> 20} MB"
    return f"took all {sent >> 20} MB"


def store(target: Target, peer: RawPeer, image: Image, data: bytes | None = None, context_id: int = 3) -> str:
    """C-STORE; the status, or how it ended instead."""
    began = time.monotonic()
    changes: dict[str, Any] = {**target.originator}
    try:
        answer = peer.store(image, context_id, 1, data=data, **changes)
    except TimeoutError:
        return f"no answer in {HOLD:.0f} s"
    except (AssertionError, OSError) as error:
        how = "A-ABORT" if " 07" in f" {error}" or "but 07" in str(error) else "cut"
        return f"{how} {_seconds(time.monotonic() - began)}"
    if answer.status >> 12 in (0, 0xB):
        target.acknowledged.append(image)
    return f"{answer.status:04X}"


# --- before there is an association ----------------------------------------------------------------------------------


def silent(target: Target) -> str:
    with connected(target) as peer:
        return ending(peer)


def half_request(target: Target) -> str:
    with connected(target) as peer:
        data = request(target).encoded()
        peer.send(data[: len(data) // 2])
        return ending(peer)


def half_request_then_fin(target: Target) -> str:
    with connected(target) as peer:
        data = request(target).encoded()
        peer.send(data[: len(data) // 2])
        peer.socket.shutdown(socket.SHUT_WR)
        return ending(peer)


def endless_request(target: Target) -> str:
    with connected(target) as peer:
        peer.send(struct.pack(">BBL", RQ, 0, 0xFFFFFFFF))
        return flood(peer, bytes(1 << 16), 128 * MEGABYTE)


def unknown_pdu(target: Target) -> str:
    with connected(target) as peer:
        peer.send(pdu(0x99, bytes(100)))
        return ending(peer)


def data_first(target: Target) -> str:
    with connected(target) as peer:
        peer.send(data_tf(1, COMMAND | LAST, bytes(100)))
        return ending(peer)


def large_request(target: Target) -> str:
    """127 contexts of 201 syntaxes: each item as long as it may be."""
    contexts = b"".join(
        proposed(2 * number + 1, CT, [IMPLICIT, *(f"1.2.3.{number}.{each:050}" for each in range(200))])
        for number in range(127)
    )
    body = struct.pack(">HH", 1, 0) + title(target.called) + title(CALLING) + bytes(32)
    body += item(0x10, "1.2.840.10008.3.1.1.1") + contexts + user_information()
    with connected(target) as peer:
        with suppress(OSError):
            peer.send(pdu(RQ, body))
        began = time.monotonic()
        peer.socket.settimeout(HOLD)
        try:
            answer = peer.pdu()
        except TimeoutError:
            return f"open > {HOLD:.0f} s"
        took = _seconds(time.monotonic() - began)
        return f"accepted {took}" if answer[:1] == b"\x02" else f"{'cut' if not answer else f'PDU {answer[0]}'} {took}"


# --- within an association -------------------------------------------------------------------------------------------


def endless_data_pdu(target: Target) -> str:
    with associated(target) as peer:
        peer.send(struct.pack(">BBL", 4, 0, 0xFFFFFFF0))
        return flood(peer, bytes(1 << 16), 128 * MEGABYTE)


def pdv_behind_pdu(target: Target) -> str:
    with associated(target) as peer:
        peer.send(pdu(4, struct.pack(">LBB", 5000, 1, COMMAND | LAST) + bytes(100)))
        return ending(peer)


def unknown_context(target: Target) -> str:
    with associated(target) as peer:
        peer.send(data_tf(99, COMMAND | LAST, bytes(100)))
        return ending(peer)


def empty_pdvs(target: Target) -> str:
    with associated(target) as peer:
        began = time.monotonic()
        try:
            peer.send(data_tf(1, COMMAND, b"") * 10000)
            status = peer.echo()
        except (AssertionError, OSError):
            return f"cut {_seconds(time.monotonic() - began)}"
        return f"{status:04X} {time.monotonic() - began:.2f} s"


def pdvs_of_length_0(target: Target) -> str:
    with associated(target) as peer:
        body = struct.pack(">LBB", 0, 1, COMMAND) * 2000
        with suppress(OSError):
            peer.send(pdu(4, body) * 5)
        return ending(peer)


def garbage_command(target: Target) -> str:
    command = bytearray(store_command(target.new_image()))
    place = command.index(struct.pack("<HHL", 0, 0x0800, 2))
    command[place + 4 : place + 8] = struct.pack("<L", 0xFFFFFFF0)
    with associated(target) as peer:
        peer.send(data_tf(3, COMMAND | LAST, bytes(command)))
        return ending(peer)


def endless_command(target: Target) -> str:
    with associated(target) as peer:
        return flood(peer, data_tf(3, COMMAND, bytes(16000)), 100 * MEGABYTE)


def path_as_uid(target: Target) -> str:
    answers = []
    for path in ("../../esc/x", "/tmp/netty-escaped/x"):
        with associated(target) as peer:
            image = target.new_image().but(sop=path)
            answers.append(store(target, peer, image))
    written = [str(place) for place in target.storage.parents[1].rglob("x") if place.is_file()]
    escaped = written or [place for place in ("/tmp/netty-escaped/x",) if os.path.exists(place)]  # noqa: PTH110
    return ", ".join(answers) + (", ESCAPED" if escaped else "")


def one_byte_per_second(target: Target) -> str:
    data = request(target).encoded()
    with connected(target) as peer:
        began = time.monotonic()
        for position in range(int(HOLD) + 30):
            try:
                peer.send(data[position : position + 1])
            except OSError:
                return f"cut {_seconds(time.monotonic() - began)}"
            peer.socket.settimeout(1)
            with suppress(TimeoutError):
                try:
                    if not peer.socket.recv(10):
                        return f"closed {_seconds(time.monotonic() - began)}"
                except ConnectionError:
                    return f"RST {_seconds(time.monotonic() - began)}"
        return f"open > {time.monotonic() - began:.0f} s"


# --- many ------------------------------------------------------------------------------------------------------------


def many_silent(target: Target) -> str:
    with ExitStack() as stack:
        for _ in range(300):
            sock = socket.create_connection(("127.0.0.1", target.port), 10)
            stack.callback(sock.close)
        time.sleep(10)
    return "300 held for 10 s"


def many_idle(target: Target) -> str:
    accepted = rejected = 0
    with ExitStack() as stack:
        deadline = time.monotonic() + 20
        for _ in range(300):
            if time.monotonic() > deadline:
                break
            with suppress(OSError, AssertionError):
                sock = socket.create_connection(("127.0.0.1", target.port), 1)
                stack.callback(sock.close)
                peer = RawPeer(sock)
                sock.settimeout(1)
                peer.send(request(target).encoded())
                answer = peer.pdu()
                accepted += answer[:1] == b"\x02"
                rejected += answer[:1] == b"\x03"
        time.sleep(5)
    return f"{accepted} accepted" + (f", {rejected} rejected" if rejected else "")


# --- data sets -------------------------------------------------------------------------------------------------------


def _begin(target: Target, peer: RawPeer, image: Image) -> None:
    """A C-STORE whose data set stays away; half of it comes."""
    data = image.having({0x7FE00010: bytes(200_000)}).data
    changes: dict[str, Any] = {**target.originator}
    peer.fragments(3, COMMAND, store_command(image, 1, **changes))
    peer.send(data_tf(3, 0, data[:16000]) + data_tf(3, 0, data[16000:32000]))


def broken_off(target: Target) -> str:
    for way in ("abort", "reset", "fin"):
        with associated(target) as peer:
            _begin(target, peer, target.new_image())
            if way == "abort":
                peer.send(pdu(7, bytes(4)))
                peer.closed()
            elif way == "reset":
                peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            else:
                peer.socket.shutdown(socket.SHUT_WR)
                ending(peer, 5)
    time.sleep(0.5)
    return "3 broken off"


def stalled(target: Target) -> str:
    with associated(target) as peer:
        _begin(target, peer, target.new_image())
        return ending(peer, HOLD + 30)


def large_image(target: Target) -> str:
    """192 frames of 512 x 512: 96 MB."""
    image = target.new_image().but(sop_class=MULTIFRAME)
    frames = image.having({0x00280008: "192", 0x00280010: 512, 0x00280011: 512, 0x7FE00010: b""}).data[:-8]
    with associated(target) as peer:
        size = 192 * 512 * 512 * 2
        data = frames + struct.pack("<HHL", 0x7FE0, 0x0010, size) + bytes(range(256)) * (size // 256)
        return store(target, peer, image, data, 5)


def lying_element(target: Target) -> str:
    image = target.new_image()
    data = image.having({0x7FE00010: b""}).data[:-4] + struct.pack("<L", 0xFFFFFFF0) + bytes(1000)
    with associated(target) as peer:
        return store(target, peer, image, data)


def cut_in_half(target: Target) -> str:
    image = target.new_image()
    with associated(target) as peer:
        return store(target, peer, image, image.data[:-60])


def nested(target: Target) -> str:
    image = target.new_image()
    opened = struct.pack("<HHL", 0x0008, 0x1140, 0xFFFFFFFF) + struct.pack("<HHL", 0xFFFE, 0xE000, 0xFFFFFFFF)
    with associated(target) as peer:
        return store(target, peer, image, _uids(image) + opened * 100_000)


def _uids(image: Image) -> bytes:
    return element(0x00080016, image.sop_class) + element(0x00080018, image.sop)


def deflate_bomb(target: Target) -> str:
    image = target.new_image()
    with connected(target) as peer:
        answer = peer.associate(request(target, contexts=[(3, CT, (DEFLATED,))]))
        if answer.contexts[3][0] != 0:
            return "not accepted"
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        head = struct.pack("<HH2sHL", 0x7FE0, 0x0010, b"OW", 0, 256 * MEGABYTE)
        data = packer.compress(head) + b"".join(packer.compress(bytes(MEGABYTE)) for _ in range(256)) + packer.flush()
        return store(target, peer, image, data)


def small_elements(target: Target) -> str:
    """100 MB of elements whose value has 2 bytes."""
    image = target.new_image()
    step = b"".join(struct.pack("<HHLH", 0x0009, number & 0xFFFF, 2, 7) for number in range(0x1000, 0x1000 + 6400))
    with associated(target) as peer:
        return store(target, peer, image, _uids(image) + step * (100 * MEGABYTE // len(step)))


def dirty_log(target: Target) -> str:
    evil = "A\n\x1b[31mFAKE"
    before = target.log.stat().st_size
    with connected(target) as peer, suppress(OSError, TimeoutError):
        peer.send(request(target, calling=evil).encoded())
        peer.socket.settimeout(3)
        peer.pdu()
    with associated(target) as peer:
        image = target.new_image()
        store(target, peer, image, image.having({0x00100010: "A\n\x1b[31mFAKE"}).data)
    time.sleep(0.5)
    with target.log.open("rb") as file:
        file.seek(before)
        said = file.read()
    return "raw in log" if b"\x1b[31m" in said else "masked" if b"FAKE" in said else "not in log"


def same_uid(target: Target) -> str:
    image = target.new_image()
    with associated(target) as peer:
        first = store(target, peer, image)
        second = store(target, peer, image.but(patient_id=image.patient_id + "X"))
        third = store(target, peer, image.having({0x7FE00010: bytes(128)}))
    if target.acknowledged.count(image) > 1:
        target.acknowledged[:] = [one for one in target.acknowledged if one.sop != image.sop] + [image]
    return f"{first}, {second}, {third}"


def full_disk(target: Target) -> str:
    image = target.new_image()
    with associated(target) as peer:
        status = store(target, peer, image, image.having({0x7FE00010: bytes(4 * MEGABYTE)}).data)
        return f"{status}, then {store(target, peer, target.new_image())}"


def other_uid(target: Target) -> str:
    image = target.new_image()
    with associated(target) as peer:
        return store(target, peer, image, image.but(sop=f"{image.sop}.9").data)


def sync_fails(target: Target) -> str:
    """EIO from every fsync and fdatasync while one image is stored."""
    if shutil.which("strace") is None or os.geteuid() != 0:
        return "-"
    image = target.new_image()
    pids = [part for pid in target.processes() for part in ("-p", str(pid))]
    command = ["strace", "-f", "-q", *pids, "-e", "trace=fdatasync,fsync"]
    tracing = subprocess.Popen(
        [*command, "-e", "inject=fdatasync,fsync:error=EIO", "-o", "/dev/null"], stderr=subprocess.DEVNULL
    )
    try:
        time.sleep(1.5)
        with associated(target) as peer:
            return store(target, peer, image)
    finally:
        tracing.terminate()
        tracing.wait(10)
        time.sleep(0.5)


def plain_echo(target: Target) -> str:
    """Nothing hostile at all: what the server needs anyhow."""
    echo = command_set({0x0002: VERIFICATION, 0x0100: 0x0030, 0x0110: 1, 0x0800: 0x0101})
    with associated(target) as peer:
        peer.send(pdu(4, pdv(1, COMMAND | LAST, echo)))
        status = peer.receive().status
        return f"{status:04X}, {store(target, peer, target.new_image())}"


ROWS = (
    Row("nothing hostile: C-ECHO, C-STORE", plain_echo),
    Row("connect, say nothing", silent, waits=True),
    Row("half an A-ASSOCIATE-RQ, hold", half_request, waits=True),
    Row("half RQ then FIN", half_request_then_fin, waits=True),
    Row("RQ length FFFFFFFF, 128 MB sent", endless_request),
    Row("PDU type 99", unknown_pdu, waits=True),
    Row("P-DATA before association", data_first, waits=True),
    Row("1.6 MB RQ (127 contexts x 201 syntaxes)", large_request),
    Row("P-DATA length FFFFFFF0, 128 MB", endless_data_pdu),
    Row("PDV length > PDU", pdv_behind_pdu, waits=True),
    Row("PDV on unknown context", unknown_context, waits=True),
    Row("10,000 empty PDVs then C-ECHO", empty_pdvs),
    Row("10,000 PDV items of length 0", pdvs_of_length_0, waits=True),
    Row("command set garbage (0800: FFFFFFF0)", garbage_command, waits=True),
    Row("endless command fragments, 100 MB", endless_command),
    Row("SOP UID ../../esc/x, absolute path", path_as_uid),
    Row("1 byte/s sender", one_byte_per_second, waits=True),
    Row("300 silent TCP connections", many_silent),
    Row("300 idle associations", many_idle),
    Row("A-ABORT / RST / FIN mid-dataset", broken_off),
    Row("stall mid-dataset", stalled, waits=True),
    Row("96 MB image", large_image),
    Row("element length lies FFFFFFF0", lying_element, waits=True),
    Row('dataset cut in half, "last" flag set', cut_in_half, waits=True),
    Row("nested SQ depth 100,000 (1.6 MB)", nested),
    Row("deflate bomb 0.26 MB -> 268 MB", deflate_bomb),
    Row("100 MB of 2-byte elements", small_elements),
    Row("LF+ESC in calling AE / patient", dirty_log),
    Row("same UID, other content", same_uid),
    Row("4 MB into a full 1 MB disk", full_disk, full_disk=True),
    Row("command UID != dataset UID", other_uid),
    Row("fdatasync -> EIO (strace)", sync_fails),
)
