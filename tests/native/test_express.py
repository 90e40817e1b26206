"""What takes messages like one before: however it comes in, the same file; whatever departs or fails, nothing taken."""

import os
import socket
import struct
import threading
import zlib
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netty import native
from netty.archive.digest import Digest
from netty.dicom.stencil import Gap, Named, Piece, filled
from support.raw_peer import CT, LAST, Image, data_tf, elements_of, store_command

pytestmark = pytest.mark.skipif(native.compiled is None, reason="the native parts are not installed")

CONTEXT = 3
NUMBER, SOP, PIXELS = 0x00200013, 0x00080018, 0x7FE00010
MAGIC = b"nettyEND"
UNTIL = 1e18
LEFT, WAITS = -1, 0

ONE = Image("1.2.3", "1.2.3.4", "1.2.3.4.57")
OTHER = ONE.but(sop="1.2.3.4.1000").having({NUMBER: "1000"})


def command_stencil(image: Image) -> tuple[Piece, ...]:
    """Its C-STORE-RQ as a PDU, cut by hand at what the standard says of it (PS3.7 9.3.1, PS3.8 9.3.5)."""
    data = store_command(image, 0x7777)
    number = data.index(b"\x77\x77")
    uid = data.index(image.sop.encode())
    size = len(image.sop) + len(image.sop) % 2
    fixed = len(data) - size
    return (
        Piece(b"\x04\x00", Gap.UID_LENGTH_32_BIG, fixed + 6),
        Piece(b"", Gap.UID_LENGTH_32_BIG, fixed + 2),
        Piece(bytes((CONTEXT, 3)) + data[:8], Gap.UID_LENGTH_32, fixed - 12),
        Piece(data[12:number], Gap.MESSAGE_ID),
        Piece(data[number + 2 : uid - 4], Gap.UID_LENGTH_32),
        Piece(b"", Gap.UID),
        Piece(data[uid + size :]),
    )


META = (Piece(b"head of ", Gap.UID), Piece(b"."))
RECEIPT = (
    Piece(b'{"uid":"', Gap.UID_TEXT),
    Piece(b'","size":', Gap.SIZE),
    Piece(b',"at":', Gap.OFFSET),
    Piece(b',"digest":"', Gap.DIGEST),
    Piece(b'","number":"', Gap.NUMBER),
    Piece(b'"}'),
)
ANSWER = (Piece(b"answer to ", Gap.MESSAGE_ID), Piece(b" ", Gap.UID), Piece(b"!"))


def made(image: Image = ONE, **changes: Any) -> Any:
    """What takes messages like that of `image`."""
    assert native.compiled is not None
    values = elements_of(image.data)
    pixels = values.pop(PIXELS)
    wanted = {tag: value for tag, value in values.items() if tag not in (SOP, NUMBER)}
    usual: dict[str, Any] = {
        "command": command_stencil(image),
        "answer": ANSWER,
        "meta": META,
        "receipt": RECEIPT,
        "magic": MAGIC,
        "digest": Digest,
        "tags": array("I", sorted([*wanted, SOP, NUMBER, PIXELS])).tobytes(),
        "values": tuple(wanted.items()),
        "pixels": len(pixels),
        "context_id": CONTEXT,
        "is_explicit": False,
        "levels": 8,
        "until": UNTIL,
        "max_length": 16384,
        "bytes": 1 << 20,
        "elements": 2000,
    }
    return native.compiled.Express(**(usual | changes))


def message(image: Image, message_id: int = 1, step: int = 16378) -> bytes:
    data = image.data
    parts = [data[start : start + step] for start in range(0, len(data), step)]
    data_set = [data_tf(CONTEXT, LAST * (number == len(parts) - 1), part) for number, part in enumerate(parts)]
    return data_tf(CONTEXT, 3, store_command(image, message_id)) + b"".join(data_set)


def expected(image: Image) -> bytes:
    """The file that is to come of it."""
    digest = Digest()
    digest.update(image.data)
    number = elements_of(image.data)[NUMBER].decode().strip()
    meta = filled(META, Named(image.sop))
    size = len(image.data)
    receipt = filled(RECEIPT, Named(image.sop, size=size, offset=len(meta), digest=digest.text, number=number))
    return meta + image.data + receipt + struct.pack(">II8s", len(receipt), zlib.crc32(receipt), MAGIC)


