"""Searching and retrieving as SCU: statement 3.1.1, 4.2.5, 4.2.6, tables 1, 3 and 4, as a PACS of bytes sees it."""

import asyncio
import struct
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from netty.archive.users import Role
from netty.errors import UsageError
from netty.model.difference import StudyDifference
from netty.model.remote import Remote
from netty.model.retrieval import Retrieval, RetrievalState
from netty.network.errors import AssociationAborted, AssociationRejected, TimedOut
from netty.network.query_scu import find_studies
from netty.network.settings import AeSettings, QuerySettings, Timers
from netty.workflow.automation import Automation
from netty.workflow.settings import SearchSettings
from support.linked import PATIENT_ID, Linked, linked
from support.pages import Town, browsing, opened
from support.raw_peer import (
    ABORT,
    AC,
    FIND,
    MOVE,
    RELEASE_RQ,
    RJ,
    RawPacs,
    RawPeer,
    accepting,
    command_set,
    elements_of,
    images,
    pdu,
)
from support.statement import rows, states

STUDY, SERIES, SOP, LEVEL, ACCESSION = 0x0020000D, 0x0020000E, 0x00080018, 0x00080052, 0x00080050
SOP_CLASS = 0x00080016
AE = AeSettings(port=11112)


@dataclass
class Story:
    """One search and retrieval, as the PACS saw it, and what netty made of it."""

    pacs: RawPacs
    found: list[StudyDifference]
    retrievals: list[Retrieval]
    again: list[Retrieval]
    grown: list[Retrieval]


def _register(netty: Linked, pacs: RawPacs) -> None:
    netty.remotes.add(Remote("central", "RAW_PACS", "127.0.0.1", pacs.port))
    netty.register()
    pacs.store_port = netty.ae.port


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """Two studies, fetched; again, when nothing is new; and once more, when one of them has grown."""
    first, second = images("first", 3, patient_id=PATIENT_ID), images("second", 1, patient_id=PATIENT_ID)
    others = images("others", 2, patient_id="OTHER-2")

    async def tell(pacs: RawPacs) -> Story:
        async with linked(Path(tmp_path_factory.mktemp("story"))) as netty:
            _register(netty, pacs)
            found = await netty.linkage.find(netty.remotes.get("central"), PATIENT_ID)
            fetched = await netty.fetch()
            again = await netty.fetch()
            pacs.images.append(images("first", 4, patient_id=PATIENT_ID)[3])
            return Story(pacs, found, fetched, again, await netty.fetch())

    with RawPacs([*first, *second, *others]) as pacs:
        yield asyncio.run(tell(pacs))
        assert not pacs.errors


def _asked(story: Story, level: str) -> list[dict[int, bytes]]:
    identifiers = [elements_of(each.data) for each in story.pacs.finds]
    return [each for each in identifiers if each[LEVEL].decode().strip() == level]


@states("table 1", "3", "3.1.1 (1)", "3.1.1 (2)", "3.2 (1)", "4.2.6 (1) C-FIND", "4.2.6 (1) C-MOVE")
@pytest.mark.parametrize(("name", "uid"), rows("1", 0, 1))
def test_each_class_of_table_1_is_asked_for(story: Story, name: str, uid: str) -> None:
    messages = {FIND: story.pacs.finds, MOVE: story.pacs.moves}[uid]

    assert messages
    assert {each.text(0x0002) for each in messages} == {uid}
    assert [each for each in story.pacs.requests if uid in each.abstracts.values()]


@states("table 4")
@pytest.mark.parametrize(("abstract", "transfer", "role"), rows("4", 0, 1, 2))
def test_the_contexts_of_table_4_are_proposed_and_no_others(
    story: Story, abstract: str, transfer: str, role: str
) -> None:
    proposals = [each for each in story.pacs.requests if abstract in each.abstracts.values()]

    assert proposals
    for each in proposals:
        assert each.abstracts == {1: abstract}
        assert each.contexts == {1: (0, (transfer,))}
        assert 0x54 not in each.user  # no role selection: the requestor is the SCU (PS3.7 D.3.3.4)
    assert role == "SCU"
    assert {uid for each in story.pacs.requests for uid in each.abstracts.values()} == set(rows("4", 0))


@states("table 3")
@pytest.mark.parametrize(("service", "name", "tag", "use"), rows("3"))
def test_the_attributes_of_table_3_are_conditions_and_results(
    story: Story, service: str, name: str, tag: str, use: str
) -> None:
    number = int(tag, 16)
    if service == "C-MOVE":
        identifiers = [elements_of(each.data) for each in story.pacs.moves]
        assert all(set(each) == {LEVEL, number} and each[number] for each in identifiers)
        assert {each[LEVEL] for each in identifiers} == {b"STUDY "}
        return
    asked = [elements_of(each.data) for each in story.pacs.finds]
    results = [each for each in asked if each.get(number) == b""]
    conditions = [each for each in asked if each.get(number)]
    if use == "C/R":  # the ID is asked for and compared with the answer
        assert {each[number].decode().strip() for each in conditions} == {PATIENT_ID}
        assert {each.study.patient_id for each in story.found} == {PATIENT_ID}
    else:
        assert results
    if number == ACCESSION:
        assert not conditions  # only where the settings say so


