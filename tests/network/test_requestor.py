"""What a requestor says when a remote does not do its part (statement 4.2.6)."""

import asyncio
import contextlib

import pytest

from netty.dicom import tags
from netty.dicom.elements import encode_identifier
from netty.dicom.uids import STUDY_ROOT_FIND
from netty.dimse.codec import encode_command
from netty.dimse.command import FindResponse
from netty.dimse.status import FindStatus
from netty.model.remote import Remote
from netty.network.errors import AssociationAborted, AssociationRejected, RemoteUnreachable, TimedOut
from netty.network.query_scu import find_series
from netty.network.requestor import associate, one_context
from netty.network.settings import Timers
from netty.network.verification_scu import echo
from netty.ul import codec
from netty.ul.pdu import (
    Abort,
    AcceptedContext,
    AssociateAccept,
    AssociateReject,
    ContextResult,
    RejectedContext,
)
from support.association import CALLER, CT, PATIENCE, QUICK, RawPeer, contexts, raw_acceptor, serving
from support.ports import free_port

SHORT = Timers(association=0.05, response=0.05, total=0.1)


def acceptance(abstract_syntax: str = "1.2.840.10008.1.1") -> bytes:
    context = AcceptedContext(1, abstract_syntax, "1.2.840.10008.1.2")
    return codec.encode_associate_accept(AssociateAccept((context,), CALLER.user_information))


async def silent(peer: RawPeer) -> None:
    """Read for ever, say nothing."""
    while await peer.pdu():
        pass


async def test_a_port_where_nobody_listens() -> None:
    remote = Remote("central", "X", "127.0.0.1", free_port())

    with pytest.raises(RemoteUnreachable, match=f"127.0.0.1:{remote.port}.*refused.*Check the port"):
        await echo(remote, CALLER, QUICK)


async def test_a_name_that_cannot_be_resolved() -> None:
    with pytest.raises(RemoteUnreachable, match=r"no-such-host\.invalid cannot be resolved"):
        await echo(Remote("central", "X", "no-such-host.invalid", 104), CALLER, QUICK)


async def test_no_answer_to_the_association_request() -> None:
    async with raw_acceptor(silent) as remote:
        with pytest.raises(TimedOut, match="timer association") as caught:
            await echo(remote, CALLER, SHORT)

    assert caught.value.timer == "association"


@pytest.mark.parametrize("sent", [b"", b"\x04\x00\x00", b"\x04\x00\x00\x00\x00\x80\x00\x00"], ids=["none", "3", "8"])
async def test_no_answer_or_half_of_one(sent: bytes) -> None:
    closed = asyncio.Event()

    async def behave(peer: RawPeer) -> None:
        await peer.pdu()
        await peer.send(acceptance() + sent)
        await silent(peer)
        closed.set()

    async with raw_acceptor(behave) as remote:
        with pytest.raises(TimedOut, match="timer response"):
            await echo(remote, CALLER, SHORT)
        async with asyncio.timeout(PATIENCE):
            await closed.wait()


async def test_the_total_timer_ends_what_never_stops_answering() -> None:
    async with serving() as served:
        timers = Timers(association=5, response=5, total=0.05)
        with pytest.raises(TimedOut, match="timer total"):
            async with associate(served.remote, CALLER, timers, contexts(CT)) as association:
                await association.receive()


REJECTIONS = [
    (AssociateReject(1, 1, 3), "does not know our AE title; have it registered there"),
    (AssociateReject(1, 1, 7), "does not go by that AE title; check the title of this remote"),
    (AssociateReject(2, 3, 2), "no room for another association; try again later"),
]


@pytest.mark.parametrize(("reject", "advice"), REJECTIONS)
async def test_a_rejection_says_what_to_do(reject: AssociateReject, advice: str) -> None:
    async def behave(peer: RawPeer) -> None:
        await peer.pdu()
        await peer.send(codec.encode_associate_reject(reject))
        await silent(peer)

    async with raw_acceptor(behave) as remote:
        with pytest.raises(AssociationRejected, match=advice):
            await echo(remote, CALLER, QUICK)


