"""Associations as acceptor: statement 4.2.1 to 4.2.4, 4.3, tables 2 and 5, 7.1; PS3.8 9.3 where it says more."""

import socket
import struct
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from netty.network.settings import AeSettings, ReceiveLimits
from netty.workflow.settings import ReceiveSettings, Unregistered
from support.raw_peer import (
    ABORT,
    AC,
    COMMAND,
    CT,
    DATA,
    EXPLICIT,
    IMPLICIT,
    LAST,
    RELEASE_RP,
    RELEASE_RQ,
    RJ,
    VERIFICATION,
    Context,
    RawPeer,
    Request,
    command_set,
    data_tf,
    images,
    item,
    pdu,
    pdv,
    proposed,
    raw_peer,
    store_command,
    taken_apart,
)
from support.receiving import Receiving, receiving
from support.statement import rows, states

ECHO = command_set({0x0002: VERIFICATION, 0x0100: 0x0030, 0x0110: 1, 0x0800: 0x0101})
GOOD = Request()
BY_USER, BY_PROVIDER = 0, 2


@pytest.fixture(scope="module")
def acceptor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiving]:
    """netty's acceptor and receiver with the default settings."""
    with receiving(Path(tmp_path_factory.mktemp("acceptor")) / "netty") as running:
        yield running


def answered(port: int, request: bytes) -> bytes:
    """The PDU that answers a request."""
    with raw_peer(port) as peer:
        peer.send(request)
        return peer.pdu()


def rejection(port: int, request: Request) -> tuple[int, ...]:
    """Result, source and reason."""
    answer = answered(port, request.encoded())
    assert answer[:1] == bytes((RJ,)), answer.hex()
    return tuple(answer[7:10])


def aborted(peer: RawPeer) -> tuple[int, int]:
    """Source and reason of the A-ABORT that comes next; nothing comes after it."""
    answer = peer.pdu()
    assert answer[:1] == bytes((ABORT,)), answer.hex()
    peer.socket.shutdown(socket.SHUT_WR)  # it is for us to close (Sta13)
    assert peer.closed()
    return answer[8], answer[9]


# --- what is accepted ----------------------------------------------------------------------------------------------


@states("2 framework", "3.2 (2)", "4.2.1 (1)", "4.2.1 (2)", "4.2.1 (3)", "4.2.1 (4)", "4.3 accept", "5.1", "5.2", "5.3")
def test_an_association_is_accepted_when_the_four_conditions_hold(acceptor: Receiving) -> None:
    with raw_peer(acceptor.port) as peer:
        answer = peer.associate(GOOD)
        assert peer.echo() == 0x0000
        peer.release()

    assert (answer.version, answer.application) == (1, "1.2.840.10008.3.1.1.1")
    assert (answer.called, answer.calling) == (b"HAPPY_netty     ", b"RAW_PACS        ")


REJECTED = [
    ("application context", replace(GOOD, application="1.2.840.10008.3.1.1.2"), (1, 1, 2)),
    ("no application context", replace(GOOD, application=None), (1, 1, 2)),
    ("protocol version 2", replace(GOOD, version=2), (1, 2, 2)),
    ("protocol version 0", replace(GOOD, version=0), (1, 2, 2)),
    ("called title", replace(GOOD, called="SOMEBODY"), (1, 1, 7)),
    ("called title in other case", replace(GOOD, called="happy_netty"), (1, 1, 7)),
    ("calling title", replace(GOOD, calling="STRANGER"), (1, 1, 3)),
    ("no context", replace(GOOD, contexts=()), (1, 1, 1)),
]


@states("4.2.1 (1)", "4.2.1 (2)", "4.2.1 (3)", "7.1")
@pytest.mark.parametrize(("request_", "code"), [each[1:] for each in REJECTED], ids=[each[0] for each in REJECTED])
def test_an_association_is_rejected_with_result_source_and_reason(
    acceptor: Receiving, request_: Request, code: tuple[int, ...]
) -> None:
    assert rejection(acceptor.port, request_) == code


ORDER = ["version", "application", "called", "calling", "contexts"]
WRONG = {"version": 2, "application": "1.2.3", "called": "SOMEBODY", "calling": "STRANGER", "contexts": ()}


