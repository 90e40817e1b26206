"""The association engine: two engines on a fake wire, and hostile bytes (PS3.8 section 9.2)."""

import tracemalloc
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netty.dicom.uids import EXPLICIT_VR_BIG_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN
from netty.errors import LocalError, NettyError, PeerError
from netty.ul import codec
from netty.ul.association import Association
from netty.ul.errors import PduError
from netty.ul.events import (
    Aborted,
    AssociateAccepted,
    AssociateRejected,
    AssociateRequested,
    DataReceived,
    Directive,
    Event,
    ProviderAborted,
    Released,
    ReleaseRequested,
    TransportClosed,
)
from netty.ul.limits import Limits
from netty.ul.negotiation import negotiate
from netty.ul.pdu import (
    Abort,
    AbortReason,
    AcceptedContext,
    AssociateAccept,
    DataTransfer,
    PresentationDataValue,
    ProposedContext,
)
from netty.ul.reasons import CALLED_AE_TITLE_NOT_RECOGNIZED
from netty.ul.states import State
from support.wire import CT_IMAGE_STORAGE, AssociationPair, Side, associate_request, policy, user_information

START, STOP, CLOSE = Directive.START_ARTIM, Directive.STOP_ARTIM, Directive.CLOSE_TRANSPORT
REQUEST = codec.encode_associate_request(associate_request())


def acceptor(limits: Limits | None = None) -> Side:
    """An acceptor whose connection has just been made."""
    side = Side(Association.acceptor(limits))
    side.association.transport_connected()
    side.take()
    return side


def established_acceptor(limits: Limits | None = None) -> Side:
    """An acceptor with the contexts 1 and 3."""
    return AssociationPair(acceptor_limits=limits).establish().acceptor


def data_pdu(*items: tuple[int, int, bytes]) -> bytes:
    """A P-DATA-TF of (context id, control header, fragment)."""
    return codec.encode_data_transfer(
        DataTransfer(
            tuple(
                PresentationDataValue(context, bool(control & 1), bool(control & 2), data)
                for context, control, data in items
            )
        )
    )


def header(pdu_type: int, length: int) -> bytes:
    return codec.HEADER.pack(pdu_type, length)


def copied(events: Iterator[Event] | list[Event]) -> list[object]:
    """Events as plain values that outlive the buffer; errors by their words."""
    values: list[object] = []
    for event in events:
        if isinstance(event, DataReceived):
            values.append((event.context_id, event.is_command, event.is_last, b"".join(event.parts)))
        elif isinstance(event, ProviderAborted):
            values.append(("provider aborted", str(event.error)))
        else:
            values.append(event)
    return values


def joined(values: list[Any]) -> list[object]:
    """Where data are cut depends on how the bytes came: parts in a row of one command or data set count as one."""
    whole: list[Any] = []
    for value in values:
        before: Any = whole[-1] if whole else None
        is_data = isinstance(value, tuple) and isinstance(before, tuple) and len(value) == len(before) == 4
        if is_data and before[:2] == value[:2] and not before[2]:
            whole[-1] = (*value[:3], before[3] + value[3])
        else:
            whole.append(value)
    return whole


# --- the course of an association ----------------------------------------------------------------------------------


