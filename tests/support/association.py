"""Peers for tests over loopback: an acceptor with a shelf, and a raw socket that speaks bytes."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any

from netty.dicom.stencil import Stencil
from netty.dicom.uids import IMPLICIT_VR_LITTLE_ENDIAN, STORAGE_CLASSES
from netty.dimse.command import StoreRequest
from netty.model.remote import Remote
from netty.network.accepted import AssociationReport
from netty.network.acceptor import AssociationServer, Callers
from netty.network.service import CallingAssociation, Offer, Way
from netty.network.settings import AeSettings, ReceiveLimits, Timers
from netty.network.storage_scp import STATUSES, Statuses, StoreOutcome, storage_offers
from netty.network.verification_scp import verification_offer
from netty.ul import codec
from netty.ul.pdu import AcceptedContext, AssociateRequest, ProposedContext

CT = "1.2.840.10008.5.1.4.1.1.2"
OUR_TITLE = "HAPPY_netty"
CALLER = AeSettings(title="SENDER")
QUICK = Timers(association=5, response=5, total=20)
PATIENCE = 10.0  # seconds until a test that waits for something gives up


@dataclass
class Shelf:
    """A StoreHandler that keeps everything in memory. What it is told to raise, it raises there."""

    stored: list[bytes] = field(default_factory=list)
    requests: list[StoreRequest] = field(default_factory=list)
    callers: list[CallingAssociation] = field(default_factory=list)
    abandoned: int = 0
    begin_error: Exception | None = None
    write_error: Exception | None = None
    finish_error: Exception | None = None
    ahead: int = 0  # bytes that it says are sure to follow
    at_once: bool = False  # whether it finishes without waiting
    outcome: StoreOutcome = field(default_factory=StoreOutcome)
    began: asyncio.Event = field(default_factory=asyncio.Event)
    finishing: asyncio.Event = field(default_factory=asyncio.Event)
    may_finish: asyncio.Event = field(default_factory=asyncio.Event)
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    sizes: list[int] = field(default_factory=list)  # of what came in one piece
    wrote: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.may_finish.set()

    def begin(self, request: StoreRequest, association: CallingAssociation, context: AcceptedContext) -> "_Place":
        self.began.set()
        if self.begin_error is not None:
            raise self.begin_error
        self.requests.append(request)
        self.callers.append(association)
        return _Place(self)


class _Place:
    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._data = bytearray()

    def write(self, parts: Sequence[memoryview], size: int) -> int:
        if self._shelf.write_error is not None:
            raise self._shelf.write_error
        self._data += b"".join(parts)
        self._shelf.sizes.append(size)
        self._shelf.wrote.set()
        return self._shelf.ahead

    def finish_at_once(self) -> StoreOutcome | None:
        if not self._shelf.at_once:
            return None
        if self._shelf.finish_error is not None:
            raise self._shelf.finish_error
        self._shelf.stored.append(bytes(self._data))
        return self._shelf.outcome

    async def finish(self) -> StoreOutcome:
        self._shelf.finishing.set()
        await self._shelf.may_finish.wait()
        if self._shelf.finish_error is not None:
            raise self._shelf.finish_error
        self._shelf.stored.append(bytes(self._data))
        return self._shelf.outcome

    def express(self, way: Way, answer: Stencil) -> None:
        return None

    def abandon(self) -> None:
        self._shelf.abandoned += 1
        self._shelf.gone.set()


@dataclass
class Served:
    """A running acceptor."""

    server: AssociationServer
    port: int
    shelf: Shelf
    reports: list[AssociationReport]
    _ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def remote(self) -> Remote:
        """As its requestors know it."""
        return Remote("netty", OUR_TITLE, "127.0.0.1", self.port)

    async def wait_report(self) -> AssociationReport:
        """The report of the association that ended last."""
        async with asyncio.timeout(PATIENCE):
            await self._ended.wait()
        self._ended.clear()
        return self.reports[-1]

    def ended(self, report: AssociationReport) -> None:
        self.reports.append(report)
        self._ended.set()


@asynccontextmanager
async def serving(
    shelf: Shelf | None = None,
    *,
    limits: ReceiveLimits | None = None,
    known: Callable[[str, str], tuple[str, ...]] = lambda title, address: ("sender",),
    known_address: Callable[[str], bool] | None = None,
    statuses: Statuses = STATUSES["statement"],
    ae: AeSettings | None = None,
    more: Mapping[str, Offer] | None = None,
    port: int = 0,
) -> AsyncIterator[Served]:
    """An acceptor for Verification and Storage on the loopback, on a free port by default."""
    served = Served(None, 0, shelf or Shelf(), [])  # type: ignore[arg-type]
    syntaxes = (IMPLICIT_VR_LITTLE_ENDIAN,)
    offers = {
        **verification_offer(syntaxes),
        **storage_offers(served.shelf, STORAGE_CLASSES, syntaxes, statuses),
        **(more or {}),
    }
    served.server = AssociationServer(
        ae or AeSettings(title=OUR_TITLE, host="127.0.0.1"),
        Callers(known, known_address),
        offers,
        limits,
        stopping_status=statuses.stopping,
        ended=served.ended,
    )
    served.port = await served.server.serve("127.0.0.1", port)
    try:
        yield served
    finally:
        await served.server.stop()


def contexts(*abstract_syntaxes: str) -> tuple[ProposedContext, ...]:
    """One context in Implicit VR LE for each, ids 1, 3, 5."""
    return tuple(
        ProposedContext(2 * number + 1, uid, (IMPLICIT_VR_LITTLE_ENDIAN,))
        for number, uid in enumerate(abstract_syntaxes)
    )


def associate_request(**changes: Any) -> bytes:
    """An A-ASSOCIATE-RQ for CT storage as bytes."""
    request = AssociateRequest(
        called_ae_title=OUR_TITLE,
        calling_ae_title="SENDER",
        presentation_contexts=contexts(CT),
        user_information=CALLER.user_information,
    )
    return codec.encode_associate_request(replace(request, **changes))


class RawPeer:
    """A socket that sends what it is told and reads PDU by PDU."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def pdu(self) -> bytes:
        """The next PDU in whole; empty where the connection has ended."""
        async with asyncio.timeout(PATIENCE):
            try:
                head = await self.reader.readexactly(6)
                return head + await self.reader.readexactly(int.from_bytes(head[2:], "big"))
            except (asyncio.IncompleteReadError, ConnectionError):
                return b""

    async def closed(self) -> bool:
        """Wait for the end; whether nothing came before it."""
        return await self.pdu() == b""

    async def close(self) -> None:
        self.writer.close()
        with suppress(ConnectionError):
            await self.writer.wait_closed()


@asynccontextmanager
async def raw_peer(port: int) -> AsyncIterator[RawPeer]:
    """A raw client of an acceptor."""
    peer = RawPeer(*await asyncio.open_connection("127.0.0.1", port))
    try:
        yield peer
    finally:
        await peer.close()


@asynccontextmanager
async def raw_acceptor(behave: Callable[[RawPeer], Coroutine[Any, Any, None]]) -> AsyncIterator[Remote]:
    """A raw server for requestors; `behave` is run for each connection, which is closed after it."""
    tasks: set[asyncio.Task[None]] = set()

    async def run(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        peer = RawPeer(reader, writer)
        try:
            await behave(peer)
        finally:
            await peer.close()
            tasks.discard(task)

    server = await asyncio.start_server(run, "127.0.0.1", 0)
    try:
        yield Remote("raw", "RAW", "127.0.0.1", server.sockets[0].getsockname()[1])
    finally:
        server.close()
        await server.wait_closed()
        for task in tuple(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