@states("4.2.1 (4)")
@pytest.mark.parametrize(
    ("first", "code"), list(zip(ORDER, [(1, 2, 2), (1, 1, 2), (1, 1, 7), (1, 1, 3), (1, 1, 1)], strict=True))
)
def test_of_several_reasons_the_most_basic_one_is_told(acceptor: Receiving, first: str, code: tuple[int, ...]) -> None:
    wrong = {name: WRONG[name] for name in ORDER[ORDER.index(first) :]}

    assert rejection(acceptor.port, replace(GOOD, **wrong)) == code  # type: ignore[arg-type]


@states("4.2.1 (2)")
@pytest.mark.parametrize("version", [1, 3, 0x8001, 0xFFFF])
def test_the_protocol_version_is_tested_by_its_lowest_bit_alone(acceptor: Receiving, version: int) -> None:
    """PS3.8 9.3.2."""
    assert answered(acceptor.port, replace(GOOD, version=version).encoded())[0] == AC


@pytest.mark.parametrize("called", [b"HAPPY_netty\0\0\0\0\0", b" HAPPY_netty    ", b"HAPPY_netty     "])
def test_padding_of_titles_is_not_significant(acceptor: Receiving, called: bytes) -> None:
    answer = taken_apart(answered(acceptor.port, replace(GOOD, called=called).encoded()))

    assert answer.called == called  # sent back as it came (PS3.8 9.3.3)


@pytest.mark.parametrize(
    "request_",
    [
        replace(GOOD, more=item(0x60, b"unknown")),
        replace(GOOD, more_user=item(0x5F, b"unknown")),
        replace(GOOD, more_user=item(0x54, struct.pack(">H", 17) + b"1.2.840.10008.1.1" + b"\1\1")),
        replace(GOOD, more_user=item(0x58, b"\1\0" + struct.pack(">H", 4) + b"user" + bytes(2))),
        replace(GOOD, more_user=item(0x56, struct.pack(">H", 17) + b"1.2.840.10008.1.1" + b"\1")),
        replace(GOOD, maximum=None),
    ],
    ids=["item 60H", "sub-item 5FH", "role selection", "user identity", "extended negotiation", "no maximum length"],
)
def test_what_is_unknown_or_not_needed_is_passed_over(acceptor: Receiving, request_: Request) -> None:
    """PS3.8 D.2 note 2."""
    answer = taken_apart(answered(acceptor.port, request_.encoded()))

    assert set(answer.user) == {0x51, 0x52, 0x55}


# --- what cannot be read -------------------------------------------------------------------------------------------


def _body(request: Request) -> bytes:
    return request.encoded()[6:]


MALFORMED = {
    "an unknown PDU": pdu(0x99, bytes(4)),
    "data": data_tf(1, COMMAND | LAST, ECHO),
    "a release": pdu(RELEASE_RQ, bytes(4)),
    "an acceptance": pdu(AC, _body(GOOD)),
    "a request that is too short": pdu(1, bytes(60)),
    "a request that is too long": struct.pack(">BBL", 1, 0, 0xFFFFFFFF),
    "an item that ends behind the PDU": pdu(1, _body(GOOD)[:-4]),
    "an even context id": replace(GOOD, contexts=((2, CT, (IMPLICIT,)),)).encoded(),
    "a context that stands twice": replace(GOOD, contexts=((1, CT, (IMPLICIT,)), (1, CT, (IMPLICIT,)))).encoded(),
    "a maximum length of 2 bytes": replace(GOOD, maximum=None, more_user=item(0x51, b"\1\1")).encoded(),
}


