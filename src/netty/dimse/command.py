"""The DIMSE-C messages as values (PS3.7 section 9.3). Field names are the standard's keywords in snake_case.

`has_data_set` says whether a data set follows (Command Data Set Type, 0000,0800, is not 0101H).
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar, Final

from netty.dicom.uids import STUDY_ROOT_FIND, STUDY_ROOT_MOVE, VERIFICATION
from netty.dimse.status import Refusal, Status


class CommandField(IntEnum):
    """Command Field (0000,0100), PS3.7 Table E.1-1. A response is its request with the highest bit set."""

    C_STORE_RQ = 0x0001
    C_STORE_RSP = 0x8001
    C_FIND_RQ = 0x0020
    C_FIND_RSP = 0x8020
    C_MOVE_RQ = 0x0021
    C_MOVE_RSP = 0x8021
    C_ECHO_RQ = 0x0030
    C_ECHO_RSP = 0x8030
    C_CANCEL_RQ = 0x0FFF


RESPONSE_BIT: Final = 0x8000


class Priority(IntEnum):
    """Priority (0000,0700), PS3.7 Table E.1-1."""

    MEDIUM = 0
    HIGH = 1
    LOW = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class EchoRequest:
    """C-ECHO-RQ (PS3.7 section 9.3.5.1)."""

    command_field: ClassVar[int] = CommandField.C_ECHO_RQ
    message_id: int
    affected_sop_class_uid: str = VERIFICATION
    has_data_set: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EchoResponse:
    """C-ECHO-RSP (PS3.7 section 9.3.5.2)."""

    command_field: ClassVar[int] = CommandField.C_ECHO_RSP
    message_id_being_responded_to: int
    status: int = Status.SUCCESS
    affected_sop_class_uid: str | None = VERIFICATION
    error_comment: str | None = None
    offending_element: tuple[int, ...] = ()
    has_data_set: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreRequest:
    """C-STORE-RQ (PS3.7 section 9.3.1.1). Who asked for the move is optional (Table 9.1-1): many PACS leave it out."""

    command_field: ClassVar[int] = CommandField.C_STORE_RQ
    message_id: int
    affected_sop_class_uid: str
    affected_sop_instance_uid: str
    priority: int = Priority.MEDIUM
    move_originator_ae_title: str | None = None
    move_originator_message_id: int | None = None
    has_data_set: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreResponse:
    """C-STORE-RSP (PS3.7 section 9.3.1.2)."""

    command_field: ClassVar[int] = CommandField.C_STORE_RSP
    message_id_being_responded_to: int
    status: int
    affected_sop_class_uid: str | None = None
    affected_sop_instance_uid: str | None = None
    error_comment: str | None = None
    offending_element: tuple[int, ...] = ()
    has_data_set: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FindRequest:
    """C-FIND-RQ (PS3.7 section 9.3.2.1); the identifier follows as data set."""

    command_field: ClassVar[int] = CommandField.C_FIND_RQ
    message_id: int
    affected_sop_class_uid: str = STUDY_ROOT_FIND
    priority: int = Priority.MEDIUM
    has_data_set: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class FindResponse:
    """C-FIND-RSP (PS3.7 section 9.3.2.2); an identifier follows while the status is pending."""

    command_field: ClassVar[int] = CommandField.C_FIND_RSP
    message_id_being_responded_to: int
    status: int
    affected_sop_class_uid: str | None = None
    error_comment: str | None = None
    offending_element: tuple[int, ...] = ()
    has_data_set: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveRequest:
    """C-MOVE-RQ (PS3.7 section 9.3.4.1); the identifier follows as data set."""

    command_field: ClassVar[int] = CommandField.C_MOVE_RQ
    message_id: int
    move_destination: str
    affected_sop_class_uid: str = STUDY_ROOT_MOVE
    priority: int = Priority.MEDIUM
    has_data_set: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveResponse:
    """C-MOVE-RSP (PS3.7 section 9.3.4.2); failed SOP Instance UIDs may follow as data set."""

    command_field: ClassVar[int] = CommandField.C_MOVE_RSP
    message_id_being_responded_to: int
    status: int
    affected_sop_class_uid: str | None = None
    number_of_remaining_suboperations: int | None = None
    number_of_completed_suboperations: int | None = None
    number_of_failed_suboperations: int | None = None
    number_of_warning_suboperations: int | None = None
    error_comment: str | None = None
    offending_element: tuple[int, ...] = ()
    has_data_set: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelRequest:
    """C-CANCEL-RQ (PS3.7 section 9.3.2.3); it has no response of its own."""

    command_field: ClassVar[int] = CommandField.C_CANCEL_RQ
    message_id_being_responded_to: int
    has_data_set: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class UnusableRequest:
    """A request that we cannot carry out, but can answer once its data set has passed: `respond(it, it.refusal)`.

    An unknown operation (0211), or an argument missing or mistyped (0212).
    """

    command_field: int
    message_id: int
    refusal: Refusal
    affected_sop_class_uid: str | None = None
    affected_sop_instance_uid: str | None = None
    has_data_set: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class UnusableResponse:
    """The answer to an operation that we do not know: as much as every response has (PS3.7 section 10.3)."""

    command_field: int
    message_id_being_responded_to: int
    status: int
    affected_sop_class_uid: str | None = None
    error_comment: str | None = None
    offending_element: tuple[int, ...] = ()
    has_data_set: bool = False


Request = EchoRequest | StoreRequest | FindRequest | MoveRequest
Response = EchoResponse | StoreResponse | FindResponse | MoveResponse
Message = Request | Response | CancelRequest | UnusableRequest | UnusableResponse


def respond(request: Request | UnusableRequest, outcome: int | Refusal = Status.SUCCESS) -> Response | UnusableResponse:
    """The response to `request`: a status, or a refusal with its comment. For others, build the value yourself."""
    refusal = outcome if isinstance(outcome, Refusal) else Refusal(outcome)
    comment = refusal.comment or None
    offending = () if refusal.offending_element is None else (refusal.offending_element,)
    sop_class = request.affected_sop_class_uid
    message_id, status = request.message_id, refusal.status
    match request.command_field:
        case CommandField.C_STORE_RQ:
            assert isinstance(request, StoreRequest | UnusableRequest)
            return StoreResponse(
                message_id_being_responded_to=message_id,
                status=status,
                affected_sop_class_uid=sop_class,
                affected_sop_instance_uid=request.affected_sop_instance_uid,
                error_comment=comment,
                offending_element=offending,
            )
        case CommandField.C_ECHO_RQ:
            kind: type[EchoResponse] | type[FindResponse] | type[MoveResponse] = EchoResponse
        case CommandField.C_FIND_RQ:
            kind = FindResponse
        case CommandField.C_MOVE_RQ:
            kind = MoveResponse
        case _:
            return UnusableResponse(
                command_field=request.command_field | RESPONSE_BIT,
                message_id_being_responded_to=message_id,
                status=status,
                affected_sop_class_uid=sop_class,
                error_comment=comment,
                offending_element=offending,
            )
    return kind(
        message_id_being_responded_to=message_id,
        status=status,
        affected_sop_class_uid=sop_class,
        error_comment=comment,
        offending_element=offending,
    )
