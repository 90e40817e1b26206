"""Statuses and what they mean (PS3.7 Annex C, PS3.4 Annexes B and C, statement table 6)."""

from enum import IntEnum

import pytest

from netty.dimse.status import (
    Category,
    FindStatus,
    MoveStatus,
    Refusal,
    Status,
    StoreStatus,
    category,
    explain_find,
    explain_move,
    explain_store,
)

UNKNOWN = "the peer gives a status that the standard does not know"


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (0x0000, Category.SUCCESS),
        (0xFF00, Category.PENDING),
        (0xFF01, Category.PENDING),
        (0xFE00, Category.CANCEL),
        (0xB000, Category.WARNING),
        (0xB006, Category.WARNING),
        (0xB007, Category.WARNING),
        (0x0001, Category.WARNING),
        (0x0107, Category.WARNING),
        (0x0116, Category.WARNING),
        (0xA700, Category.FAILURE),
        (0xA702, Category.FAILURE),
        (0xC000, Category.FAILURE),
        (0xCFFF, Category.FAILURE),
        (0x0122, Category.FAILURE),
        (0x0211, Category.FAILURE),
    ],
)
def test_each_status_has_its_category(status: int, expected: Category) -> None:
    assert category(status) is expected


@pytest.mark.parametrize("status", [0x0000, 0xA700, 0xA800, 0xA900, 0xC000, 0xB000, 0xB007, 0xB006, 0xFF00])
def test_every_status_of_the_statement_is_known_for_storage(status: int) -> None:
    assert status in [known.value for known in StoreStatus]
    assert explain_store(status) != UNKNOWN


@pytest.mark.parametrize(
    ("statuses", "explain"), [(StoreStatus, explain_store), (FindStatus, explain_find), (MoveStatus, explain_move)]
)
def test_every_status_has_words(statuses: type[IntEnum], explain: object) -> None:
    assert callable(explain)
    for status in (*statuses, *Status):
        if status != Status.PENDING:
            assert explain(status) != UNKNOWN


def test_ranges_are_explained_by_their_first_number() -> None:
    assert explain_store(0xA7FE) == explain_store(0xA700)
    assert explain_find(0xA9FE) == explain_find(0xA900)
    assert explain_move(0xC211) == explain_move(0xC000)


@pytest.mark.parametrize("status", [0x0012, 0xA8FF, 0xB0FF, 0xFE01, 0xFF02, 0x9999])
def test_an_unknown_status_is_not_taken_for_its_neighbour(status: int) -> None:
    for explain in (explain_store, explain_find, explain_move):
        assert explain(status) == UNKNOWN


def test_an_unknown_destination_says_what_to_do() -> None:
    assert "register" in explain_move(MoveStatus.DESTINATION_UNKNOWN)


def test_a_refusal_carries_its_status_and_comment() -> None:
    refusal = Refusal(0xC000, "Nobody asked for {this}.", offending_element=0x0020000D)

    assert (refusal.status, refusal.offending_element) == (0xC000, 0x0020000D)
    assert str(refusal) == "Nobody asked for {this}."
