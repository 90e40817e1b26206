"""The table of hostile peers: what netty promises in it, and when it has broken a promise."""

import pytest
from bench.hostile import MOST_GROWTH, Result, broken_promises, page, table
from bench.hostile_rows import ROWS, Row

GOOD = Result("0000", waited=0.9, growth=MOST_GROWTH)
ROW = Row("something hostile", lambda target: "")


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (Result("0000", waited=1.1), "a peer waited 1.1 s"),
        (Result("0000", growth=MOST_GROWTH + 1), "+20 MB"),
        (Result("0000", died=["process 7"]), "dead: process 7"),
        (Result("0000", left=["half.dcm"]), "1 files left"),
        (Result("0000", lost=["1.2.3"]), "lost: 1.2.3"),
        (Result("no association (ConnectionResetError)"), "no association (ConnectionResetError)"),
    ],
)
def test_each_promise_can_be_broken(result: Result, said: str) -> None:
    assert broken_promises([ROW], {("netty", ROW.name): result}) == [f"{ROW.name}: {said}"]


def test_what_stays_within_the_limits_breaks_nothing() -> None:
    assert broken_promises([ROW], {("netty", ROW.name): GOOD}) == []


def test_what_others_do_breaks_no_promise_of_netty() -> None:
    results = {("netty", ROW.name): GOOD, ("storescp", ROW.name): Result("-", waited=5, died=["the server"])}

    assert broken_promises([ROW], results) == []
    assert table(["netty", "storescp"], [ROW], results).splitlines()[-1] == (
        "| something hostile | 0000, +20 MB | -, **blocked**, **dead** |"
    )


def test_a_row_without_a_result_is_a_broken_promise() -> None:
    assert broken_promises([ROW], {}) == [f"{ROW.name}: lost: there is no result"]


def test_the_page_says_what_was_broken() -> None:
    assert "netty broke a promise: something" in page("| table |", ["something"], 3)
    assert "netty kept all its promises." in page("| table |", [], 3)


def test_each_row_has_a_name_of_its_own() -> None:
    assert len({row.name for row in ROWS}) == len(ROWS)
