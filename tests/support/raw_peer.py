"""A DICOM peer made of bytes alone: nothing here uses netty's engine, so that no mistake is made on both sides.

`RawPeer` is one connection; `RawPacs` a Q/R SCP whose C-MOVE does what a test's script says. Both block, with a
deadline: the PACS lives in threads of its own, the peer in the test's thread or in `asyncio.to_thread`.
"""

import hashlib
import socket
import struct
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any

APPLICATION_CONTEXT = "1.2.840.10008.3.1.1.1"
IMPLICIT = "1.2.840.10008.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"
VERIFICATION = "1.2.840.10008.1.1"
FIND = "1.2.840.10008.5.1.4.1.2.2.1"
MOVE = "1.2.840.10008.5.1.4.1.2.2.2"
CT = "1.2.840.10008.5.1.4.1.1.2"
TITLE = "HAPPY_netty"
CLASS_UID = "1.2.826.0.1.3680043.2.1143.99"
PATIENCE = 15.0  # seconds until a test that waits for bytes gives up

RQ, AC, RJ, DATA, RELEASE_RQ, RELEASE_RP, ABORT = range(1, 8)
COMMAND, LAST = 1, 2  # message control header (PS3.8 Annex E.2)

Context = tuple[int, str, Sequence[str]]
"""Id, abstract syntax, transfer syntaxes."""


# --- bytes of the upper layer (PS3.8 section 9.3) ----------------------------------------------------------------


def pdu(kind: int, body: bytes) -> bytes:
    """A PDU."""
    return struct.pack(">BBL", kind, 0, len(body)) + body


def item(kind: int, value: bytes | str) -> bytes:
    """An item or sub-item."""
    data = value.encode() if isinstance(value, str) else value
    return struct.pack(">BBH", kind, 0, len(data)) + data


def proposed(context_id: int, abstract: str, transfers: Sequence[str]) -> bytes:
    """A presentation context item of a request."""
    syntaxes = b"".join(item(0x40, uid) for uid in transfers)
    return item(0x20, bytes((context_id, 0, 0, 0)) + item(0x30, abstract) + syntaxes)


def user_information(maximum: int | None = 16384, more: bytes = b"") -> bytes:
    """Item 50H."""
    length = b"" if maximum is None else item(0x51, struct.pack(">L", maximum))
    return item(0x50, length + item(0x52, CLASS_UID) + more)


@dataclass(frozen=True, slots=True)
class Request:
    """What an A-ASSOCIATE-RQ says; `more` are items behind the usual ones, `more_user` sub-items in the 50H."""

    called: str | bytes = TITLE
    calling: str | bytes = "RAW_PACS"
    contexts: Sequence[Context] = ((1, VERIFICATION, (IMPLICIT,)), (3, CT, (IMPLICIT,)))
    maximum: int | None = 16384
    version: int = 1
    application: str | None = APPLICATION_CONTEXT
    more: bytes = b""
    more_user: bytes = b""

    def encoded(self) -> bytes:
        """As bytes."""
        application = b"" if self.application is None else item(0x10, self.application)
        contexts = b"".join(proposed(*each) for each in self.contexts)
        items = application + contexts + user_information(self.maximum, self.more_user) + self.more
        return pdu(
            RQ, struct.pack(">HH", self.version, 0) + title(self.called) + title(self.calling) + bytes(32) + items
        )


def title(value: str | bytes) -> bytes:
    """An AE title field; bytes are taken as they are."""
    return value if isinstance(value, bytes) else value.encode().ljust(16)


def items_of(body: bytes) -> list[tuple[int, bytes]]:
    """The items that follow each other in `body`."""
    found, position = [], 0
    while position < len(body):
        kind, _, length = struct.unpack_from(">BBH", body, position)
        found.append((kind, body[position + 4 : position + 4 + length]))
        position += 4 + length
    assert position == len(body), "an item ends behind its PDU"
    return found


@dataclass(frozen=True, slots=True)
class Answer:
    """An A-ASSOCIATE-AC or -RQ taken apart."""

    version: int
    called: bytes
    calling: bytes
    application: str
    contexts: dict[int, tuple[int, tuple[str, ...]]]
    """Id -> result and transfer syntaxes; in a request the result is 0."""

    abstracts: dict[int, str]
    user: dict[int, bytes]

    @property
    def maximum(self) -> int:
        """The maximum length that the sender wants."""
        return int.from_bytes(self.user[0x51], "big")


