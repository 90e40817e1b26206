"""Associations as acceptor, against our own requestor and against raw bytes."""

import asyncio
from dataclasses import replace

import pytest

from netty.dicom.uids import VERIFICATION
from netty.dimse.codec import decode_command, encode_command
from netty.dimse.command import EchoRequest, EchoResponse, StoreRequest, StoreResponse
from netty.network.accepted import Ending
from netty.network.requestor import associate
from netty.network.settings import AeSettings, ReceiveLimits
from netty.network.storage_scp import STATUSES
from netty.network.storage_scu import store
from netty.network.verification_scu import echo
from netty.ul import codec
from support.association import (
    CALLER,
    CT,
    PATIENCE,
    QUICK,
    RawPeer,
    Shelf,
    associate_request,
    contexts,
    raw_peer,
    serving,
)


def fragment(data: bytes, *, command: bool, last: bool, context_id: int = 1) -> bytes:
    return codec.encode_data_header(context_id, command, last, len(data)) + data


def store_request(**changes: object) -> bytes:
    request = StoreRequest(message_id=1, affected_sop_class_uid=CT, affected_sop_instance_uid="1.2.3")
    return fragment(encode_command(replace(request, **changes)), command=True, last=True)  # type: ignore[arg-type]


def answered(pdu: bytes) -> int:
    """The status in a C-STORE-RSP."""
    response = decode_command(pdu[12:])
    assert isinstance(response, StoreResponse)
    return response.status


async def established(peer: RawPeer, **changes: object) -> None:
    await peer.send(associate_request(**changes))
    assert (await peer.pdu())[0] == 2


async def test_an_echo_is_answered_and_the_association_released() -> None:
    async with serving() as served:
        await echo(served.remote, CALLER, QUICK)
        report = await served.wait_report()

    assert (report.ending, report.messages, report.calling_ae_title) == (Ending.RELEASED, 1, "SENDER")


REJECTS = [
    ("another called title", {"called_ae_title": "SOMEBODY"}, (1, 1, 7)),
    ("another application context", {"application_context_name": "1.2.3"}, (1, 1, 2)),
    ("another protocol version", {"protocol_version": 2}, (1, 2, 2)),
    ("an unknown caller", {"calling_ae_title": "STRANGER"}, (1, 1, 3)),
]


@pytest.mark.parametrize(("changes", "answer"), [each[1:] for each in REJECTS], ids=[each[0] for each in REJECTS])
async def test_an_association_is_rejected_with_the_reason(changes: dict[str, object], answer: tuple[int, ...]) -> None:
    """PS3.8 Table 9-21, statement 4.2.1 and 7.1."""
    async with (
        serving(known=lambda title, address: ("sender",) if title == "SENDER" else ()) as served,
        raw_peer(served.port) as peer,
    ):
        await peer.send(associate_request(**changes))
        rejection = await peer.pdu()
        await peer.close()
        report = await served.wait_report()

    assert rejection[0] == 3
    assert tuple(rejection[7:10]) == answer
    assert report.ending is Ending.REJECTED


async def test_protocol_version_is_tested_by_its_lowest_bit() -> None:
    """PS3.8 9.3.2."""
    async with serving() as served, raw_peer(served.port) as peer:
        await established(peer, protocol_version=3)


async def test_an_unregistered_address_is_closed_before_anything_is_read() -> None:
    async with serving(known_address=lambda address: False) as served, raw_peer(served.port) as peer:
        assert await peer.closed()
        report = await served.wait_report()

    assert report.ending is Ending.NOT_REGISTERED


async def test_the_caller_is_known_by_title_and_address() -> None:
    asked: list[tuple[str, str]] = []

    def known(title: str, address: str) -> tuple[str, ...]:
        asked.append((title, address))
        return ("central",)

    shelf = Shelf()
    async with serving(shelf, known=known) as served, raw_peer(served.port) as peer:
        await established(peer)
        await peer.send(store_request() + fragment(b"data", command=False, last=True))
        await peer.pdu()

    assert asked == [("SENDER", "127.0.0.1")]
    assert shelf.callers[0].remotes == ("central",)