@dataclass
class Target:
    """A file that is written to."""

    path: Path
    descriptor: int

    @property
    def content(self) -> bytes:
        return self.path.read_bytes()


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Callable[[], Target]]:
    made: list[Target] = []

    def new() -> Target:
        path = tmp_path / str(len(made))
        made.append(Target(path, os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)))
        return made[-1]

    yield new
    for one in made:
        os.close(one.descriptor)


def take(one: Any, data: bytes, behind: int = 0) -> int:
    """Offer `data`, as it lies in a buffer behind other bytes."""
    taken: int = one.take(memoryview(bytearray(bytes(behind) + data)), behind, behind + len(data), -1)
    return taken


def test_a_message_becomes_a_sealed_file_and_an_answer(target: Callable[[], Target]) -> None:
    one, file = made(), target()
    one.use(file.descriptor)

    taken = take(one, message(OTHER, 513) + b"what comes behind it")
    answer = one.seal(False, -1, -1)

    assert taken == len(message(OTHER, 513))
    assert answer == b"answer to \x01\x02 1.2.3.4.1000!"
    assert file.content == expected(OTHER)
    assert (one.sop_instance_uid, one.message_id) == (OTHER.sop, 513)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.sets(st.integers(0, len(message(OTHER))), max_size=12), step=st.sampled_from([16378, 446, 421, 77, 2]))
def test_however_it_comes_in_it_becomes_the_same_file(target: Callable[[], Target], cuts: set[int], step: int) -> None:
    stream = message(OTHER, 5, step)
    one, file = made(), target()
    one.use(file.descriptor)
    begins = len(data_tf(CONTEXT, 3, store_command(OTHER, 5)))

    for end in sorted(cut for cut in cuts if cut < len(stream)):
        taken = take(one, stream[:end], behind=end % 7)
        if taken == LEFT:
            assert step < 421, "the pixels begin in the first PDU"
            return
        assert taken == WAITS
        assert one.is_amid is (end >= begins)
        assert 0 <= one.ahead <= len(OTHER.data)
    taken = take(one, stream)
    if taken == LEFT:
        assert step < 421
        return
    one.seal(True, -1, -1)

    assert taken == len(stream)
    assert file.content == expected(OTHER)


def test_another_message_where_this_one_was_is_left(target: Callable[[], Target]) -> None:
    """A mistake of ours must not put the end of one image behind the beginning of another."""
    one = made()
    one.use(target().descriptor)
    assert take(one, message(OTHER, 5)[:-10]) == WAITS

    assert take(one, message(OTHER, 6)) == LEFT
    assert not one.is_amid


@pytest.mark.parametrize(
    "begun",
    [
        pytest.param(b"\x05", id="another PDU"),
        pytest.param(b"\x04\x00" + bytes([0, 0, 0, 40]), id="too short for the command"),
        pytest.param(b"\x04\x00" + bytes([0, 0, 16, 0]), id="too long for the command"),
        pytest.param(b"\x04\x00" + bytes([255] * 4), id="longer than any PDU"),
    ],
)
def test_what_cannot_become_its_command_is_not_waited_for(target: Callable[[], Target], begun: bytes) -> None:
    one = made()
    one.use(target().descriptor)

    assert take(one, begun) == LEFT


def test_one_after_another_each_into_its_file(target: Callable[[], Target]) -> None:
    one = made()
    for image in (OTHER, ONE, OTHER):
        file = target()
        one.use(file.descriptor)
        assert take(one, message(image)) > 0
        one.seal(False, -1, -1)
        assert file.content == expected(image)


def test_it_takes_nothing_without_a_file() -> None:
    assert take(made(), message(OTHER)) == LEFT


def test_it_takes_nothing_once_its_time_is_over(target: Callable[[], Target]) -> None:
    one = made(until=0.0)
    one.use(target().descriptor)

    assert take(one, message(OTHER)) == LEFT


@pytest.mark.parametrize(
    ("limit", "value"), [("bytes", len(ONE.data) - 1), ("elements", 5), ("max_length", 400), ("pixels", 126)]
)
def test_it_takes_nothing_beyond_a_limit(target: Callable[[], Target], limit: str, value: int) -> None:
    one = made(**{limit: value})
    one.use(target().descriptor)

    assert take(one, message(ONE)) == LEFT


@pytest.mark.parametrize("flags", [os.O_RDONLY, os.O_WRONLY], ids=["not to be written", "full"])
def test_what_the_disk_does_not_take_is_left(flags: int) -> None:
    descriptor = os.open("/dev/full" if flags == os.O_WRONLY else "/dev/null", flags)
    try:
        one = made()
        one.use(descriptor)

        assert take(one, message(OTHER)) == LEFT
        assert not one.is_amid
    finally:
        os.close(descriptor)


