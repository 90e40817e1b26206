"""What open pages read along: happenings, searches, progress."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from netty.errors import PeerError, UsageError
from netty.model.patient import Patient, PatientLink
from netty.model.retrieval import LedgerCount, LedgerEntry, LedgerState, Retrieval, RetrievalState
from netty.web.bulletin import Bulletin, Happening, RetrievalProgress, SearchChanged
from netty.web.progress import Progress
from netty.web.searches import UNFORESEEN, Searches
from netty.workflow.linkage import LinkView
from support.pages import Town, opened

PATIENT = Patient("P", "", "", (PatientLink("quick", "1"), PatientLink("dead", "2")))


class Answers:
    """A linkage whose remotes answer when the test lets them."""

    def __init__(self, **errors: Exception) -> None:
        self.gates = {remote: asyncio.Event() for remote in ("quick", "dead")}
        self.errors = errors
        self.asked: list[str] = []

    async def search(self, remote_name: str, patient_key: str, *, asked_by: str = "") -> object:
        self.asked.append(remote_name)
        await self.gates[remote_name].wait()
        if remote_name in self.errors:
            raise self.errors[remote_name]
        return []

    def noted(self, patient_key: str) -> Sequence[LinkView]:
        return []

    def request_missing(self, patient_key: str, requested_by: str) -> Sequence[Retrieval]:
        return []

    def request_study(self, remote: str, study_instance_uid: str, patient_key: str, requested_by: str) -> Retrieval:
        raise UsageError("Not listed.")


async def _until_ended(bulletin: Bulletin, remote: str) -> None:
    async for portion in bulletin.follow(5):
        for one in portion:
            if isinstance(one, SearchChanged) and one.remote == remote and not one.running:
                return


async def test_a_dead_remote_holds_up_nobody_else() -> None:
    linkage, bulletin = Answers(), Bulletin()
    searches = Searches(linkage, bulletin)
    quick = asyncio.create_task(_until_ended(bulletin, "quick"))
    await asyncio.sleep(0)

    searches.start(PATIENT, "somebody")
    assert searches.running("P") == {"quick", "dead"}
    linkage.gates["quick"].set()
    await quick

    assert searches.running("P") == {"dead"}
    await searches.stop()
    assert searches.running("P") == set()


async def test_a_remote_is_not_asked_twice_at_once() -> None:
    linkage = Answers()
    searches = Searches(linkage, Bulletin())

    searches.start(PATIENT, "somebody")
    searches.start(PATIENT, "somebody else")
    await asyncio.sleep(0)

    assert sorted(linkage.asked) == ["dead", "quick"]
    await searches.stop()


async def test_why_a_search_could_not_even_start_is_kept_until_the_next_one() -> None:
    linkage, bulletin = Answers(quick=UsageError("The ID is empty."), dead=RuntimeError("oh")), Bulletin()
    searches = Searches(linkage, bulletin)
    ended = [asyncio.create_task(_until_ended(bulletin, remote)) for remote in ("quick", "dead")]
    await asyncio.sleep(0)

    searches.start(PATIENT, "somebody")
    for gate in linkage.gates.values():
        gate.set()
    await asyncio.gather(*ended)

    assert searches.failures("P") == {"quick": "The ID is empty.", "dead": UNFORESEEN}
    assert searches.failures("Q") == {}


async def test_a_failure_of_the_remote_is_noted_by_the_linkage_alone() -> None:
    linkage, bulletin = Answers(dead=PeerError("It is down.")), Bulletin()
    searches = Searches(linkage, bulletin)
    ended = asyncio.create_task(_until_ended(bulletin, "dead"))
    await asyncio.sleep(0)

    searches.start(PATIENT, "somebody")
    linkage.gates["dead"].set()
    await ended

    assert searches.failures("P") == {}
    await searches.stop()


def _progress(received: int) -> RetrievalProgress:
    retrieval = Retrieval(
        "r", "central", "1.2", "P", "1", RetrievalState.MOVING, "x", datetime(2026, 11, 23, tzinfo=UTC)
    )
    return RetrievalProgress(retrieval, LedgerCount(9, received, 0, 0, 0, 0))


async def test_a_slow_reader_gets_the_last_step_only() -> None:
    bulletin = Bulletin()
    following = bulletin.follow(5)
    reading = asyncio.ensure_future(anext(following))
    await asyncio.sleep(0)

    for received in (1, 2, 3):
        bulletin.publish(_progress(received))

    assert await reading == [_progress(3)]


async def test_a_quiet_bulletin_still_beats() -> None:
    assert await anext(Bulletin().follow(0)) == []


async def test_closing_the_bulletin_lets_every_reader_go() -> None:
    bulletin = Bulletin()
    portions: list[list[Happening]] = []

    async def read() -> None:
        portions.extend([portion async for portion in bulletin.follow(60)])

    reading = asyncio.create_task(read())
    await asyncio.sleep(0)
    bulletin.close()
    await reading

    assert portions == [[]]
    assert not bulletin.read_along


async def _next(bulletin: Bulletin, progress: Progress) -> list[Happening]:
    following = bulletin.follow(5)
    reading = asyncio.ensure_future(anext(following))
    await asyncio.sleep(0)
    await progress.look()
    if not reading.done():
        bulletin.publish(SearchChanged("", "", running=False))  # so that the reading ends
    portion = await reading
    await following.aclose()  # type: ignore[attr-defined]
    return portion


async def test_progress_tells_each_step_once_and_the_end(tmp_path: Path) -> None:
    with opened(Town(tmp_path)) as town:
        retrieval = Retrieval("r", "central", "1.2", "P", "1", RetrievalState.QUEUED, "x", datetime.now(UTC))
        town.retrievals.create(retrieval, [LedgerEntry("1.2.3", "1", "1.2"), LedgerEntry("1.2.4", "1", "1.2")])
        bulletin = Bulletin()
        progress = Progress(town.retrievals, bulletin, 1)

        def told(portion: list[Happening]) -> list[tuple[RetrievalState, int]]:
            return [(one.retrieval.state, one.count.received) for one in portion if isinstance(one, RetrievalProgress)]

        assert told(await _next(bulletin, progress)) == [(RetrievalState.QUEUED, 0)]
        assert told(await _next(bulletin, progress)) == []
        town.retrievals.update("r", state=RetrievalState.MOVING)
        town.retrievals.mark("r", {"1.2.3": (LedgerState.RECEIVED, "")})
        assert told(await _next(bulletin, progress)) == [(RetrievalState.MOVING, 1)]
        town.retrievals.update("r", state=RetrievalState.PARTIAL)
        assert told(await _next(bulletin, progress)) == [(RetrievalState.PARTIAL, 1)]
        assert told(await _next(bulletin, progress)) == []
