"""The ledger decides what became of a retrieval."""

from collections import Counter

import pytest

from netty.model.retrieval import LedgerState, RetrievalState, count, verdict

E, R, D, F, H, U = (
    LedgerState.EXPECTED,
    LedgerState.RECEIVED,
    LedgerState.RENDERED,
    LedgerState.FAILED,
    LedgerState.ON_HOLD,
    LedgerState.UNOBTAINABLE,
)


@pytest.mark.parametrize(
    ("states", "failure", "state", "reason"),
    [
        ([D, D], "", RetrievalState.COMPLETE, ""),
        ([D, D], "The remote said no.", RetrievalState.COMPLETE, ""),
        ([D, U], "", RetrievalState.COMPLETE, "1 images cannot be obtained."),
        ([D, F], "", RetrievalState.COMPLETE, "1 images have no picture."),
        ([D, E], "", RetrievalState.PARTIAL, "1 of 2 images did not arrive."),
        ([D, E], "It broke.", RetrievalState.PARTIAL, "1 of 2 images did not arrive. It broke."),
        ([E, E], "It broke.", RetrievalState.FAILED, "2 of 2 images did not arrive. It broke."),
        ([U, U], "", RetrievalState.UNOBTAINABLE, "None of 2 images can be obtained."),
        ([D, H], "", RetrievalState.ON_HOLD, "1 images are on hold; a person must decide."),
        ([], "", RetrievalState.COMPLETE, ""),
    ],
)
def test_the_verdict_follows_from_the_ledger_whatever_the_peer_says(
    states: list[LedgerState], failure: str, state: RetrievalState, reason: str
) -> None:
    ledger = count(Counter(states))

    assert verdict(ledger, failure) == (state, reason)
    assert verdict(ledger, failure)[0].final


@pytest.mark.parametrize(
    ("states", "settled"),
    [([D, D], True), ([D, R], False), ([D, E], False), ([D, F, U], True), ([D, H], True), ([R], False), ([U], True)],
)
def test_a_ledger_is_settled_when_all_has_arrived_and_was_rendered(states: list[LedgerState], settled: bool) -> None:
    ledger = count(Counter(states))

    assert ledger.settled is settled
