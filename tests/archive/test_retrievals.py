"""Retrievals with their ledgers, and leases."""

from collections import Counter
from datetime import timedelta

import pytest

from netty.archive.database import Database
from netty.archive.leases import Leases
from netty.archive.retrievals import Retrievals
from netty.errors import UsageError
from netty.model import retrieval as model
from netty.model.retrieval import Claimed, LedgerCount, LedgerState, RetrievalState
from support.catalogue import NOON, entry, retrieval

MINUTE = timedelta(minutes=1)


@pytest.fixture
def retrievals(database: Database) -> Retrievals:
    """The retrievals: one with three expected images."""
    retrievals = Retrievals(database)
    retrievals.create(retrieval(), [entry("1.1"), entry("1.2"), entry("1.3", state=LedgerState.UNOBTAINABLE)])
    return retrievals


def test_a_retrieval_comes_back_with_its_ledger(retrievals: Retrievals) -> None:
    assert retrievals.get("r1") == retrieval()
    assert [one.sop_instance_uid for one in retrievals.ledger("r1")] == ["1.1", "1.2", "1.3"]
    with pytest.raises(UsageError, match="no retrieval r9"):
        retrievals.get("r9")


def test_a_study_is_fetched_from_a_remote_only_once_at_a_time(retrievals: Retrievals) -> None:
    again = retrieval("r2")

    assert retrievals.create(again, [entry("1.1")]).id == "r1"
    retrievals.update("r1", state=RetrievalState.COMPLETE)
    assert retrievals.create(again, [entry("1.1")]).id == "r2"
    assert retrievals.create(retrieval("r3", remote="north"), []).id == "r3"


def test_whether_any_is_unfinished_is_known(retrievals: Retrievals) -> None:
    assert retrievals.any_unfinished()

    retrievals.update("r1", state=RetrievalState.COMPLETE)

    assert not retrievals.any_unfinished()


def test_an_update_changes_what_is_given(retrievals: Retrievals) -> None:
    retrievals.update("r1", state=RetrievalState.MOVING, started_at=NOON)
    retrievals.update("r1", claimed=Claimed(3, 0, None, 0))
    retrievals.update("r1", state=RetrievalState.PARTIAL, reason="why", ended_at=NOON + MINUTE)
    retrievals.update("r1")

    assert retrievals.get("r1") == retrieval(
        state=RetrievalState.PARTIAL,
        started_at=NOON,
        ended_at=NOON + MINUTE,
        claimed=Claimed(3, 0, None, 0),
        reason="why",
    )


def test_lists_are_newest_first_and_the_queue_is_oldest_first(retrievals: Retrievals) -> None:
    retrievals.create(retrieval("r2", remote="north", requested_at=NOON + MINUTE), [])
    retrievals.create(retrieval("r3", remote="south", requested_at=NOON + 2 * MINUTE, state=RetrievalState.MOVING), [])

    assert [one.id for one in retrievals.list()] == ["r3", "r2", "r1"]
    assert [one.id for one in retrievals.list([RetrievalState.QUEUED])] == ["r2", "r1"]
    assert [one.id for one in retrievals.list(limit=1)] == ["r3"]
    assert [one.id for one in retrievals.queued()] == ["r1", "r2"]
    assert [one.id for one in retrievals.of_studies(["1.2.3"])] == ["r3", "r2", "r1"]
    assert retrievals.of_studies([]) == []


def test_no_remote_and_nobody_who_asks_hides_what_others_wait_for(retrievals: Retrievals) -> None:
    for number in range(3):
        retrievals.create(retrieval(f"a{number}", study_instance_uid=f"1.{number}", requested_at=NOON + MINUTE), [])
    retrievals.create(retrieval("p", study_instance_uid="1.8", requested_by="hanako", requested_at=NOON + MINUTE), [])
    retrievals.create(retrieval("n", remote="north", requested_at=NOON + MINUTE), [])

    assert [one.id for one in retrievals.queued(of_each=1)] == ["r1", "n", "p"]


