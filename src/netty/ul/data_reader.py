"""P-DATA-TF as it comes in (PS3.8 section 9.3.5 and Annex E): fragments are handed on before their PDU is whole.

Nothing is waited for and nothing is moved: a fragment of 128 KB needs no buffer of 128 KB. What stands in a row in the
received bytes and belongs to one command or data set becomes one event, for nearly all that netty reads is long data
sets in short PDUs.
"""

from collections.abc import Mapping
from typing import Final

from netty.ul import codec
from netty.ul.alike import take_alike
from netty.ul.buffer import ReceiveBuffer
from netty.ul.errors import PduError
from netty.ul.events import DataReceived
from netty.ul.gathering import gather
from netty.ul.pdu import AcceptedContext, PduType

_DATA_TF: Final = int(PduType.DATA_TF)
_PDV_HEADER_SIZE: Final = codec.PDV_HEADER.size
_DATA_HEADER_SIZE: Final = codec.DATA_HEADER.size


class DataReader:
    """Reads the P-DATA-TF of one association out of its buffer; `begin` with each header, then `read` until None."""

    __slots__ = ("_buffer", "_context_id", "_control", "_in_fragment", "_left", "_maximum_length", "_pdu_left")

    def __init__(self, buffer: ReceiveBuffer, maximum_length: int) -> None:
        self._buffer = buffer
        self._maximum_length = maximum_length
        self._pdu_left = 0  # bytes of the PDU behind the fragment under way
        self._in_fragment = False
        self._left = 0  # bytes of that fragment that are still to come
        self._context_id = 0
        self._control = 0

    @property
    def is_amid(self) -> bool:
        """Whether a P-DATA-TF has begun and not ended."""
        return self._in_fragment or self._pdu_left > 0

    def begin(self, length: int) -> None:
        """The header of a P-DATA-TF of an allowed length has been read."""
        self._pdu_left = length

    def stop(self) -> None:
        """Nothing more is read."""
        self._in_fragment, self._left, self._pdu_left = False, 0, 0

    def read_whole(self, contexts: Mapping[int, AcceptedContext]) -> DataReceived | None:
        """What the next PDU brings where it holds one command or data set and has come whole, as short ones do.

        None where it does not, or where anything about it is odd: then it is to be read step by step.
        """
        buffer = self._buffer
        view, start, end = buffer.view, buffer.start, buffer.end
        position = start + _DATA_HEADER_SIZE
        if position > end:
            return None
        pdu_type, pdu_length, length, context_id, control = codec.DATA_HEADER.unpack_from(view, start)
        stop = position - codec.PDV_OVERHEAD + length
        if (
            not control & codec.IS_LAST
            or pdu_type != _DATA_TF
            or pdu_length != length + codec.LENGTH_FIELD
            or pdu_length > self._maximum_length
            or not position <= stop <= end
            or context_id not in contexts
        ):
            return None
        buffer.start = stop
        parts = [view[position:stop]] if stop > position else []
        return DataReceived(context_id, control & codec.IS_COMMAND != 0, True, parts, stop - position)

    def read_alike(self, command: bytes, most: int) -> list[bytes]:
        """The data sets of the next messages, at most `most`, that begin with the P-DATA-TF `command` and are whole."""
        buffer = self._buffer
        buffer.start, data_sets = take_alike(buffer.view, buffer.start, buffer.end, command, self._maximum_length, most)
        return data_sets

    def read(self, contexts: Mapping[int, AcceptedContext]) -> DataReceived | None:
        """What has come, of one command or data set; None until more does. PduError where the PDU is malformed."""
        if not self._in_fragment and not self._next_fragment(contexts):
            return None
        buffer, context_id, kind = self._buffer, self._context_id, self._control & codec.IS_COMMAND
        position, left, control, is_complete, parts, size = gather(
            buffer.view,
            buffer.start,
            buffer.end,
            self._left,
            self._control,
            context_id,
            self._pdu_left,
            self._maximum_length,
        )
        buffer.start = position
        self._control, self._left, self._in_fragment = control, left, left > 0
        if not parts and not is_complete:
            return None
        return DataReceived(context_id, kind != 0, not left and control & codec.IS_LAST != 0, parts, size)

    def _next_fragment(self, contexts: Mapping[int, AcceptedContext]) -> bool:
        """Read the header of the next PDV of the PDU under way; False until it has come."""
        if self._pdu_left < _PDV_HEADER_SIZE:
            raise PduError("The peer sent a malformed PDU: bytes are left behind the last PDV.")
        buffer = self._buffer
        if buffer.end - buffer.start < _PDV_HEADER_SIZE:
            return False
        context_id, control, start, stop = codec.decode_pdv(buffer.view, buffer.start, buffer.start + self._pdu_left)
        if context_id not in contexts:
            raise PduError("The peer sent data for presentation context {context_id}.", context_id=context_id)
        self._pdu_left -= stop - buffer.start
        buffer.start = start
        self._context_id, self._control, self._left, self._in_fragment = context_id, control, stop - start, True
        return True
