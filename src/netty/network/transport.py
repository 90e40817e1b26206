"""One connection: the engine's bytes and directives carried out on a socket. I/O errors become ours at this door."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Protocol, cast

from netty.errors import PeerError
from netty.network.errors import RemoteUnreachable
from netty.ul.association import Association
from netty.ul.events import Directive, Event
from netty.ul.states import State

HIGH_WATER: Final = 1 << 20  # bytes that wait to be sent before the producer has to wait
MANY: Final = 1 << 16  # bytes; the kernel's buffers hold twice as many without growing
LIVELY: Final = 1 << 12  # bytes in one read: whoever sends fewer is slow
PAUSE: Final = 0.2  # seconds after which few bytes wake us again
UNWANTED: Final = 1 << 20  # bytes that are read and dropped behind the end, so that our last PDU is not lost to a reset
_KEEPALIVE: Final = ((socket.TCP_KEEPIDLE, 60), (socket.TCP_KEEPINTVL, 15), (socket.TCP_KEEPCNT, 4))


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the transport waits for its peer, in seconds (monotonic, absolute).

    Attributes:
        request: for the whole A-ASSOCIATE-RQ, from the connection on (ARTIM in Sta2, PS3.8 9.1.2).
        closing: for the peer to close after the last PDU (ARTIM in Sta13).
        unread: for the peer to read what we have sent.
    """

    request: float = 60.0
    closing: float = 10.0
    unread: float = 60.0


class User(Protocol):
    """What sits on a connection: the acceptor's or the requestor's side of an association."""

    def connected(self) -> None:
        """The connection stands."""

    def take(self, event: Event) -> None:
        """One event of the engine. May call `hold`: then no other comes until `proceed`."""

    def taken(self) -> None:
        """All events of what was read have been taken."""

    def lost(self, error: PeerError | None) -> None:
        """The connection is gone, `error` where it broke; comes once, last."""


