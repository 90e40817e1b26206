"""The state machine of the upper layer as a table (PS3.8 section 9.2, Tables 9-1 to 9-10).

A step is what the standard calls an action (AE-1 to AA-8): a row of atomic `Action` values and the state that follows.
Nothing is done here; the engine carries the actions out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from types import MappingProxyType
from typing import Final


class _ByIdentity(Enum):
    """Members are looked up for each PDU: hashed by what they are, not by their name as Enum does it in Python."""

    __hash__ = object.__hash__


class State(_ByIdentity):
    """PS3.8 Tables 9-1 to 9-5."""

    IDLE = 1  # Sta1
    AWAITING_ASSOCIATE_RQ = 2  # Sta2
    AWAITING_LOCAL_ASSOCIATE_RESPONSE = 3  # Sta3
    AWAITING_TRANSPORT = 4  # Sta4
    AWAITING_ASSOCIATE_RESPONSE = 5  # Sta5
    ESTABLISHED = 6  # Sta6
    AWAITING_RELEASE_RP = 7  # Sta7
    AWAITING_LOCAL_RELEASE_RESPONSE = 8  # Sta8
    COLLISION_REQUESTOR_AWAITING_LOCAL_RELEASE_RESPONSE = 9  # Sta9
    COLLISION_ACCEPTOR_AWAITING_RELEASE_RP = 10  # Sta10
    COLLISION_REQUESTOR_AWAITING_RELEASE_RP = 11  # Sta11
    COLLISION_ACCEPTOR_AWAITING_LOCAL_RELEASE_RESPONSE = 12  # Sta12
    AWAITING_TRANSPORT_CLOSE = 13  # Sta13


class Trigger(_ByIdentity):
    """The events of PS3.8 Table 9-10 (called triggers here: our events are what the engine tells its user)."""

    ASSOCIATE_REQUESTED = 1  # Evt1, local
    TRANSPORT_CONFIRMED = 2  # Evt2
    ASSOCIATE_AC_RECEIVED = 3  # Evt3
    ASSOCIATE_RJ_RECEIVED = 4  # Evt4
    TRANSPORT_INDICATED = 5  # Evt5
    ASSOCIATE_RQ_RECEIVED = 6  # Evt6
    ASSOCIATE_ACCEPTED = 7  # Evt7, local
    ASSOCIATE_REJECTED = 8  # Evt8, local
    DATA_REQUESTED = 9  # Evt9, local
    DATA_TF_RECEIVED = 10  # Evt10
    RELEASE_REQUESTED = 11  # Evt11, local
    RELEASE_RQ_RECEIVED = 12  # Evt12
    RELEASE_RP_RECEIVED = 13  # Evt13
    RELEASE_RESPONDED = 14  # Evt14, local
    ABORT_REQUESTED = 15  # Evt15, local
    ABORT_RECEIVED = 16  # Evt16
    TRANSPORT_CLOSED = 17  # Evt17
    ARTIM_EXPIRED = 18  # Evt18
    INVALID_PDU_RECEIVED = 19  # Evt19


class Action(_ByIdentity):
    """The parts that the standard's actions are made of (PS3.8 Tables 9-6 to 9-9)."""

    CONNECT_TRANSPORT = auto()
    SEND_ASSOCIATE_RQ = auto()
    SEND_ASSOCIATE_AC = auto()
    SEND_ASSOCIATE_RJ = auto()
    SEND_DATA_TF = auto()
    SEND_RELEASE_RQ = auto()
    SEND_RELEASE_RP = auto()
    SEND_ABORT = auto()  # as requested, or as service user
    SEND_PROVIDER_ABORT = auto()
    INDICATE_ASSOCIATE = auto()
    CONFIRM_ASSOCIATE_ACCEPT = auto()
    CONFIRM_ASSOCIATE_REJECT = auto()
    INDICATE_DATA = auto()
    INDICATE_RELEASE = auto()
    CONFIRM_RELEASE = auto()
    INDICATE_ABORT = auto()  # A-ABORT or A-P-ABORT, by the source in the PDU
    INDICATE_PROVIDER_ABORT = auto()
    INDICATE_TRANSPORT_CLOSED = auto()
    START_ARTIM = auto()
    STOP_ARTIM = auto()
    CLOSE_TRANSPORT = auto()


@dataclass(frozen=True, slots=True)
class Step:
    """One action of the standard: what to do, and the state afterwards."""

    name: str
    actions: tuple[Action, ...]
    next_state: State
    next_state_of_acceptor: State | None = None  # where the two roles part: release collision only


S, T, A = State, Trigger, Action

