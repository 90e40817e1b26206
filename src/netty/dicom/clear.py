"""Clearing elements of a data set, byte by byte: what is not listed stays exactly as it came."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from netty.dicom.splice_policy import Decision, Element, Fate, Level, New, Replaced, Written

DEIDENTIFICATION_METHOD: Final = 0x00120063


@dataclass(frozen=True, slots=True)
class Cleared:
    """A policy: what is listed becomes what `decisions` says, at every level, and all else stays.

    (0012,0063) De-identification Method names `method` then, behind what it named before.

    Attributes:
        method: ASCII, at most 64 characters (LO).
    """

    decisions: Mapping[int, Decision]
    method: str

    @property
    def written(self) -> tuple[Written, ...]:
        """The name of the method."""
        value = self.method.encode("ascii")
        return (Written(New(DEIDENTIFICATION_METHOD, "LO", value + b" " * (len(value) % 2)), added=True),)

    def decide(self, element: Element, level: Level) -> Decision:
        """As listed. What has no value gets none, and what is no sequence no items, nor the other way round."""
        decision = self.decisions.get(element.tag, Fate.KEEP)
        if not isinstance(decision, Replaced) or (element.length and _fits(decision, element)):
            return decision
        return Fate.EMPTY


def _fits(replaced: Replaced, element: Element) -> bool:
    return isinstance(replaced.value, tuple) is element.sequence
