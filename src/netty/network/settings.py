"""The settings of the sections [ae], [timers], [query] and [limits], and what a peer may cost us."""

from dataclasses import dataclass
from typing import Any, ClassVar, Final

from netty.dicom.uids import is_valid_uid
from netty.dicom.walk import WalkLimits
from netty.dimse.messages import COMMAND_LIMIT
from netty.model.remote import RestartsOn
from netty.ul.limits import LARGEST_MAXIMUM_LENGTH, SMALLEST_MAXIMUM_LENGTH, Limits
from netty.ul.pdu import DEFAULT_MAXIMUM_LENGTH, UserInformation

_FORBID_UNKNOWN: dict[str, Any] = {"extra": "forbid"}
_LONGEST_TITLE: Final = 16  # PS3.5 6.2, AE; PS3.7 D.3.3.2.4 for the version name
GIBIBYTE: Final = 1 << 30


@dataclass(frozen=True, slots=True)
class AeSettings:
    """[ae]: our application entity (statement 4.2.1, 4.2.4). Port 0 listens on any free port."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _FORBID_UNKNOWN

    title: str = "HAPPY_netty"
    host: str = "0.0.0.0"
    port: int = 11112
    max_pdu: int = DEFAULT_MAXIMUM_LENGTH
    implementation_class_uid: str = "1.2.276.0.7230010.3.0.3.6.0"  # statement 4.2.4: DCMTK's
    implementation_version_name: str = "OFFIS_DCMTK_360"

    def __post_init__(self) -> None:
        if not _is_short_ascii(self.title) or not self.title.strip() or "\\" in self.title:
            raise ValueError("title must be an AE title: 1 to 16 ASCII characters without backslash")
        if not 0 <= self.port <= 65535:
            raise ValueError("port must be 0 to 65535")
        if not SMALLEST_MAXIMUM_LENGTH <= self.max_pdu <= LARGEST_MAXIMUM_LENGTH:
            raise ValueError("max_pdu must be 4096 to 131072")
        if not is_valid_uid(self.implementation_class_uid):
            raise ValueError("implementation_class_uid must be a UID: up to 64 digits and points")
        if not _is_short_ascii(self.implementation_version_name):
            raise ValueError("implementation_version_name must have 1 to 16 ASCII characters")

    @property
    def user_information(self) -> UserInformation:
        """What we say about ourselves in an association request or acceptance (PS3.8 Annex D, PS3.7 D.3.3.2)."""
        return UserInformation(
            maximum_length=self.max_pdu,
            implementation_class_uid=self.implementation_class_uid,
            implementation_version_name=self.implementation_version_name,
        )


@dataclass(frozen=True, slots=True)
class Timers:
    """[timers]: how long we wait as a requestor, in seconds (statement 4.2.6).

    Attributes:
        association: from the request (connecting included) to the establishment.
        response: from one response to the next.
        total: from the establishment to the end.
        response_restarts_on: whether arriving images restart the response timer of a C-MOVE too.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _FORBID_UNKNOWN

    association: float = 60.0
    response: float = 60.0
    total: float = 1000.0
    response_restarts_on: RestartsOn = RestartsOn.RESPONSE

    def __post_init__(self) -> None:
        if min(self.association, self.response, self.total) <= 0:
            raise ValueError("every timer must be more than 0 seconds")


@dataclass(frozen=True, slots=True)
class QuerySettings:
    """[query]: whether a search may be by Accession Number (statement table 3), and asks for optional keys too."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _FORBID_UNKNOWN

    accession_number: bool = False
    extra_keys: bool = False


@dataclass(frozen=True, slots=True)
class ReceiveLimits:
    """What one association may cost our acceptor. Times are seconds.

    Attributes:
        request, command_set, data_set: the longest A-ASSOCIATE-RQ, command set and data set, in bytes.
        request_deadline: from the connection to the end of the A-ASSOCIATE-RQ.
        closing_deadline: how long a peer may take to close after the last PDU (ARTIM, PS3.8 9.1.4).
        minimum_rate, rate_window: who sends less (bytes per second, over a window) within a message is aborted.
        answer_deadline: how long a peer may leave our answers unread.
        idle: how long an association may rest between messages; 0 means for ever.
    """

    request: int = Limits().associate_length
    command_set: int = COMMAND_LIMIT
    data_set: int = 8 * GIBIBYTE
    request_deadline: float = 60.0
    closing_deadline: float = 10.0
    minimum_rate: float = 1024.0
    rate_window: float = 30.0
    answer_deadline: float = 60.0
    idle: float = 0.0

    def __post_init__(self) -> None:
        if min(self.request, self.command_set, self.data_set) <= 0:
            raise ValueError("a size must be more than 0 bytes")
        if min(self.request_deadline, self.closing_deadline, self.rate_window, self.answer_deadline) <= 0:
            raise ValueError("a deadline must be more than 0 seconds")
        if self.minimum_rate < 0 or self.idle < 0:
            raise ValueError("minimum_rate and idle cannot be negative")


@dataclass(frozen=True, slots=True)
class LimitSettings:
    """[limits]: what one peer may cost us at the most. Sizes are bytes, times seconds.

    What else is limited stands where it belongs: ae.max_pdu, receive.idle, receive.minimum_free, receive.unregistered.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _FORBID_UNKNOWN

    request: int = ReceiveLimits().request
    command_set: int = ReceiveLimits().command_set
    data_set: int = ReceiveLimits().data_set
    elements: int = WalkLimits().elements
    depth: int = WalkLimits().depth
    request_deadline: float = ReceiveLimits().request_deadline
    closing_deadline: float = ReceiveLimits().closing_deadline
    answer_deadline: float = ReceiveLimits().answer_deadline
    minimum_rate: float = ReceiveLimits().minimum_rate
    rate_window: float = ReceiveLimits().rate_window

    def of_association(self, idle: float) -> ReceiveLimits:
        """What the acceptor has to watch."""
        return ReceiveLimits(
            request=self.request,
            command_set=self.command_set,
            data_set=self.data_set,
            request_deadline=self.request_deadline,
            closing_deadline=self.closing_deadline,
            minimum_rate=self.minimum_rate,
            rate_window=self.rate_window,
            answer_deadline=self.answer_deadline,
            idle=idle,
        )

    @property
    def of_data_set(self) -> WalkLimits:
        """What the walk over a data set has to watch."""
        return WalkLimits(depth=self.depth, elements=self.elements, size=self.data_set)


def _is_short_ascii(value: str) -> bool:
    return 1 <= len(value) <= _LONGEST_TITLE and value.isascii() and value.isprintable()
