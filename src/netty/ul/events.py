"""What an association tells its user (the service primitives of PS3.8 section 7) and its driver."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import NamedTuple

from netty.errors import PeerError
from netty.ul.pdu import AssociateAccept, AssociateReject, AssociateRequest


@dataclass(frozen=True, slots=True)
class AssociateRequested:
    """A-ASSOCIATE indication: answer with `accept` or `reject`."""

    request: AssociateRequest


@dataclass(frozen=True, slots=True)
class AssociateAccepted:
    """A-ASSOCIATE confirmation: the association stands; `Association.contexts` tells what may be sent."""

    accept: AssociateAccept


@dataclass(frozen=True, slots=True)
class AssociateRejected:
    """A-ASSOCIATE confirmation: the peer does not want us."""

    reject: AssociateReject


class DataReceived(NamedTuple):  # there are thousands in a second, and a tuple is made in a third of the time
    """P-DATA indication: what came, in a row, of one command or data set.

    Where it is cut depends on how the bytes came; `is_last`: it is complete with this. `parts` are valid only until
    the next `get_buffer` or `receive_data`; `size` is the sum of their lengths.
    """

    context_id: int
    is_command: bool
    is_last: bool
    parts: list[memoryview]
    size: int


@dataclass(frozen=True, slots=True)
class ReleaseRequested:
    """A-RELEASE indication: answer with `respond_release` once nothing more is to be sent."""


@dataclass(frozen=True, slots=True)
class Released:
    """A-RELEASE confirmation: the association ended in order."""


@dataclass(frozen=True, slots=True)
class Aborted:
    """The peer sent A-ABORT, as a user (source 0) or as a provider (source 2)."""

    source: int
    reason: int


@dataclass(frozen=True, slots=True)
class ProviderAborted:
    """The peer broke the protocol and we sent A-ABORT; `error` says what was wrong."""

    error: PeerError


@dataclass(frozen=True, slots=True)
class TransportClosed:
    """The connection went away in the middle of an association."""


Event = (
    AssociateRequested
    | AssociateAccepted
    | AssociateRejected
    | DataReceived
    | ReleaseRequested
    | Released
    | Aborted
    | ProviderAborted
    | TransportClosed
)


class Directive(Enum):
    """What the driver must do, in this order, after it has written `data_to_send`."""

    START_ARTIM = auto()  # (re)start; on expiry call `artim_expired`
    STOP_ARTIM = auto()
    CLOSE_TRANSPORT = auto()  # after what was written has left