AE_1 = Step("AE-1", (A.CONNECT_TRANSPORT,), S.AWAITING_TRANSPORT)
AE_2 = Step("AE-2", (A.SEND_ASSOCIATE_RQ,), S.AWAITING_ASSOCIATE_RESPONSE)
AE_3 = Step("AE-3", (A.CONFIRM_ASSOCIATE_ACCEPT,), S.ESTABLISHED)
AE_4 = Step("AE-4", (A.CONFIRM_ASSOCIATE_REJECT, A.CLOSE_TRANSPORT), S.IDLE)
AE_5 = Step("AE-5", (A.START_ARTIM,), S.AWAITING_ASSOCIATE_RQ)
# AE-6 lets the provider itself reject; here `negotiation` decides that too, so there is one way only.
AE_6 = Step("AE-6", (A.STOP_ARTIM, A.INDICATE_ASSOCIATE), S.AWAITING_LOCAL_ASSOCIATE_RESPONSE)
AE_7 = Step("AE-7", (A.SEND_ASSOCIATE_AC,), S.ESTABLISHED)
AE_8 = Step("AE-8", (A.SEND_ASSOCIATE_RJ, A.START_ARTIM), S.AWAITING_TRANSPORT_CLOSE)

DT_1 = Step("DT-1", (A.SEND_DATA_TF,), S.ESTABLISHED)
DT_2 = Step("DT-2", (A.INDICATE_DATA,), S.ESTABLISHED)

AR_1 = Step("AR-1", (A.SEND_RELEASE_RQ,), S.AWAITING_RELEASE_RP)
AR_2 = Step("AR-2", (A.INDICATE_RELEASE,), S.AWAITING_LOCAL_RELEASE_RESPONSE)
AR_3 = Step("AR-3", (A.CONFIRM_RELEASE, A.CLOSE_TRANSPORT), S.IDLE)
AR_4 = Step("AR-4", (A.SEND_RELEASE_RP, A.START_ARTIM), S.AWAITING_TRANSPORT_CLOSE)
AR_5 = Step("AR-5", (A.STOP_ARTIM,), S.IDLE)
AR_6 = Step("AR-6", (A.INDICATE_DATA,), S.AWAITING_RELEASE_RP)
AR_7 = Step("AR-7", (A.SEND_DATA_TF,), S.AWAITING_LOCAL_RELEASE_RESPONSE)
AR_8 = Step(
    "AR-8",
    (A.INDICATE_RELEASE,),
    S.COLLISION_REQUESTOR_AWAITING_LOCAL_RELEASE_RESPONSE,
    S.COLLISION_ACCEPTOR_AWAITING_RELEASE_RP,
)
AR_9 = Step("AR-9", (A.SEND_RELEASE_RP,), S.COLLISION_REQUESTOR_AWAITING_RELEASE_RP)
AR_10 = Step("AR-10", (A.CONFIRM_RELEASE,), S.COLLISION_ACCEPTOR_AWAITING_LOCAL_RELEASE_RESPONSE)

AA_1 = Step("AA-1", (A.SEND_ABORT, A.START_ARTIM), S.AWAITING_TRANSPORT_CLOSE)
AA_2 = Step("AA-2", (A.STOP_ARTIM, A.CLOSE_TRANSPORT), S.IDLE)
AA_3 = Step("AA-3", (A.INDICATE_ABORT, A.CLOSE_TRANSPORT), S.IDLE)
AA_4 = Step("AA-4", (A.INDICATE_TRANSPORT_CLOSED,), S.IDLE)
AA_5 = Step("AA-5", (A.STOP_ARTIM,), S.IDLE)
AA_6 = Step("AA-6", (), S.AWAITING_TRANSPORT_CLOSE)
AA_7 = Step("AA-7", (A.SEND_PROVIDER_ABORT,), S.AWAITING_TRANSPORT_CLOSE)
AA_8 = Step(
    "AA-8",
    (A.SEND_PROVIDER_ABORT, A.INDICATE_PROVIDER_ABORT, A.START_ARTIM),
    S.AWAITING_TRANSPORT_CLOSE,
)


def _row(trigger: Trigger, steps: Mapping[State, Step]) -> dict[tuple[Trigger, State], Step]:
    return {(trigger, state): step for state, step in steps.items()}


