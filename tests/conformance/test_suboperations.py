"""What a remote may do between a C-MOVE and its end (PS3.7 9.1.4, PS3.4 C.4.2): the ledger says what came of it."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from netty.dicom.elements import encode_identifier
from netty.model.lease import Lease
from netty.model.remote import Remote, RestartsOn
from netty.model.retrieval import Retrieval, RetrievalState
from netty.network.settings import Timers
from netty.workflow.settings import Keep, KeepSettings, ReceiveSettings
from support.linked import PATIENT_ID, Linked, linked
from support.raw_peer import (
    ABORT,
    Image,
    Message,
    Move,
    RawPacs,
    Request,
    command_set,
    elements_of,
    images,
    obedient,
    pdu,
    raw_peer,
    store_command,
)
from support.statement import states

QUICK = Timers(association=5, response=5, total=20)
FAILED_LIST = 0x00080058
COMPLETE, PARTIAL, FAILED = RetrievalState.COMPLETE, RetrievalState.PARTIAL, RetrievalState.FAILED


async def fetched(
    folder: Path,
    pacs: RawPacs,
    *,
    timers: Timers = QUICK,
    receive: ReceiveSettings | None = None,
    before: Callable[[Linked], None] = lambda netty: None,
    response_restarts_on: RestartsOn | None = None,
) -> tuple[Retrieval, int]:
    """The one retrieval to its end, and how many of its images are held."""
    async with linked(folder, timers=timers, receive=receive) as netty:
        netty.remotes.add(
            Remote("central", "RAW_PACS", "127.0.0.1", pacs.port, response_restarts_on=response_restarts_on)
        )
        netty.register()
        pacs.store_port = netty.ae.port
        before(netty)
        [retrieval] = await netty.fetch()
        held = len(netty.holdings.held(retrieval.study_instance_uid))
        assert netty.verify().ok
        return retrieval, held


def three() -> list[Image]:
    """What the remote holds."""
    return images("three", 3, patient_id=PATIENT_ID)


# --- images come in every order ------------------------------------------------------------------------------------


def _before_the_first_pending(move: Move) -> None:
    move.store()
    move.pending(remaining=0, completed=3, failed=0, warning=0)
    move.respond(0x0000, completed=3, failed=0, warning=0)


def _several_associations(move: Move) -> None:
    for number, image in enumerate(move.images):
        move.pending(remaining=3 - number, completed=number, failed=0, warning=0)
        move.store([image])
    move.respond(0x0000, completed=3, failed=0, warning=0)


def _several_at_once(move: Move) -> None:
    threads = [threading.Thread(target=move.store, args=([image],)) for image in move.images]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    move.respond(0x0000, completed=3, failed=0, warning=0)


def _one_association_that_stays_open(move: Move) -> None:
    with raw_peer(move.pacs.store_port) as peer:
        peer.associate(Request(calling=move.pacs.title))
        for image in move.images:
            assert peer.store(image).status == 0x0000
        move.respond(0x0000, completed=3, failed=0, warning=0)
        peer.release()


def _after_the_final_response(move: Move) -> None:
    move.respond(0x0000, completed=3, failed=0, warning=0)
    move.store()


def _some_before_some_after(move: Move) -> None:
    move.store(move.images[:1])
    move.respond(0x0000, completed=3, failed=0, warning=0)
    move.store(move.images[1:])


def _no_counters(move: Move) -> None:
    move.store()
    move.respond(0x0000)


def _wrong_counters(move: Move) -> None:
    move.pending(remaining=65535, completed=0, failed=9, warning=9)
    move.store()
    move.respond(0x0000, completed=1, failed=0, warning=0)


def _zero_counters(move: Move) -> None:
    move.store()
    move.respond(0x0000, completed=0, failed=0, warning=0)


def _each_twice(move: Move) -> None:
    move.store()
    move.store()
    move.respond(0x0000, completed=6, failed=0, warning=0)


def _abort_instead_of_an_end(move: Move) -> None:
    move.store()
    move.peer.send(pdu(ABORT, bytes((0, 0, 2, 0))))


def _close_instead_of_an_end(move: Move) -> None:
    move.store()
    move.peer.socket.shutdown(socket.SHUT_RDWR)


def _a_success_with_a_data_set(move: Move) -> None:
    move.store()
    move.respond(0x0000, encode_identifier({0x00080052: "STUDY"}), completed=3, failed=0, warning=0)


def _unknown_elements_in_responses(move: Move) -> None:
    move.store()
    values = {0x0100: 0x8021, 0x0120: move.message_id, 0x0800: 0x0101, 0x0900: 0, 0x5010: "retired", 0x0902: "well"}
    move.peer.message(move.context_id, command_set(values))


ARRIVE = [
    obedient,
    _before_the_first_pending,
    _several_associations,
    _several_at_once,
    _one_association_that_stays_open,
    _after_the_final_response,
    _some_before_some_after,
    _no_counters,
    _wrong_counters,
    _zero_counters,
    _each_twice,
    _abort_instead_of_an_end,
    _close_instead_of_an_end,
    _a_success_with_a_data_set,
    _unknown_elements_in_responses,
]


@states("4.3.1 (1) asked")
@pytest.mark.parametrize("script", ARRIVE, ids=lambda script: script.__name__.strip("_"))
async def test_a_retrieval_is_complete_when_all_images_are_here(tmp_path: Path, script: Callable[[Move], None]) -> None:
    with RawPacs(three(), script=script) as pacs:
        retrieval, held = await fetched(tmp_path, pacs)
        assert not pacs.errors

    assert (retrieval.state, held) == (COMPLETE, 3)


async def test_what_comes_after_our_abort_is_still_taken(tmp_path: Path) -> None:
    """Whether sub-operations go on when the association dies is undefined (PS3.4 C.4.2.3.1 note 2)."""

    def late(move: Move) -> None:
        assert move.peer.pdu()[:1] == bytes((ABORT,))  # the response timer has run out
        move.store()

    with RawPacs(three(), script=late) as pacs:
        retrieval, held = await fetched(
            tmp_path, pacs, timers=Timers(5, 0.2, 20), receive=ReceiveSettings(quiet_time=2)
        )

    assert (retrieval.state, held) == (COMPLETE, 3)


async def test_what_comes_when_the_lease_has_expired_is_discarded(tmp_path: Path) -> None:
    answers: list[Message] = []
    over, done = threading.Event(), threading.Event()

    def much_too_late(move: Move) -> None:
        move.respond(0x0000, completed=3, failed=0, warning=0)
        threading.Thread(target=store_late, args=(move,)).start()

    def store_late(move: Move) -> None:
        over.wait(20)
        answers.extend(move.store())
        done.set()

    with RawPacs(three(), script=much_too_late) as pacs:
        async with linked(tmp_path, timers=QUICK, receive=ReceiveSettings(quiet_time=0.2)) as netty:
            netty.remotes.add(Remote("central", "RAW_PACS", "127.0.0.1", pacs.port))
            netty.register()
            pacs.store_port = netty.ae.port
            [retrieval] = await netty.fetch()
            expired = netty.leases.open_for(retrieval.study_instance_uid, time.time() + 1)
            await asyncio.sleep(0.3)  # the rest of the lease
            over.set()
            assert await asyncio.to_thread(done.wait, 10)

    assert (retrieval.state, expired) == (FAILED, [])
    assert {each.status for each in answers} == {0xC000}


# --- what the final response says ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Final:
    """A final response after so many images, and the verdict."""

    status: int
    sent: int
    state: RetrievalState
    counters: dict[str, int] = field(default_factory=dict)
    says: str = ""
    failed_list: bool = False


NOTHING_FAILED = {"completed": 0, "failed": 0, "warning": 0}
FINALS = [
    Final(0x0000, 0, FAILED, NOTHING_FAILED, "3 of 3 images did not arrive"),
    Final(0x0000, 0, FAILED, {}, "3 of 3 images did not arrive"),
    Final(0x0000, 0, FAILED, {"completed": 3, "failed": 0, "warning": 0}, "3 of 3 images did not arrive"),
    Final(0x0000, 2, PARTIAL, {"completed": 3, "failed": 0, "warning": 0}, "1 of 3 images did not arrive"),
    Final(0xB000, 2, PARTIAL, {"completed": 2, "failed": 1, "warning": 0}, "B000", failed_list=True),
    Final(0xB000, 2, PARTIAL, {"completed": 2, "failed": 1, "warning": 0}, "B000"),
    Final(0xB000, 3, COMPLETE, {"completed": 0, "failed": 0, "warning": 3}),
    Final(0xA701, 0, FAILED, {}, "cannot count the matches"),
    Final(0xA702, 0, FAILED, {"completed": 0, "failed": 3, "warning": 0}, "could not send a single image", True),
    Final(0xA702, 3, COMPLETE, {"completed": 0, "failed": 3, "warning": 0}),
    Final(0xA801, 0, FAILED, {}, "does not know our AE title HAPPY_netty as a move destination"),
    Final(0xA900, 0, FAILED, {}, "A900"),
    Final(0xC000, 0, FAILED, {}, "C000"),
    Final(0xC512, 1, PARTIAL, {}, "C512"),
    Final(0xFE00, 1, PARTIAL, {"remaining": 2, "completed": 1, "failed": 0, "warning": 0}, "FE00"),
    Final(0x0122, 0, FAILED, {}, "0122"),
    Final(0x0124, 0, FAILED, {}, "0124"),
    Final(0x1234, 0, FAILED, {}, "1234"),
]


@pytest.mark.parametrize("final", FINALS, ids=lambda final: f"{final.status:04X}-{final.sent}")
async def test_the_ledger_decides_and_the_status_is_told(tmp_path: Path, final: Final) -> None:
    def script(move: Move) -> None:
        if final.sent:
            move.store(move.images[: final.sent])
        failed = "\\".join(image.sop for image in move.images[final.sent :])
        data = encode_identifier({FAILED_LIST: failed}) if final.failed_list else None
        move.respond(final.status, data, **final.counters)

    with RawPacs(three(), script=script) as pacs:
        retrieval, held = await fetched(tmp_path, pacs)
        assert not pacs.errors

    assert (retrieval.state, held) == (final.state, final.sent)
    assert final.says in retrieval.reason
    assert retrieval.claimed.status == final.status
    assert retrieval.claimed.completed == final.counters.get("completed")


# --- who asked for it ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "originator",
    [
        {"originator": None, "originator_id": None},
        {"originator": b"HAPPY_netty\0\0\0\0\0"},
        {"originator": b"HAPPY_netty with a very long name "},
        {"originator": "SOMEBODY_ELSE", "originator_id": 1},
        {"originator": "HAPPY_netty", "originator_id": 65535},
    ],
    ids=["absent", "NUL-padded", "too long", "foreign", "another message"],
)
async def test_a_retrieval_is_complete_whatever_the_move_originator_says(
    tmp_path: Path, originator: dict[str, Any]
) -> None:
    def script(move: Move) -> None:
        move.store(**originator)
        move.respond(0x0000, completed=3, failed=0, warning=0)

    with RawPacs(three(), script=script) as pacs:
        retrieval, held = await fetched(tmp_path, pacs)

    assert (retrieval.state, held) == (COMPLETE, 3)


async def test_images_of_another_study_do_not_come_in_with_it(tmp_path: Path) -> None:
    answers: list[Message] = []

    def script(move: Move) -> None:
        answers.extend(move.store(images("foreign", 2, patient_id=PATIENT_ID)))
        obedient(move)

    with RawPacs(three(), script=script) as pacs:
        retrieval, held = await fetched(tmp_path, pacs)

    assert (retrieval.state, held) == (COMPLETE, 3)
    assert {each.status for each in answers} == {0xC000}


async def test_an_instance_that_nobody_listed_is_taken_with_its_study(tmp_path: Path) -> None:
    def script(move: Move) -> None:
        move.store([*move.images, move.images[0].but(sop=f"{move.images[0].sop}.9")])
        move.respond(0x0000, completed=4, failed=0, warning=0)

    with RawPacs(three(), script=script) as pacs:
        retrieval, held = await fetched(tmp_path, pacs)

    assert (retrieval.state, held) == (COMPLETE, 4)


async def test_the_lease_stands_before_the_move_leaves(tmp_path: Path) -> None:
    leases: list[Lease] = []
    numbers: list[int] = []

    with RawPacs(three()) as pacs:

        def look(netty: Linked) -> None:
            def script(move: Move) -> None:
                leases.extend(netty.leases.open_for(move.images[0].study, time.time()))
                numbers.append(move.message_id)
                obedient(move)

            pacs.script = script

        await fetched(tmp_path, pacs, before=look)

    assert [lease.message_id for lease in leases] == numbers


# --- time ----------------------------------------------------------------------------------------------------------


async def test_pending_responses_for_ever_end_with_the_total_timer(tmp_path: Path) -> None:
    def script(move: Move) -> None:
        move.store(move.images[:1])
        move.peer.socket.settimeout(0.02)
        while True:
            move.pending(remaining=2, completed=1, failed=0, warning=0)
            try:
                assert move.peer.pdu()[:1] in (bytes((ABORT,)), b"")
            except TimeoutError:
                continue
            return

    with RawPacs(three(), script=script) as pacs:
        began = time.monotonic()
        retrieval, held = await fetched(tmp_path, pacs, timers=Timers(5, 5, 0.5))
        assert not pacs.errors

    assert (retrieval.state, held) == (PARTIAL, 1)
    assert "timer total" in retrieval.reason
    assert time.monotonic() - began < 10


@states("4.2.6 (3) response", "7")
@pytest.mark.parametrize(
    ("restarts_on", "failure"), [(RestartsOn.RESPONSE, "timer response"), (RestartsOn.STORE, "")], ids=lambda each: each
)
async def test_arriving_images_restart_the_response_timer_where_the_settings_say_so(
    tmp_path: Path, restarts_on: RestartsOn, failure: str
) -> None:
    """Pending responses are optional (PS3.4 C.4.2.3.1); the statement counts from response to response."""
    ended: list[str] = []

    def script(move: Move) -> None:
        _slowly_watched(move, ended)

    with RawPacs(images("slow", 12, patient_id=PATIENT_ID), script=script) as pacs:
        timers = Timers(5, 3.0, 60, restarts_on)  # shorter than all images take, ten times what each does
        retrieval, held = await fetched(tmp_path, pacs, timers=timers, receive=ReceiveSettings(quiet_time=10))

    assert ended == (["aborted"] if failure else ["answered"])
    assert (retrieval.state, held) == (COMPLETE, 12)  # either way: what comes late is taken


def _slowly_watched(move: Move, ended: list[str]) -> None:
    with raw_peer(move.pacs.store_port) as peer:
        peer.associate(Request(calling=move.pacs.title))
        for image in move.images:
            time.sleep(0.3)
            peer.store(image)
        peer.release()
    move.peer.socket.settimeout(0.05)
    try:
        ended.append("aborted" if move.peer.pdu()[:1] == bytes((ABORT,)) else "closed")
    except TimeoutError:
        ended.append("answered")
        move.peer.socket.settimeout(5)
        move.respond(0x0000, completed=len(move.images), failed=0, warning=0)


@states("4.2.6 (3) total")
async def test_arriving_images_never_restart_the_total_timer(tmp_path: Path) -> None:
    with RawPacs(images("slow", 5, patient_id=PATIENT_ID), script=_until_aborted) as pacs:
        timers = Timers(5, 5.0, 1.0, RestartsOn.STORE)
        retrieval, held = await fetched(tmp_path, pacs, timers=timers, response_restarts_on=RestartsOn.STORE)
        assert not pacs.errors

    assert (retrieval.state, held) == (PARTIAL, 4)
    assert "timer total" in retrieval.reason


def _until_aborted(move: Move) -> None:
    with raw_peer(move.pacs.store_port) as peer:
        peer.associate(Request(calling=move.pacs.title))
        for image in move.images[:4]:
            time.sleep(0.3)
            peer.store(image)
        peer.release()
    assert move.peer.pdu()[:1] == bytes((ABORT,))


async def test_a_cancelled_retrieval_sends_c_cancel_with_the_id_of_its_move(tmp_path: Path) -> None:
    cancels: list[Message] = []
    asked = threading.Event()

    def script(move: Move) -> None:
        asked.set()
        cancels.append(move.peer.receive())
        move.respond(0xFE00, remaining=3, completed=0, failed=0, warning=0)

    with RawPacs(three(), script=script) as pacs:
        async with linked(tmp_path, timers=QUICK) as netty:
            netty.remotes.add(Remote("central", "RAW_PACS", "127.0.0.1", pacs.port))
            netty.register()
            [requested] = await netty.request()
            running = asyncio.create_task(netty.run(requested.id))
            await asyncio.to_thread(asked.wait, 10)
            netty.retrievals.request_cancel(requested.id)
            retrieval = await running

    [cancel] = cancels
    assert (cancel.number(0x0100), cancel.number(0x0800)) == (0x0FFF, 0x0101)
    assert cancel.number(0x0120) == pacs.moves[0].number(0x0110)
    assert set(cancel.values) == {0x0000, 0x0100, 0x0120, 0x0800}
    assert retrieval.state is RetrievalState.CANCELLED


# --- what is kept --------------------------------------------------------------------------------------------------


@states("4.3.1 (3) (b)", "8")
async def test_kept_dicom_is_what_came_but_for_what_is_cleared(tmp_path: Path) -> None:
    """The values that stay are byte for byte those received, whatever their character set."""
    texts: dict[int, bytes | str | int | None] = {
        0x00080005: b"\\ISO 2022 IR 87",
        0x00081030: b"\x1b$B6;It\x1b(B ",
        0x0008103E: b"\x8b\xb9\x95\x94",
        0x00100010: b"YAMADA^TAROU=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B",
        0x00110010: b"ACME",
        0x00111001: b"\xff\xfe\x00odd.",
    }
    [image] = [each.having(texts) for each in images("kept", 1, patient_id=PATIENT_ID)]
    kept: list[bytes] = []

    with RawPacs([image]) as pacs:
        async with linked(tmp_path, timers=QUICK, keep=KeepSettings(Keep.STATEMENT)) as netty:
            netty.remotes.add(Remote("central", "RAW_PACS", "127.0.0.1", pacs.port))
            netty.register()
            pacs.store_port = netty.ae.port
            [retrieval] = await netty.fetch()
            study = netty.holdings.study(image.study)
            assert study is not None
            kept += [netty.blobs.get(each.kept_blob) for each in study.instances if each.kept_blob]

    [file] = kept
    sent, stays = elements_of(image.data), elements_of(_data_set_of(file))
    cleared = {tag for tag in sent if sent[tag] and not stays[tag]}
    added = set(stays) - set(sent)

    assert retrieval.state is COMPLETE
    assert {0x00100010, 0x00100020} <= cleared <= {0x00100010, 0x00100020, 0x00080050}
    assert added == {0x00120063}  # De-identification Method
    assert {tag: value for tag, value in sent.items() if tag not in cleared} == {
        tag: value for tag, value in stays.items() if tag not in cleared | added
    }


def _data_set_of(file: bytes) -> bytes:
    """What follows the File Meta Information (PS3.10 section 7.1), by its group length."""
    assert file[128:132] == b"DICM"
    return file[144 + int.from_bytes(file[140:144], "little") :]


def test_commands_are_whole_before_data_sets_begin() -> None:
    """The tests' own C-STORE-RQ: command elements ascend and are announced by their length (PS3.7 6.3.1)."""
    command = store_command(three()[0], originator="HAPPY_netty", originator_id=7)
    values = elements_of(command)

    assert list(values) == sorted(values)
    assert int.from_bytes(values[0], "little") == len(command) - 12
