"""A retrieval: one study from one remote, from the decision to the verdict of the ledger."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from netty.model import reasons


class RetrievalState(StrEnum):
    """Where a retrieval stands. The last six are final."""

    QUEUED = "queued"
    MOVING = "moving"
    SETTLING = "settling"
    COMPLETE = "complete"
    PARTIAL = "partial"
    UNOBTAINABLE = "unobtainable"
    ON_HOLD = "on_hold"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        """Whether nothing more will happen by itself."""
        return self not in (RetrievalState.QUEUED, RetrievalState.MOVING, RetrievalState.SETTLING)


@dataclass(frozen=True, slots=True)
class Claimed:
    """What the remote says it did: evidence beside the ledger, never the verdict (PS3.7 9.1.4)."""

    completed: int | None = None
    failed: int | None = None
    warning: int | None = None
    status: int | None = None


class LedgerState(StrEnum):
    """What became of one expected instance."""

    EXPECTED = "expected"
    RECEIVED = "received"  # safe in the spool, rows written
    RENDERED = "rendered"  # all its renditions are registered; a presentation state has none and counts too
    FAILED = "failed"  # held, but no picture could be made; a final state with a reason
    ON_HOLD = "on_hold"
    UNOBTAINABLE = "unobtainable"


_HELD = frozenset({LedgerState.RECEIVED, LedgerState.RENDERED, LedgerState.FAILED})


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One instance that a retrieval expects, or that arrived although nobody listed it."""

    sop_instance_uid: str
    sop_class_uid: str
    series_instance_uid: str
    instance_number: str = ""
    state: LedgerState = LedgerState.EXPECTED
    reason: str = ""

    @property
    def held(self) -> bool:
        """Whether the archive can read it back."""
        return self.state in _HELD


@dataclass(frozen=True, slots=True)
class LedgerCount:
    """The ledger of one retrieval, counted."""

    expected: int  # all instances that netty accepts: everything but the unobtainable ones
    received: int
    rendered: int
    failed: int
    on_hold: int
    unobtainable: int

    @property
    def settled(self) -> bool:
        """Whether everything expected has arrived and was rendered, as far as it can be."""
        return self.received + self.on_hold == self.expected and self.rendered + self.failed == self.received


def count(tally: Mapping[LedgerState, int]) -> LedgerCount:
    """A ledger of which so many entries are in each state."""
    numbers = {state: tally.get(state, 0) for state in LedgerState}
    return LedgerCount(
        expected=sum(numbers.values()) - numbers[LedgerState.UNOBTAINABLE],
        received=sum(numbers[state] for state in _HELD),
        rendered=numbers[LedgerState.RENDERED],
        failed=numbers[LedgerState.FAILED],
        on_hold=numbers[LedgerState.ON_HOLD],
        unobtainable=numbers[LedgerState.UNOBTAINABLE],
    )


def verdict(ledger: LedgerCount, failure: str = "") -> tuple[RetrievalState, str]:
    """The final state of a retrieval and its reason in words: the ledger decides, not the peer.

    Args:
        ledger: the counted ledger after the study has settled.
        failure: what went wrong on the way (a status, a time-out), empty if nothing did.
    """
    if ledger.on_hold:
        return RetrievalState.ON_HOLD, reasons.ON_HOLD.format(count=ledger.on_hold)
    if ledger.expected == 0 and ledger.unobtainable:
        return RetrievalState.UNOBTAINABLE, reasons.NONE_OBTAINABLE.format(unobtainable=ledger.unobtainable)
    lacking = ledger.expected - ledger.received
    if lacking == 0:
        notes = [reasons.WITHOUT_PICTURE.format(count=ledger.failed)] if ledger.failed else []
        if ledger.unobtainable:
            notes.append(reasons.SOME_UNOBTAINABLE.format(count=ledger.unobtainable))
        return RetrievalState.COMPLETE, " ".join(notes)
    missing = reasons.DID_NOT_ARRIVE.format(lacking=lacking, expected=ledger.expected)
    reason = f"{missing} {failure}".strip()
    return (RetrievalState.PARTIAL if ledger.received else RetrievalState.FAILED), reason


@dataclass(frozen=True, slots=True)
class Retrieval:
    """One study from one remote.

    Attributes:
        patient_key: the registered patient; empty with an operator's override.
        patient_id: the Patient ID searched for at this remote.
        requested_by: a user's name, ``schedule`` or ``cli``.
        cancel_requested: a person asked to stop; the running C-MOVE sends C-CANCEL.
    """

    id: str
    remote: str
    study_instance_uid: str
    patient_key: str
    patient_id: str
    state: RetrievalState
    requested_by: str
    requested_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    claimed: Claimed = Claimed()
    reason: str = ""
    cancel_requested: bool = False