def test_nothing_is_asked_for_but_table_3_and_the_sop_class(story: Story) -> None:
    """One unique key for each level above, and none of its other keys (PS3.4 C.4.1.2.1)."""
    table = {int(tag, 16) for service, _, tag, _ in rows("3") if service == "C-FIND"}
    asked = {level: {tag for each in _asked(story, level) for tag in each} for level in ("STUDY", "SERIES", "IMAGE")}

    assert set().union(*asked.values()) == table | {LEVEL, SOP_CLASS}
    assert {STUDY, SERIES} <= asked["IMAGE"]
    assert all(each[STUDY] and each[SERIES] for each in _asked(story, "IMAGE"))
    assert all(each[STUDY] for each in _asked(story, "SERIES"))


@states("4.1.2 *")
async def test_an_accession_number_is_searched_for_only_where_the_settings_say_so(tmp_path: Path) -> None:
    with RawPacs(images("accession", 1, patient_id=PATIENT_ID)) as pacs:
        async with linked(tmp_path) as netty:
            _register(netty, pacs)
            remote = netty.remotes.get("central")
            with pytest.raises(UsageError, match="switched off"):
                await netty.linkage.find(remote, PATIENT_ID, "ACC1")
            assert not pacs.requests

            searching = replace(netty.linkage, query=QuerySettings(accession_number=True))
            [study] = await searching.find(remote, PATIENT_ID, "ACC1")
            assert not await searching.find(remote, PATIENT_ID, "ACC2")

    assert study.study.accession_number == "ACC1"
    assert elements_of(pacs.finds[0].data)[ACCESSION] == b"ACC1"


@states("4", "4.2.1 PDU", "4.2.4 class", "4.2.4 version", "4.2.3")
def test_our_requests_are_those_of_one_application_entity(story: Story) -> None:
    for each in story.pacs.requests:
        assert (each.version, each.application) == (1, "1.2.840.10008.3.1.1.1")
        assert (each.called.rstrip(), each.calling.rstrip()) == (b"RAW_PACS", b"HAPPY_netty")
        assert each.maximum == 16384
        assert each.user[0x52] == b"1.2.276.0.7230010.3.0.3.6.0"
        assert each.user[0x55] == b"OFFIS_DCMTK_360"
        assert set(each.user) == {0x51, 0x52, 0x55}  # no asynchronous operations window
    assert {each.text(0x0600) for each in story.pacs.moves} == {"HAPPY_netty"}


@states("4.2.5", "4.2.6 (3) one service")
def test_each_service_has_an_association_of_its_own(story: Story) -> None:
    pacs = story.pacs

    assert set(pacs.per_association) == {1}
    assert len(pacs.requests) == len(pacs.finds) + len(pacs.moves)
    assert set(pacs.endings) == {RELEASE_RQ}


@states("4.2.6 (1) difference")
def test_only_studies_that_lack_something_are_fetched_each_by_itself(story: Story) -> None:
    moved = [elements_of(each.data)[STUDY].decode().strip("\0") for each in story.pacs.moves]
    first, second = images("first", 1)[0].study, images("second", 1)[0].study

    assert {one.state for one in story.retrievals} == {RetrievalState.COMPLETE}
    assert not story.again
    assert [one.study_instance_uid for one in story.grown] == [first]
    assert sorted(moved) == sorted([first, second, first])


def test_message_ids_of_moves_differ(story: Story) -> None:
    numbers = [each.number(0x0110) for each in story.pacs.moves]

    assert len(set(numbers)) == len(numbers)


@states("4.2.6 (1) automatic", "7")
async def test_searching_is_automatic_by_default(tmp_path: Path) -> None:
    with RawPacs(images("sweep", 2, patient_id=PATIENT_ID)) as pacs:
        async with linked(tmp_path) as netty:
            _register(netty, pacs)
            settings = SearchSettings()
            automation = Automation(netty.linkage, netty.retrievals, netty.retriever, replace(settings, pace=100))
            [due] = automation.due()
            assert due.remote == "central"
            assert await asyncio.to_thread(automation.search, "central", "hanako")
            [queued] = automation.queued()

    assert (settings.every, settings.hours) == ("30m", ("00:00-24:00",))
    assert netty.retrievals.get(queued.id).requested_by == "schedule"


