"""Private elements that Retain Safe Private retains: physics of the acquisition (PS3.15 table E.3.10-1, a part of it).

The standard's table also has ultrasound blobs and workstation notes, which nobody can look into: those are not here.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

# (group, private creator) -> the elements of its block
_SAFE: Final[Mapping[tuple[int, bytes], frozenset[int]]] = MappingProxyType(
    {
        (0x0019, b"GEMS_ACQU_01"): frozenset({0x23, 0x24, 0x27, 0x9E}),
        (0x0019, b"SIEMENS MR HEADER"): frozenset({0x0C, 0x0D, 0x0E, 0x27}),
        (0x0025, b"GEMS_SERS_01"): frozenset({0x07}),
        (0x0043, b"GEMS_PARM_01"): frozenset({0x27, 0x39, 0x6F}),
        (0x0045, b"GEMS_HELIOS_01"): frozenset({0x01, 0x02}),
        (0x00E1, b"ELSCINT1"): frozenset({0x21}),
        (0x01E1, b"ELSCINT1"): frozenset({0x26, 0x50}),
        (0x01F1, b"ELSCINT1"): frozenset({0x01, 0x07, 0x26, 0x27}),
        (0x2001, b"Philips Imaging DD 001"): frozenset({0x03, 0x04}),
        (0x2005, b"Philips MR Imaging DD 001"): frozenset({0x0D, 0x0E}),
        (0x7053, b"Philips PET Private Group"): frozenset({0x00, 0x09}),
    }
)


def is_safe(group: int, creator: bytes, element: int) -> bool:
    """Whether the standard calls a private element safe; `element` counts within its block."""
    return element in _SAFE.get((group, creator), ())


def is_safe_creator(group: int, creator: bytes) -> bool:
    """Whether a private creator is one of those above, so that its elements can still be told."""
    return (group, creator) in _SAFE
