"""One association as a pure engine (PS3.8 section 9.2): bytes in, events out; calls in, bytes and directives out.

The same engine is requestor and acceptor. A driver does this, and nothing else:

- `transport_connected()` once the connection stands;
- `get_buffer` / `received` (or `receive_data`) with what comes, then `events()` until it is empty;
- after every call: write `data_to_send()`, then carry `directives()` out in their order;
- `artim_expired()` when the timer runs out, `transport_closed()` when the connection is gone.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from netty.errors import LocalError
from netty.ul import codec
from netty.ul.buffer import ANSWERS_CAPACITY, INITIAL_CAPACITY, ReceiveBuffer
from netty.ul.data_reader import DataReader
from netty.ul.errors import PduError
from netty.ul.events import (
    Aborted,
    AssociateAccepted,
    AssociateRejected,
    AssociateRequested,
    Directive,
    Event,
    ProviderAborted,
    Released,
    ReleaseRequested,
    TransportClosed,
)
from netty.ul.header import RECEIVED, SHORT_DECODERS, check_header
from netty.ul.limits import Limits
from netty.ul.pdu import (
    DEFAULT_MAXIMUM_LENGTH,
    Abort,
    AbortReason,
    AbortSource,
    AcceptedContext,
    AssociateAccept,
    AssociateReject,
    AssociateRequest,
    PduType,
    ProposedContext,
    ReleaseRequest,
    ReleaseResponse,
)
from netty.ul.states import TRANSITIONS, Action, State, Trigger

Buffer = bytes | bytearray | memoryview
_Value = AssociateRequest | AssociateAccept | AssociateReject | ReleaseRequest | ReleaseResponse | Abort | None

_DATA_INDICATED: Final = (State.ESTABLISHED, State.AWAITING_RELEASE_RP)  # DT-2 and AR-6
_DATA_REQUESTED: Final = frozenset(state for trigger, state in TRANSITIONS if trigger is Trigger.DATA_REQUESTED)
_DATA_TF: Final = int(PduType.DATA_TF)
_HEADER_SIZE: Final = codec.HEADER.size


class Association:
    """One association, in either role. See the module for what a driver does with it."""

    def __init__(self, request: AssociateRequest | None, limits: Limits) -> None:
        """Use `requestor` or `acceptor`."""
        self._is_requestor = request is not None
        self._request = request
        self._limits = limits
        self._state = State.AWAITING_TRANSPORT if self._is_requestor else State.IDLE
        self._contexts: dict[int, AcceptedContext] = {}
        self._send_length = DEFAULT_MAXIMUM_LENGTH
        self._buffer = ReceiveBuffer(
            max(limits.maximum_length, limits.associate_length) + codec.HEADER.size,
            ANSWERS_CAPACITY if self._is_requestor else INITIAL_CAPACITY,
        )
        self._data = DataReader(self._buffer, limits.maximum_length)
        self._discarding = False  # after a broken PDU nobody knows where the next begins
        self._events: deque[Event] = deque()
        self._pending: list[Buffer] = []
        self._directives: list[Directive] = []

    @classmethod
    def requestor(cls, request: AssociateRequest, limits: Limits | None = None) -> "Association":
        """The side that asks; `request` goes out with `transport_connected`."""
        return cls(request, limits or Limits())

    @classmethod
    def acceptor(cls, limits: Limits | None = None) -> "Association":
        """The side that is asked; `AssociateRequested` comes first, then `accept` or `reject` is due."""
        return cls(None, limits or Limits())

    # --- what is known -------------------------------------------------------------------------------------------

    @property
    def state(self) -> State:
        """Where the association stands (PS3.8 Tables 9-1 to 9-5)."""
        return self._state

    @property
    def is_requestor(self) -> bool:
        """Whether we asked for the association."""
        return self._is_requestor

    @property
    def request(self) -> AssociateRequest | None:
        """The request, ours or the peer's, once there is one."""
        return self._request

    @property
    def contexts(self) -> Mapping[int, AcceptedContext]:
        """The accepted presentation contexts by id; empty before the association stands."""
        return MappingProxyType(self._contexts)

    @property
    def is_established(self) -> bool:
        """Whether data may be sent."""
        return self._state in _DATA_REQUESTED

    @property
    def send_length(self) -> int:
        """The longest P-DATA-TF length that goes to this peer; a fragment may have 6 bytes less."""
        return self._send_length

    @property
    def is_amid_pdu(self) -> bool:
        """Whether the peer owes us the rest of a PDU; to be asked when the events have been taken."""
        return self._data.is_amid or self._buffer.end > self._buffer.start

    @property
    def memory(self) -> int:
        """How much memory the receive buffer holds."""
        return self._buffer.capacity

    # --- bytes in, events out ------------------------------------------------------------------------------------

    def get_buffer(self, hint: int = -1) -> memoryview:
        """Where the driver may write what it reads. Takes back every view that `DataReceived` gave out."""
        space = self._buffer.writable()
        if not space:
            raise LocalError("The events of an association must be taken before more is read from its peer.")
        return space

    def received(self, count: int) -> None:
        """The driver has written `count` bytes into the buffer; now take the events."""
        self._buffer.advance(count)

    def receive_data(self, data: Buffer) -> None:
        """Bytes that came, for drivers without `get_buffer`."""
        self._buffer.append(data)

    def events(self) -> Iterator[Event]:
        """All events that the received bytes hold; it may be left and taken up again at any point."""
        while (event := self.next_event()) is not None:
            yield event

    def next_event(self) -> Event | None:
        """The next event, or None until more bytes come. Nothing piles up: data are one event at a time."""
        while True:
            if self._events:
                return self._events.popleft()
            try:
                if self._data.is_amid:
                    return self._data.read(self._contexts)
                if self._state in _DATA_INDICATED and (whole := self._data.read_whole(self._contexts)) is not None:
                    return whole
                if not self._next_pdu():
                    return None
            except PduError as error:
                self._fail(error)

    def messages_alike(self, command: bytes, most: int) -> list[bytes]:
        """Take the data sets of the messages that come next, each of them whole, and all with the same command.

        To be asked once a message has been taken, and not to be asked about others than such as have come: nothing is
        told of these but their data sets. What differs in anything comes as events, as ever.

        Args:
            command: a P-DATA-TF as it came before in this association, with a whole command set.
            most: how many.
        """
        if self._events or self._data.is_amid or self._state not in _DATA_INDICATED:
            return []
        return self._data.read_alike(command, most)

    def unread(self) -> tuple[memoryview, int, int] | None:
        """The receive buffer, where what has come stands in it, and where that ends; None unless a PDU begins there.

        Where nothing has come, all of it is free. Who takes whole P-DATA-TF from it says so by `used_up`; no event
        tells of these.
        """
        if self._events or self._data.is_amid or self._state is not State.ESTABLISHED:
            return None
        buffer = self._buffer
        if buffer.start == buffer.end:
            buffer.writable()
        return buffer.view, buffer.start, buffer.end

    def used_up(self, count: int) -> None:
        """So many bytes of what was unread are of no use any more."""
        self._buffer.start += count

    @property
    def has_room(self) -> bool:
        """Whether more may be read before something that was read is used up."""
        return self._buffer.has_room

    def trim(self) -> None:
        """Give the receive buffer's memory back if it is empty: for an association that waits for long."""
        self._buffer.trim()

    def _next_pdu(self) -> bool:
        """Take one step in the received bytes; False when a whole PDU, or the header of a P-DATA-TF, is not there."""
        buffer = self._buffer
        available = buffer.end - buffer.start
        if self._discarding or self._state is State.IDLE:
            buffer.start = buffer.end
            return False
        if available < _HEADER_SIZE:
            return False
        pdu_type, length = codec.HEADER.unpack_from(buffer.view, buffer.start)
        check_header(pdu_type, length, self._state, self._limits)
        body_start = buffer.start + _HEADER_SIZE
        if pdu_type == _DATA_TF and self._state in _DATA_INDICATED:
            buffer.start = body_start
            self._data.begin(length)
            return True
        if available < _HEADER_SIZE + length:
            return False
        if pdu_type == _DATA_TF:  # AA-6: ignored
            buffer.start = body_start + length
            return True
        value = self._decode(pdu_type, buffer.view[body_start : body_start + length])
        buffer.start = body_start + length
        self._take(RECEIVED[pdu_type], value)
        return True

    def _decode(self, pdu_type: int, body: memoryview) -> _Value:
        if pdu_type == PduType.ASSOCIATE_RQ:
            return codec.decode_associate_request(body, self._limits.presentation_contexts)
        if pdu_type == PduType.ASSOCIATE_AC:
            assert self._request is not None
            return _acceptance(bytes(body), self._request.presentation_contexts)
        return SHORT_DECODERS[pdu_type](body)

    def _fail(self, error: PduError) -> None:
        """A PDU that breaks the rules (Evt19, or one that is not expected): the end of this association."""
        self._stop_reading()
        was_awaiting_request = self._state is State.AWAITING_ASSOCIATE_RQ
        self._take(Trigger.INVALID_PDU_RECEIVED, error.abort, error)
        if was_awaiting_request:  # AA-1 tells nobody; the log wants to know all the same
            self._events.append(ProviderAborted(error))

    # --- calls in ------------------------------------------------------------------------------------------------

    def transport_connected(self) -> None:
        """The connection stands: our request goes out, or the peer's is awaited."""
        if self._is_requestor:
            self._take(Trigger.TRANSPORT_CONFIRMED, self._request)
        else:
            self._take(Trigger.TRANSPORT_INDICATED)

    def accept(self, accept: AssociateAccept) -> None:
        """Answer AssociateRequested: the association stands. `negotiation.negotiate` makes the value."""
        self._take(Trigger.ASSOCIATE_ACCEPTED, accept)

    def reject(self, reject: AssociateReject) -> None:
        """Answer AssociateRequested: there will be no association."""
        self._take(Trigger.ASSOCIATE_REJECTED, reject)

    def send_fragment(self, context_id: int, is_command: bool, data: Buffer, last: bool) -> None:
        """Send a part of a command or data set, in as many P-DATA-TF as the peer's maximum length asks for.

        `data` is not copied: it must stay unchanged until it has been written.
        """
        if (Trigger.DATA_REQUESTED, self._state) not in TRANSITIONS:
            raise self._wrong_call(Trigger.DATA_REQUESTED)
        if context_id not in self._contexts:
            raise LocalError("Presentation context {context_id} is not accepted.", context_id=context_id)
        pending, size = self._pending, len(data)
        step = self._send_length - codec.PDV_HEADER.size
        if size <= step:
            pending.append(codec.encode_data_header(context_id, is_command, last, size))
            if size:
                pending.append(data)
            return
        view = memoryview(data)
        for start in range(0, size, step):
            stop = min(start + step, size)
            is_last = last and stop == size
            pending.append(codec.encode_data_header(context_id, is_command, is_last, stop - start))
            pending.append(view[start:stop])

    def send_encoded(self, data: Buffer) -> None:
        """Send whole P-DATA-TF, no longer than `send_length`, that are put together already."""
        if (Trigger.DATA_REQUESTED, self._state) not in TRANSITIONS:
            raise self._wrong_call(Trigger.DATA_REQUESTED)
        self._pending.append(data)

    def request_release(self) -> None:
        """Ask for the end in order; `Released` follows."""
        self._take(Trigger.RELEASE_REQUESTED)

    def respond_release(self) -> None:
        """Answer ReleaseRequested."""
        self._take(Trigger.RELEASE_RESPONDED)

    def abort(self, source: int = AbortSource.SERVICE_USER, reason: int = AbortReason.NOT_SPECIFIED) -> None:
        """End the association at once. Without effect where there is nothing left to abort."""
        if self._state is State.AWAITING_ASSOCIATE_RQ:  # the table has no row: the standard's user cannot know yet
            self._take(Trigger.ARTIM_EXPIRED)
        elif (Trigger.ABORT_REQUESTED, self._state) in TRANSITIONS:
            self._stop_reading()
            self._take(Trigger.ABORT_REQUESTED, Abort(source, reason))

    def artim_expired(self) -> None:
        """The timer that `Directive.START_ARTIM` started ran out. Without effect where none is running."""
        if (Trigger.ARTIM_EXPIRED, self._state) in TRANSITIONS:
            self._take(Trigger.ARTIM_EXPIRED)

    def transport_closed(self) -> None:
        """The connection is gone, whoever closed it. Take the events that are left before this call, and after."""
        if (Trigger.TRANSPORT_CLOSED, self._state) in TRANSITIONS:
            self._stop_reading()
            self._take(Trigger.TRANSPORT_CLOSED)

    # --- bytes and directives out --------------------------------------------------------------------------------

    def data_to_send(self) -> list[Buffer]:
        """What is to be written now, in order. Each buffer is given out once."""
        pending, self._pending = self._pending, []
        return pending

    def directives(self) -> list[Directive]:
        """What the driver must do after writing, in order. Each is given out once."""
        directives, self._directives = self._directives, []
        return directives

    # --- the table at work ---------------------------------------------------------------------------------------

    def _take(self, trigger: Trigger, value: _Value = None, error: PduError | None = None) -> None:
        """Carry out what Table 9-10 says."""
        step = TRANSITIONS.get((trigger, self._state))
        if step is None:
            raise self._wrong_call(trigger)
        self._state = step.next_state
        if step.next_state_of_acceptor is not None and not self._is_requestor:
            self._state = step.next_state_of_acceptor
        for action in step.actions:
            if action in _DIRECTIVES:
                self._directives.append(_DIRECTIVES[action])
            elif action is Action.INDICATE_PROVIDER_ABORT:
                assert error is not None
                self._events.append(ProviderAborted(error))
            else:
                _PERFORM[action](self, value)

    def _wrong_call(self, trigger: Trigger) -> LocalError:
        return LocalError(
            "The association cannot do this now ({trigger} in state {state}).",
            trigger=trigger.name,
            state=self._state.name,
        )

    def _stop_reading(self) -> None:
        self._data.stop()
        self._discarding = True

    def _establish(self, accept: AssociateAccept, peer_maximum_length: int) -> None:
        self._contexts = {context.context_id: context for context in accept.accepted_contexts}
        ours = self._limits.send_length
        length = min(peer_maximum_length, ours) if peer_maximum_length else ours
        # Fragments of even length are what every peer can read; one that grants no room for 2 bytes cannot be served.
        self._send_length = max(length & ~1, codec.PDV_HEADER.size + 2)

    def _send_associate_rq(self, value: _Value) -> None:
        assert isinstance(value, AssociateRequest)
        self._pending.append(codec.encode_associate_request(value))

    def _send_associate_ac(self, value: _Value) -> None:
        assert isinstance(value, AssociateAccept)
        assert self._request is not None
        self._establish(value, self._request.user_information.maximum_length)
        self._pending.append(codec.encode_associate_accept(value))

    def _send_associate_rj(self, value: _Value) -> None:
        assert isinstance(value, AssociateReject)
        self._pending.append(codec.encode_associate_reject(value))

    def _send_release_rq(self, value: _Value) -> None:
        self._pending.append(codec.encode_release_request())

    def _send_release_rp(self, value: _Value) -> None:
        self._pending.append(codec.encode_release_response())

    def _send_abort(self, value: _Value) -> None:
        """AA-1: as requested; before an association stands a broken PDU is answered as service user too."""
        abort = value if isinstance(value, Abort) else Abort()
        if not self._is_requestor and self._request is None:
            abort = Abort(AbortSource.SERVICE_USER, AbortReason.NOT_SPECIFIED)
        self._pending.append(codec.encode_abort(abort))

    def _send_provider_abort(self, value: _Value) -> None:
        self._pending.append(codec.encode_abort(value if isinstance(value, Abort) else Abort()))

    def _indicate_associate(self, value: _Value) -> None:
        assert isinstance(value, AssociateRequest)
        self._request = value
        self._events.append(AssociateRequested(value))

    def _confirm_accept(self, value: _Value) -> None:
        assert isinstance(value, AssociateAccept)
        self._establish(value, value.user_information.maximum_length)
        self._events.append(AssociateAccepted(value))

    def _confirm_reject(self, value: _Value) -> None:
        assert isinstance(value, AssociateReject)
        self._events.append(AssociateRejected(value))

    def _indicate_release(self, value: _Value) -> None:
        self._events.append(ReleaseRequested())

    def _confirm_release(self, value: _Value) -> None:
        self._events.append(Released())

    def _indicate_abort(self, value: _Value) -> None:
        assert isinstance(value, Abort)
        self._events.append(Aborted(value.source, value.reason))

    def _indicate_transport_closed(self, value: _Value) -> None:
        self._events.append(TransportClosed())