def test_an_association_is_made_used_and_released() -> None:
    pair = AssociationPair()
    (requested,) = pair.to_acceptor()
    assert requested == AssociateRequested(associate_request())
    answer = negotiate(associate_request(), policy())
    assert isinstance(answer, AssociateAccept)
    pair.acceptor.association.accept(answer)
    assert pair.to_requestor() == [AssociateAccepted(answer)]
    assert dict(pair.requestor.association.contexts) == dict(pair.acceptor.association.contexts)
    assert pair.requestor.association.contexts[3].abstract_syntax == CT_IMAGE_STORAGE

    pair.requestor.association.send_fragment(3, True, b"command", True)
    pair.requestor.association.send_fragment(3, False, b"data", True)
    assert copied(pair.to_acceptor()) == [(3, True, True, b"command"), (3, False, True, b"data")]
    pair.acceptor.association.send_fragment(3, True, b"response", True)
    assert copied(pair.to_requestor()) == [(3, True, True, b"response")]

    pair.requestor.association.request_release()
    assert pair.to_acceptor() == [ReleaseRequested()]
    pair.acceptor.association.respond_release()
    assert pair.to_requestor() == [Released()]
    assert pair.requestor.directives == [CLOSE]
    pair.acceptor.association.transport_closed()
    pair.acceptor.take()
    assert pair.acceptor.directives == [START, STOP, START, STOP]
    assert pair.requestor.association.state is pair.acceptor.association.state is State.IDLE


def test_a_rejected_requestor_closes_and_the_acceptor_waits_for_it() -> None:
    pair = AssociationPair()
    pair.to_acceptor()

    pair.acceptor.association.reject(CALLED_AE_TITLE_NOT_RECOGNIZED)

    assert pair.to_requestor() == [AssociateRejected(CALLED_AE_TITLE_NOT_RECOGNIZED)]
    assert pair.requestor.directives == [CLOSE]
    assert pair.acceptor.directives == [START, STOP, START]
    pair.acceptor.association.artim_expired()
    pair.acceptor.take()
    assert pair.acceptor.directives[3:] == [STOP, CLOSE]


@pytest.mark.parametrize("by_requestor", [True, False])
def test_an_abort_is_told_and_ends_both_sides(by_requestor: bool) -> None:
    pair = AssociationPair().establish()
    aborting, other = (pair.requestor, pair.acceptor) if by_requestor else (pair.acceptor, pair.requestor)
    aborting.directives.clear()
    other.directives.clear()

    aborting.association.abort()

    assert other.receive(aborting.take()) == [Aborted(0, 0)]
    assert (aborting.directives, other.directives) == ([START], [CLOSE])
    aborting.association.transport_closed()
    assert list(aborting.association.events()) == []


def test_one_acceptance_is_read_against_what_each_association_proposed() -> None:
    """A remote sends the same bytes each time, and they are taken apart once for each proposal."""
    little, big = (
        associate_request((ProposedContext(1, CT_IMAGE_STORAGE, (syntax,)),))
        for syntax in (IMPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_BIG_ENDIAN)
    )
    context = AcceptedContext(1, CT_IMAGE_STORAGE, IMPLICIT_VR_LITTLE_ENDIAN)
    acceptance = codec.encode_associate_accept(AssociateAccept((context,), user_information()))

    accepted = []
    for request in (little, big, little):
        requestor = Association.requestor(request)
        requestor.transport_connected()
        requestor.receive_data(acceptance)
        assert any(isinstance(event, AssociateAccepted) for event in requestor.events())
        accepted.append(list(requestor.contexts.values()))

    assert accepted == [[context], [], [context]]


def test_release_collision_ends_in_order_on_both_sides() -> None:
    """PS3.8 section 9.2, Sta9 to Sta12: the acceptor's response comes first."""
    pair = AssociationPair().establish()
    requestor, acceptor_ = pair.requestor.association, pair.acceptor.association
    requestor.request_release()
    acceptor_.request_release()

    assert pair.to_acceptor() == [ReleaseRequested()]
    assert pair.to_requestor() == [ReleaseRequested()]
    assert (requestor.state, acceptor_.state) == (
        State.COLLISION_REQUESTOR_AWAITING_LOCAL_RELEASE_RESPONSE,
        State.COLLISION_ACCEPTOR_AWAITING_RELEASE_RP,
    )
    with pytest.raises(LocalError):
        acceptor_.respond_release()
    requestor.respond_release()
    assert pair.to_acceptor() == [Released()]
    acceptor_.respond_release()
    assert pair.to_requestor() == [Released()]
    assert (requestor.state, acceptor_.state) == (State.IDLE, State.AWAITING_TRANSPORT_CLOSE)