def test_a_file_that_somebody_removed_meanwhile_is_told(target: Callable[[], Target]) -> None:
    one, file = made(), target()
    one.use(file.descriptor)
    take(one, message(OTHER))
    file.path.unlink()

    with pytest.raises(FileNotFoundError):
        one.seal(False, -1, -1)


def test_a_sync_that_fails_is_told() -> None:
    reading, writing = os.pipe()  # which cannot be synced
    try:
        one = made()
        one.use(writing)
        assert take(one, message(OTHER)) > 0

        with pytest.raises(OSError, match="Invalid argument"):
            one.seal(True, -1, -1)
    finally:
        os.close(reading)
        os.close(writing)


def test_a_digest_that_fails_takes_nothing(target: Callable[[], Target]) -> None:
    def broken() -> object:
        raise MemoryError

    one = made(digest=broken)
    one.use(target().descriptor)

    with pytest.raises(MemoryError):
        take(one, message(OTHER))
    assert not one.is_amid


# --- what comes while it is at it, and the answer -------------------------------------------------------------------

LONG = OTHER.having({PIXELS: bytes(range(250)) * 1200})
Ends = tuple[socket.socket, socket.socket]


@pytest.fixture
def ends() -> Iterator[Ends]:
    """A connection by TCP: ours, which does not wait, and the sender's."""
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()) as theirs:
        ours, _ = listener.accept()
        with ours:
            ours.setblocking(False)
            yield ours, theirs


def take_from(one: Any, wire: socket.socket, begun: bytes, room: int = 1 << 20) -> tuple[int, bytes]:
    """What `take` gives for what has come already, and the buffer up to where it has read then."""
    buffer = bytearray(begun) + bytes(room)
    taken = one.take(memoryview(buffer), 0, len(begun), wire.fileno())
    return taken, bytes(buffer[: len(begun) + one.came])


def wakes_for(wire: socket.socket) -> int:
    return wire.getsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT)


@pytest.mark.parametrize("begun", [0, 1, 6, 100, 200, 5000], ids=lambda begun: f"{begun} bytes had come")
@pytest.mark.parametrize("image", [OTHER, LONG], ids=["short", "long"])
def test_it_reads_on_while_more_comes(target: Callable[[], Target], ends: Ends, image: Image, begun: int) -> None:
    one, file = made(image), target()
    one.use(file.descriptor)
    stream = message(image)
    sending = threading.Thread(target=ends[1].sendall, args=(stream[begun:],))
    sending.start()

    came = stream[:begun]
    taken = WAITS
    while taken == WAITS:  # who sends may pause for as long as the machine likes
        taken, came = take_from(one, ends[0], came)
    sending.join()
    one.seal(False, -1, -1)

    assert (taken, came) == (len(stream), stream)
    assert file.content == expected(image)
    assert wakes_for(ends[0]) == 1


def test_it_reads_nothing_that_does_not_fit(target: Callable[[], Target], ends: Ends) -> None:
    one = made(LONG)
    one.use(target().descriptor)
    stream = message(LONG)
    ends[1].sendall(stream[50_000:60_000])

    taken, came = take_from(one, ends[0], stream[:50_000], room=100)

    assert (taken, came) == (WAITS, stream[:50_100])
    assert ends[0].recv(1 << 16) == stream[50_100:60_000]


@pytest.mark.parametrize("rest", [b"", b"\x04\x00"], ids=["nothing", "a little"])
def test_it_does_not_wait_for_long(target: Callable[[], Target], ends: Ends, rest: bytes) -> None:
    one = made(LONG)
    one.use(target().descriptor)
    ends[1].sendall(rest)

    taken, came = take_from(one, ends[0], message(LONG)[:50_000])

    assert (taken, came) == (WAITS, message(LONG)[:50_000] + rest)
    assert wakes_for(ends[0]) == 1


def test_a_sender_that_has_gone_is_left_to_the_event_loop(target: Callable[[], Target], ends: Ends) -> None:
    one = made(LONG)
    one.use(target().descriptor)
    ends[1].sendall(b"rest")
    ends[1].shutdown(socket.SHUT_WR)

    taken, came = take_from(one, ends[0], message(LONG)[:50_000])

    assert (taken, came) == (WAITS, message(LONG)[:50_000])
    assert (ends[0].recv(10), ends[0].recv(10)) == (b"rest", b"")


