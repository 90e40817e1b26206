"""The digest of a data set as received: which bytes came, and whether they are still there.

BLAKE3, for the receiver computes it between the socket and the disk: SHA-256 took it twice as long as writing the
file (docs/adr/0018-digest.md). A digest names its algorithm; one without a name is SHA-256, of an earlier netty.
"""

import hashlib
from collections.abc import Iterable
from typing import Final

from blake3 import blake3

_PREFIX: Final = "blake3:"


class Digest:
    """Takes the bytes as they come; `text` is what stands in receipts and in the catalogue."""

    __slots__ = ("_hash", "update")

    def __init__(self) -> None:
        self._hash = blake3()
        self.update = self._hash.update  # no call in between: this is the hot path

    @property
    def text(self) -> str:
        """The digest of all bytes so far."""
        return _PREFIX + self._hash.hexdigest()


def has_digest(pieces: Iterable[bytes], stated: str) -> bool:
    """Whether bytes are those of a stated digest, whichever algorithm it names."""
    of_pieces = blake3() if stated.startswith(_PREFIX) else hashlib.sha256()
    for piece in pieces:
        of_pieces.update(piece)
    return of_pieces.hexdigest() == stated.removeprefix(_PREFIX)