def taken_apart(data: bytes) -> Answer:
    """An A-ASSOCIATE-RQ or -AC."""
    version, _, called, calling = struct.unpack_from(">HH16s16s", data, 6)
    contexts, abstracts, application, user = {}, {}, "", {}
    for kind, value in items_of(data[74:]):
        if kind in (0x20, 0x21):
            inner = items_of(value[4:])
            contexts[value[0]] = (value[2], tuple(uid.decode() for each, uid in inner if each == 0x40))
            abstracts[value[0]] = "".join(uid.decode() for each, uid in inner if each == 0x30)
        elif kind == 0x10:
            application = value.decode()
        elif kind == 0x50:
            user = dict(items_of(value))
    return Answer(version, called, calling, application, contexts, abstracts, user)


def pdv(context_id: int, control: int, data: bytes) -> bytes:
    """One PDV item."""
    return struct.pack(">LBB", len(data) + 2, context_id, control) + data


def data_tf(context_id: int, control: int, data: bytes) -> bytes:
    """A P-DATA-TF of one PDV."""
    return pdu(DATA, pdv(context_id, control, data))


# --- bytes of messages and data sets (PS3.7 section 6.3, PS3.5 section 7.1.3) --------------------------------------


def element(tag: int, value: bytes | str | int) -> bytes:
    """An element in Implicit VR Little Endian; a number is US, text is padded with a space, a UID with NUL."""
    if isinstance(value, int):
        data = struct.pack("<H", value)
    elif isinstance(value, str):
        uid = value.replace(".", "").isdigit() and "." in value
        data = value.encode() + (b"\0" if uid else b" ") * (len(value.encode()) % 2)
    else:
        data = value
    return struct.pack("<HHL", tag >> 16, tag & 0xFFFF, len(data)) + data


def data_set(values: Mapping[int, Any]) -> bytes:
    """Elements in ascending order."""
    return b"".join(element(tag, values[tag]) for tag in sorted(values))


def command_set(values: Mapping[int, Any]) -> bytes:
    """A command set with its group length."""
    body = data_set(values)
    return element(0x00000000, struct.pack("<L", len(body))) + body


def elements_of(data: bytes) -> dict[int, bytes]:
    """A flat data set in Implicit VR Little Endian."""
    found, position = {}, 0
    while position < len(data):
        group, number, length = struct.unpack_from("<HHL", data, position)
        found[group << 16 | number] = data[position + 8 : position + 8 + length]
        position += 8 + length
    return found


@dataclass(frozen=True, slots=True)
class Message:
    """A command set (by element number) and its data set."""

    values: Mapping[int, bytes]
    data: bytes = b""

    def number(self, tag: int) -> int | None:
        """A US value."""
        value = self.values.get(tag)
        return None if value is None else int.from_bytes(value, "little")

    def text(self, tag: int) -> str:
        """A UID or text, without padding."""
        return self.values.get(tag, b"").decode().strip(" \0")

    @property
    def status(self) -> int:
        """Status (0000,0900)."""
        number = self.number(0x0900)
        assert number is not None, "the response has no status"
        return number

    @property
    def comment(self) -> str:
        """Error Comment (0000,0902)."""
        return self.text(0x0902)

    @property
    def offending(self) -> int | None:
        """The first Offending Element (0000,0901)."""
        value = self.values.get(0x0901)
        if value is None:
            return None
        group, number = struct.unpack("<HH", value[:4])
        return int(group << 16 | number)


def store_command(image: "Image", message_id: int = 1, **changes: Any) -> bytes:
    """A C-STORE-RQ; `changes` by names below, None leaves an element out."""
    tags = {"sop_class": 0x0002, "sop": 0x1000, "priority": 0x0700, "data_set": 0x0800, "message": 0x0110}
    tags |= {"originator": 0x1030, "originator_id": 0x1031, "field": 0x0100}
    usual: dict[str, bytes | str | int | None] = {
        "field": 0x0001,
        "sop_class": image.sop_class,
        "sop": image.sop,
        "priority": 0,
        "data_set": 1,
        "message": message_id,
    }
    values = {tags[name]: value for name, value in (usual | changes).items() if value is not None}
    return command_set(values)


