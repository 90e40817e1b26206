"""Command sets that differ from one before in what names the instance alone, as those of a series do (PS3.7 9.3.1).

One of them is read or written as any other; then the Message ID and the SOP Instance UID are taken out or put in.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from netty.dimse.codec import UI, US, decode_command, element_places, encode_command
from netty.dimse.command import Message, StoreRequest, StoreResponse

_MESSAGE_ID: Final = 0x0110
_MESSAGE_ID_BEING_RESPONDED_TO: Final = 0x0120
_INSTANCE: Final = 0x1000
_KNOWN: Final = 8  # by their length, which goes with that of the UID


@dataclass(frozen=True, slots=True)
class _Mould:
    """A command set around its two values that change."""

    before: bytes
    between: bytes
    behind: bytes

    def fits(self, data: bytes, number_at: int, uid_at: int, uid_end: int) -> bool:
        """Whether `data` is the same but for those two."""
        return (
            data.startswith(self.before)
            and data.endswith(self.behind)
            and data[number_at + 2 : uid_at] == self.between
            and uid_end == len(data) - len(self.behind)
        )


@dataclass(frozen=True, slots=True)
class _Known:
    """A C-STORE-RQ that was read, and where its two values stand."""

    mould: _Mould
    number_at: int
    uid_at: int
    uid_end: int
    request: StoreRequest


class RepeatedCommands:
    """Reads the command sets of one association."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[int, _Known] = {}

    def decode(self, data: bytes) -> Message:
        """As `decode_command`, whose result it is in every case."""
        known = self._known.get(len(data))
        if known is not None and known.mould.fits(data, known.number_at, known.uid_at, known.uid_end):
            uid = UI.decode(data[known.uid_at : known.uid_end])
            if uid:
                return _renamed(known.request, US.decode(data[known.number_at : known.number_at + 2]), uid)
        message = decode_command(data)
        if type(message) is StoreRequest:
            self._learn(data, message)
        return message

    def _learn(self, data: bytes, request: StoreRequest) -> None:
        places = element_places(data)
        number, uid = places.get(_MESSAGE_ID, slice(0)), places.get(_INSTANCE, slice(0))
        if number.stop - number.start != 2 or not number.stop <= uid.start < uid.stop:
            return
        if len(self._known) == _KNOWN:
            self._known.clear()
        mould = _Mould(data[: number.start], data[number.stop : uid.start], data[uid.stop :])
        self._known[len(data)] = _Known(mould, number.start, uid.start, uid.stop, request)


def encode(message: Message) -> bytes:
    """As `encode_command`, whose result it is in every case."""
    if type(message) is not StoreResponse or message.affected_sop_instance_uid is None:
        return encode_command(message)
    uid = UI.encode(message.affected_sop_instance_uid)
    mould = _response_mould(
        message.affected_sop_class_uid, len(uid), message.status, message.error_comment, message.offending_element
    )
    number = US.encode(message.message_id_being_responded_to)
    return mould.before + number + mould.between + uid + mould.behind if mould else encode_command(message)


@lru_cache(maxsize=64)
def _response_mould(
    sop_class_uid: str | None, uid_length: int, status: int, error_comment: str | None, offending: tuple[int, ...]
) -> _Mould | None:
    response = StoreResponse(
        message_id_being_responded_to=0,
        status=status,
        affected_sop_class_uid=sop_class_uid,
        affected_sop_instance_uid="1" * uid_length,
        error_comment=error_comment,
        offending_element=offending,
    )
    data = encode_command(response)
    places: Mapping[int, slice] = element_places(data)
    if _INSTANCE not in places:  # an empty UID is left out
        return None
    number, uid = places[_MESSAGE_ID_BEING_RESPONDED_TO], places[_INSTANCE]
    return _Mould(data[: number.start], data[number.stop : uid.start], data[uid.stop :])


def _renamed(request: StoreRequest, message_id: int, sop_instance_uid: str) -> StoreRequest:
    return StoreRequest(
        message_id=message_id,
        affected_sop_class_uid=request.affected_sop_class_uid,
        affected_sop_instance_uid=sop_instance_uid,
        priority=request.priority,
        move_originator_ae_title=request.move_originator_ae_title,
        move_originator_message_id=request.move_originator_message_id,
        has_data_set=request.has_data_set,
    )
