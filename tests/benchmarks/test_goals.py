"""A goal says whether it is reached, and by how much not."""

from collections.abc import Sequence
from functools import partial

import pytest
from bench.contest import RATE, SECONDS, Contestant, Measured, Result, Table, Unit, compete
from bench.goals import Bound, Goal, Quantity, goal, verdicts
from bench.report import lines_of


def _table(unit: Unit, goals: Sequence[Goal], **results: Result) -> Table:
    """Contestants of one round each."""
    measured = [Measured(Contestant(name, "", partial(Result, 0)), [one]) for name, one in results.items()]
    return Table("a race", measured, unit, goals)


@pytest.mark.parametrize(
    ("unit", "bounds", "values", "outcome"),
    [
        (RATE, [Bound(1.2, "peer")], {"netty": 130, "peer": 100}, "reached: 1.30 times peer"),
        (RATE, [Bound(1.2, "peer")], {"netty": 90, "peer": 100}, "short by 25 %: 0.90 times peer"),
        (RATE, [Bound(1.2, "peer"), Bound(0.8, "limit")], {"netty": 90, "peer": 100, "limit": 110},
         "reached: 0.82 times limit"),
        (RATE, [Bound(1.2, "peer"), Bound(0.8, "limit")], {"netty": 130, "peer": 100, "limit": 900},
         "reached: 1.30 times peer"),
        (RATE, [Bound(1.2, "peer"), Bound(0.8, "limit")], {"netty": 90, "limit": 100}, "reached: 0.90 times limit"),
        (RATE, [Bound(1.2, "peer")], {"netty": 90}, "not measured: nobody to compare with"),
        (RATE, [Bound(50)], {"netty": 40}, "short by 20 %: 40"),
        (SECONDS, [Bound(1.5)], {"netty": 1.5}, "reached: 1.5"),
        (SECONDS, [Bound(1.5)], {"netty": 1.8}, "over by 20 %: 1.8"),
        (SECONDS, [Bound(1.5, "small")], {"netty": 3, "small": 1}, "over by 100 %: 3.00 times small"),
        (SECONDS, [Bound(1.5, "small"), Bound(0.1)], {"netty": 0.09, "small": 0.01}, "reached: 0.09"),
        (RATE, [Bound(1.2, "peer")], {"peer": 100}, "not measured"),
    ],
)  # fmt: skip
def test_the_easiest_bound_counts_and_the_gap_is_told(
    unit: Unit, bounds: list[Bound], values: dict[str, float], outcome: str
) -> None:
    table = _table(unit, [goal("netty", *bounds)], **{name: Result(value) for name, value in values.items()})

    (verdict,) = verdicts(table)

    assert verdict.outcome == outcome
    assert verdict.reached is {"reached": True, "not": None}.get(outcome.split(":")[0].split()[0], False)


def test_goals_are_told_in_words() -> None:
    goals = [
        goal("netty", Bound(1.2, "peer"), Bound(0.8, "limit")),
        goal("netty", Bound(300), what=Quantity.MEMORY),
        goal("netty", Bound(1.5, "bare"), what=Quantity.CPU),
    ]

    assert [verdict.goal for verdict in verdicts(_table(RATE, goals))] == [
        "netty: at least 1.2 times peer or 0.8 times limit, whichever is lower",
        "netty: at most 300 MB of memory, all processes together",
        "netty: at most 1.5 times bare (ms of processor time each)",
    ]


def test_memory_and_processor_time_are_better_small_in_every_table() -> None:
    goals = [goal("netty", Bound(300), what=Quantity.MEMORY), goal("netty", Bound(1.5, "bare"), what=Quantity.CPU)]

    table = _table(RATE, goals, netty=Result(10, cpu=0.002, memory=330), bare=Result(10, cpu=0.001))

    assert [verdict.outcome for verdict in verdicts(table)] == ["over by 10 %: 330", "over by 33 %: 2.00 times bare"]


def test_who_loses_an_image_reaches_no_goal_and_is_no_measure_for_others() -> None:
    goals = [goal("netty", Bound(2, "peer"), Bound(0.8, "limit")), goal("peer", Bound(1))]

    table = _table(RATE, goals, netty=Result(90), peer=Result(10, lost=1), limit=Result(100))

    assert [(verdict.outcome, verdict.reached) for verdict in verdicts(table)] == [
        ("reached: 0.90 times limit", True),
        ("not reached: 1 lost", False),
    ]


def test_a_round_that_warms_up_counts_for_memory_and_losses_only() -> None:
    weighed = Contestant("netty", "", lambda: Result(10, memory=100), lambda: Result(1, memory=200, lost=1))

    table = compete("a race", [weighed], rounds=3)

    assert (table.measured[0].value, table.measured[0].memory, table.lost_by_netty) == (10, 200, 1)
    assert lines_of(table) == [("netty", "10", "10-10", "out: lost images", "", "200", "1", "")]