def test_data_come_in_after_we_asked_for_release_and_go_out_before_we_answer() -> None:
    pair = AssociationPair().establish()
    pair.requestor.association.request_release()
    assert pair.to_acceptor() == [ReleaseRequested()]

    pair.acceptor.association.send_fragment(1, True, b"late", True)

    assert copied(pair.to_requestor()) == [(1, True, True, b"late")]


@pytest.mark.parametrize("side", ["requestor", "acceptor"])
def test_a_lost_connection_is_told_in_the_middle_of_an_association(side: str) -> None:
    association = getattr(AssociationPair().establish(), side).association

    association.transport_closed()

    assert list(association.events()) == [TransportClosed()]
    assert association.state is State.IDLE


def test_a_connection_lost_before_a_request_is_no_event() -> None:
    side = acceptor()

    side.association.transport_closed()

    assert list(side.association.events()) == []


def test_artim_ends_a_connection_that_says_nothing() -> None:
    side = acceptor()

    side.association.artim_expired()
    side.take()

    assert side.directives == [START, STOP, CLOSE]


def test_a_requestor_may_give_up_while_it_waits_for_the_connection_or_the_answer() -> None:
    connecting = Side(Association.requestor(associate_request()))
    connecting.association.abort()
    assert connecting.take() == b""
    assert connecting.directives == [STOP, CLOSE]

    asking = AssociationPair().requestor
    asking.take()
    asking.association.abort()
    assert asking.take() == codec.encode_abort(Abort(0, 0))


def test_calls_out_of_order_are_our_own_error() -> None:
    idle = acceptor().association
    established = AssociationPair().establish().requestor.association

    calls: list[Callable[[], None]] = [
        lambda: idle.send_fragment(1, True, b"", True),
        idle.request_release,
        idle.respond_release,
        lambda: idle.reject(CALLED_AE_TITLE_NOT_RECOGNIZED),
        established.transport_connected,
        established.respond_release,
        lambda: established.send_fragment(99, True, b"", True),
    ]
    for wrong in calls:
        with pytest.raises(LocalError):
            wrong()
    idle.transport_closed()
    idle.abort()
    idle.artim_expired()
    idle.transport_closed()


# --- fragments -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("announced", "ours", "expected"),
    [
        (16384, 131072, 16384),
        (131072, 131072, 131072),
        (0, 131072, 131072),
        (1_000_000, 131072, 131072),
        (131072, 16384, 16384),
        (4097, 131072, 4096),
    ],
)
def test_no_pdu_is_longer_than_either_side_wants(announced: int, ours: int, expected: int) -> None:
    pair = AssociationPair(requestor_limits=Limits(send_length=ours))
    pair.establish(policy(announced))
    data = bytes(range(256)) * 2000

    pair.requestor.association.send_fragment(3, False, data, True)
    pdus = [b"".join(parts) for parts in zip(*[iter(pair.requestor.association.data_to_send())] * 2, strict=True)]

    assert pair.requestor.association.send_length == expected
    assert all(len(pdu) == 6 + expected for pdu in pdus[:-1])
    assert b"".join(pdu[12:] for pdu in pdus) == data
    assert [pdu[11] for pdu in pdus] == [0] * (len(pdus) - 1) + [2]


def test_fragments_are_not_copied() -> None:
    association = AssociationPair().establish().requestor.association
    data = bytearray(100)

    association.send_fragment(3, False, data, True)

    assert association.data_to_send()[1] is data


def test_an_empty_last_fragment_is_sent() -> None:
    pair = AssociationPair().establish()

    pair.requestor.association.send_fragment(3, False, b"", True)

    assert copied(pair.to_acceptor()) == [(3, False, True, b"")]


def test_bits_of_the_control_header_that_mean_nothing_are_not_tested() -> None:
    wire = bytearray(data_pdu((3, 3, b"ab")))
    wire[11] = 0xFF

    assert copied(established_acceptor().receive(bytes(wire))) == [(3, True, True, b"ab")]