def test_what_departs_when_it_has_come_is_left_and_told(target: Callable[[], Target], ends: Ends) -> None:
    one = made(LONG)
    one.use(target().descriptor)
    ends[1].sendall(b"\x05" * 12)

    begun = message(LONG)[: len(data_tf(CONTEXT, 3, store_command(LONG, 1))) + 6 + 16384]  # and one PDU behind it

    assert take_from(one, ends[0], begun) == (LEFT, begun + b"\x05" * 12)
    assert not one.is_amid


def test_bytes_that_came_before_a_failure_are_told(target: Callable[[], Target], ends: Ends) -> None:
    class Broken:
        def update(self, data: object) -> None:
            raise MemoryError

    one = made(OTHER, digest=Broken)
    one.use(target().descriptor)
    stream = message(OTHER)
    ends[1].sendall(stream[20:])

    with pytest.raises(MemoryError):
        take_from(one, ends[0], stream[:20])
    assert one.came == len(stream) - 20


def test_the_answer_goes_at_once(target: Callable[[], Target], ends: Ends) -> None:
    one = made()
    one.use(target().descriptor)
    take(one, message(OTHER, 513))

    assert one.seal(False, -1, ends[0].fileno()) == b""
    assert ends[1].recv(100) == b"answer to \x01\x02 1.2.3.4.1000!"


@pytest.mark.parametrize("how", ["does not read", "has reset the connection"])
def test_an_answer_that_the_wire_does_not_take_is_given_back(
    target: Callable[[], Target], ends: Ends, how: str
) -> None:
    ours, theirs = ends
    if how == "does not read":
        with pytest.raises(BlockingIOError):
            while True:
                ours.send(bytes(1 << 20))
    else:
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        theirs.close()
    one, file = made(), target()
    one.use(file.descriptor)
    take(one, message(OTHER, 513))

    assert one.seal(False, -1, ours.fileno()) == b"answer to \x01\x02 1.2.3.4.1000!"
    assert file.content == expected(OTHER)


@pytest.mark.parametrize("misuse", ["seal nothing", "a file in the midst", "a buffer that shrank", "no descriptor"])
def test_misuse_raises(target: Callable[[], Target], misuse: str) -> None:
    one, file = made(), target()
    one.use(file.descriptor)
    stream = message(OTHER)
    with pytest.raises(ValueError, match=r"there is no|is to be given|does not hold"):
        match misuse:
            case "seal nothing":
                one.seal(False, -1, -1)
            case "a file in the midst":
                take(one, stream[:-1])
                one.use(file.descriptor)
            case "a buffer that shrank":
                take(one, stream[:-1])
                take(one, stream[:20])
            case "no descriptor":
                one.use(-1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"command": ()},
        {"command": (Piece(b"no gaps"),)},
        {"command": (*command_stencil(ONE)[:3], *command_stencil(ONE)[4:])},
        {"magic": b"short"},
        {"tags": b"odd"},
        {"pixels": -1},
        {"values": tuple((tag, b"") for tag in range(65))},
        {"answer": tuple(Piece(b"") for _ in range(65))},
    ],
    ids=["no command", "no gaps", "no Message ID", "magic", "tags", "pixels", "values", "pieces"],
)
def test_what_cannot_be_foretold_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"foretold|pieces"):
        made(**wrong)


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damage_is_never_taken_for_something_else(target: Callable[[], Target], data: st.DataObject) -> None:
    """What is taken is a message of these very bytes; all else is left, or waited for."""
    stream = bytearray(message(OTHER, 5, data.draw(st.sampled_from([16378, 446]))))
    for place in data.draw(st.lists(st.integers(0, len(stream) - 1), min_size=1, max_size=4)):
        stream[place] = data.draw(st.integers(0, 255))
    one, file = made(), target()
    one.use(file.descriptor)

    taken = take(one, bytes(stream[: data.draw(st.integers(len(stream) // 2, len(stream)))]))

    if taken > 0:
        one.seal(False, -1, -1)
        pixels = slice(-len(elements_of(OTHER.data)[PIXELS]), None)
        head = file.content[: len(filled(META, Named(one.sop_instance_uid))) + len(OTHER.data)]
        changed = OTHER.but(sop=one.sop_instance_uid)
        assert len(changed.data) == len(OTHER.data)
        assert CT.encode() in head
        assert head[: pixels.start].endswith(changed.having({NUMBER: number_in(head)}).data[: pixels.start])


def number_in(head: bytes) -> bytes:
    start = head.index(struct.pack("<HHL", 0x0020, 0x0013, 4)) + 8
    return head[start : start + 4]
