"""What a requestor says when a remote does not do its part (statement 4.2.6)."""

import asyncio
import contextlib

import pytest

from netty.dicom.uids import STUDY_ROOT_FIND
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