# --- any cut gives the same events ---------------------------------------------------------------------------------


def course() -> bytes:
    """All that a requestor sends in one association."""
    pair = AssociationPair()
    request = pair.requestor.take()
    pair.acceptor.receive(request)
    answer = negotiate(associate_request(), policy())
    assert isinstance(answer, AssociateAccept)
    pair.acceptor.association.accept(answer)
    pair.to_requestor()
    pair.requestor.association.send_fragment(3, True, b"command", True)
    pair.requestor.association.send_fragment(3, False, bytes(range(256)) * 150, True)
    pair.requestor.association.request_release()
    several = data_pdu((1, 1, b"a"), (3, 0, b""), (1, 3, b"bc"))
    return request + several + pair.requestor.take()


COURSE = course()
REQUEST_END = len(REQUEST)


def play(wire: bytes, cuts: list[int], zero_copy: bool) -> list[object]:
    """What an acceptor makes of `wire`, cut at `cuts`; it accepts when it is asked."""
    side = acceptor()
    values: list[object] = []
    for start, stop in pairwise([0, *sorted(cuts), len(wire)]):
        left = memoryview(wire)[start:stop]
        while left:
            if zero_copy:
                space = side.association.get_buffer()
                count = min(len(space), len(left))
                space[:count] = left[:count]
                side.association.received(count)
            else:
                count = len(left)
                side.association.receive_data(left)
            left = left[count:]
            for event in side.association.events():
                values += copied([event])
                if isinstance(event, AssociateRequested):
                    answer = negotiate(event.request, policy())
                    assert isinstance(answer, AssociateAccept)
                    side.association.accept(answer)
    return [*joined(values), side.take(), side.directives]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, len(COURSE)), max_size=10), st.booleans())
def test_any_cut_gives_the_same_events(cuts: list[int], zero_copy: bool) -> None:
    assert play(COURSE, cuts, zero_copy) == play(COURSE, [], False)


def test_byte_by_byte_gives_the_same_events() -> None:
    assert play(COURSE, list(range(len(COURSE))), True) == play(COURSE, [], False)


def test_no_prefix_of_a_pdu_is_an_event() -> None:
    for end in range(REQUEST_END):
        assert play(REQUEST[:end], [], False) == [b"", [START]]


def test_a_fragment_is_handed_on_before_its_pdu_is_whole() -> None:
    side = established_acceptor()
    pdu = data_pdu((3, 2, b"abcdef"))

    assert copied(side.receive(pdu[:12])) == []
    assert copied(side.receive(pdu[12:15])) == [(3, False, False, b"abc")]
    assert side.association.is_amid_pdu
    assert copied(side.receive(pdu[15:])) == [(3, False, True, b"def")]
    assert not side.association.is_amid_pdu


def test_data_in_a_row_are_one_event_up_to_the_end_of_their_message() -> None:
    side = established_acceptor()
    pdus = [data_pdu((3, 0, b"ab")), data_pdu((3, 0, b"c")), data_pdu((3, 2, b"d")), data_pdu((3, 3, b"next"))]

    events = list(side.receive(b"".join(pdus)))

    assert copied(events) == [(3, False, True, b"abcd"), (3, True, True, b"next")]


@settings(max_examples=300, deadline=None)
@given(
    st.binary(max_size=300),
    st.sampled_from(["acceptor", "established", "requestor"]),
    st.lists(st.integers(0, 300), max_size=4),
)
def test_any_bytes_give_events_and_nothing_else(data: bytes, role: str, cuts: list[int]) -> None:
    def outcome(edges: list[int]) -> list[object]:
        sides = {"acceptor": acceptor, "established": established_acceptor, "requestor": waiting_requestor}
        side = sides[role]()
        values: list[object] = []
        for start, stop in pairwise([0, *sorted(min(edge, len(data)) for edge in edges), len(data)]):
            values += copied(side.receive(data[start:stop]))
        return [*joined(values), side.take(), side.directives]

    assert outcome(cuts) == outcome([])