class Connection(asyncio.BufferedProtocol):
    """Drives one engine. Made by `loop.create_connection`, `create_server` or `connect_accepted_socket`."""

    def __init__(self, engine: Association, user: User, patience: Patience) -> None:
        self.engine = engine
        self._user = user
        self._patience = patience
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._artim: asyncio.TimerHandle | None = None
        self._stall: asyncio.TimerHandle | None = None
        self._writable: asyncio.Future[None] | None = None  # there while the peer does not keep up with reading
        self._held = False
        self._reading_paused = False
        self._pumping = False
        self._was_connected = False
        self._closed: asyncio.Future[None] = self._loop.create_future()
        self._unwanted = 0
        self._last_read = 0
        self._descriptor = -1
        self._closely: asyncio.TimerHandle | None = None  # there while few bytes do not wake us
        self.shortcut: Callable[[], bool] | None = None
        """Asked first about what has come: whether it was taken, or waits for more, so that there is no event."""
        self.bytes_received = 0

    # --- asyncio.BufferedProtocol --------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is connected."""
        self._transport = cast(asyncio.Transport, transport)
        self._was_connected = True
        self._transport.set_write_buffer_limits(high=HIGH_WATER)
        sock = self._transport.get_extra_info("socket")
        self._descriptor = sock.fileno()
        _tune(sock)
        self.engine.transport_connected()
        self._user.connected()
        self.flush()

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where the next bytes go."""
        return self.engine.get_buffer(sizehint)

    def buffer_updated(self, nbytes: int) -> None:
        """Bytes have come."""
        self.bytes_received += nbytes
        self._last_read = nbytes
        if self.engine.state is State.AWAITING_TRANSPORT_CLOSE:
            self._unwanted += nbytes
            if self._unwanted > UNWANTED:
                self.close_now()
        self.engine.received(nbytes)
        if self.shortcut is None or not self.shortcut():
            self._pump()

    def eof_received(self) -> None:
        """The peer will send nothing more; DICOM has no use for a half-open connection, so asyncio closes it."""

    def pause_writing(self) -> None:
        """The peer does not keep up with reading."""
        self._writable = self._loop.create_future()
        self._stall = self._loop.call_later(self._patience.unread, self.close_now)

    def resume_writing(self) -> None:
        """The peer has read again."""
        if self._stall is not None:
            self._stall.cancel()
        self._release_writers()

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is closed."""
        self._take_what_is_left()
        self._transport = None
        self.engine.transport_closed()
        self._pump()
        for timer in (self._artim, self._stall, self._closely):
            if timer is not None:
                timer.cancel()
        self._release_writers()
        self._user.lost(None if exc is None else io_error(exc))
        if not self._closed.done():
            self._closed.set_result(None)

    # --- for the user --------------------------------------------------------------------------------------------

    @property
    def is_closed(self) -> bool:
        """Whether the connection is gone."""
        return self._closed.done()

    @property
    def was_connected(self) -> bool:
        """Whether there has been a connection at all."""
        return self._was_connected

    @property
    def is_full(self) -> bool:
        """Whether the peer does not keep up with reading: `drain` waits."""
        return self._writable is not None

    @property
    def peer_address(self) -> str:
        """The peer's IP address; one of IPv4 is written as such on an IPv6 socket too."""
        name = self._transport.get_extra_info("peername") if self._transport is not None else None
        address = str(name[0]) if name else ""
        return address.removeprefix("::ffff:") if "." in address else address

    @property
    def wire(self) -> int:
        """The socket, for who reads or writes right now past the event loop; -1 where he would come between."""
        transport = self._transport
        if transport is None or self._closely is not None or transport.is_closing():
            return -1
        return -1 if self._reading_paused or transport.get_write_buffer_size() else self._descriptor

    def read_besides(self, count: int) -> None:
        """So many bytes have been read from `wire` into the engine's buffer."""
        self.bytes_received += count
        self._last_read += count
        self.engine.received(count)

    def expect(self, size: int) -> None:
        """So many bytes are sure to come, as far as anybody knows: while many are, be woken for many at once.

        Many PACS send each PDU of 16 KB by itself, which would cost a turn of the event loop and a short write each.
        Whoever sends many at once anyhow need not be waited for; whoever sends little at a time, or pauses, is listened
        to as closely as ever: he may have changed his mind.
        """
        if size >= MANY and self._last_read >= LIVELY:
            if self._closely is None and self._last_read < MANY:
                self._wake_for(MANY)
                self._closely = self._loop.call_later(PAUSE, self._listen_closely)
        elif self._closely is not None:
            self._listen_closely()

    def _listen_closely(self) -> None:
        if self._closely is not None:
            self._closely.cancel()
            self._closely = None
            self._wake_for(1)

    def _wake_for(self, size: int) -> None:
        transport = self._transport
        if transport is not None and not transport.is_closing():
            with _own(transport.get_extra_info("socket")) as own:
                if own is not None:
                    own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, size)

    def hold(self) -> None:
        """Take no more events until `proceed`."""
        self._held = True

    def proceed(self) -> None:
        """Take events again, beginning with those that wait."""
        if self._held:
            self._held = False
            self._pump()

    def flush(self) -> None:
        """Write what the engine has, and do what it says."""
        data = self.engine.data_to_send()
        transport = self._transport
        if data and transport is not None:
            transport.writelines(data)
        for directive in self.engine.directives():
            self._carry_out(directive)

    async def drain(self) -> None:
        """Wait until the peer has read enough for more to be sent, or is gone."""
        while self._writable is not None:
            await asyncio.shield(self._writable)

    async def wait_closed(self) -> None:
        """Wait until the connection is gone."""
        await asyncio.shield(self._closed)

    def abort(self) -> None:
        """Send A-ABORT, if there is an association, and close."""
        self.engine.abort()
        self.flush()
        self._close()

    def close_now(self) -> None:
        """Close without sending anything more."""
        if self._transport is not None:
            self._transport.abort()

    # --- the work ------------------------------------------------------------------------------------------------

    def _pump(self) -> None:
        """Give the user the events that there are, unless it holds them off."""
        if self._pumping:  # the user calls `proceed` while it takes an event: the loop below goes on anyhow
            return
        self._pumping = True
        engine, take = self.engine, self._user.take
        try:
            while not self._held and (event := engine.next_event()) is not None:
                take(event)
        finally:
            self._pumping = False
        self._user.taken()
        self.flush()
        if self._held is not self._reading_paused:
            self._pause_or_resume()

    def _take_what_is_left(self) -> None:
        """A peer may close right behind its last answer: that counts, even where the user holds events off."""
        while True:
            self._held = False
            self._pump()
            if not self._held:
                return

    def _pause_or_resume(self) -> None:
        """Backpressure: what nobody takes is not read."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        self._reading_paused = self._held
        if self._held:
            transport.pause_reading()
        else:
            transport.resume_reading()

    def _carry_out(self, directive: Directive) -> None:
        match directive:
            case Directive.START_ARTIM:
                self._stop_artim()
                is_request = self.engine.state is State.AWAITING_ASSOCIATE_RQ
                seconds = self._patience.request if is_request else self._patience.closing
                self._artim = self._loop.call_later(seconds, self._artim_expired)
            case Directive.STOP_ARTIM:
                self._stop_artim()
            case Directive.CLOSE_TRANSPORT:
                self._close()

    def _artim_expired(self) -> None:
        self.engine.artim_expired()
        self.flush()

    def _stop_artim(self) -> None:
        if self._artim is not None:
            self._artim.cancel()
            self._artim = None

    def _close(self) -> None:
        """Close once what was written has left, but wait for that no longer than for a peer that does not close."""
        transport = self._transport
        if transport is not None and not transport.is_closing():
            transport.close()
            self._stop_artim()
            self._artim = self._loop.call_later(self._patience.closing, self.close_now)

    def _release_writers(self) -> None:
        writable, self._writable, self._stall = self._writable, None, None
        if writable is not None and not writable.done():
            writable.set_result(None)


def _tune(sock: socket.socket | None) -> None:
    """No waiting for more to send (DCMTK: 30 times faster), and a peer that vanished is noticed in the end."""
    with _own(sock) as own:
        if own is not None:
            own.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            own.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for option, seconds in _KEEPALIVE:
                own.setsockopt(socket.IPPROTO_TCP, option, seconds)


@contextmanager
def _own(sock: socket.socket | None) -> Iterator[socket.socket | None]:
    """The socket itself, for options: the loop's looks itself up for each. None where it is no connection by TCP."""
    if sock is None or sock.family not in (socket.AF_INET, socket.AF_INET6):
        yield None
        return
    own = socket.socket(sock.family, sock.type, sock.proto, sock.fileno())
    try:
        yield own
    except OSError:  # the peer has gone already; the first read will tell
        return
    finally:
        own.detach()


async def connect(connection: Connection, host: str, port: int) -> None:
    """Connect to a remote.

    Raises:
        RemoteUnreachable: saying whether the name, the network or the port is the trouble.
    """
    loop = asyncio.get_running_loop()
    try:
        await loop.create_connection(lambda: connection, host, port)
    except socket.gaierror as error:
        raise RemoteUnreachable(
            "The name {host} cannot be resolved. Check the host of this remote, and this machine's DNS.", host=host
        ) from error
    except ConnectionRefusedError as error:
        raise RemoteUnreachable(
            "Nothing listens on {host}:{port}: the connection was refused. Check the port of this remote, and that its "
            "DICOM service is running.",
            host=host,
            port=port,
        ) from error
    except OSError as error:
        raise RemoteUnreachable(
            "There is no connection to {host}:{port}: {detail}. Check the address of this remote, the network and the "
            "firewalls between.",
            host=host,
            port=port,
            detail=_detail(error),
        ) from error


def io_error(error: Exception) -> PeerError:
    """A broken connection as an error of ours."""
    lost = PeerError("The connection broke: {detail}.", detail=_detail(error))
    lost.__cause__ = error
    return lost


def _detail(error: Exception) -> str:
    """The system's words, without the address that stands in the sentence already."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
