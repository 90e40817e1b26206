"""The fragments of one command or data set that stand in a row in the received bytes (PS3.8 9.3.5 and Annex E).

Nearly all that netty reads is long data sets in short PDUs: this is the loop over them, and its compiled twin.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from netty import native
from netty.ul import codec
from netty.ul.pdu import PduType

_DATA_TF: Final = int(PduType.DATA_TF)
_DATA_HEADER_SIZE: Final = codec.DATA_HEADER.size


class Gathered(NamedTuple):
    """What stood in a row.

    Attributes:
        position: behind it.
        left: bytes of the last fragment that are still to come.
        control: of that fragment.
        is_complete: at least one fragment came to its end.
        parts: all of it; the compiled twin moves it into one.
        size: the sum of their lengths.
    """

    position: int
    left: int
    control: int
    is_complete: bool
    parts: list[memoryview]
    size: int


Gather = Callable[[memoryview, int, int, int, int, int, int, int], Gathered]


def by_python(
    view: memoryview,
    position: int,
    end: int,
    left: int,
    control: int,
    context_id: int,
    rest_of_pdu: int,
    maximum_length: int,
) -> Gathered:
    """From `position` on, `left` bytes of a fragment are to come, and then `rest_of_pdu` of its PDU.

    `end`: of what is there. Goes on into the next PDU where that holds one PDV of the same command or data set.
    Whatever is odd about a PDU is not judged here: this stops in front of it.
    """
    kind = control & codec.IS_COMMAND
    parts: list[memoryview] = []
    size, is_complete = 0, False
    while True:
        stop = position + left
        if stop > end:
            stop = end
        if stop > position:
            parts.append(view[position:stop])
            size += stop - position
            left -= stop - position
            position = stop
        if left:
            break
        is_complete = True
        if control & codec.IS_LAST or rest_of_pdu or end - position < _DATA_HEADER_SIZE:
            break
        pdu_type, pdu_length, length, next_context, next_control = codec.DATA_HEADER.unpack_from(view, position)
        if (
            pdu_type != _DATA_TF
            or pdu_length != length + codec.LENGTH_FIELD
            or pdu_length > maximum_length
            or length < codec.PDV_OVERHEAD
            or next_context != context_id
            or next_control & codec.IS_COMMAND != kind
        ):
            break
        position += _DATA_HEADER_SIZE
        left, control = length - codec.PDV_OVERHEAD, next_control
    return Gathered(position, left, control, is_complete, parts, size)


def _compiled(view: memoryview, *numbers: int) -> Gathered:
    assert native.compiled is not None
    position, left, control, is_complete, start, size = native.compiled.gather(view, *numbers)
    return Gathered(position, left, control, is_complete, [view[start : start + size]] if size else [], size)


gather: Final[Gather] = by_python if native.compiled is None else _compiled
