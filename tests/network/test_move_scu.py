"""C-MOVE as SCU: the final response, the timers, and the cancel (PS3.4 C.4.2, statement 4.2.6)."""

import asyncio
from dataclasses import replace

import pytest

from netty.archive.errors import DiskFull
from netty.dicom import tags
from netty.dicom.elements import encode_identifier
from netty.dicom.uids import IMPLICIT_VR_LITTLE_ENDIAN, STUDY_ROOT_MOVE
from netty.dimse.codec import encode_command
from netty.dimse.command import MoveRequest, MoveResponse
from netty.errors import UsageError
from netty.model.remote import RestartsOn
from netty.network import move_scu
from netty.network.errors import AssociationAborted, TimedOut
from netty.network.move_scu import MoveOutcome, move_study
from netty.network.settings import AeSettings, Timers
from netty.ul import codec
from netty.ul.pdu import AcceptedContext, AssociateAccept
from support.association import OUR_TITLE, PATIENCE, QUICK, RawPeer, raw_acceptor, serving
from support.scripted import Scripted, moved

US = AeSettings(title=OUR_TITLE, port=11112)


def pending(remaining: int, completed: int) -> MoveResponse:
    return MoveResponse(
        message_id_being_responded_to=1,
        status=0xFF00,
        number_of_remaining_suboperations=remaining,
        number_of_completed_suboperations=completed,
        number_of_failed_suboperations=0,
        number_of_warning_suboperations=0,
    )


async def test_the_request_names_the_study_and_ourselves() -> None:
    script = moved(0x0000)
    async with serving(more=script.offers) as served:
        await move_study(served.remote, US, QUICK, " 1.2.3 ", 77)

    assert script.asked == [{tags.QUERY_RETRIEVE_LEVEL: b"STUDY ", tags.STUDY_INSTANCE_UID: b"1.2.3\0"}]
    request = script.requests[0]
    assert isinstance(request, MoveRequest)
    assert (request.message_id, request.move_destination) == (77, OUR_TITLE)


@pytest.mark.parametrize("uid", ["", " ", "*", "1.2\\1.3", "1.2.a"])
async def test_a_uid_that_could_mean_more_is_never_sent(uid: str) -> None:
    async with serving(more=moved(0x0000).offers) as served:
        with pytest.raises(UsageError):
            await move_study(served.remote, US, QUICK, uid, 1)

    assert served.reports == []


async def test_pending_responses_are_told_and_the_last_counters_kept() -> None:
    told: list[tuple[int | None, int | None]] = []

    def on_response(response: MoveResponse) -> None:
        told.append((response.number_of_remaining_suboperations, response.number_of_completed_suboperations))

    async with serving(more=moved(0x0000, [pending(2, 0), pending(1, 1)]).offers) as served:
        outcome = await move_study(served.remote, US, QUICK, "1.2.3", 1, on_response=on_response)

    assert told == [(2, 0), (1, 1)]
    assert outcome == MoveOutcome(0x0000, remaining=None, completed=1, failed=0, warning=0)
    assert outcome.failure is None


async def test_thousands_of_responses_that_come_at_once_are_all_told() -> None:
    told: list[int | None] = []
    script = moved(0x0000, [pending(2000 - number, number) for number in range(2000)])
    async with serving(more=script.offers) as served:
        await move_study(
            served.remote,
            US,
            QUICK,
            "1.2.3",
            1,
            on_response=lambda response: told.append(response.number_of_completed_suboperations),
        )

    assert told == list(range(2000))


@pytest.mark.parametrize(("remaining", "may_wait"), [(100, True), (9, False), (None, False)])
async def test_what_comes_behind_a_response_may_wait_while_many_are_to_come(
    monkeypatch: pytest.MonkeyPatch, remaining: int | None, may_wait: bool
) -> None:
    monkeypatch.setattr(move_scu, "_REST_SECONDS", 1.0)
    told: asyncio.Queue[int | None] = asyncio.Queue()
    waited = []

    async def behave(peer: RawPeer) -> None:
        for answer in (accepted_move(), b""):
            await peer.pdu()
            await peer.send(answer)
        await peer.pdu()
        for completed in range(3):
            await peer.send(wire(replace(pending(0, completed), number_of_remaining_suboperations=remaining)))
            if completed:
                for _ in range(50):
                    await asyncio.sleep(0)
                waited.append(told.empty())
            assert await told.get() == completed
        await peer.send(wire(replace(pending(0, 3), status=0x0000, number_of_remaining_suboperations=None)))
        await peer.pdu()

    async with raw_acceptor(behave) as remote:
        outcome = await move_study(
            remote, US, QUICK, "1.2.3", 1, lambda one: told.put_nowait(one.number_of_completed_suboperations)
        )

    assert waited == [may_wait, may_wait]
    assert outcome == MoveOutcome(0x0000, remaining=None, completed=3, failed=0, warning=0)


