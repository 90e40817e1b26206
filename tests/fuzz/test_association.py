"""The engine in both roles under anything: events or a PeerError come of it, and there is always a way out."""

import struct
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from netty.errors import LocalError
from netty.ul import codec
from netty.ul.association import Association
from netty.ul.events import AssociateRequested, Directive
from netty.ul.limits import Limits
from netty.ul.negotiation import negotiate
from netty.ul.pdu import AssociateAccept, AssociateReject, PduType
from netty.ul.states import State
from support.fuzz_checks import check_connection, check_event, check_pdu, check_written
from support.fuzzing import cases, corpus, in_pieces, spoilings, spoilt, tried
from support.wire import associate_request, policy

REQUEST = codec.encode_associate_request(associate_request())
ACCEPT = negotiate(associate_request(), policy())
assert isinstance(ACCEPT, AssociateAccept)
ACCEPTANCE = codec.encode_associate_accept(ACCEPT)
RELEASE, RELEASED = codec.encode_release_request(), codec.encode_release_response()
BUFFER_AT_MOST = 1 << 19
WAITING_FOR_CLOSE = (State.AWAITING_ASSOCIATE_RQ, State.AWAITING_TRANSPORT_CLOSE)


def pdv(context_id: int, control: int, data: bytes, lie: int = 0) -> bytes:
    """A PDV, perhaps of another length than it says."""
    return struct.pack(">LBB", max(0, len(data) + 2 + lie), context_id, control) + data


# --- what comes over the wire --------------------------------------------------------------------------------------

uids = st.one_of(st.sampled_from(["1.2.840.10008.1.1", "1.2.840.10008.1.2", ""]), st.text(max_size=70))
small = st.binary(max_size=40)
items: st.SearchStrategy[bytes] = st.recursive(
    small,
    lambda inner: st.builds(
        lambda kind, parts, lie: (
            struct.pack(">BBH", kind, 0, max(0, min(0xFFFF, len(b"".join(parts)) + lie))) + b"".join(parts)
        ),
        st.sampled_from([0x10, 0x20, 0x21, 0x30, 0x40, *range(0x50, 0x5A), 0xFF]),
        st.lists(inner, max_size=4),
        st.sampled_from([0, 0, 0, 0, 1, -1, 4, 0xFFFF]),
    ),
    max_leaves=12,
)
pdvs = st.builds(
    pdv, st.sampled_from([0, 1, 2, 3, 255]), st.integers(0, 4), small, st.sampled_from([0, 0, 0, 0, 0, -1, 1, 100])
)
bodies = {
    PduType.ASSOCIATE_RQ: st.one_of(
        st.just(REQUEST[6:]), st.builds(lambda parts: REQUEST[6:74] + b"".join(parts), st.lists(items, max_size=5))
    ),
    PduType.ASSOCIATE_AC: st.one_of(
        st.just(ACCEPTANCE[6:]),
        st.builds(lambda parts: REQUEST[6:74] + b"".join(parts), st.lists(items, max_size=5)),
    ),
    PduType.ASSOCIATE_RJ: st.binary(min_size=4, max_size=4),
    PduType.DATA_TF: st.builds(b"".join, st.lists(pdvs, max_size=4)),
    PduType.RELEASE_RQ: st.just(bytes(4)),
    PduType.RELEASE_RP: st.just(bytes(4)),
    PduType.ABORT: st.binary(min_size=4, max_size=4),
}
pdus = st.one_of(
    *(
        st.builds(lambda body, kind=kind: codec.HEADER.pack(kind, len(body)) + body, body)
        for kind, body in bodies.items()
    )
)
wire = st.one_of(
    pdus, pdus, st.builds(spoilt, pdus, spoilings), st.builds(lambda *parts: b"".join(parts), pdus, pdus, small), small
)


# --- an engine and its driver --------------------------------------------------------------------------------------