def waiting_requestor() -> Side:
    side = AssociationPair().requestor
    side.take()
    return side


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.just(REQUEST),
            st.just(codec.encode_associate_accept(AssociateAccept((), user_information()))),
            st.just(data_pdu((1, 3, b"x"))),
            st.just(codec.encode_release_request()),
            st.just(codec.encode_release_response()),
            st.just(codec.encode_abort(Abort())),
            st.just(codec.encode_associate_reject(CALLED_AE_TITLE_NOT_RECOGNIZED)),
            st.binary(max_size=20),
        ),
        max_size=6,
    ),
    st.lists(
        st.sampled_from(["accept", "reject", "release", "respond", "abort", "artim", "closed", "send"]), max_size=6
    ),
    st.booleans(),
)
def test_any_pdus_and_calls_end_in_events_or_our_errors(
    pdus: list[bytes], calls: list[str], as_requestor: bool
) -> None:
    side = waiting_requestor() if as_requestor else acceptor()
    association = side.association
    do: dict[str, Callable[[], None]] = {
        "accept": lambda: association.accept(AssociateAccept((), user_information())),
        "reject": lambda: association.reject(CALLED_AE_TITLE_NOT_RECOGNIZED),
        "release": association.request_release,
        "respond": association.respond_release,
        "abort": association.abort,
        "artim": association.artim_expired,
        "closed": association.transport_closed,
        "send": lambda: association.send_fragment(1, True, b"x", True),
    }
    for index in range(max(len(pdus), len(calls))):
        try:
            if index < len(pdus):
                side.receive(pdus[index])
            if index < len(calls):
                do[calls[index]]()
        except NettyError:
            pass
        side.take()


# --- hostile peers -------------------------------------------------------------------------------------------------

UNRECOGNIZED, UNEXPECTED, INVALID = (
    AbortReason.UNRECOGNIZED_PDU,
    AbortReason.UNEXPECTED_PDU,
    AbortReason.INVALID_PDU_PARAMETER_VALUE,
)


@pytest.mark.parametrize(
    "wire",
    [
        header(0x01, 0xFFFFFFFF),
        header(0x01, 65537),
        header(0x01, 67),
        header(0x99, 10),
        header(0x00, 0),
        header(0x04, 12),
        header(0x04, 0xFFFFFFF0),
        header(0x02, 200),
        header(0x05, 4),
        header(0x06, 4),
        header(0x03, 4),
        header(0x07, 0xFFFFFFFF),
        b"GET / HTTP/1.1\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # a TLS client
    ],
    ids=lambda wire: wire[:6].hex(),
)
def test_before_an_association_the_sixth_byte_of_a_bad_pdu_is_answered_by_a_users_abort(wire: bytes) -> None:
    """AA-1: there is no provider yet whom the peer could know (PS3.8 Table 9-9)."""
    side = acceptor()

    assert side.receive(wire[:5]) == []
    (event,) = side.receive(wire[5:6])

    assert isinstance(event, ProviderAborted)
    assert isinstance(event.error, PeerError)
    assert side.take() == codec.encode_abort(Abort(0, 0))
    assert side.directives == [START, START]
    assert side.receive(bytes(100_000)) == []


