"""One association that a peer asked of us: from its request to its end, message after message."""

import asyncio
import errno
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from netty.dimse.command import CancelRequest, Request, UnusableRequest, respond
from netty.dimse.errors import MessageError
from netty.dimse.messages import (
    DataSetFragment,
    MessageAssembler,
    MessageBegan,
    MessageEvent,
    send_message,
)
from netty.dimse.repeated import RepeatedCommands
from netty.dimse.status import Refusal, StoreStatus
from netty.errors import PeerError
from netty.network.pace import Pace, PaceLimits
from netty.network.service import AnyResponse, CallingAssociation, Incoming, Offer, Operation, Refused
from netty.network.settings import ReceiveLimits
from netty.network.shortcut import Shortcut, Taken
from netty.network.transport import Connection, Patience
from netty.ul.association import Association, Buffer
from netty.ul.events import (
    Aborted,
    AssociateRequested,
    DataReceived,
    Event,
    ProviderAborted,
    ReleaseRequested,
)
from netty.ul.limits import Limits
from netty.ul.negotiation import AcceptorPolicy, negotiate
from netty.ul.pdu import AbortReason, AbortSource, AssociateReject
from netty.ul.reasons import explain_abort

log = logging.getLogger(__name__)

_AT_A_STRETCH: Final = 0.004  # seconds in which messages are taken one behind the other; then others have their turn
_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.EFBIG, errno.ENOMEM})


class Ending(Enum):
    """How an association ended."""

    RELEASED = "released"
    REJECTED = "rejected"
    ABORTED_BY_PEER = "aborted by peer"
    ABORTED_BY_US = "aborted by us"
    NOT_REGISTERED = "closed before reading"
    LOST = "connection lost"


@dataclass(frozen=True, slots=True)
class AssociationReport:
    """One association in sum, for the log and the audit trail; titles are as the peer sent them."""

    number: int
    calling_ae_title: str
    called_ae_title: str
    address: str
    remotes: tuple[str, ...]
    ending: Ending
    detail: str
    messages: int
    bytes_received: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Server:
    """What an association needs of its server."""

    offers: Mapping[str, Offer]
    limits: ReceiveLimits
    maximum_length: int
    known: Callable[[str, str], tuple[str, ...]]
    known_address: Callable[[str], bool] | None
    policy: Callable[[Callable[[str], bool]], AcceptorPolicy]
    over: Callable[["AcceptedAssociation"], None]
    alone: Callable[[], bool]