@dataclass(frozen=True, slots=True)
class Image:
    """A small CT image; `changes` replace elements of its data set, None leaves one out."""

    study: str
    series: str
    sop: str
    patient_id: str = "RAW-1"
    sop_class: str = CT
    changes: Mapping[int, bytes | str | int | None] = field(default_factory=dict)

    @property
    def data(self) -> bytes:
        """Its data set in Implicit VR Little Endian."""
        usual: dict[int, bytes | str | int | None] = {
            0x00080016: self.sop_class,
            0x00080018: self.sop,
            0x00080020: "20260401",
            0x00080030: "101500",
            0x00080050: "ACC1",
            0x00080060: "CT",
            0x00100010: "RAW^PATIENT",
            0x00100020: self.patient_id,
            0x0020000D: self.study,
            0x0020000E: self.series,
            0x00200011: "1",
            0x00200013: "1",
            0x00280002: 1,
            0x00280004: "MONOCHROME2",
            0x00280010: 8,
            0x00280011: 8,
            0x00280100: 16,
            0x00280101: 12,
            0x00280102: 11,
            0x00280103: 0,
            0x7FE00010: b"".join(struct.pack("<H", (n * 61) % 4096) for n in range(64)),
        }
        return data_set({tag: value for tag, value in (usual | dict(self.changes)).items() if value is not None})

    def but(self, **changes: Any) -> "Image":
        """The same with other fields."""
        return replace(self, **changes)

    def having(self, changes: Mapping[int, bytes | str | int | None]) -> "Image":
        """The same with other elements."""
        return replace(self, changes={**self.changes, **changes})


def uid(*parts: object) -> str:
    """A UID made of `parts`, the same for the same."""
    digest = hashlib.sha256("/".join(map(str, parts)).encode()).digest()
    return f"2.25.{int.from_bytes(digest[:14], 'big')}"


def images(seed: str, count: int = 2, **changes: Any) -> list[Image]:
    """Images of one series of one study."""
    return [Image(uid(seed, "study"), uid(seed, "series"), uid(seed, number)).but(**changes) for number in range(count)]


# --- one connection ------------------------------------------------------------------------------------------------


class RawPeer:
    """One connection that sends what it is told and reads PDU by PDU."""

    def __init__(self, sock: socket.socket) -> None:
        sock.settimeout(PATIENCE)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = sock
        self.maximum = 16384
        self._read = b""

    def send(self, data: bytes) -> None:
        """Send bytes."""
        self.socket.sendall(data)

    def pdu(self) -> bytes:
        """The next PDU in whole; empty where the connection has ended."""
        head = self._exactly(6)
        if not head:
            return b""
        return head + self._exactly(int.from_bytes(head[2:], "big"))

    def _exactly(self, count: int) -> bytes:
        while len(self._read) < count:
            try:
                more = self.socket.recv(1 << 16)
            except ConnectionError:
                more = b""
            if not more:
                return b""
            self._read += more
        data, self._read = self._read[:count], self._read[count:]
        return data

    def closed(self) -> bool:
        """Wait for the end; whether nothing came before it."""
        return self.pdu() == b""

    def close(self) -> None:
        """Close."""
        self.socket.close()

    # --- as requestor

    def associate(self, request: Request | None = None) -> Answer:
        """Ask for an association that has to be accepted."""
        self.send((request or Request()).encoded())
        answer = self.pdu()
        assert answer[:1] == bytes((AC,)), f"not accepted: {answer.hex()}"
        accepted = taken_apart(answer)
        self.maximum = accepted.maximum
        return accepted

    def message(self, context_id: int, command: bytes, data: bytes | None = None) -> None:
        """Send a message in PDVs that the other side can take."""
        self.fragments(context_id, COMMAND, command)
        if data is not None:
            self.fragments(context_id, 0, data)

    def fragments(self, context_id: int, kind: int, data: bytes) -> None:
        """Send a command or data set."""
        step = (self.maximum or 1 << 17) - 6
        for start in range(0, max(1, len(data)), step):
            last = LAST if start + step >= len(data) else 0
            self.send(data_tf(context_id, kind | last, data[start : start + step]))

    def receive(self) -> Message:
        """The next message; fails where something else comes."""
        command, data = bytearray(), bytearray()
        while True:
            got = self.pdu()
            assert got[:1] == bytes((DATA,)), f"no message came, but {got.hex() or 'the end'}"
            position = 6
            while position < len(got):
                length, _, control = struct.unpack_from(">LBB", got, position)
                part = command if control & COMMAND else data
                part += got[position + 6 : position + 4 + length]
                position += 4 + length
                if not control & LAST:
                    continue
                values = {tag & 0xFFFF: value for tag, value in elements_of(bytes(command)).items()}
                if not control & COMMAND or values[0x0800] == b"\x01\x01":
                    return Message(values, bytes(data))

    def echo(self, context_id: int = 1, message_id: int = 1) -> int:
        """C-ECHO; its status."""
        echo = command_set({0x0002: VERIFICATION, 0x0100: 0x0030, 0x0110: message_id, 0x0800: 0x0101})
        self.message(context_id, echo)
        return self.receive().status

    def store(
        self,
        image: Image,
        context_id: int = 3,
        message_id: int = 1,
        data: bytes | None = None,
        **changes: Any,
    ) -> Message:
        """C-STORE; its response."""
        self.message(context_id, store_command(image, message_id, **changes), image.data if data is None else data)
        return self.receive()

    def release(self) -> None:
        """A-RELEASE, and close."""
        self.send(pdu(RELEASE_RQ, bytes(4)))
        answer = self.pdu()
        assert answer == pdu(RELEASE_RP, bytes(4)), f"not released: {answer.hex()}"
        self.close()


