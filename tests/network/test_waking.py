"""Who sends a lot is read in large pieces; who sends little, pauses or ends early is heard as soon as ever."""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from netty.dimse.codec import encode_command
from netty.dimse.command import StoreRequest
from netty.network import transport
from netty.network.accepted import Ending
from netty.ul.codec import encode_abort
from netty.ul.pdu import Abort
from support.association import CT, PATIENCE, RawPeer, Served, Shelf, associate_request, raw_peer, serving

PART = bytes(16372)
FAR = 1 << 20  # bytes that the receiver believes to be sure


def pdu(data: bytes, control: int = 0) -> bytes:
    return struct.pack(">BxIIBB", 4, len(data) + 6, len(data) + 2, 1, control) + data


async def wrote(shelf: Shelf) -> None:
    async with asyncio.timeout(PATIENCE):
        await shelf.wrote.wait()
    shelf.wrote.clear()


@asynccontextmanager
async def amid_an_image(ahead: int, parts: int = 1) -> AsyncIterator[tuple[Served, RawPeer]]:
    """A sender of whose image the first bytes have been taken."""
    async with serving(Shelf(ahead=ahead, at_once=True)) as served, raw_peer(served.port) as peer:
        await peer.send(associate_request())
        await peer.pdu()
        command = encode_command(StoreRequest(message_id=1, affected_sop_class_uid=CT, affected_sop_instance_uid="1.2"))
        await peer.send(pdu(command, 3) + parts * pdu(PART))
        await wrote(served.shelf)
        while sum(served.shelf.sizes) < parts * len(PART) - transport.MANY:
            await wrote(served.shelf)
        served.shelf.sizes.clear()
        yield served, peer


async def test_pdus_that_come_one_by_one_are_taken_many_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "PAUSE", 600.0)
    async with amid_an_image(FAR, parts=20) as (served, peer):  # so many that it has room for large reads now
        for _ in range(5):
            await peer.send(pdu(PART))
        await wrote(served.shelf)

        assert served.shelf.sizes[0] > 3 * len(PART)


async def test_the_last_pdu_is_answered_though_more_was_thought_to_be_sure() -> None:
    async with amid_an_image(FAR) as (served, peer):
        await peer.send(pdu(PART, 2))

        assert (await peer.pdu())[0] == 0x04
        assert len(served.shelf.stored[0]) == 2 * len(PART)


async def test_a_sender_that_becomes_slow_is_heard() -> None:
    async with amid_an_image(FAR) as (served, peer):
        for _ in range(2):
            await peer.send(pdu(PART[:100]))
            await wrote(served.shelf)


async def test_an_abort_in_the_midst_is_heard() -> None:
    async with amid_an_image(FAR) as (served, peer):
        await peer.send(encode_abort(Abort(0, 0)))

        assert (await served.wait_report()).ending is Ending.ABORTED_BY_PEER


@pytest.mark.parametrize("ahead", [0, transport.MANY - 1])
async def test_where_few_bytes_are_sure_every_pdu_is_taken_as_it_comes(
    ahead: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "PAUSE", 600.0)
    async with amid_an_image(ahead) as (served, peer):
        for _ in range(2):
            await peer.send(pdu(PART[:100]))
            await wrote(served.shelf)