_BAD_PDU: Final[Mapping[State, Step]] = {  # what a PDU does where it is not expected
    S.AWAITING_ASSOCIATE_RQ: AA_1,
    S.AWAITING_LOCAL_ASSOCIATE_RESPONSE: AA_8,
    S.AWAITING_ASSOCIATE_RESPONSE: AA_8,
    S.ESTABLISHED: AA_8,
    S.AWAITING_RELEASE_RP: AA_8,
    S.AWAITING_LOCAL_RELEASE_RESPONSE: AA_8,
    S.COLLISION_REQUESTOR_AWAITING_LOCAL_RELEASE_RESPONSE: AA_8,
    S.COLLISION_ACCEPTOR_AWAITING_RELEASE_RP: AA_8,
    S.COLLISION_REQUESTOR_AWAITING_RELEASE_RP: AA_8,
    S.COLLISION_ACCEPTOR_AWAITING_LOCAL_RELEASE_RESPONSE: AA_8,
    S.AWAITING_TRANSPORT_CLOSE: AA_6,
}
_CONNECTED: Final = tuple(s for s in _BAD_PDU if s not in (S.AWAITING_ASSOCIATE_RQ, S.AWAITING_TRANSPORT_CLOSE))

TRANSITIONS: Final[Mapping[tuple[Trigger, State], Step]] = MappingProxyType(
    _row(T.ASSOCIATE_REQUESTED, {S.IDLE: AE_1})
    | _row(T.TRANSPORT_CONFIRMED, {S.AWAITING_TRANSPORT: AE_2})
    | _row(T.ASSOCIATE_AC_RECEIVED, {**_BAD_PDU, S.AWAITING_ASSOCIATE_RESPONSE: AE_3})
    | _row(T.ASSOCIATE_RJ_RECEIVED, {**_BAD_PDU, S.AWAITING_ASSOCIATE_RESPONSE: AE_4})
    | _row(T.TRANSPORT_INDICATED, {S.IDLE: AE_5})
    | _row(
        T.ASSOCIATE_RQ_RECEIVED,
        {**_BAD_PDU, S.AWAITING_ASSOCIATE_RQ: AE_6, S.AWAITING_TRANSPORT_CLOSE: AA_7},
    )
    | _row(T.ASSOCIATE_ACCEPTED, {S.AWAITING_LOCAL_ASSOCIATE_RESPONSE: AE_7})
    | _row(T.ASSOCIATE_REJECTED, {S.AWAITING_LOCAL_ASSOCIATE_RESPONSE: AE_8})
    | _row(T.DATA_REQUESTED, {S.ESTABLISHED: DT_1, S.AWAITING_LOCAL_RELEASE_RESPONSE: AR_7})
    | _row(T.DATA_TF_RECEIVED, {**_BAD_PDU, S.ESTABLISHED: DT_2, S.AWAITING_RELEASE_RP: AR_6})
    | _row(T.RELEASE_REQUESTED, {S.ESTABLISHED: AR_1})
    | _row(T.RELEASE_RQ_RECEIVED, {**_BAD_PDU, S.ESTABLISHED: AR_2, S.AWAITING_RELEASE_RP: AR_8})
    | _row(
        T.RELEASE_RP_RECEIVED,
        {
            **_BAD_PDU,
            S.AWAITING_RELEASE_RP: AR_3,
            S.COLLISION_ACCEPTOR_AWAITING_RELEASE_RP: AR_10,
            S.COLLISION_REQUESTOR_AWAITING_RELEASE_RP: AR_3,
        },
    )
    | _row(
        T.RELEASE_RESPONDED,
        {
            S.AWAITING_LOCAL_RELEASE_RESPONSE: AR_4,
            S.COLLISION_REQUESTOR_AWAITING_LOCAL_RELEASE_RESPONSE: AR_9,
            S.COLLISION_ACCEPTOR_AWAITING_LOCAL_RELEASE_RESPONSE: AR_4,
        },
    )
    | _row(T.ABORT_REQUESTED, {**dict.fromkeys(_CONNECTED, AA_1), S.AWAITING_TRANSPORT: AA_2})
    | _row(
        T.ABORT_RECEIVED,
        {
            **dict.fromkeys(_CONNECTED, AA_3),
            S.AWAITING_ASSOCIATE_RQ: AA_2,
            S.AWAITING_TRANSPORT_CLOSE: AA_2,
        },
    )
    | _row(
        T.TRANSPORT_CLOSED,
        {
            **dict.fromkeys(_CONNECTED, AA_4),
            S.AWAITING_TRANSPORT: AA_4,
            S.AWAITING_ASSOCIATE_RQ: AA_5,
            S.AWAITING_TRANSPORT_CLOSE: AR_5,
        },
    )
    | _row(T.ARTIM_EXPIRED, {S.AWAITING_ASSOCIATE_RQ: AA_2, S.AWAITING_TRANSPORT_CLOSE: AA_2})
    | _row(T.INVALID_PDU_RECEIVED, {**_BAD_PDU, S.AWAITING_TRANSPORT_CLOSE: AA_7})
)