@contextmanager
def raw_peer(port: int, source: str = "127.0.0.1") -> Iterator[RawPeer]:
    """A connection to an acceptor."""
    sock = socket.create_connection(("127.0.0.1", port), PATIENCE, (source, 0))
    try:
        yield RawPeer(sock)
    finally:
        sock.close()


def store_all(port: int, stored: Iterable[Image], request: Request | None = None, **changes: Any) -> list[Message]:
    """Store images over one association."""
    with raw_peer(port) as peer:
        peer.associate(request)
        answers = [peer.store(image, message_id=number, **changes) for number, image in enumerate(stored, 1)]
        peer.release()
        return answers


# --- a PACS --------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Move:
    """One C-MOVE as a script sees it."""

    pacs: "RawPacs"
    peer: RawPeer
    request: Message
    context_id: int

    @property
    def message_id(self) -> int:
        """Message ID (0000,0110)."""
        number = self.request.number(0x0110)
        assert number is not None
        return number

    @property
    def images(self) -> list[Image]:
        """What was asked for."""
        study = elements_of(self.request.data)[0x0020000D].decode().strip("\0 ")
        return [image for image in self.pacs.images if image.study == study]

    def respond(self, status: int, data: bytes | None = None, **counters: Any) -> None:
        """A C-MOVE-RSP; counters: remaining, completed, failed, warning."""
        tags = {"remaining": 0x1020, "completed": 0x1021, "failed": 0x1022, "warning": 0x1023}
        values: dict[int, bytes | str | int] = {tags[name]: count for name, count in counters.items()}
        values |= {0x0002: MOVE, 0x0100: 0x8021, 0x0120: self.message_id, 0x0900: status}
        self.peer.message(self.context_id, command_set(values | {0x0800: 0x0101 if data is None else 1}), data)

    def pending(self, **counters: Any) -> None:
        """Status FF00."""
        self.respond(0xFF00, **counters)

    def store(self, stored: Iterable[Image] | None = None, **changes: Any) -> list[Message]:
        """Sub-operations over one association, with the originator as it should be unless changed."""
        usual: dict[str, bytes | str | int | None] = {"originator": TITLE, "originator_id": self.message_id}
        request = Request(calling=self.pacs.title)
        return store_all(self.pacs.store_port, self.images if stored is None else stored, request, **(usual | changes))


def obedient(move: Move) -> None:
    """What a PACS should do."""
    answers = move.store()
    failed = sum(answer.status >> 12 in (0xA, 0xC) for answer in answers)
    move.respond(0x0000 if not failed else 0xB000, completed=len(answers) - failed, failed=failed, warning=0)