@states("4.2.1 (4)")
@pytest.mark.parametrize("sent", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_malformed_request_is_aborted_as_service_user(acceptor: Receiving, sent: bytes) -> None:
    """AA-1 (PS3.8 9.2.2): before an association stands, no reject code fits."""
    with raw_peer(acceptor.port) as peer:
        peer.send(sent)

        assert aborted(peer) == (BY_USER, 0)


def test_an_abort_instead_of_a_request_closes_the_connection(acceptor: Receiving) -> None:
    """AA-2."""
    with raw_peer(acceptor.port) as peer:
        peer.send(pdu(ABORT, bytes(4)))

        assert peer.closed()


LIMIT = 16384

BROKEN = {
    "an unknown PDU": (pdu(0x99, bytes(4)), 1),
    "a second request": (GOOD.encoded(), 2),
    "an acceptance": (pdu(AC, _body(GOOD)), 2),
    "a release response": (pdu(RELEASE_RP, bytes(4)), 2),
    "one byte more than ours": (struct.pack(">BBL", DATA, 0, LIMIT + 1), 6),
    "a PDV that ends behind its PDU": (pdu(DATA, struct.pack(">LBB", 100, 1, 3) + bytes(10)), 6),
    "a PDV of one byte": (pdu(DATA, struct.pack(">LBB", 1, 1, 3)), 6),
    "an empty P-DATA": (pdu(DATA, b""), 6),
    "a context that was not proposed": (data_tf(99, COMMAND | LAST, ECHO), 6),
    "a release of 5 bytes": (pdu(RELEASE_RQ, bytes(5)), 6),
    "a data set without a command": (data_tf(1, LAST, b"data"), 6),
    "a response": (data_tf(1, COMMAND | LAST, command_set({0x0100: 0x8030, 0x0120: 1, 0x0800: 257, 0x0900: 0})), 5),
    "a command without a field": (data_tf(1, COMMAND | LAST, command_set({0x0110: 1, 0x0800: 257})), 6),
    "a command of another group": (data_tf(1, COMMAND | LAST, b"\x08\x00\x16\x00\x00\x00\x00\x00"), 6),
}


@states("4.2.1 (4)", "4.2.1 PDU")
@pytest.mark.parametrize(("sent", "reason"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_pdu_is_aborted_as_service_provider(acceptor: Receiving, sent: bytes, reason: int) -> None:
    """AA-8 (PS3.8 9.2.2, Table 9-26)."""
    with raw_peer(acceptor.port) as peer:
        peer.associate()
        peer.send(sent)

        assert aborted(peer) == (BY_PROVIDER, reason)


# --- presentation contexts -----------------------------------------------------------------------------------------


@states("table 2", "2 images", "2 services")
@pytest.mark.parametrize(("name", "uid"), rows("2", 0, 1))
def test_each_class_of_table_2_is_served(acceptor: Receiving, name: str, uid: str) -> None:
    with raw_peer(acceptor.port) as peer:
        answer = peer.associate(replace(GOOD, contexts=((1, uid, (IMPLICIT,)),)))
        if uid == VERIFICATION:
            assert peer.echo() == 0x0000
        else:
            said = peer.store(images("unasked", 1)[0].but(sop_class=uid), context_id=1)
            assert said.number(0x0100) == 0x8001
            assert said.status == 0xC000  # nobody asked for it (4.3.1)
        peer.release()

    assert answer.contexts == {1: (0, (IMPLICIT,))}


@states("table 5", "2 encoding")
@pytest.mark.parametrize(("abstract", "transfer", "role"), rows("5", 0, 1, 2))
def test_each_context_of_table_5_is_accepted_in_implicit_vr_only(
    acceptor: Receiving, abstract: str, transfer: str, role: str
) -> None:
    jpeg = "1.2.840.10008.1.2.4.70"
    contexts: list[Context] = [
        (1, abstract, (transfer,)),
        (3, abstract, (EXPLICIT, jpeg)),
        (5, abstract, (EXPLICIT, transfer)),
    ]
    answer = taken_apart(answered(acceptor.port, replace(GOOD, contexts=contexts).encoded()))

    assert role == "SCP"
    assert {number: result for number, (result, _) in answer.contexts.items()} == {1: 0, 3: 4, 5: 0}
    assert answer.contexts[1][1] == answer.contexts[5][1] == (transfer,)
    assert 0x54 not in answer.user  # the default roles: we are the SCP (PS3.7 D.3.3.4)


@states("6")
def test_nothing_but_the_classes_of_table_2_is_accepted(acceptor: Receiving) -> None:
    others = ["1.2.840.10008.5.1.4.1.2.2.1", "1.2.840.10008.5.1.4.1.1.2.1", "1.2.840.10008.5.1.4.1.1.481.1", "1.2.3"]
    contexts = [(2 * number + 1, uid, (IMPLICIT,)) for number, uid in enumerate(others)]
    answer = taken_apart(answered(acceptor.port, replace(GOOD, contexts=contexts).encoded()))

    assert {result for result, _ in answer.contexts.values()} == {3}  # abstract syntax not supported


def test_a_context_without_a_transfer_syntax_is_answered(acceptor: Receiving) -> None:
    answer = taken_apart(answered(acceptor.port, replace(GOOD, contexts=((1, CT, ()), (3, "", ()))).encoded()))

    assert [result for result, _ in answer.contexts.values()] == [4, 3]


def test_all_128_contexts_are_answered(acceptor: Receiving) -> None:
    contexts = [(number, CT, (EXPLICIT, IMPLICIT)) for number in range(1, 256, 2)]
    answer = taken_apart(answered(acceptor.port, replace(GOOD, contexts=contexts).encoded()))

    assert {result for result, _ in answer.contexts.values()} == {0}
    assert len(answer.contexts) == 128


# --- PDU sizes -----------------------------------------------------------------------------------------------------


@states("4.2.1 PDU")
def test_we_take_16_kb_by_default(acceptor: Receiving) -> None:
    with raw_peer(acceptor.port) as peer:
        assert peer.associate().maximum == LIMIT
        peer.send(pdu(DATA, pdv(1, COMMAND | LAST, ECHO) + pdv(1, COMMAND, ECHO[: len(ECHO) // 2])))
        assert peer.receive().status == 0x0000
        image = images("unasked", 1)[0]
        peer.send(data_tf(1, COMMAND | LAST, ECHO[len(ECHO) // 2 :]))
        assert peer.receive().status == 0x0000
        peer.message(3, store_command(image))
        whole = image.having({0x7FE00010: bytes(40000)}).data
        peer.send(data_tf(3, 0, whole[: LIMIT - 6]))  # exactly as much as we allow
        peer.fragments(3, 0, whole[LIMIT - 6 :])
        assert peer.receive().number(0x0100) == 0x8001


@states("4.2.1 PDU", "7")
@pytest.mark.parametrize("limit", [4096, 65536, 131072])
def test_the_setting_goes_up_to_128_kb_and_is_kept(tmp_path: Path, limit: int) -> None:
    with receiving(tmp_path, ae=AeSettings(max_pdu=limit)) as running, raw_peer(running.port) as peer:
        assert peer.associate().maximum == limit
        image = images("large", 1)[0]
        data = image.having({0x7FE00010: bytes(2 * limit)}).data
        peer.message(3, store_command(image))
        peer.send(data_tf(3, 0, data[: limit - 6]))
        peer.fragments(3, 0, data[limit - 6 :])
        assert peer.receive().status == 0xC000
        peer.send(struct.pack(">BBL", DATA, 0, limit + 1))
        assert aborted(peer) == (BY_PROVIDER, 6)


@states("4.2.1 PDU")
def test_more_than_128_kb_is_no_setting() -> None:
    with pytest.raises(ValueError, match="4096 to 131072"):
        AeSettings(max_pdu=131073)


@pytest.mark.parametrize("theirs", [12, 13, 64, 16384, 0])
def test_our_answers_fit_into_what_the_peer_takes(acceptor: Receiving, theirs: int) -> None:
    """PS3.8 D.1: 0 is no limit."""
    with raw_peer(acceptor.port) as peer:
        peer.associate(replace(GOOD, maximum=theirs))
        peer.maximum = 16384
        peer.message(1, ECHO)
        lengths = []
        while True:
            got = peer.pdu()
            lengths.append(len(got) - 6)
            if got[11] & LAST:
                break

    assert max(lengths) <= (theirs or 131072)
    assert (len(lengths) == 1) is (theirs in (0, 16384))


# --- 4.2.2 to 4.2.4, 7.1 -------------------------------------------------------------------------------------------


@states("4.2.2")
def test_the_number_of_associations_has_no_limit(acceptor: Receiving) -> None:
    with ExitStack() as stack:
        peers = [stack.enter_context(raw_peer(acceptor.port)) for _ in range(300)]
        for peer in peers:
            peer.associate()

        assert acceptor.server.associations >= 300
        assert {peer.echo() for peer in peers} == {0x0000}


@states("4.2.3")
def test_asynchronous_operations_are_not_negotiated_and_requests_are_answered_in_turn(acceptor: Receiving) -> None:
    window = item(0x53, struct.pack(">HH", 4, 4))
    with raw_peer(acceptor.port) as peer:
        answer = peer.associate(replace(GOOD, more_user=window))
        for number in (7, 8, 9):
            peer.message(1, command_set({0x0002: VERIFICATION, 0x0100: 0x0030, 0x0110: number, 0x0800: 0x0101}))
        numbers = [peer.receive().number(0x0120) for _ in range(3)]

    assert 0x53 not in answer.user  # absent: one operation at a time (PS3.7 D.3.3.3)
    assert numbers == [7, 8, 9]


@states("4.2.4 class", "4.2.4 version")
def test_the_acceptance_names_the_implementation(acceptor: Receiving) -> None:
    answer = taken_apart(answered(acceptor.port, GOOD.encoded()))

    assert answer.user[0x52] == b"1.2.276.0.7230010.3.0.3.6.0"
    assert answer.user[0x55] == b"OFFIS_DCMTK_360"


@states("4.2.1 (3)", "7")
def test_another_title_of_ours_is_a_setting(tmp_path: Path) -> None:
    with receiving(tmp_path, ae=AeSettings(title="OTHER")) as running:
        assert rejection(running.port, GOOD) == (1, 1, 7)
        assert answered(running.port, replace(GOOD, called="OTHER").encoded())[0] == AC


@states("7.1")
def test_a_registered_title_from_another_address_is_rejected(acceptor: Receiving) -> None:
    with raw_peer(acceptor.port, source="127.0.0.2") as peer:
        peer.send(GOOD.encoded())

        assert tuple(peer.pdu()[7:10]) == (1, 1, 3)


@states("7.1")
def test_an_unregistered_address_may_be_closed_before_anything_is_read(tmp_path: Path) -> None:
    settings = ReceiveSettings(unregistered=Unregistered.CLOSE)
    with receiving(tmp_path, settings, closes=True) as running, raw_peer(running.port, source="127.0.0.2") as peer:
        assert peer.closed()


# --- the end -------------------------------------------------------------------------------------------------------


def test_a_release_is_answered_and_then_the_peer_closes(acceptor: Receiving) -> None:
    """AR-2, AR-4."""
    with raw_peer(acceptor.port) as peer:
        peer.associate()
        peer.release()


def test_an_abort_closes_the_connection_without_an_answer(acceptor: Receiving) -> None:
    """AA-3."""
    for source in (BY_USER, BY_PROVIDER):
        with raw_peer(acceptor.port) as peer:
            peer.associate()
            peer.send(pdu(ABORT, bytes((0, 0, source, 1))))

            assert peer.closed()


def test_what_comes_behind_a_release_is_not_an_answer_to_it(acceptor: Receiving) -> None:
    """Sta13: data is ignored (AA-6), another request is aborted (AA-7)."""
    with raw_peer(acceptor.port) as peer:
        peer.associate()
        peer.send(pdu(RELEASE_RQ, bytes(4)) + data_tf(1, COMMAND | LAST, ECHO) + GOOD.encoded())

        assert peer.pdu()[0] == RELEASE_RP
        assert peer.pdu()[:1] == bytes((ABORT,))


def test_a_peer_that_does_not_close_after_the_release_is_closed(tmp_path: Path) -> None:
    """ARTIM in Sta13 (PS3.8 9.1.2)."""
    with receiving(tmp_path, limits=ReceiveLimits(closing_deadline=0.1)) as running, raw_peer(running.port) as peer:
        peer.associate()
        peer.send(pdu(RELEASE_RQ, bytes(4)))
        assert peer.pdu()[0] == RELEASE_RP

        assert peer.closed()


@pytest.mark.parametrize("sent", [0, 3, 20, 100])
def test_a_request_that_does_not_come_ends_by_artim(tmp_path: Path, sent: int) -> None:
    with receiving(tmp_path, limits=ReceiveLimits(request_deadline=0.1)) as running, raw_peer(running.port) as peer:
        peer.send(GOOD.encoded()[:sent])

        assert peer.closed()


@pytest.mark.parametrize(("idle", "ends"), [(0, False), (0.2, True)])
def test_an_association_may_rest_unless_the_settings_end_it(tmp_path: Path, idle: float, ends: bool) -> None:
    """The statement knows no timer of the acceptor; `receive.idle` adds one."""
    assert ReceiveSettings().idle == 0
    limits = ReceiveLimits(rate_window=0.1, idle=idle)
    with receiving(tmp_path, limits=limits) as running, raw_peer(running.port) as peer:
        peer.associate()
        running.run(running.grace(0.4))  # four windows in which nothing comes
        if ends:
            assert peer.pdu()[:1] == bytes((ABORT,))
        else:
            assert peer.echo() == 0x0000


def test_proposed_contexts_are_built_as_the_standard_says() -> None:
    """The tests' own bytes, against PS3.8 Table 9-13."""
    assert proposed(1, "1.2", ("1.2.3",)).hex() == "20000014" + "01000000" + "30000003312e32" + "40000005312e322e33"