async def test_what_goes_wrong_with_whoever_follows_is_raised() -> None:
    told = 0

    def on_response(_: MoveResponse) -> None:
        nonlocal told
        told += 1
        raise DiskFull("no room")

    async with serving(
        more=Scripted([(pending(2, 0), b""), (pending(1, 1), b"")], wait_cancelled=True).offers
    ) as served:
        with pytest.raises(DiskFull):
            async with asyncio.timeout(PATIENCE):
                await move_study(served.remote, US, QUICK, "1.2.3", 1, on_response=on_response)

    assert told == 1


async def test_each_pending_response_restarts_the_timer() -> None:
    loop, came = asyncio.get_running_loop(), asyncio.Event()
    timers = Timers(association=5, response=0.5, total=5)
    began = loop.time()

    async def behave(peer: RawPeer) -> None:
        for answer in (accepted_move(), b""):
            await peer.pdu()
            await peer.send(answer)
        await peer.pdu()
        for number in range(3):
            await asyncio.sleep(0.3)  # the passing of time is what this is about
            await peer.send(wire(pending(3 - number, number)))
        came.set()
        await peer.closed()

    async with raw_acceptor(behave) as remote:
        with pytest.raises(TimedOut, match="response"):
            await move_study(remote, US, timers, "1.2.3", 1)

    assert came.is_set()
    assert loop.time() - began >= 0.9 + 0.5


def accepted_move() -> bytes:
    context = AcceptedContext(1, STUDY_ROOT_MOVE, IMPLICIT_VR_LITTLE_ENDIAN)
    return codec.encode_associate_accept(AssociateAccept((context,), US.user_information))


def wire(response: MoveResponse) -> bytes:
    """The PDU of a response without a data set."""
    command = encode_command(response)
    return codec.encode_data_header(1, True, True, len(command)) + command


async def test_what_failed_is_listed() -> None:
    uids = encode_identifier({tags.FAILED_SOP_INSTANCE_UID_LIST: "1.2.3\\1.2.4"})
    script = moved(
        0xB000,
        data_set=uids,
        number_of_completed_suboperations=5,
        number_of_failed_suboperations=2,
        error_comment="2",
    )
    async with serving(more=script.offers) as served:
        outcome = await move_study(served.remote, US, QUICK, "1.2.3", 1)

    assert outcome == MoveOutcome(0xB000, completed=5, failed=2, failed_instances=("1.2.3", "1.2.4"), comment="2")
    assert outcome.failure is None


async def test_a_broken_list_of_what_failed_is_passed_over() -> None:
    async with serving(more=moved(0xB000, data_set=b"\xff\xff\xff").offers) as served:
        outcome = await move_study(served.remote, US, QUICK, "1.2.3", 1)

    assert outcome.failed_instances == ()


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        (0xA801, "does not know our AE title HAPPY_netty as a move destination.*register HAPPY_netty.* port 11112"),
        (0xA702, "could not send a single image to us"),
        (0xC123, "cannot process the request"),
    ],
)
async def test_a_failure_is_returned_with_what_to_do(status: int, advice: str) -> None:
    async with serving(more=moved(status).offers) as served:
        outcome = await move_study(served.remote, US, QUICK, "1.2.3", 1)

    assert outcome.status == status
    assert outcome.failure is not None
    with pytest.raises(type(outcome.failure), match=advice):
        raise outcome.failure