class RawPacs:
    """Serves C-ECHO, C-FIND over `images`, and C-MOVE by `script`; remembers everything that it was asked."""

    def __init__(
        self, images: Iterable[Image] = (), *, script: Callable[[Move], None] = obedient, title: str = "RAW_PACS"
    ) -> None:
        self.images = list(images)
        self.script = script
        self.title = title
        self.store_port = 0
        self.requests: list[Answer] = []
        self.messages: list[Message] = []
        self.per_association: list[int] = []
        self.endings: list[int] = []
        """The type of the PDU with which each association ended; 0: the connection."""

        self.errors: list[BaseException] = []
        self.on_associate: Callable[[RawPeer, bytes], bool] = lambda peer, request: False
        """Called with each request; True: it has done everything."""

        self.on_find: Callable[[RawPeer, int, Message], bool] = lambda peer, context_id, message: False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._threads: list[threading.Thread] = []
        self._peers: list[RawPeer] = []
        self._stopping = threading.Event()

    def __enter__(self) -> "RawPacs":
        self._run(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for peer in self._peers:
            with suppress(OSError):
                peer.socket.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(PATIENCE)
        for peer in self._peers:
            peer.close()

    @property
    def finds(self) -> list[Message]:
        """The C-FINDs."""
        return [each for each in self.messages if each.number(0x0100) == 0x0020]

    @property
    def moves(self) -> list[Message]:
        """The C-MOVEs."""
        return [each for each in self.messages if each.number(0x0100) == 0x0021]

    def _run(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            peer = RawPeer(sock)
            self._peers.append(peer)
            self._run(self._serve, peer)

    def _serve(self, peer: RawPeer) -> None:
        try:
            self._associated(peer)
        except BaseException as error:
            if not self._stopping.is_set():
                self.errors.append(error)
        finally:
            with suppress(OSError):
                peer.socket.shutdown(socket.SHUT_RDWR)

    def _associated(self, peer: RawPeer) -> None:
        request = peer.pdu()
        if not request:
            return
        asked = taken_apart(request)
        self.requests.append(asked)
        if self.on_associate(peer, request):
            return
        peer.maximum = asked.maximum
        peer.send(accepting(request))
        count = 0
        self.per_association.append(count)
        index = len(self.per_association) - 1
        while True:
            got = peer.pdu()
            if got[:1] != bytes((DATA,)):
                self.endings.append(got[0] if got else 0)
                if got[:1] == bytes((RELEASE_RQ,)):
                    peer.send(pdu(RELEASE_RP, bytes(4)))
                    peer.closed()
                return
            peer._read = got + peer._read
            self.per_association[index] += 1
            self._message(peer, got[10], peer.receive())

    def _message(self, peer: RawPeer, context_id: int, message: Message) -> None:
        self.messages.append(message)
        match message.number(0x0100):
            case 0x0030:
                peer.message(context_id, _response(message, 0x0000))
            case 0x0020:
                if not self.on_find(peer, context_id, message):
                    for answer in self.answers(elements_of(message.data)):
                        peer.message(context_id, _response(message, 0xFF00, has_data=True), data_set(answer))
                    peer.message(context_id, _response(message, 0x0000))
            case 0x0021:
                self.script(Move(self, peer, message, context_id))

    def answers(self, asked: Mapping[int, bytes]) -> Iterator[dict[int, bytes]]:
        """The matches of a C-FIND, by level (PS3.4 C.6.2.1)."""
        level = asked[0x00080052].decode().strip()
        unique = {"STUDY": 0x0020000D, "SERIES": 0x0020000E, "IMAGE": 0x00080018}[level]
        keys = (0x00100020, 0x00080050, 0x0020000D, 0x0020000E)
        seen = set()
        for image in self.images:
            held = elements_of(image.data)
            if any(asked.get(key, b"").strip(b" \0") not in (b"", held[key].strip(b" \0")) for key in keys):
                continue
            if held[unique] in seen:
                continue
            seen.add(held[unique])
            yield {tag: held.get(tag, b"") for tag in asked if tag != 0x00080052} | {0x00080052: asked[0x00080052]}


def accepting(request: bytes, maximum: int = 16384, result: int = 0) -> bytes:
    """The acceptance of every context of a request in its first transfer syntax."""
    asked = taken_apart(request)
    contexts = b"".join(
        item(0x21, bytes((context_id, 0, result, 0)) + item(0x40, syntaxes[0]))
        for context_id, (_, syntaxes) in asked.contexts.items()
    )
    head = struct.pack(">HH", 1, 0) + request[10:74]
    return pdu(AC, head + item(0x10, APPLICATION_CONTEXT) + contexts + user_information(maximum))


def _response(message: Message, status: int, has_data: bool = False) -> bytes:
    field_number, message_id = message.number(0x0100), message.number(0x0110)
    assert field_number is not None
    assert message_id is not None
    return command_set(
        {
            0x0002: message.values[0x0002],
            0x0100: field_number | 0x8000,
            0x0120: message_id,
            0x0800: 1 if has_data else 0x0101,
            0x0900: status,
        }
    )