async def test_a_service_that_is_turned_down() -> None:
    async def behave(peer: RawPeer) -> None:
        await peer.pdu()
        rejected = RejectedContext(1, STUDY_ROOT_FIND, ContextResult.ABSTRACT_SYNTAX_NOT_SUPPORTED)
        await peer.send(codec.encode_associate_accept(AssociateAccept((rejected,), CALLER.user_information)))
        await silent(peer)

    async with raw_acceptor(behave) as remote:
        with pytest.raises(AssociationRejected, match=r"does not accept Study Root .* FIND"):
            await find_series(remote, CALLER, QUICK, "1.2.3")


ENDS = [
    ("an abort", codec.encode_abort(Abort()), "aborted the association"),
    ("a release", codec.encode_release_request(), "ended the association early"),
    ("unknown bytes", b"GET / HTTP/1.1\r\n", "broke the protocol"),
    ("a closed connection", b"", "closed the connection early"),
]


@pytest.mark.parametrize("end", ENDS, ids=[end[0] for end in ENDS])
async def test_an_association_that_ends_too_early(end: tuple[str, bytes, str]) -> None:
    _, data, said = end

    async def behave(peer: RawPeer) -> None:
        await peer.pdu()
        await peer.send(acceptance())
        await peer.pdu()
        await peer.send(data)
        if data:
            await silent(peer)

    async with raw_acceptor(behave) as remote:
        with pytest.raises(AssociationAborted, match=said):
            await echo(remote, CALLER, QUICK)


async def test_cancelling_aborts_and_leaves_nothing_open() -> None:
    accepted = asyncio.Event()
    last: list[int] = []

    async def behave(peer: RawPeer) -> None:
        await peer.pdu()
        await peer.send(acceptance())
        await peer.pdu()
        accepted.set()
        last.append((await peer.pdu())[0])

    async with raw_acceptor(behave) as remote:
        task = asyncio.create_task(echo(remote, CALLER, QUICK))
        await accepted.wait()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    assert last == [7]


async def test_an_error_in_the_block_aborts() -> None:
    async with serving() as served:
        with pytest.raises(RuntimeError):
            async with associate(served.remote, CALLER, QUICK, one_context("1.2.840.10008.1.1")):
                raise RuntimeError
        report = await served.wait_report()

    assert report.ending.value == "aborted by peer"


def answer(status: int, series_instance_uid: str = "") -> bytes:
    """The PDUs of one C-FIND-RSP."""
    response = FindResponse(message_id_being_responded_to=1, status=status, has_data_set=bool(series_instance_uid))
    command = encode_command(response)
    pdus = codec.encode_data_header(1, True, True, len(command)) + command
    if series_instance_uid:
        identifier = encode_identifier({tags.SERIES_INSTANCE_UID: series_instance_uid})
        pdus += codec.encode_data_header(1, False, True, len(identifier)) + identifier
    return pdus


@pytest.mark.parametrize("piece", [1, 7, 100, 1000, 1 << 20])
async def test_answers_alike_and_others_come_in_order_whatever_the_pieces(piece: int) -> None:
    uids = [f"1.2.{number}" for number in range(200)]
    statuses = [FindStatus.PENDING_WITHOUT_OPTIONAL_KEYS if 50 <= number < 53 else 0xFF00 for number in range(200)]
    data = b"".join(map(answer, statuses, uids)) + answer(0)

    async def behave(peer: RawPeer) -> None:
        await peer.pdu()
        await peer.send(acceptance(STUDY_ROOT_FIND))
        await peer.pdu()
        await peer.pdu()
        for start in range(0, len(data), piece):
            await peer.send(data[start : start + piece])
        await peer.pdu()
        await peer.send(codec.encode_release_response())

    async with raw_acceptor(behave) as remote:
        found = await find_series(remote, CALLER, QUICK, "1.2.3")

    assert [one.series_instance_uid for one in found] == uids


async def test_what_is_odd_behind_answers_alike_breaks_the_association_off() -> None:
    data = answer(0xFF00, "1.2.4") * 3 + codec.encode_data_header(1, False, True, 2) + b"xx"

    async def behave(peer: RawPeer) -> None:
        await peer.pdu()
        await peer.send(acceptance(STUDY_ROOT_FIND))
        await peer.pdu()
        await peer.pdu()
        await peer.send(data)
        await silent(peer)

    async with raw_acceptor(behave) as remote:
        with pytest.raises(AssociationAborted, match="a data set that no command announced"):
            await find_series(remote, CALLER, QUICK, "1.2.3")
