"""A few top-level values of a data set in a file, by its headers alone: what has to be known before it is changed."""

from collections.abc import Set
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from netty.dicom.splice import walked
from netty.dicom.splice_policy import Decision, Element, Fate, Level, Written

FLOAT_PIXEL_DATA: Final = frozenset({0x7FE00008, 0x7FE00009})
_OVERLAY_BIT_POSITION: Final = 0x60000102
_OVERLAY_DATA: Final = 0x60003000
_GRAPHIC_ANNOTATION: Final = 0x00700001


@dataclass(slots=True)
class TopLevel:
    """What was found. As a policy it keeps everything."""

    wanted: Set[int]
    values: dict[int, bytes] = field(default_factory=dict)
    """The wanted values as they stand; the first of several."""

    tags: set[int] = field(default_factory=set)
    lengths: dict[int, int] = field(default_factory=dict)
    has_graphics: bool = False
    """An overlay, or annotations of a presentation state, at any level."""

    has_embedded_overlay: bool = False

    @property
    def written(self) -> tuple[Written, ...]:
        """Nothing."""
        return ()

    def decide(self, element: Element, level: Level) -> Decision:
        """Look, and keep."""
        tag = element.tag
        if tag == _GRAPHIC_ANNOTATION and element.length:
            self.has_graphics = True
        if level.depth:
            return Fate.KEEP
        if tag >> 16 & 0xFF01 == 0x6000:
            self._overlay(tag & 0xFF00FFFF, element, level)
        self.tags.add(tag)
        self.lengths.setdefault(tag, element.length)
        if tag in self.wanted and not element.sequence:
            self.values.setdefault(tag, level.read(element))
        return Fate.KEEP

    def _overlay(self, tag: int, element: Element, level: Level) -> None:
        if tag == _OVERLAY_DATA and element.length:
            self.has_graphics = True
        if tag == _OVERLAY_BIT_POSITION and level.read(element)[:2] not in (b"", b"\0\0"):
            self.has_graphics = self.has_embedded_overlay = True

    def text(self, tag: int) -> str:
        """A value as text, for codes and names of makers; empty where there is none."""
        return self.values.get(tag, b"").decode("latin-1").strip(" \0")

    def number(self, tag: int, default: int = 0) -> int:
        """A value of VR US."""
        value = self.values.get(tag, b"")
        return int.from_bytes(value[:2], "little") if len(value) >= 2 else default


def top_level(file: BinaryIO, offset: int, length: int, *, explicit: bool, wanted: Set[int]) -> TopLevel:
    """The `wanted` values of the data set at `offset`. Raises DataSetError where it cannot be read to its end."""
    found = TopLevel(wanted)
    walked(file, offset, length, explicit=explicit, policy=found)
    return found
