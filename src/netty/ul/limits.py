"""What a peer may ask of our memory; every number is checked before anything is allocated for it."""

from dataclasses import dataclass
from typing import Final

from netty.errors import LocalError
from netty.ul.pdu import DEFAULT_MAXIMUM_LENGTH

LARGEST_MAXIMUM_LENGTH: Final = 131072  # statement 4.2.1; DCMTK's ASC_MAXIMUMPDUSIZE too
SMALLEST_MAXIMUM_LENGTH: Final = 4096  # DCMTK's ASC_MINIMUMPDUSIZE: some peers refuse to work with less


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one association."""

    maximum_length: int = DEFAULT_MAXIMUM_LENGTH
    """The P-DATA-TF length field we accept, and announce (PS3.8 section D.1)."""

    associate_length: int = 65536
    """The A-ASSOCIATE-RQ and -AC length field we accept; 128 contexts of 3 syntaxes need about 27 KB."""

    presentation_contexts: int = 128  # odd numbers from 1 to 255 (PS3.8 section 9.3.2.2)

    send_length: int = LARGEST_MAXIMUM_LENGTH
    """The longest P-DATA-TF we send, also to a peer that states no limit."""

    def __post_init__(self) -> None:
        if not SMALLEST_MAXIMUM_LENGTH <= self.maximum_length <= LARGEST_MAXIMUM_LENGTH:
            raise LocalError(
                "The maximum PDU length must lie between {low} and {high}, not {value}.",
                low=SMALLEST_MAXIMUM_LENGTH,
                high=LARGEST_MAXIMUM_LENGTH,
                value=self.maximum_length,
            )
