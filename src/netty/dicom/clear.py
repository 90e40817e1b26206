"""Emptying elements of a data set, byte by byte: what is not listed stays exactly as it came."""

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from netty.dicom.splice import spliced
from netty.dicom.splice_policy import Decision, Element, Fate, Level, New, Replaced, Written

DEIDENTIFICATION_METHOD: Final = 0x00120063


def cleared(
    file: BinaryIO, offset: int, length: int, *, explicit: bool, tags: Set[int], method: str
) -> Iterator[bytes]:
    """The data set at `offset` of a seekable file, with the elements `tags` empty at every level, in pieces.

    (0012,0063) De-identification Method names `method` then, behind what it named before. What encloses an emptied
    element (items, sequences, group lengths) has its length set right.

    Args:
        explicit: Explicit VR Little Endian; else Implicit VR Little Endian.
        method: ASCII, at most 64 characters (LO).

    Raises:
        DataSetError: where the data set cannot be read to its end; before the first piece.
    """
    return spliced(file, offset, length, explicit=explicit, policy=Emptied(tags, method))


@dataclass(frozen=True, slots=True)
class Emptied:
    """A policy: `tags` lose their values, or get those of `dummies`; (0012,0063) names `method`."""

    tags: Set[int]
    method: str
    dummies: Mapping[int, bytes] = field(default_factory=dict)

    @property
    def written(self) -> tuple[Written, ...]:
        """The name of the method."""
        value = self.method.encode("ascii")
        return (Written(New(DEIDENTIFICATION_METHOD, "LO", value + b" " * (len(value) % 2)), added=True),)

    def decide(self, element: Element, level: Level) -> Decision:
        """Empty what is listed."""
        if element.tag in self.dummies and element.length:
            return Replaced(self.dummies[element.tag])
        return Fate.EMPTY if element.tag in self.tags else Fate.KEEP
