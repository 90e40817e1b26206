"""Callers that were not let in, in the audit trail: all of them told of, and few rows however many they are."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from netty.archive.audit import Audit, AuditKind
from netty.archive.database import Database
from netty.network.accepted import AssociationReport, Ending
from netty.workflow.refused import MOST_CALLERS, WINDOW_SECONDS, RefusedCallers
from support.catalogue import new_database


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with new_database(tmp_path) as one:
        yield one


def ended(title: str = "STRANGER", ending: Ending = Ending.REJECTED, detail: str = "1,1,3") -> AssociationReport:
    return AssociationReport(1, title, "HAPPY_netty", "192.0.2.9", (), ending, detail, 0, 200, 0.1)


async def rows(database: Database, refused: RefusedCallers) -> list[tuple[str, dict[str, Any]]]:
    """What stands there in the end, the oldest first."""
    await refused.settle()
    return [(one.event.outcome, dict(one.event.detail)) for one in reversed(Audit(database).list())]


async def test_a_refused_caller_is_told_of_with_titles_and_address(database: Database) -> None:
    refused = RefusedCallers(Audit(database))

    refused.report(ended())

    assert await rows(database, refused) == [
        (
            "rejected 1,1,3",
            {"address": "192.0.2.9", "calling_ae_title": "STRANGER", "called_ae_title": "HAPPY_netty", "count": 1},
        )
    ]
    assert [one.event.kind for one in Audit(database).list()] == [AuditKind.ASSOCIATION]


async def test_who_comes_again_within_a_minute_is_counted(database: Database) -> None:
    now = 100.0
    refused = RefusedCallers(Audit(database), clock=lambda: now)
    for _ in range(1000):
        refused.report(ended())
    now += WINDOW_SECONDS
    refused.report(ended())

    assert [detail["count"] for _, detail in await rows(database, refused)] == [1, 999, 1]


async def test_a_flood_of_names_takes_few_rows_and_none_goes_uncounted(database: Database) -> None:
    refused = RefusedCallers(Audit(database))
    for number in range(3000):
        refused.report(ended(f"NAME{number}"))

    found = await rows(database, refused)

    assert len(found) == MOST_CALLERS + 2
    assert sum(detail["count"] for _, detail in found) == 3000


@pytest.mark.parametrize("ending", [each for each in Ending if each not in (Ending.REJECTED, Ending.NOT_REGISTERED)])
async def test_who_was_let_in_is_told_of_elsewhere(database: Database, ending: Ending) -> None:
    refused = RefusedCallers(Audit(database))

    refused.report(ended(ending=ending))

    assert await rows(database, refused) == []