@pytest.mark.parametrize("sent", [0, 3, 50], ids=["nothing", "half a header", "half a request"])
async def test_a_peer_that_does_not_finish_its_request_is_closed(sent: int) -> None:
    async with (
        serving(limits=ReceiveLimits(request_deadline=0.05)) as served,
        raw_peer(served.port) as peer,
    ):
        await peer.send(associate_request()[:sent])

        assert await peer.closed()
        await served.wait_report()


STALLS = [
    ("half a PDU header", b"\x04\x00\x00"),
    ("half a command", store_request()[:20]),
    ("half a data set", store_request() + fragment(bytes(100), command=False, last=False)),
    ("no data set", store_request()),
]


@pytest.mark.parametrize("data", [each[1] for each in STALLS], ids=[each[0] for each in STALLS])
async def test_a_peer_that_stalls_in_a_message_is_aborted(data: bytes) -> None:
    shelf = Shelf()
    async with (
        serving(shelf, limits=ReceiveLimits(rate_window=0.05)) as served,
        raw_peer(served.port) as peer,
    ):
        await established(peer)
        await peer.send(data)

        assert (await peer.pdu())[0] == 7
        report = await served.wait_report()

    assert report.ending is Ending.ABORTED_BY_US
    assert shelf.abandoned == len(shelf.requests)


async def test_an_idle_association_stays() -> None:
    """Statement 4.2: no idle timer; the window of the rate passes without effect."""
    async with serving(limits=ReceiveLimits(rate_window=0.01)) as served, raw_peer(served.port) as peer:
        await established(peer, presentation_contexts=contexts(VERIFICATION))
        echo_request = fragment(encode_command(EchoRequest(message_id=1)), command=True, last=True)
        loop = asyncio.get_running_loop()
        later = loop.time() + 0.1
        while loop.time() < later:
            await peer.send(echo_request)
            assert (await peer.pdu())[0] == 4

        assert served.server.associations == 1


async def test_an_idle_association_is_aborted_where_the_settings_say_so() -> None:
    async with (
        serving(limits=ReceiveLimits(rate_window=0.02, idle=0.05)) as served,
        raw_peer(served.port) as peer,
    ):
        await established(peer)

        assert (await peer.pdu())[0] == 7


async def test_a_request_that_comes_before_the_answer_to_the_last_one_waits() -> None:
    """We work synchronously (statement 4.2.3), and still lose nothing of a peer that does not."""
    shelf = Shelf()
    shelf.may_finish.clear()
    one = store_request() + fragment(b"one.", command=False, last=True)
    two = store_request(message_id=2) + fragment(b"two.", command=False, last=True)
    async with serving(shelf) as served, raw_peer(served.port) as peer:
        await established(peer)
        await peer.send(one + two)
        async with asyncio.timeout(PATIENCE):
            await shelf.finishing.wait()
        assert shelf.stored == []
        shelf.may_finish.set()
        await peer.pdu()
        await peer.pdu()

    assert shelf.stored == [b"one.", b"two."]


async def test_other_associations_go_on_while_one_is_syncing() -> None:
    shelf = Shelf()
    shelf.may_finish.clear()
    async with serving(shelf) as served, raw_peer(served.port) as peer:
        await established(peer)
        await peer.send(store_request() + fragment(b"data", command=False, last=True))
        await shelf.finishing.wait()

        await echo(served.remote, CALLER, QUICK)
        shelf.may_finish.set()

        assert (await peer.pdu())[0] == 4


async def test_a_release_waits_for_the_answer_that_is_due() -> None:
    shelf = Shelf()
    shelf.may_finish.clear()
    async with serving(shelf) as served, raw_peer(served.port) as peer:
        await established(peer)
        await peer.send(store_request() + fragment(b"data", command=False, last=True) + codec.encode_release_request())
        await shelf.finishing.wait()
        shelf.may_finish.set()

        assert [(await peer.pdu())[0], (await peer.pdu())[0]] == [4, 6]


async def test_a_lost_association_abandons_what_was_coming_in() -> None:
    shelf = Shelf()
    async with serving(shelf) as served:
        async with raw_peer(served.port) as peer:
            await established(peer)
            await peer.send(store_request() + fragment(bytes(1000), command=False, last=False))
            await shelf.began.wait()
        report = await served.wait_report()

    assert report.ending is Ending.LOST
    assert (shelf.abandoned, shelf.stored) == (1, [])