@states("4.2.6 (1) shown")
def test_what_was_found_is_shown_on_the_patients_page(tmp_path: Path) -> None:
    [image] = images("shown", 1, patient_id="SHOWN-1")
    with opened(Town(tmp_path)) as town, RawPacs([image]) as pacs:
        town.add_remote("central", pacs.port)
        town.add_patient("hanako", "花子", central="SHOWN-1")
        town.add_user("viewer", Role.VIEWER)
        asyncio.run(town.linkage.search("central", "hanako"))
        with browsing(town.app(), "viewer") as client:
            page = client.get("/patients/hanako").text

    assert "2026-04-01" in page
    assert "central" in page
    assert "CT" in page
    assert datetime.now(UTC).strftime("%Y") in page


# --- the timers ----------------------------------------------------------------------------------------------------


@states("4.2.6 (3) association", "4.2.6 (3) response", "4.2.6 (3) total")
def test_the_timers_are_60_60_and_1000_seconds_by_default() -> None:
    timers = Timers()

    assert (timers.association, timers.response, timers.total) == (60, 60, 1000)


def _silent(peer: RawPeer, request: bytes) -> bool:
    """No answer to the association request; waits until the connection is closed."""
    peer.closed()
    return True


def _half_an_answer(peer: RawPeer, request: bytes) -> bool:
    peer.send(accepting(request)[:50])
    return _silent(peer, request)


def _accepts_and_rests(peer: RawPeer, request: bytes) -> bool:
    peer.send(accepting(request))
    while peer.pdu()[:1] not in (bytes((ABORT,)), b""):
        pass
    return True


def _answers_for_ever(peer: RawPeer, request: bytes) -> bool:
    peer.send(accepting(request))
    asked = peer.receive()
    identifier = {LEVEL: "STUDY", STUDY: "1.2.3", 0x00100020: PATIENT_ID}
    pending = command_set({0x0002: FIND, 0x0100: 0x8020, 0x0120: asked.number(0x0110), 0x0800: 1, 0x0900: 0xFF00})
    peer.socket.settimeout(0.02)
    while True:
        peer.message(1, pending, b"".join(_element(tag, value) for tag, value in sorted(identifier.items())))
        try:
            if peer.pdu()[:1] in (bytes((ABORT,)), b""):
                return True
        except TimeoutError:
            continue


def _element(tag: int, value: str) -> bytes:
    data = value.encode() + b" " * (len(value) % 2)
    return struct.pack("<HHL", tag >> 16, tag & 0xFFFF, len(data)) + data


SHORT = Timers(association=5, response=5, total=10)
RUN_OUT: list[tuple[str, Timers, Callable[[RawPeer, bytes], bool]]] = [
    ("association", replace(SHORT, association=0.2), _silent),
    ("association", replace(SHORT, association=0.2), _half_an_answer),
    ("response", replace(SHORT, response=0.2), _accepts_and_rests),
    ("total", replace(SHORT, total=0.3), _answers_for_ever),
    ("total", replace(SHORT, total=0.2), _accepts_and_rests),
]


@states("4.2.6 (3) association", "4.2.6 (3) response", "4.2.6 (3) total")
@pytest.mark.parametrize(("timer", "timers", "behave"), RUN_OUT)
async def test_a_timer_that_runs_out_closes_the_connection(
    timer: str, timers: Timers, behave: Callable[[RawPeer, bytes], bool]
) -> None:
    with RawPacs() as pacs:
        pacs.on_associate = behave
        began = time.monotonic()
        with pytest.raises(TimedOut) as caught:
            await find_studies(Remote("raw", "RAW_PACS", "127.0.0.1", pacs.port), AE, timers, PATIENT_ID)
        seconds = time.monotonic() - began
    # `behave` has returned: it saw the abort, or the end of the connection

    assert caught.value.timer == timer
    assert seconds < 3
    assert not [error for error in pacs.errors if isinstance(error, TimeoutError)]


# --- what a remote may answer --------------------------------------------------------------------------------------


def _rejecting(result: int, source: int, reason: int) -> Callable[[RawPeer, bytes], bool]:
    def behave(peer: RawPeer, request: bytes) -> bool:
        peer.send(pdu(RJ, bytes((0, result, source, reason))))
        return peer.closed() or True

    return behave


REJECTS = [(1, 1, 1), (1, 1, 2), (1, 1, 3), (1, 1, 7), (1, 2, 1), (1, 2, 2), (2, 3, 1), (2, 3, 2), (9, 9, 9)]


