"""The requestor: one association that we ask of a remote, within the timers of statement 4.2.6."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, Self

from netty.dicom.uids import IMPLICIT_VR_LITTLE_ENDIAN
from netty.dimse.codec import decode_answer
from netty.dimse.command import Message
from netty.dimse.errors import MessageError
from netty.dimse.messages import (
    DataSetFragment,
    MessageAssembler,
    MessageBegan,
    send_command,
    send_data_set,
    send_message,
)
from netty.errors import PeerError
from netty.model.remote import Remote
from netty.network.errors import AssociationAborted, AssociationRejected, RemoteUnreachable, TimedOut
from netty.network.settings import AeSettings, Timers
from netty.network.transport import Connection, Patience, connect
from netty.ul import codec
from netty.ul.association import Association, Buffer
from netty.ul.events import (
    Aborted,
    AssociateAccepted,
    AssociateRejected,
    DataReceived,
    Event,
    ProviderAborted,
    Released,
    ReleaseRequested,
    TransportClosed,
)
from netty.ul.limits import Limits
from netty.ul.pdu import (
    AbortReason,
    AbortSource,
    AcceptedContext,
    AssociateAccept,
    AssociateRequest,
    ContextResult,
    ProposedContext,
    RejectedContext,
)

log = logging.getLogger(__name__)

Received = tuple[Message, bytes]

_IDENTIFIER_LIMIT: Final = 16 << 20  # a list of failed UIDs may be long; ours would be 250 000 images
_UNTAKEN: Final = 64  # messages that wait before the peer has to
_GOODBYE: Final = 5.0  # seconds: what we came for is done, or has failed


class RequestedAssociation:
    """An association that stands. Made by `associate`; used by one task."""

    def __init__(self, remote: Remote, request: AssociateRequest, timers: Timers, maximum_length: int) -> None:
        self.remote = remote
        self._timers = timers
        self._engine = Association.requestor(request, Limits(maximum_length=maximum_length))
        patience = Patience(closing=_GOODBYE, unread=timers.response)
        self.connection = Connection(self._engine, self, patience)
        self._assembler = MessageAssembler(decode=decode_answer)
        self._loop = asyncio.get_running_loop()
        self._received: deque[Received] = deque()
        self._hear: Callable[[Received], float | None] | None = None
        self._rest = 0.0  # seconds in which what comes next may wait
        self._command: Message | None = None
        self._command_pdu = b""  # with it, as the next message may begin too
        self._data_set = bytearray()
        self._accept: AssociateAccept | None = None
        self._failure: PeerError | None = None
        self._released = False
        self._has_news = False
        self._waiter: asyncio.Future[bool] | None = None
        self._total_deadline = float("inf")

    # --- transport.User ------------------------------------------------------------------------------------------

    def connected(self) -> None:
        """The request goes out by itself."""

    def take(self, event: Event) -> None:
        """One event of the engine; nearly all of them are data."""
        if type(event) is DataReceived:
            self._take_data(event)
            return
        self._has_news = True
        match event:
            case AssociateAccepted(accept):
                self._accept = accept
            case AssociateRejected(reject):
                self._fail(AssociationRejected.by_peer(self.remote.name, reject))
            case Aborted(source, reason):
                self._fail(AssociationAborted.by_peer(self.remote.name, source, reason))
            case ProviderAborted(error):
                self._fail(self._broken(error))
            case Released():
                self._released = True
            case ReleaseRequested():
                self._engine.respond_release()
                self._fail(
                    AssociationAborted("The remote {remote} ended the association early.", remote=self.remote.name)
                )
            case TransportClosed():
                self._fail(
                    AssociationAborted("The remote {remote} closed the connection early.", remote=self.remote.name)
                )

    def taken(self) -> None:
        """After a read: who waits is woken once, whatever it brought."""
        if self._has_news:
            self._has_news = False
            self._wake()
        elif self._rest:
            self.connection.hold()
            self._loop.call_later(self._rest, self.connection.proceed)
            self._rest = 0.0

    def lost(self, error: PeerError | None) -> None:
        """The connection is gone."""
        if error is not None and self._failure is None:
            self._fail(
                AssociationAborted(
                    "The connection to the remote {remote} broke: {detail}.", remote=self.remote.name, detail=error
                )
            )
        self._wake()

    def _take_data(self, received: DataReceived) -> None:
        if self._failure is not None:
            return
        if received.is_command:
            self._command_pdu = _whole_pdu(received) if self._assembler.between_messages else b""
        try:
            events = self._assembler.feed(received)
        except MessageError as error:
            self._break_off(error)
            return
        for event in events:
            if isinstance(event, MessageBegan):
                self._command = event.command
                self._data_set = bytearray()
            elif isinstance(event, DataSetFragment):
                if len(self._data_set) + event.size > _IDENTIFIER_LIMIT:
                    self._break_off(
                        MessageError("The peer sent an identifier of more than {limit} bytes.", limit=_IDENTIFIER_LIMIT)
                    )
                    return
                self._data_set += b"".join(event.parts)
            elif self._command is not None:
                message = (self._command, bytes(self._data_set))
                if self._hear is not None and (rest := self._hear(message)) is not None:
                    self._rest = rest
                    continue
                self._rest = 0.0
                self._received.append(message)
                self._has_news = True
                if self._command_pdu and self._command.has_data_set:
                    self._take_alike(self._command)
                if len(self._received) >= _UNTAKEN:
                    self.connection.hold()

    def _take_alike(self, command: Message) -> None:
        """The messages that have come behind one and begin as it does: most answers to a query."""
        data_sets = self._engine.messages_alike(self._command_pdu, _UNTAKEN - len(self._received))
        self._received.extend([(command, data_set) for data_set in data_sets])

    def _break_off(self, error: PeerError) -> None:
        self._has_news = True
        self._fail(self._broken(error))
        self._engine.abort(AbortSource.SERVICE_PROVIDER, AbortReason.INVALID_PDU_PARAMETER_VALUE)
        self.connection.abort()

    def _broken(self, error: PeerError) -> AssociationAborted:
        return AssociationAborted(
            "The remote {remote} broke the protocol, so the association was aborted: {detail}",
            remote=self.remote.name,
            detail=error,
        )

    def _fail(self, error: PeerError) -> None:
        """The first reason counts."""
        if self._failure is None:
            self._failure = error

    def _wake(self) -> None:
        if self._waiter is not None:
            _settle(self._waiter, True)

    # --- for the services ----------------------------------------------------------------------------------------

    @property
    def contexts(self) -> tuple[AcceptedContext, ...]:
        """The presentation contexts that the peer accepted."""
        return tuple(self._engine.contexts.values())

    @property
    def send_length(self) -> int:
        """The longest P-DATA-TF that goes to this peer."""
        return self._engine.send_length

    def context_for(self, abstract_syntax: str, service: str) -> AcceptedContext:
        """The accepted context of a service; AssociationRejected if the peer turned it down."""
        for context in self._engine.contexts.values():
            if context.abstract_syntax == abstract_syntax:
                return context
        results = [
            context.result
            for context in (self._accept.presentation_contexts if self._accept is not None else ())
            if isinstance(context, RejectedContext) and context.abstract_syntax == abstract_syntax
        ]
        result = results[0] if results else ContextResult.NO_REASON
        raise AssociationRejected.context(self.remote.name, service, result)

    async def send(self, context_id: int, message: Message, data_set: Buffer = b"") -> None:
        """Send a message whose data set is small enough to be at hand."""
        self._check()
        send_message(self._engine, context_id, message, data_set)
        self.connection.flush()
        await self.drain()

    def begin(self, context_id: int, message: Message) -> None:
        """Send the command of a message whose data set follows with `send_fragment`."""
        self._check()
        send_command(self._engine, context_id, message)

    async def send_fragment(self, context_id: int, fragment: Buffer, last: bool) -> None:
        """Send a part of a data set, of any size; it must stay unchanged, for it is not copied."""
        self._check()
        send_data_set(self._engine, context_id, fragment, last)
        self.connection.flush()
        if self.connection.is_full:
            await self.drain()

    async def drain(self) -> None:
        """Wait until the peer has read enough for more to be sent, within the total time."""
        if self.connection.is_full:
            try:
                async with asyncio.timeout_at(self._total_deadline):
                    await self.connection.drain()
            except TimeoutError:
                raise self.time_out("total") from None
        self._check()

    async def receive(self, deadline: float | None = None) -> Received | None:
        """The next message; None where `deadline` (loop time) passes before.

        Raises:
            TimedOut: the response timer (counted from this call) or the total timer ran out; the connection is closed.
            AssociationAborted: the association is over.
        """
        now = self._loop.time()
        if now >= self._total_deadline:  # also for a peer that never lets us wait
            raise self.time_out("total")
        response_deadline = now + self._timers.response
        until = min(deadline if deadline is not None else response_deadline, self._total_deadline)
        while not self._received:
            self._check()
            if not await self._wait(until):
                if self._total_deadline <= until:
                    raise self.time_out("total")
                if deadline is None:
                    raise self.time_out("response")
                return None
        return self._next()

    def listen(self, hear: Callable[[Received], float | None]) -> None:
        """Give each message that comes from now on to `hear` at once; where that takes it, nobody is woken for it.

        `hear` says for how many seconds what comes next may wait, to be read together; None where it does not take the
        message. It must not raise, nor wait. What it takes does not stand in for what `receive` waits for.
        """
        self._hear = hear

    def at_hand(self) -> Received | None:
        """A message that has come already; None where there is none, and `receive` has to wait for it."""
        return self._next() if self._received else None

    def _next(self) -> Received:
        received = self._received.popleft()
        if len(self._received) < _UNTAKEN // 2:
            self.connection.proceed()
        return received

    def time_out(self, timer: str) -> TimedOut:
        """Close the connection because `timer` ran out; the error to raise."""
        error = TimedOut(self.remote.name, timer, getattr(self._timers, timer))
        self._fail(error)
        self.connection.abort()
        return error

    def _check(self) -> None:
        if self._failure is not None:
            raise self._failure
        if self.connection.is_closed:
            raise AssociationAborted("The remote {remote} closed the connection early.", remote=self.remote.name)

    async def _wait(self, until: float) -> bool:
        """Wait for anything to happen; False when it is `until` and nothing has."""
        waiter: asyncio.Future[bool] = self._loop.create_future()
        self._waiter = waiter
        timer = self._loop.call_at(until, _settle, waiter, False) if until != float("inf") else None
        try:
            return await waiter
        finally:
            self._waiter = None
            if timer is not None:
                timer.cancel()

    # --- beginning and end ---------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        try:
            await self.establish()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(self, kind: object, error: BaseException | None, where: object) -> None:
        try:
            if error is None:
                await self.release()
        finally:
            await self.close()

    async def establish(self) -> None:
        """Connect, and wait for the answer to our request: one deadline for both (statement 4.2.6)."""
        deadline = self._loop.time() + self._timers.association
        try:
            async with asyncio.timeout_at(deadline):
                await connect(self.connection, self.remote.host, self.remote.port)
        except TimeoutError:
            raise RemoteUnreachable(
                "{host}:{port} did not answer within {seconds:g} s. Check the address of this remote, the network and "
                "the firewalls between.",
                host=self.remote.host,
                port=self.remote.port,
                seconds=self._timers.association,
            ) from None
        while self._accept is None:
            self._check()
            if not await self._wait(deadline):
                raise self.time_out("association")
        self._total_deadline = self._loop.time() + self._timers.total

    def give_up(self, error: PeerError) -> None:
        """Abort; whoever waits for a message gets `error`."""
        self._fail(error)
        self.connection.abort()
        self._wake()

    async def release(self) -> None:
        """End in order. What we came for is done, so a peer that does not answer only costs a little time."""
        if self._failure is not None or self.connection.is_closed:
            return
        self._engine.request_release()
        self.connection.flush()
        self._received.clear()
        self.connection.proceed()
        until = self._loop.time() + _GOODBYE
        while not (self._released or self._failure or self.connection.is_closed):
            if not await self._wait(until):
                log.info("the remote %s did not answer the release request", self.remote.name)
                return

    async def close(self) -> None:
        """Leave nothing open, whatever happened before."""
        if not self.connection.is_closed and self.connection.was_connected:
            self.connection.abort()
            while not self.connection.is_closed:
                await self._wait(float("inf"))


def _settle(waiter: asyncio.Future[bool], happened: bool) -> None:
    if not waiter.done():
        waiter.set_result(happened)


def _whole_pdu(received: DataReceived) -> bytes:
    """The P-DATA-TF of a command that came in one; empty where there is more of it."""
    if not received.is_last:
        return b""
    return codec.encode_data_header(received.context_id, True, True, received.size) + b"".join(received.parts)


def associate(
    remote: Remote, ae: AeSettings, timers: Timers, contexts: Sequence[ProposedContext]
) -> RequestedAssociation:
    """An association for the length of a block: released at its end, aborted where the block fails.

    Raises:
        RemoteUnreachable, AssociationRejected, AssociationAborted, TimedOut: saying what to do about it.
    """
    request = AssociateRequest(
        called_ae_title=remote.title,
        calling_ae_title=ae.title,
        presentation_contexts=tuple(contexts),
        user_information=ae.user_information,
    )
    return RequestedAssociation(remote, request, timers, ae.max_pdu)


def one_context(abstract_syntax: str) -> tuple[ProposedContext, ...]:
    """What we propose for one service: Implicit VR Little Endian only (statement table 4)."""
    return (ProposedContext(1, abstract_syntax, (IMPLICIT_VR_LITTLE_ENDIAN,)),)
