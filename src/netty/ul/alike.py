"""Messages in a row that begin with the same command, as the answers to one query do (PS3.8 9.3.5 and Annex E).

Each is one PDU with the command and one with the data set: there is nothing to be told of it but the data set.
"""

from collections.abc import Callable
from typing import Final

from netty import native
from netty.ul import codec
from netty.ul.pdu import PduType

_DATA_TF: Final = int(PduType.DATA_TF)
_DATA_HEADER_SIZE: Final = codec.DATA_HEADER.size
_CONTEXT_ID: Final = 10  # where it stands in a PDU of one PDV

TakeAlike = Callable[[memoryview, int, int, bytes, int, int], tuple[int, list[bytes]]]


def by_python(
    view: memoryview, position: int, end: int, command: bytes, maximum_length: int, most: int
) -> tuple[int, list[bytes]]:
    """The data sets of at most `most` messages from `position` on that are there whole, and where the next one begins.

    `command`: the P-DATA-TF that each begins with, of one whole command set. `end`: of what is there. Stops in front of
    whatever is another command, is not there yet, or is odd.
    """
    data_sets: list[bytes] = []
    while len(data_sets) < most:
        header = position + len(command)
        start = header + _DATA_HEADER_SIZE
        if start > end or bytes(view[position:header]) != command:
            break
        pdu_type, pdu_length, length, context_id, control = codec.DATA_HEADER.unpack_from(view, header)
        stop = start + length - codec.PDV_OVERHEAD
        if (
            pdu_type != _DATA_TF
            or pdu_length != length + codec.LENGTH_FIELD
            or pdu_length > maximum_length
            or not start <= stop <= end
            or context_id != command[_CONTEXT_ID]
            or control & (codec.IS_COMMAND | codec.IS_LAST) != codec.IS_LAST
        ):
            break
        data_sets.append(bytes(view[start:stop]))
        position = stop
    return position, data_sets


take_alike: Final[TakeAlike] = by_python if native.compiled is None else native.compiled.take_alike