@lru_cache(maxsize=64)
def _acceptance(body: bytes, proposed: tuple[ProposedContext, ...]) -> AssociateAccept:
    """A remote accepts each of many associations with the same bytes: they are taken apart once."""
    return codec.decode_associate_accept(memoryview(body), {context.context_id: context for context in proposed})


_DIRECTIVES: Final[Mapping[Action, Directive]] = {
    Action.START_ARTIM: Directive.START_ARTIM,
    Action.STOP_ARTIM: Directive.STOP_ARTIM,
    Action.CLOSE_TRANSPORT: Directive.CLOSE_TRANSPORT,
}
_PERFORM: Final[Mapping[Action, Callable[[Association, _Value], None]]] = {
    Action.SEND_ASSOCIATE_RQ: Association._send_associate_rq,
    Action.SEND_ASSOCIATE_AC: Association._send_associate_ac,
    Action.SEND_ASSOCIATE_RJ: Association._send_associate_rj,
    Action.SEND_RELEASE_RQ: Association._send_release_rq,
    Action.SEND_RELEASE_RP: Association._send_release_rp,
    Action.SEND_ABORT: Association._send_abort,
    Action.SEND_PROVIDER_ABORT: Association._send_provider_abort,
    Action.INDICATE_ASSOCIATE: Association._indicate_associate,
    Action.CONFIRM_ASSOCIATE_ACCEPT: Association._confirm_accept,
    Action.CONFIRM_ASSOCIATE_REJECT: Association._confirm_reject,
    Action.INDICATE_RELEASE: Association._indicate_release,
    Action.CONFIRM_RELEASE: Association._confirm_release,
    Action.INDICATE_ABORT: Association._indicate_abort,
    Action.INDICATE_TRANSPORT_CLOSED: Association._indicate_transport_closed,
}
