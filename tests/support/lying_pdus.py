"""P-DATA-TF PDUs of one PDV each whose lengths may lie, for tests that compare two readers of them."""

import struct
from typing import Final

from hypothesis import strategies as st

_LARGEST: Final = 0xFFFFFFFF  # that a length can say


def pdu(
    content: bytes, control: int = 2, context_id: int = 1, pdu_type: int = 4, pdu_lie: int = 0, pdv_lie: int = 0
) -> bytes:
    """A lie is how much more a length says than is there; the PDU's follows the PDV's."""
    length = min(max(0, len(content) + 2 + pdv_lie), _LARGEST)
    pdu_length = min(max(0, length + 4 + pdu_lie), _LARGEST)
    return struct.pack(">BxIIBB", pdu_type, pdu_length, length, context_id, control) + content


lies: Final = st.sampled_from([0] * 12 + [1, -1, -3, 200, 0x7FFFFFF0])
"""Nearly always none."""