async def test_silence_ends_it() -> None:
    script = Scripted([(pending(1, 0), b"")], wait_cancelled=True)
    timers = Timers(association=5, response=0.05, total=5)
    async with serving(more=script.offers) as served:
        with pytest.raises(TimedOut) as caught:
            await move_study(served.remote, US, timers, "1.2.3", 1, last_store=lambda: 0.0)

    assert caught.value.timer == "response"


async def test_arriving_images_restart_the_timer_where_the_settings_say_so() -> None:
    may_end = asyncio.Event()
    script = Scripted(final=MoveResponse(message_id_being_responded_to=1, status=0), wait_for=may_end)
    timers = Timers(association=5, response=0.05, total=5, response_restarts_on=RestartsOn.STORE)
    asked = 0

    def last_store() -> float:
        nonlocal asked
        asked += 1
        if asked == 3:
            may_end.set()
        return 0.03

    async with serving(more=script.offers) as served:
        outcome = await move_study(served.remote, US, timers, "1.2.3", 1, last_store=last_store)

    assert outcome.status == 0
    assert asked >= 3


@pytest.mark.parametrize("quiet", [None, 0.05, 60.0], ids=["nothing arrived", "just too long", "long ago"])
async def test_images_that_stopped_arriving_do_not_restart_the_timer(quiet: float | None) -> None:
    timers = Timers(association=5, response=0.05, total=5, response_restarts_on=RestartsOn.STORE)
    async with serving(more=Scripted(wait_cancelled=True).offers) as served:
        with pytest.raises(TimedOut, match="response"):
            await move_study(served.remote, US, timers, "1.2.3", 1, last_store=lambda: quiet)


async def test_the_total_timer_ends_it_although_images_arrive() -> None:
    timers = Timers(association=5, response=0.02, total=0.1, response_restarts_on=RestartsOn.STORE)
    async with serving(more=Scripted(wait_cancelled=True).offers) as served:
        with pytest.raises(TimedOut) as caught:
            await move_study(served.remote, US, timers, "1.2.3", 1, last_store=lambda: 0.0)

    assert caught.value.timer == "total"


async def test_a_cancel_is_sent_and_its_answer_returned() -> None:
    cancelled = asyncio.Event()
    script = Scripted(
        [(pending(5, 1), b"")],
        final=MoveResponse(
            message_id_being_responded_to=1,
            status=0xFE00,
            number_of_remaining_suboperations=4,
            number_of_completed_suboperations=2,
        ),
        wait_cancelled=True,
    )
    async with serving(more=script.offers) as served:
        outcome = await move_study(
            served.remote, US, QUICK, "1.2.3", 1, on_response=lambda _: cancelled.set(), cancelled=cancelled
        )

    assert (outcome.status, outcome.remaining, outcome.completed) == (0xFE00, 4, 2)


async def test_a_remote_that_ignores_a_cancel_is_aborted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(move_scu, "CANCEL_SECONDS", 0.05)
    cancelled, never = asyncio.Event(), asyncio.Event()
    script = Scripted([(pending(5, 1), b"")], wait_for=never)
    async with serving(more=script.offers) as served:
        outcome = await move_study(
            served.remote, US, QUICK, "1.2.3", 1, on_response=lambda _: cancelled.set(), cancelled=cancelled
        )
        never.set()
        report = await served.wait_report()

    assert (outcome.status, outcome.completed) == (0xFE00, 1)
    assert report.ending.value == "aborted by peer"


async def test_what_was_cancelled_before_is_not_asked_for() -> None:
    cancelled = asyncio.Event()
    cancelled.set()
    script = moved(0x0000)
    async with serving(more=script.offers) as served:
        outcome = await move_study(served.remote, US, QUICK, "1.2.3", 1, cancelled=cancelled)

    assert outcome.status == 0xFE00
    assert script.requests == []


async def test_a_remote_that_goes_away_is_an_error() -> None:
    never = asyncio.Event()
    script = Scripted([(pending(5, 1), b"")], wait_for=never)
    async with serving(more=script.offers) as served:

        def close(_: MoveResponse) -> None:
            asyncio.get_running_loop().create_task(served.server.stop())
            never.set()

        with pytest.raises(AssociationAborted):
            async with asyncio.timeout(PATIENCE):
                await move_study(served.remote, US, QUICK, "1.2.3", 1, on_response=close)