def test_what_is_under_way_has_begun_and_not_ended(retrievals: Retrievals) -> None:
    retrievals.create(retrieval("r2", remote="north", state=RetrievalState.MOVING), [])
    retrievals.create(retrieval("r3", remote="south", state=RetrievalState.SETTLING), [])
    retrievals.create(retrieval("r4", remote="west", state=RetrievalState.FAILED), [])

    assert {one.id for one in retrievals.under_way()} == {"r2", "r3"}


def test_cancelling_reaches_what_has_not_ended(retrievals: Retrievals) -> None:
    assert retrievals.request_cancel("r1")
    assert retrievals.get("r1").cancel_requested

    retrievals.update("r1", state=RetrievalState.CANCELLED)
    assert not retrievals.request_cancel("r1")
    assert retrievals.unfinished_of("central", "1.2.3") is None


def test_the_database_counts_as_the_model_does(retrievals: Retrievals) -> None:
    retrievals.mark("r1", {"1.1": (LedgerState.RENDERED, ""), "1.2": (LedgerState.FAILED, "why")})
    retrievals.create(retrieval("r2", remote="north"), [])

    assert retrievals.count("r1") == model.count(Counter(entry.state for entry in retrievals.ledger("r1")))
    assert retrievals.counts(["r1", "r2"])["r2"] == LedgerCount(0, 0, 0, 0, 0, 0)
    assert [(one.state, one.reason) for one in retrievals.ledger("r1")][1] == (LedgerState.FAILED, "why")
    assert retrievals.last_arrival("r1") is None


def test_leases_are_open_until_they_expire(database: Database, retrievals: Retrievals) -> None:
    leases = Leases(database)
    lease = leases.open(retrieval(), 1000.5)

    assert (lease.retrieval_id, lease.remote, lease.study_instance_uid, lease.patient_id, lease.expires_at) == (
        "r1",
        "central",
        "1.2.3",
        "12345",
        1000.5,
    )
    assert leases.open_for("1.2.3", 1000.4) == [lease]
    assert leases.open_for("1.2.3", 1000.5) == []
    assert leases.open_for("1.9", 0) == []

    leases.keep_until("r1", 2000)
    assert [one.expires_at for one in leases.open_for("1.2.3", 1500)] == [2000]
    leases.end_by("r1", 2500)
    assert [one.expires_at for one in leases.open_for("1.2.3", 1500)] == [2000]
    leases.end_by("r1", 1700)
    assert [one.expires_at for one in leases.open_for("1.2.3", 1500)] == [1700]
    leases.keep_until("r1", 2000)
    assert leases.remove_expired(1999) == 0
    assert leases.remove_expired(2000) == 1
    assert leases.open_for("1.2.3", 0) == []


def test_message_ids_are_not_used_again_soon_and_never_twice_at_once(
    database: Database, retrievals: Retrievals
) -> None:
    leases = Leases(database)
    first, second = leases.open(retrieval(), 1000), leases.open(retrieval(), 3000)
    leases.remove_expired(2000)

    third = leases.open(retrieval(), 3000)

    assert (first.message_id, second.message_id, third.message_id) == (1, 2, 3)


_COUNT_ON = {  # to the last number but one of a round
    "sqlite": "UPDATE sqlite_sequence SET seq = 65534 WHERE name = 'leases'",
    "postgresql": "SELECT setval(pg_get_serial_sequence('leases', 'id'), 65534)",
}


def test_message_ids_go_round_and_step_over_what_is_open(database: Database, retrievals: Retrievals) -> None:
    leases = Leases(database)
    first = leases.open(retrieval(), 1000)
    with database.write() as connection:
        connection.exec_driver_sql(_COUNT_ON[connection.dialect.name])

    assert [leases.open(retrieval(), 1000).message_id for _ in range(3)] == [65535, 2, 3]
    assert first.message_id == 1
