"""When a spool file may go: what nothing needs any more is cleared away together with what the rows say of it."""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest

from netty.archive.database import Database
from netty.archive.errors import DiskFault
from netty.archive.held import RenderState
from netty.archive.holdings import Holdings
from netty.archive.received import KeptBlob, Rendered
from netty.archive.registration import Registration
from netty.archive.remotes import Remotes
from netty.archive.renewal import Renewal, Renewed
from netty.archive.retrievals import Retrievals
from netty.model.retrieval import RetrievalState
from support.catalogue import NOON, entry, received, remote, rendition, retrieval

KEPT = KeptBlob("kept/ab.dcm", 9, "00")
HOUR = timedelta(hours=1)


@pytest.fixture
def registration(database: Database) -> Registration:
    """The registration, with a retrieval that has not ended."""
    Remotes(database).add(remote())
    Retrievals(database).create(retrieval(state=RetrievalState.MOVING), [entry("1.2.3.1.1"), entry("1.2.3.1.2")])
    return Registration(database)


@pytest.mark.parametrize(
    ("state", "kept", "ended", "finished"),
    [
        pytest.param(RenderState.WAITING, None, NOON, False, id="waits for its pictures"),
        pytest.param(RenderState.RENDERED, None, None, False, id="its retrieval still runs"),
        pytest.param(RenderState.RENDERED, None, NOON + 2 * HOUR, False, id="its study settled only just"),
        pytest.param(RenderState.RENDERED, None, NOON, True, id="rendered and settled"),
        pytest.param(RenderState.NO_PICTURE, None, NOON, False, id="no picture, and nowhere else"),
        pytest.param(RenderState.NO_PICTURE, KEPT, NOON, True, id="no picture, but kept"),
        pytest.param(RenderState.FAILED, None, NOON, False, id="could not be rendered"),
        pytest.param(RenderState.FAILED, KEPT, NOON, True, id="could not be rendered, but kept"),
    ],
)
def test_when_a_spool_file_may_go(
    database: Database,
    registration: Registration,
    state: RenderState,
    kept: KeptBlob | None,
    ended: datetime | None,
    finished: bool,
) -> None:
    one = received()
    [answer] = registration.register([one])
    assert answer.instance_id is not None
    if state is RenderState.RENDERED:
        registration.rendered([Rendered(answer.instance_id, [rendition()], kept)])
    elif state is not RenderState.WAITING:
        registration.not_rendered(answer.instance_id, state, "why", kept)
    if ended is not None:
        Retrievals(database).update("r1", state=RetrievalState.COMPLETE, ended_at=ended)

    assert registration.finished_spool_files(NOON + HOUR) == ([one.spool_name] if finished else [])
    assert registration.spool_names() == {one.spool_name}


def test_a_second_file_with_the_same_bytes_may_go_at_once(registration: Registration) -> None:
    again = received()
    registration.register([received(), again])

    assert registration.finished_spool_files(NOON) == [again.spool_name]


def test_removed_spool_files_are_forgotten(database: Database, registration: Registration) -> None:
    [answer] = registration.register([received()])
    assert answer.instance_id is not None
    registration.rendered([Rendered(answer.instance_id, [rendition()])])

    registration.spool_files_removed([answer.spool_name])

    assert registration.spool_names() == set()
    assert registration.finished_spool_files(NOON + HOUR) == []


def finished(database: Database, registration: Registration, count: int) -> list[str]:
    """So many files of images that are drawn, in a study that has settled."""
    answers = registration.register([received(f"1.2.3.1.{number}") for number in range(1, count + 1)])
    for one in answers:
        assert one.instance_id is not None
        registration.rendered([Rendered(one.instance_id, [rendition(f"{one.instance_id}")])])
    Retrievals(database).update("r1", state=RetrievalState.COMPLETE, ended_at=NOON)
    return [one.spool_name for one in answers]


def test_finished_spool_files_are_cleared_away_in_portions(database: Database, registration: Registration) -> None:
    names = finished(database, registration, 3)
    removed: list[str] = []

    counts = [registration.clear_finished(NOON + HOUR, removed.extend, 2) for _ in range(3)]

    assert (counts, removed) == ([2, 1, 0], names)
    assert registration.spool_names() == set()


def test_nobody_has_an_image_drawn_again_from_a_file_that_is_being_removed(
    database: Database, registration: Registration
) -> None:
    """Else it would wait for a file that has gone, and in the end count as one that cannot be drawn."""
    finished(database, registration, 1)
    with ThreadPoolExecutor(1) as pool:
        again: list[Future[Renewed]] = []

        def remove(_names: Sequence[str]) -> None:
            again.append(pool.submit(Renewal(database).render_again, "1.2.3", "admin"))
            with pytest.raises(TimeoutError):
                again[0].result(0.2)

        assert registration.clear_finished(NOON + HOUR, remove, 10) == 1

        assert again[0].result(30) == Renewed(waiting=0, gone=1)


def test_a_file_that_cannot_be_removed_stays_known(database: Database, registration: Registration) -> None:
    names = finished(database, registration, 1)

    def remove(_names: Sequence[str]) -> None:
        raise DiskFault("The disk is read-only.")

    with pytest.raises(DiskFault):
        registration.clear_finished(NOON + HOUR, remove, 10)
    assert registration.spool_names() == set(names)


def test_the_files_of_a_deleted_study_may_go(database: Database, registration: Registration) -> None:
    [answer] = registration.register([received()])

    Holdings(database).delete_study("1.2.3", "admin")

    assert registration.finished_spool_files(NOON) == [answer.spool_name]