@pytest.mark.parametrize(
    ("wire", "reason"),
    [
        (header(0x04, 16385), INVALID),
        (header(0x04, 0xFFFFFFF0), INVALID),
        (header(0x04, 0), INVALID),
        (header(0x04, 5), INVALID),
        (header(0x99, 4), UNRECOGNIZED),
        (header(0x01, 200), UNEXPECTED),
        (header(0x02, 200), UNEXPECTED),
        (header(0x03, 4), UNEXPECTED),
        (header(0x06, 4), UNEXPECTED),
        (header(0x05, 5), INVALID),
        (header(0x07, 3), INVALID),
        (data_pdu((5, 3, b"a")), INVALID),  # a context that was never accepted
        (data_pdu((2, 3, b"a")), INVALID),
        (header(0x04, 8) + bytes.fromhex("00000099 0103 0000"), INVALID),  # a PDV longer than its PDU
        (header(0x04, 60000), INVALID),
        (header(0x04, 6) + bytes.fromhex("00000000 0103"), INVALID),  # a PDV of length 0
        (header(0x04, 8) + bytes.fromhex("00000002 0103 0000"), INVALID),  # bytes behind the last PDV
    ],
)
def test_within_an_association_a_bad_pdu_is_answered_by_a_providers_abort(wire: bytes, reason: AbortReason) -> None:
    side = established_acceptor()
    side.take()
    side.directives.clear()

    events = side.receive(wire)

    assert isinstance(events[-1], ProviderAborted)
    assert isinstance(events[-1].error, PduError)
    assert side.take() == codec.encode_abort(Abort(2, reason))
    assert side.directives == [START]
    assert side.association.state is State.AWAITING_TRANSPORT_CLOSE
    assert side.receive(data_pdu((1, 3, b"x"))) == []


def test_the_longest_pdu_that_we_announced_is_taken() -> None:
    side = established_acceptor(Limits(maximum_length=16384))
    wire = data_pdu((3, 2, bytes(16378)))
    assert wire[2:6] == (16384).to_bytes(4, "big")

    assert copied(side.receive(wire)) == [(3, False, True, bytes(16378))]


def test_a_pdu_with_10_000_pdvs_is_taken_one_by_one() -> None:
    side = established_acceptor(Limits(maximum_length=131072))
    side.association.receive_data(data_pdu(*[(3, 0, b"")] * 10_000))
    tracemalloc.start()

    count = sum(1 for _ in side.association.events())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert count == 10_000
    assert peak < 20_000


def test_an_associate_request_of_the_longest_kind_is_taken() -> None:
    uid = "1.2.840.10008.5.1.4.1.1.2.12345678901234567890123456789012345678"
    contexts = tuple(
        type(associate_request().presentation_contexts[0])(2 * index + 1, uid, (IMPLICIT_VR_LITTLE_ENDIAN, uid, uid))
        for index in range(128)
    )
    request = associate_request(contexts)

    assert acceptor().receive(codec.encode_associate_request(request)) == [AssociateRequested(request)]


# --- memory --------------------------------------------------------------------------------------------------------


def test_an_idle_association_holds_little_memory() -> None:
    established_acceptor()  # what is made once for all
    tracemalloc.start()

    sides = [established_acceptor() for _ in range(20)]
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert held / len(sides) < 20_000


def test_a_busy_association_holds_no_more_than_its_bound_and_gives_it_back() -> None:
    side = established_acceptor(Limits(maximum_length=131072))
    wire = data_pdu((3, 0, bytes(131066)))
    largest = 0

    for _ in range(50):
        left = memoryview(wire)
        while left:
            space = side.association.get_buffer()
            count = min(len(space), len(left))
            space[:count] = left[:count]
            side.association.received(count)
            left = left[count:]
            list(side.association.events())
        largest = max(largest, side.association.memory)

    assert 131078 < largest <= 262144
    side.association.trim()
    assert side.association.memory == 0


def test_what_a_peer_announces_costs_nothing() -> None:
    side = acceptor()

    side.receive(header(0x01, 65536) + bytes(100))

    assert side.association.memory <= 4096


def test_reading_on_without_taking_the_events_is_our_own_error() -> None:
    association = acceptor().association
    with pytest.raises(LocalError):
        while True:
            association.received(len(association.get_buffer()))


def test_limits_are_those_of_the_statement() -> None:
    for wrong in (0, 4095, 131073):
        with pytest.raises(LocalError):
            Limits(maximum_length=wrong)
