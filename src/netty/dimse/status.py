"""Status codes of the DIMSE services (PS3.7 Annex C, PS3.4 sections B.2.3, C.4.1.1.4, C.4.2.1.5)."""

from enum import Enum, IntEnum
from typing import Final

from netty.dimse.reasons import explain_find as explain_find
from netty.dimse.reasons import explain_move as explain_move
from netty.dimse.reasons import explain_store as explain_store
from netty.errors import NettyError


class Category(Enum):
    """What a status means for the operation (PS3.7 section C.1 to C.5)."""

    SUCCESS = "success"
    PENDING = "pending"
    WARNING = "warning"
    FAILURE = "failure"
    CANCEL = "cancel"


class Status(IntEnum):
    """The statuses that every service knows (PS3.7 Annex C)."""

    SUCCESS = 0x0000
    INVALID_SOP_INSTANCE = 0x0117
    SOP_CLASS_NOT_SUPPORTED = 0x0122
    NOT_AUTHORIZED = 0x0124
    DUPLICATE_INVOCATION = 0x0210
    UNRECOGNIZED_OPERATION = 0x0211
    MISTYPED_ARGUMENT = 0x0212
    CANCEL = 0xFE00
    PENDING = 0xFF00


class StoreStatus(IntEnum):
    """C-STORE (PS3.4 Table B.2-1; statement table 6)."""

    SUCCESS = 0x0000
    SOP_CLASS_NOT_SUPPORTED = 0x0122
    NOT_AUTHORIZED = 0x0124
    OUT_OF_RESOURCES = 0xA700
    STATEMENT_SOP_CLASS_NOT_SUPPORTED = 0xA800  # statement table 6; the standard's own is 0122H
    DATA_SET_DOES_NOT_MATCH = 0xA900
    COERCION_OF_DATA_ELEMENTS = 0xB000
    ELEMENTS_DISCARDED = 0xB006
    DATA_SET_DOES_NOT_MATCH_WARNING = 0xB007
    CANNOT_UNDERSTAND = 0xC000
    STATEMENT_STOPPING = 0xFF00  # statement table 6; C-STORE knows no pending status in the standard


class FindStatus(IntEnum):
    """C-FIND (PS3.4 Table C.4-1)."""

    SUCCESS = 0x0000
    OUT_OF_RESOURCES = 0xA700
    IDENTIFIER_DOES_NOT_MATCH = 0xA900
    UNABLE_TO_PROCESS = 0xC000
    CANCEL = 0xFE00
    PENDING = 0xFF00
    PENDING_WITHOUT_OPTIONAL_KEYS = 0xFF01


class MoveStatus(IntEnum):
    """C-MOVE (PS3.4 Table C.4-2)."""

    SUCCESS = 0x0000
    CANNOT_COUNT_MATCHES = 0xA701
    CANNOT_PERFORM_SUBOPERATIONS = 0xA702
    DESTINATION_UNKNOWN = 0xA801
    IDENTIFIER_DOES_NOT_MATCH = 0xA900
    SUBOPERATIONS_COMPLETE_WITH_FAILURES = 0xB000
    UNABLE_TO_PROCESS = 0xC000
    CANCEL = 0xFE00
    PENDING = 0xFF00


class Refusal(NettyError):
    """A request is answered with this status; `str()` is the Error Comment."""

    def __init__(self, status: int, comment: str = "", *, offending_element: int | None = None) -> None:
        super().__init__("{comment}", comment=comment)
        self.status = status
        self.comment = comment
        self.offending_element = offending_element


MAXIMUM_ERROR_COMMENT: Final = 64  # LO (PS3.7 section C.3)

_PENDING = frozenset({0xFF00, 0xFF01})
_WARNINGS = frozenset({0x0001, 0x0107, 0x0116})


def category(status: int) -> Category:
    """What kind of status this is, whatever the service (PS3.7 sections C.1 to C.5)."""
    if status == Status.SUCCESS:
        return Category.SUCCESS
    if status in _PENDING:
        return Category.PENDING
    if status == Status.CANCEL:
        return Category.CANCEL
    if status >> 12 == 0xB or status in _WARNINGS:
        return Category.WARNING
    return Category.FAILURE