async def test_what_is_being_synced_is_kept_although_the_peer_has_gone() -> None:
    shelf = Shelf()
    shelf.may_finish.clear()
    async with serving(shelf) as served:
        async with raw_peer(served.port) as peer:
            await established(peer)
            await peer.send(store_request() + fragment(b"data", command=False, last=True))
            await shelf.finishing.wait()
        shelf.may_finish.set()
        await served.wait_report()

    assert (shelf.abandoned, shelf.stored) == (0, [b"data"])


async def test_unknown_bytes_are_answered_with_an_abort() -> None:
    async with serving() as served, raw_peer(served.port) as peer:
        await established(peer)
        await peer.send(b"\x99" + bytes(9))

        assert (await peer.pdu())[0] == 7
        await peer.close()
        report = await served.wait_report()

    assert report.ending is Ending.ABORTED_BY_US


async def test_a_response_that_nobody_waits_for_is_answered_with_an_abort() -> None:
    async with serving() as served, raw_peer(served.port) as peer:
        await established(peer)
        response = encode_command(EchoResponse(message_id_being_responded_to=1))
        await peer.send(fragment(response, command=True, last=True))

        assert (await peer.pdu())[0] == 7


async def test_stopping_rejects_new_associations_and_lets_running_ones_end() -> None:
    shelf = Shelf()
    async with serving(shelf) as served, raw_peer(served.port) as running, raw_peer(served.port) as late:
        await established(running)
        await running.send(store_request() + fragment(bytes(10), command=False, last=False))
        await shelf.began.wait()
        stopping = asyncio.create_task(served.server.stop(grace=PATIENCE))
        await asyncio.sleep(0)
        await late.send(associate_request())
        assert (await late.pdu())[7:10] == bytes((2, 3, 1))
        await late.close()

        await running.send(fragment(bytes(10), command=False, last=True) + codec.encode_release_request())
        answers = [await running.pdu(), await running.pdu()]
        await running.close()
        await stopping

    assert [answer[0] for answer in answers] == [4, 6]
    assert shelf.stored == [bytes(20)]


@pytest.mark.parametrize(("statuses", "status"), [("statement", 0xFF00), ("standard", 0xA700)])
async def test_just_before_closing_the_next_store_gets_the_stopping_status(statuses: str, status: int) -> None:
    """Statement table 6. What was under way is stored; then FF00 is said once, and the association is over."""
    shelf = Shelf()
    one = store_request() + fragment(b"one.", command=False, last=False)
    async with serving(shelf, statuses=STATUSES[statuses]) as served, raw_peer(served.port) as peer:
        await established(peer)
        await peer.send(one)
        await shelf.began.wait()
        stopping = asyncio.create_task(served.server.stop(grace=0.01))
        await asyncio.wait((stopping,), timeout=0.05)  # the grace passes
        await peer.send(fragment(b"end.", command=False, last=True))
        first = await peer.pdu()
        await peer.send(store_request(message_id=2) + fragment(b"two.", command=False, last=True))
        second = await peer.pdu()
        third = await peer.pdu()
        await stopping

    assert [answered(first), answered(second), third[0]] == [0x0000, status, 7]
    assert shelf.stored == [b"one.end."]


@pytest.mark.parametrize("max_pdu", [4096, 16384, 131072])
async def test_data_sets_arrive_as_they_were_sent(max_pdu: int) -> None:
    shelf = Shelf()
    data = bytes(range(256)) * 5000
    ae = AeSettings(title="HAPPY_netty", max_pdu=max_pdu)
    async with serving(shelf, ae=ae) as served, associate(served.remote, CALLER, QUICK, contexts(CT)) as association:
        for number in (1, 2):
            request = StoreRequest(message_id=number, affected_sop_class_uid=CT, affected_sop_instance_uid="1.2")
            assert (await store(association, 1, request, [data])).status == 0

    assert shelf.stored == [data, data]


async def test_nothing_is_left_behind() -> None:
    before = asyncio.all_tasks()
    async with serving() as served:
        for _ in range(3):
            await echo(served.remote, CALLER, QUICK)

    assert asyncio.all_tasks() == before
    assert served.server.associations == 0