@pytest.mark.parametrize("code", REJECTS)
async def test_a_rejection_is_told_with_its_numbers(code: tuple[int, int, int]) -> None:
    with RawPacs() as pacs:
        pacs.on_associate = _rejecting(*code)
        with pytest.raises(AssociationRejected) as caught:
            await find_studies(Remote("raw", "RAW_PACS", "127.0.0.1", pacs.port), AE, SHORT, PATIENT_ID)

    assert "({},{},{})".format(*code) in str(caught.value)


@pytest.mark.parametrize("result", [1, 2, 3, 4, 9])
async def test_a_context_that_is_turned_down_is_told(result: int) -> None:
    def behave(peer: RawPeer, request: bytes) -> bool:
        peer.send(accepting(request, result=result))
        return peer.closed() or True

    with RawPacs() as pacs:
        pacs.on_associate = behave
        with pytest.raises(AssociationRejected, match="does not accept"):
            await find_studies(Remote("raw", "RAW_PACS", "127.0.0.1", pacs.port), AE, SHORT, PATIENT_ID)


def _aborting(peer: RawPeer, request: bytes) -> bool:
    peer.send(accepting(request))
    peer.receive()
    peer.send(pdu(ABORT, bytes((0, 0, 2, 6))))
    return True


def _releasing(peer: RawPeer, request: bytes) -> bool:
    peer.send(accepting(request))
    peer.receive()
    peer.send(pdu(RELEASE_RQ, bytes(4)))
    return True


def _another_context(peer: RawPeer, request: bytes) -> bool:
    peer.send(accepting(request))
    message = peer.receive()
    peer.message(3, command_set({0x0100: 0x8020, 0x0120: message.number(0x0110), 0x0800: 257, 0x0900: 0}))
    return peer.closed() or True


def _garbage(peer: RawPeer, request: bytes) -> bool:
    peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    return peer.closed() or True


@pytest.mark.parametrize("behave", [_aborting, _releasing, _another_context, _garbage])
async def test_an_association_that_ends_early_is_an_error_in_words(behave: Callable[[RawPeer, bytes], bool]) -> None:
    with RawPacs() as pacs:
        pacs.on_associate = behave
        with pytest.raises(AssociationAborted):
            await find_studies(Remote("raw", "RAW_PACS", "127.0.0.1", pacs.port), AE, SHORT, PATIENT_ID)


async def test_a_release_collision_ends_in_order() -> None:
    """Both sides ask for the release at once: Sta7 -> Sta9 -> Sta11 as requestor (PS3.8 9.2.3)."""
    answers: list[bytes] = []

    def behave(peer: RawPeer, request: bytes) -> bool:
        peer.send(accepting(request))
        asked = peer.receive()
        peer.message(
            1, command_set({0x0002: FIND, 0x0100: 0x8020, 0x0120: asked.number(0x0110), 0x0800: 257, 0x0900: 0})
        )
        assert peer.pdu()[0] == RELEASE_RQ
        peer.send(pdu(RELEASE_RQ, bytes(4)))
        answers.append(peer.pdu())
        peer.send(pdu(6, bytes(4)))
        return peer.closed() or True

    with RawPacs() as pacs:
        pacs.on_associate = behave
        assert not await find_studies(Remote("raw", "RAW_PACS", "127.0.0.1", pacs.port), AE, SHORT, PATIENT_ID)

    assert answers == [pdu(6, bytes(4))]


@pytest.mark.parametrize("theirs", [0, 13, 100, 4096])
async def test_our_requests_fit_into_what_the_remote_takes(theirs: int) -> None:
    longest: list[int] = []

    def behave(peer: RawPeer, request: bytes) -> bool:
        peer.send(accepting(request, maximum=theirs))
        while (got := peer.pdu())[:1] == bytes((4,)):
            longest.append(len(got) - 6)
            if len(longest) > 1 and got[11] == 2:  # the end of the identifier
                peer.send(pdu(ABORT, bytes(4)))
                return True
        return True

    with RawPacs() as pacs:
        pacs.on_associate = behave
        with pytest.raises(AssociationAborted):
            await find_studies(Remote("raw", "RAW_PACS", "127.0.0.1", pacs.port), AE, SHORT, PATIENT_ID)

    assert max(longest) <= (theirs or 131072)


def test_the_tests_own_acceptance_is_what_the_standard_says() -> None:
    """PS3.8 Table 9-17: the peer that judges us must not be wrong itself."""
    context = bytes.fromhex("20000014" + "01000000" + "30000003312e32" + "40000005312e322e33")
    asked = pdu(1, struct.pack(">HH16s16s32x", 1, 0, b"CALLED".ljust(16), b"CALLING".ljust(16)) + context)
    answer = accepting(asked)

    assert answer[:1] == bytes((AC,))
    assert answer[10:42] == asked[10:42]
    assert bytes.fromhex("2100000d" + "01000000" + "40000005312e322e33") in answer
