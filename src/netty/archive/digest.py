"""The digest of a data set as received: whether its bytes are still there, and whether these are the same once more.

XXH3 with 128 bits, for the receiver computes it between the socket and the disk: it finds damage as surely as a
cryptographic digest, in a tenth of the time, and is no proof against who forges (docs/adr/0025-digest-xxh3.md). It
names its algorithm; one without a name is SHA-256, of an earlier netty.
"""

import hashlib
from collections.abc import Iterable
from typing import Final

from xxhash import xxh3_128

_PREFIX: Final = "xxh3:"


class Digest:
    """Takes the bytes as they come; `text` is what stands in receipts and in the catalogue."""

    __slots__ = ("_hash", "update")

    def __init__(self) -> None:
        self._hash = xxh3_128()
        self.update = self._hash.update  # no call in between: this is the hot path

    @property
    def text(self) -> str:
        """The digest of all bytes so far, in its canonical form."""
        return _PREFIX + self._hash.hexdigest()


def has_digest(pieces: Iterable[bytes], stated: str) -> bool:
    """Whether bytes are those of a stated digest, whichever algorithm it names; of one unknown to us, nothing is."""
    of_pieces = xxh3_128() if stated.startswith(_PREFIX) else hashlib.sha256()
    for piece in pieces:
        of_pieces.update(piece)
    return of_pieces.hexdigest() == stated.removeprefix(_PREFIX)