class Driven(RuleBasedStateMachine):
    """One engine; the timer and the connection as its directives have them."""

    def __init__(self) -> None:
        super().__init__()
        self.engine = self.made()
        self.timer = self.closing = self.connected = False

    def made(self) -> Association:
        """The engine of this role."""
        raise NotImplementedError

    def after(self) -> None:
        """What a driver does after each call."""
        written = b"".join(self.engine.data_to_send())
        check_written(written)
        for directive in self.engine.directives():
            if directive is Directive.CLOSE_TRANSPORT:
                self.closing = True
            else:
                self.timer = directive is Directive.START_ARTIM

    def take(self, at_most: int | None = None) -> None:
        """Take the events, or some."""
        for number in count():
            if number == at_most or (event := self.engine.next_event()) is None:
                break
            check_event(self.engine, event)
            if isinstance(event, AssociateRequested):
                assert self.engine.request is event.request
        self.after()

    def local(self, call: Callable[..., None], *values: Any) -> None:
        """A call of the user's, at the right moment or not."""
        with suppress(LocalError):
            call(*values)
        self.after()

    @initialize(how_far=st.sampled_from([0, 1, 2, 3, 3, 3, 3, 4, 5, 6, 7, 8]))
    def begin(self, how_far: int) -> None:
        """A way into the middle: chance alone hardly ever makes an association."""
        tried["engine"] += 1
        engine, peer = self.engine, self.engine.receive_data
        ways: tuple[Callable[[], object], ...] = (
            engine.transport_connected,
            lambda: engine.is_requestor or peer(REQUEST),
            lambda: peer(ACCEPTANCE) if engine.is_requestor else engine.accept(ACCEPT),
            engine.request_release if how_far % 2 else lambda: peer(RELEASE),
            engine.request_release if how_far == 6 else lambda: how_far < 5 or peer(RELEASE),
            lambda: engine.respond_release() if engine.is_requestor else peer(RELEASED),
            lambda: None,
            engine.abort,
        )
        for way in ways[:how_far]:
            self.connected = True
            with suppress(LocalError):
                way()
            self.take()

    @precondition(lambda self: self.connected)
    @rule(data=wire, cuts=st.lists(st.integers(0, 1000), max_size=3), events=st.sampled_from([None, None, None, 0, 1]))
    def receives(self, data: bytes, cuts: list[int], events: int | None) -> None:
        """Bytes come, in pieces."""
        for piece in in_pieces(data, cuts):
            self.engine.receive_data(piece)
            self.take(events)

    @precondition(lambda self: self.connected)
    @rule(data=wire)
    def reads(self, data: bytes) -> None:
        """Bytes come into the buffer."""
        while data:
            self.take()
            space = self.engine.get_buffer()
            count = min(len(space), len(data))
            space[:count] = data[:count]
            self.engine.received(count)
            data = data[count:]
        self.take()

    @rule(
        reject=st.builds(AssociateReject, st.integers(0, 255), st.integers(0, 255), st.integers(0, 255)),
        accepts=st.booleans(),
    )
    def answers(self, reject: AssociateReject, accepts: bool) -> None:
        """The user answers a request, if there is one."""
        request = self.engine.request
        answer = negotiate(request, policy()) if request is not None and accepts else reject
        if isinstance(answer, AssociateAccept):
            self.local(self.engine.accept, answer)
        else:
            self.local(self.engine.reject, answer)

    @rule(context_id=st.sampled_from([1, 3, 5]), data=st.binary(max_size=100), repeat=st.sampled_from([1, 400]))
    def sends(self, context_id: int, data: bytes, repeat: int) -> None:
        """The user sends."""
        self.local(self.engine.send_fragment, context_id, False, data * repeat, True)

    @rule(name=st.sampled_from(["request_release", "respond_release", "abort", "artim_expired", "trim"]))
    def calls(self, name: str) -> None:
        """The user, or the timer, does something else."""
        if name == "trim":
            self.take()
        self.local(getattr(self.engine, name))

    @rule()
    def loses_its_connection(self) -> None:
        """The connection is gone."""
        self.engine.transport_closed()
        self.take()
        assert self.engine.state is State.IDLE

    @invariant()
    def never_waits_for_ever(self) -> None:
        """Where only the peer can go on, the timer runs, or the connection is being closed."""
        assert self.engine.state not in WAITING_FOR_CLOSE or self.timer or self.closing

    @invariant()
    def holds_little_memory(self) -> None:
        """Whatever was announced."""
        assert self.engine.memory <= BUFFER_AT_MOST

    def teardown(self) -> None:
        """From wherever it stands: `abort` and the timer, or the end of the connection, lead to idle."""
        self.engine.abort()
        self.after()
        if self.engine.state is State.AWAITING_TRANSPORT_CLOSE:
            assert self.timer
            self.engine.artim_expired()
            self.after()
        self.take()
        assert self.engine.state is State.IDLE, self.engine.state
        self.engine.transport_closed()
        self.take()
        assert self.engine.state is State.IDLE


class AcceptorMachine(Driven):
    """The side that is asked."""

    def made(self) -> Association:
        return Association.acceptor()


class RequestorMachine(Driven):
    """The side that asks."""

    def made(self) -> Association:
        return Association.requestor(associate_request(), Limits(maximum_length=4096))


@pytest.mark.parametrize("machine", [AcceptorMachine, RequestorMachine])
def test_any_course_of_events_is_taken_and_can_be_ended(machine: type[Driven]) -> None:
    run_state_machine_as_test(machine, settings=cases(1000, in_longer_runs=300, stateful_step_count=12))


@cases(400)
@given(data=st.one_of(wire, st.builds(spoilt, st.just(REQUEST), spoilings)))
def test_a_pdu_is_read_or_refused(data: bytes) -> None:
    tried["pdu"] += 1
    check_pdu(data)


@pytest.mark.parametrize("path", corpus("association"), ids=lambda path: path.name)
def test_what_once_came_over_the_wire_is_taken(path: Path) -> None:
    """Each file is the bytes of one connection, from its first."""
    check_connection(path.read_bytes())
