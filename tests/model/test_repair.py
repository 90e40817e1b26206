"""What lacks is asked for at the smallest level that the settings allow."""

import pytest

from netty.model.remote import RetrieveLevel
from netty.model.repair import WHOLE_STUDY, MoveScope, smallest_moves
from netty.model.retrieval import LedgerEntry, LedgerState

STUDY, SERIES, IMAGE = RetrieveLevel.STUDY, RetrieveLevel.SERIES, RetrieveLevel.IMAGE
LACKING = [
    LedgerEntry("1.1.1", "1.2", "1.1"),
    LedgerEntry("1.1.2", "1.2", "1.1"),
    LedgerEntry("1.2.1", "1.2", "1.2"),
    LedgerEntry("1.3.1", "1.2", "1.3", state=LedgerState.RENDERED),
]


@pytest.mark.parametrize(
    ("held", "levels", "moves"),
    [
        ({"1.3.1"}, {STUDY}, [WHOLE_STUDY]),
        ({"1.3.1"}, {STUDY, SERIES}, [MoveScope("1.1"), MoveScope("1.2")]),
        ({"1.3.1"}, {STUDY, IMAGE}, [MoveScope("1.1", ("1.1.1", "1.1.2")), MoveScope("1.2", ("1.2.1",))]),
        ({"1.3.1"}, {STUDY, SERIES, IMAGE}, [MoveScope("1.1", ("1.1.1", "1.1.2")), MoveScope("1.2", ("1.2.1",))]),
        (set(), {STUDY, SERIES, IMAGE}, [WHOLE_STUDY]),
    ],
)
def test_the_smallest_level_is_taken_where_something_is_held(
    held: set[str], levels: set[RetrieveLevel], moves: list[MoveScope]
) -> None:
    assert smallest_moves(LACKING, held, levels) == moves


@pytest.mark.parametrize(
    ("levels", "move"), [({STUDY, IMAGE}, WHOLE_STUDY), ({STUDY, SERIES, IMAGE}, MoveScope("1.1"))]
)
def test_a_long_list_of_images_is_asked_for_as_a_whole(levels: set[RetrieveLevel], move: MoveScope) -> None:
    many = [LedgerEntry(f"1.1.{number}", "1.2", "1.1") for number in range(65)]

    assert smallest_moves(many, {"1.9"}, levels) == [move]


def test_an_image_whose_series_nobody_knows_is_asked_for_with_its_study() -> None:
    assert smallest_moves([LedgerEntry("1.1.1", "1.2", "")], {"1.9"}, {STUDY, IMAGE}) == [WHOLE_STUDY]


@pytest.mark.parametrize(
    ("scope", "level"), [(WHOLE_STUDY, STUDY), (MoveScope("1.1"), SERIES), (MoveScope("1.1", ("1.1.1",)), IMAGE)]
)
def test_a_scope_tells_its_level(scope: MoveScope, level: RetrieveLevel) -> None:
    assert scope.level is level
