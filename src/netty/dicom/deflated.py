"""Deflated data sets (PS3.5 section A.5): inflated, and walked, while their fragments arrive, never far ahead.

A stream of some kilobytes may inflate to gigabytes, so what comes out is bounded by what went in and by the limit of
every data set, and is made in small pieces of which none is kept.
"""

import zlib
from collections.abc import Iterable, Iterator
from typing import Final

from netty.dicom.errors import DataSetError
from netty.dicom.walk import ElementWalk, WalkLimits, WalkResult

FREE: Final = 64 << 20
"""So many bytes may come out whatever went in: an empty image of many megabytes is an image all the same."""

RATIO: Final = 200
"""Beyond `FREE` bytes, so many may come out for each that went in; real images deflate to a half or a quarter."""

_PIECE: Final = 1 << 18
_MOST_BEHIND: Final = 8 + 1  # RFC 1952 section 2.3.1: CRC-32 and size; and a byte of padding


class BoundedInflation:
    """Takes deflated bytes and gives inflated ones, a piece at a time."""

    def __init__(self, limit: int) -> None:
        """`limit`: the most bytes that may come out."""
        self._inflater = zlib.decompressobj(-zlib.MAX_WBITS)  # RFC 1951 without a wrapper, as PS3.5 section A.5 says
        self._limit = limit
        self._taken = self._given = 0
        self._waiting = b""
        self._full = False  # the last piece was as large as one may be: more may be ready
        self._behind = 0

    def take(self, data: bytes | memoryview) -> None:
        """More of the deflated stream. Call `piece` until it gives nothing before the next."""
        self._taken += len(data)
        if self._has_ended():
            self._check_behind(bytes(data))
        else:
            self._waiting = bytes(data)

    def piece(self) -> bytes:
        """The next inflated bytes, at most 256 KiB; nothing where more has to come in first.

        Raises:
            DataSetError: what is no deflated stream, inflates too far, or has something behind its end.
        """
        if self._has_ended() or not (self._waiting or self._full):
            return b""
        try:
            made = self._inflater.decompress(self._waiting, _PIECE)
        except zlib.error as error:
            raise DataSetError("The data set is not deflated, although its transfer syntax says so.") from error
        self._waiting, self._full = self._inflater.unconsumed_tail, len(made) == _PIECE
        self._given += len(made)
        if self._given > self._limit:
            raise DataSetError("The data set inflates to more than {limit} bytes.", limit=self._limit)
        if self._given > FREE + RATIO * self._taken:
            raise DataSetError("The data set inflates to more than {ratio} times its size.", ratio=RATIO)
        if self._has_ended():
            self._check_behind(self._inflater.unused_data)
        return made

    def finish(self) -> None:
        """Everything has come in. Raises DataSetError where the stream has no end."""
        if not self._has_ended():
            raise DataSetError("The deflated data set is cut off: {position} bytes came.", position=self._taken)

    def _has_ended(self) -> bool:
        return self._inflater.eof

    def _check_behind(self, data: bytes) -> None:
        """A NULL byte may pad an odd stream (PS3.5 section A.5), and some writers leave gzip's check and size there."""
        self._behind += len(data)
        if self._behind > _MOST_BEHIND:
            raise DataSetError("The data set has something behind the end of its deflated stream.")


class DeflatedWalk:
    """An `ElementWalk` over a deflated data set in Explicit VR Little Endian, fed with the deflated fragments."""

    def __init__(self, walk: ElementWalk, limits: WalkLimits) -> None:
        self._walk = walk
        self._inflation = BoundedInflation(limits.size)
        self._walking = False  # the walk has more elements than one slice may hold

    @property
    def ahead(self) -> int:
        """Nobody knows: how long a value is says little of the bytes that it is deflated to."""
        return 0

    def pass_over(self, size: int) -> bool:
        """Never: every byte has to be inflated."""
        return False

    def feed(self, fragment: memoryview) -> bool:
        """Take the next bytes. True: more is in them than one slice may hold; call `resume` until False."""
        self._inflation.take(fragment)
        return self.resume()

    def resume(self) -> bool:
        """Go on with what the last call left. True: there is more still."""
        if self._walking:
            self._walking = self._walk.resume()
            return True
        made = self._inflation.piece()
        if not made:
            return False
        self._walking = self._walk.feed(memoryview(made))
        return True

    def finish(self) -> WalkResult:
        """The data set has come in whole; places are those in the inflated data set.

        Raises DataSetError if something is missing at its end.
        """
        while self.resume():
            pass
        self._inflation.finish()
        return self._walk.finish()


def inflated_pieces(pieces: Iterable[bytes], limit: int) -> Iterator[bytes]:
    """The inflated data set of a deflated one that is read in pieces; DataSetError as `BoundedInflation` says."""
    inflation = BoundedInflation(limit)
    for each in pieces:
        inflation.take(each)
        while made := inflation.piece():
            yield made
    inflation.finish()
