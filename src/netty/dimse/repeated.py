"""Command sets that differ from one before in what names the instance alone, as those of a series do (PS3.7 9.3.1).

One of them is read or written as any other; then the Message ID and the SOP Instance UID are taken out or put in.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from netty.dicom.stencil import Gap, Piece, Stencil, with_gaps
from netty.dimse.codec import UI, US, decode_command, element_places, encode_command
from netty.dimse.command import Message, StoreRequest, StoreResponse
from netty.ul import codec
from netty.ul.pdu import PduType

_GROUP_LENGTH: Final = 0x0000
_MESSAGE_ID: Final = 0x0110
_MESSAGE_ID_BEING_RESPONDED_TO: Final = 0x0120
_INSTANCE: Final = 0x1000
_LENGTH_FIELD: Final = 4  # of an element, before its value
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

    __slots__ = ("_known", "_last")

    def __init__(self) -> None:
        self._known: dict[int, _Known] = {}
        self._last: tuple[bytes, Message] | None = None

    def decode(self, data: bytes) -> Message:
        """As `decode_command`, whose result it is in every case."""
        message = self._decoded(data)
        self._last = data, message
        return message

    def _decoded(self, data: bytes) -> Message:
        known = self._known.get(len(data))
        if known is not None and known.mould.fits(data, known.number_at, known.uid_at, known.uid_end):
            uid = UI.decode(data[known.uid_at : known.uid_end])
            if uid:
                return _renamed(known.request, US.decode(data[known.number_at : known.number_at + 2]), uid)
        message = decode_command(data)
        if type(message) is StoreRequest:
            self._learn(data, message)
        return message

    def stencil(self, request: object, context_id: int) -> Stencil | None:
        """A C-STORE-RQ as a P-DATA-TF that another Message ID and UID go into; None where another has come since."""
        if self._last is None or self._last[1] is not request:
            return None
        return _in_pdu(self._last[0], _MESSAGE_ID, context_id)

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


def response_stencil(response: StoreResponse, context_id: int) -> Stencil | None:
    """A C-STORE-RSP as a P-DATA-TF that another Message ID and UID go into."""
    return _in_pdu(encode_command(response), _MESSAGE_ID_BEING_RESPONDED_TO, context_id)


def _in_pdu(data: bytes, message_id: int, context_id: int) -> Stencil | None:
    """None where the two values do not stand there as all write them: Message ID first, a UID of even length."""
    places = element_places(data)
    number, uid = places.get(message_id, slice(0)), places.get(_INSTANCE, slice(0))
    size = uid.stop - (uid.start or 0)
    if uid.start is None or not size or size % 2 or number.start is None or not number.stop <= uid.start:
        return None
    fixed = len(data) - size
    gaps = [
        (number, Gap.MESSAGE_ID, 0),
        (slice(uid.start - _LENGTH_FIELD, uid.start), Gap.UID_LENGTH_32, 0),
        (uid, Gap.UID, 0),
    ]
    group_length = places.get(_GROUP_LENGTH)
    if group_length is not None and int.from_bytes(data[group_length], "little") == len(data) - group_length.stop:
        gaps.insert(0, (group_length, Gap.UID_LENGTH_32, fixed - group_length.stop))
    header = codec.DATA_HEADER.pack(PduType.DATA_TF, 0, 0, context_id, codec.IS_COMMAND | codec.IS_LAST)
    length = fixed + codec.PDV_OVERHEAD
    first, *others = with_gaps(data, gaps)
    return (
        Piece(header[:2], Gap.UID_LENGTH_32_BIG, length + codec.LENGTH_FIELD),
        Piece(b"", Gap.UID_LENGTH_32_BIG, length),
        first._replace(literal=header[-2:] + first.literal),
        *others,
    )


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