class AcceptedAssociation:
    """Takes the engine's events; the sink of the message under way is fed synchronously, fragment by fragment."""

    def __init__(self, server: Server, number: int) -> None:
        self._server = server
        limits = server.limits
        patience = Patience(limits.request_deadline, limits.closing_deadline, limits.answer_deadline)
        engine = Association.acceptor(Limits(maximum_length=server.maximum_length, associate_length=limits.request))
        self.connection = Connection(engine, self, patience)
        self._engine = engine
        commands = RepeatedCommands()
        self._assembler = MessageAssembler(limits.command_set, commands.decode)
        self._shortcut = Shortcut(self.connection, engine, commands, limits, server.maximum_length, server.alone)
        self._pace = Pace(
            PaceLimits(limits.minimum_rate, limits.rate_window, limits.idle),
            lambda: self.connection.bytes_received,
            self._too_slow,
            self._too_idle,
            self._rest,
        )
        self._caller = CallingAssociation(number, "", "", "", ())
        self._incoming: Incoming | None = None  # where the data set of the message under way goes
        self._operation: Operation | None = None  # of the message under way, then of the response under way
        self._task: asyncio.Task[None] | None = None
        self._waiting: list[MessageEvent] = []  # a request that came before its predecessor was answered
        self._release_due = False
        self._data_set_bytes = 0
        self._refusing: int | None = None
        self._ending: tuple[Ending, str] | None = None
        self._messages = 0
        self._began = asyncio.get_running_loop().time()

    # --- transport.User ------------------------------------------------------------------------------------------

    def connected(self) -> None:
        """The socket is ours; who is not registered may be closed before anything is read."""
        address = self.connection.peer_address
        self._caller = replace(self._caller, address=address)
        knows = self._server.known_address
        if knows is not None and not knows(address):
            self._end(Ending.NOT_REGISTERED, "")
            self.connection.close_now()

    def take(self, event: Event) -> None:
        """One event of the engine; nearly all of them are data."""
        if type(event) is DataReceived:
            self._take_data(event)
            return
        match event:
            case AssociateRequested():
                self._negotiate(event)
            case ReleaseRequested():
                self._release()
            case Aborted(source, reason):
                self._end(Ending.ABORTED_BY_PEER, explain_abort(source, reason))
            case ProviderAborted(error):
                self._end(Ending.ABORTED_BY_US, str(error))

    def taken(self) -> None:
        """After every read: who owes whom is noted."""
        if self._ending is None and self._engine.is_established:
            owing = not self._assembler.between_messages or self._engine.is_amid_pdu
            self._pace.note(owing and not self._waiting)

    def lost(self, error: PeerError | None) -> None:
        """The connection is gone."""
        self._end(Ending.LOST, "" if error is None else str(error))
        self._pace.stop()
        if self._task is None:
            self._server.over(self)

    # --- for the server ------------------------------------------------------------------------------------------

    def refuse(self, status: int) -> None:
        """What is under way is finished; the next C-STORE is answered `status`, and then the association ends."""
        self._refusing = status
        if self._operation is not None:
            self._operation.cancelled.set()

    def end_idle(self) -> None:
        """Nothing is under way, so this is the end."""
        if self._task is None and self._incoming is None and not self._shortcut.is_amid:
            self._abort("the service stops")

    def close_now(self) -> None:
        """The end, whatever is under way."""
        self._end(Ending.ABORTED_BY_US, "the service stops")
        if self._task is not None:
            self._task.cancel()
        self.connection.close_now()
        if self.connection.is_closed and self._task is None:
            self._server.over(self)

    def report(self) -> AssociationReport:
        """What became of it."""
        caller = self._caller
        ending, detail = self._ending or (Ending.LOST, "")
        return AssociationReport(
            number=caller.number,
            calling_ae_title=caller.calling_ae_title,
            called_ae_title=caller.called_ae_title,
            address=caller.address,
            remotes=caller.remotes,
            ending=ending,
            detail=detail,
            messages=self._messages,
            bytes_received=self.connection.bytes_received,
            seconds=asyncio.get_running_loop().time() - self._began,
        )

    # --- the association -----------------------------------------------------------------------------------------

    def _negotiate(self, event: AssociateRequested) -> None:
        request = event.request
        address = self._caller.address
        remotes = self._server.known(request.calling_ae_title, address)
        self._caller = replace(
            self._caller,
            calling_ae_title=request.calling_ae_title,
            called_ae_title=request.called_ae_title,
            remotes=remotes,
            implementation_version_name=request.user_information.implementation_version_name,
        )
        answer = negotiate(request, self._server.policy(lambda _title: bool(remotes)))
        if isinstance(answer, AssociateReject):
            self._end(Ending.REJECTED, f"{answer.result},{answer.source},{answer.reason}")
            self._engine.reject(answer)
        else:
            self._engine.accept(answer)

    def _release(self) -> None:
        """The peer is done. A response that is still due goes first (PS3.8 7.2: no data may be lost)."""
        if self._task is not None:
            self._release_due = True
            return
        self._end(Ending.RELEASED, "")
        self._engine.respond_release()

    def _abort(self, why: str, reason: AbortReason | None = None) -> None:
        """End the association from our side."""
        self._end(Ending.ABORTED_BY_US, why)
        if reason is not None:
            self._engine.abort(AbortSource.SERVICE_PROVIDER, reason)
        self.connection.abort()

    def _end(self, ending: Ending, detail: str) -> None:
        """The first reason counts; what was coming in is given up, what is being answered is told."""
        if self._ending is not None:
            return
        self._ending = (ending, detail)
        self._pace.stop()
        self._waiting.clear()
        if self._operation is not None:
            self._operation.cancelled.set()
        if self._task is None:
            self._shortcut.leave()
            self._give_up_incoming()

    def _give_up_incoming(self) -> None:
        incoming, self._incoming = self._incoming, None
        if incoming is not None:
            try:
                incoming.abandon()
            except Exception:
                log.exception("giving up a data set failed")

    def _rest(self) -> None:
        """Nothing has come for long: hold no memory, and no file made ahead."""
        if self._task is None:
            self._shortcut.leave()
        self._engine.trim()

    def _too_slow(self) -> None:
        self._abort("the peer stalled in the middle of a message")

    def _too_idle(self) -> None:
        if self._task is not None:  # it waits for us
            self._pace.note(False)
            return
        self._abort("the association was idle for too long")

    # --- messages ------------------------------------------------------------------------------------------------

    def _take_data(self, received: DataReceived) -> None:
        if self._ending is not None:
            return
        try:
            events = self._assembler.feed(received)
        except MessageError as error:
            self._abort(str(error), AbortReason.INVALID_PDU_PARAMETER_VALUE)
            return
        for event in events:
            if type(event) is DataSetFragment:
                self._take_fragment(event)
            elif self._waiting or (isinstance(event, MessageBegan) and self._must_wait(event)):
                self._waiting.append(event)
                self.connection.hold()
            else:
                self._take_message(event)

    def _must_wait(self, began: MessageBegan) -> bool:
        """We work synchronously (statement 4.2.3); only C-CANCEL may come before an answer."""
        return self._task is not None and not isinstance(began.command, CancelRequest)

    def _take_fragment(self, fragment: DataSetFragment) -> None:
        """All that a read brought at once: a file is written in one call, however short the PDUs are."""
        if self._incoming is None:
            return
        self._data_set_bytes += fragment.size
        if self._data_set_bytes > self._server.limits.data_set:
            self._too_large()
            return
        try:
            self.connection.expect(self._incoming.write(fragment.parts, fragment.size))
        except Exception as error:
            self._refuse_incoming(error)

    def _too_large(self) -> None:
        """Refused once, and then not listened to for ever."""
        if not isinstance(self._incoming, Refused):
            limit = self._server.limits.data_set
            self._refuse_incoming(Refusal(StoreStatus.OUT_OF_RESOURCES, f"More than {limit} bytes."))
        elif self._data_set_bytes > 2 * self._server.limits.data_set:
            self._abort("the peer sent a data set without end")

    def _take_message(self, event: MessageEvent) -> None:
        if isinstance(event, MessageBegan):
            self._begin(event)
        elif self._incoming is not None and self._operation is not None and self._task is None:
            self._end_message(self._incoming, self._operation)

    def _end_message(self, incoming: Incoming, operation: Operation) -> None:
        """Answer at once where nobody is to be waited for, neither a disk nor a peer that does not read."""
        self.connection.expect(0)
        if not self.connection.is_full:
            try:
                response = incoming.finish_at_once()
            except Exception as error:
                response = respond(operation.request, self._refusal(error))
            if response is not None:
                refused = self._is_refusing(incoming)
                operation.queue(response, b"")
                self._incoming = self._operation = None
                self._after_answer(refused)
                self._shorten(operation)
                return
        self._task = asyncio.get_running_loop().create_task(self._answer(incoming, operation))

    def _is_refusing(self, incoming: Incoming) -> bool:
        """Whether this request was answered that the service stops: then the association ends."""
        return isinstance(incoming, Refused) and self._refusing is not None

    def _begin(self, began: MessageBegan) -> None:
        command = began.command
        if isinstance(command, CancelRequest):
            operation = self._operation
            if operation is not None and operation.request.message_id == command.message_id_being_responded_to:
                operation.cancelled.set()
            return
        if not isinstance(command, Request | UnusableRequest):
            self._abort("the peer sent a response that nobody waits for", AbortReason.UNEXPECTED_PDU_PARAMETER)
            return
        self._messages += 1
        self._data_set_bytes = 0
        context = self._engine.contexts[began.context_id]
        self._operation = Operation(
            command,
            context,
            self._caller,
            lambda response, data: self._send(began.context_id, response, data),
            self._drain,
        )
        try:
            self._incoming = self._begin_service(command, self._operation)
        except Exception as error:
            self._incoming = self._refused(error)

    def _begin_service(self, command: Request | UnusableRequest, operation: Operation) -> Incoming:
        if self._refusing is not None:
            raise Refusal(self._refusing, "The service is stopping; try again later.")
        if isinstance(command, UnusableRequest):
            raise command.refusal
        return self._server.offers[operation.context.abstract_syntax].service.begin(operation)

    def _refuse_incoming(self, error: Exception) -> None:
        """The rest of the data set is dropped, and the refusal answered at its end."""
        self.connection.expect(0)
        self._give_up_incoming()
        self._incoming = self._refused(error)

    def _refused(self, error: Exception) -> Refused:
        assert self._operation is not None
        request = self._operation.request
        return Refused(lambda refusal: respond(request, refusal), self._refusal(error))

    def _refusal(self, error: Exception) -> Refusal:
        """The answer to a failure; what nobody foresaw is logged here, and the association stays usable."""
        if isinstance(error, Refusal):
            return error
        log.error("a request of %r could not be served", self._caller.calling_ae_title, exc_info=error)
        if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno in _NO_ROOM):
            return Refusal(StoreStatus.OUT_OF_RESOURCES, "Out of resources; try again later.")
        return Refusal(StoreStatus.CANNOT_UNDERSTAND, "Unexpected failure; see the log of the receiver.")

    # --- answers -------------------------------------------------------------------------------------------------

    async def _answer(self, incoming: Incoming, operation: Operation) -> None:
        """Finish one request and send its response; then the next one may come."""
        refused = self._is_refusing(incoming)
        try:
            response = await self._finish(incoming, operation)
            if response is not None:
                await operation.respond(response)
        finally:
            self._task = self._incoming = self._operation = None
            self._after_answer(refused)
            self._shorten(operation)

    async def _finish(self, incoming: Incoming, operation: Operation) -> AnyResponse | None:
        try:
            return await incoming.finish()
        except Exception as error:
            return respond(operation.request, self._refusal(error))

    def _after_answer(self, refused: bool) -> None:
        if self.connection.is_closed:
            self._server.over(self)
        elif self._ending is None:
            if refused:
                self._abort("the service stops")
            elif self._release_due:
                self._release()
                self.connection.flush()
            elif self._waiting:
                waiting, self._waiting = self._waiting, []
                for event in waiting:
                    self._take_message(event)
                self.connection.proceed()

    # --- messages like the one before, past the engine's events --------------------------------------------------

    def _shorten(self, operation: Operation) -> None:
        if self._ending is None and self._refusing is None and self._shortcut.consider(operation):
            self.connection.shortcut = self._take_short

    def _take_short(self) -> bool:
        """Whether all that has come was taken, or waits for more; else there are events."""
        busy = self._incoming is not None or self._task is not None or not self._assembler.between_messages
        if busy or self.connection.is_full:
            if self._shortcut.is_amid:  # what has come of its message is the engine's now
                self._shortcut.leave()
            return False
        until = time.monotonic() + _AT_A_STRETCH
        while (taken := self._shortcut.take()) is Taken.WHOLE:
            self._messages += 1
            self._answer_short()
            goes_on = self._task is None and self._shortcut.go_on()
            if self._engine.is_amid_pdu:  # something has come behind it
                return False
            if not goes_on or time.monotonic() >= until:
                break
        if taken is Taken.LEFT:
            self.connection.shortcut = None
            return False
        self.taken()
        return True

    def _answer_short(self) -> None:
        try:
            at_once = self._shortcut.answer_at_once()
        except Exception as error:
            self._refuse_short(error)
        else:
            if not at_once:
                self._task = asyncio.get_running_loop().create_task(self._answer_sealed())
                return
        self._after_short()

    async def _answer_sealed(self) -> None:
        try:
            await self._shortcut.answer()
            await self.connection.drain()
        except Exception as error:
            self._refuse_short(error)
        finally:
            self._task = None
            self._after_short()

    def _refuse_short(self, error: Exception) -> None:
        context_id, request = self._shortcut.request
        self._shortcut.leave()
        self._send(context_id, respond(request, self._refusal(error)), b"")
        self.connection.flush()

    def _after_short(self) -> None:
        if self._ending is not None or self._refusing is not None:
            self._shortcut.leave()
        self._after_answer(False)

    def _send(self, context_id: int, response: AnyResponse, data_set: Buffer) -> None:
        if self._ending is None and self._engine.is_established:
            send_message(self._engine, context_id, response, data_set)

    async def _drain(self) -> None:
        self.connection.flush()
        await self.connection.drain()
