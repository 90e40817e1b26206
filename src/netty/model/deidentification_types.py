"""What type the attributes with several basic actions have in the thirteen classes (PS3.3 Annex A, edition 2025).

At the top level of a data set an attribute that stands here for no class is of type 3 there, or not of the IOD. In
items the type depends on the sequence; it is known for few.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from netty.dicom.uids import STORAGE_CLASSES

_STORAGE: Final = "1.2.840.10008.5.1.4.1.1."
_DX: Final = {_STORAGE + "1.1"}
_MG: Final = {_STORAGE + "1.2"}
_US: Final = {_STORAGE + "3.1", _STORAGE + "6.1"}
_GSPS: Final = {_STORAGE + "11.1"}
_XA: Final = {_STORAGE + "12.1"}
_RF: Final = {_STORAGE + "12.2"}
_VL: Final = {_STORAGE + "77.1.4"}
_PT: Final = {_STORAGE + "128"}
_ALL: Final = set(STORAGE_CLASSES)

_UNKNOWN: Final = ("U*", "D", "Z")  # valid for every type

# Attribute -> the actions that its type wants in a class, the first that table E.1-1 allows counts.
_TYPE_1: Final = ("U*", "D", "Z")
_TYPE_2: Final = ("Z", "D")
_NEEDED: Final[Mapping[int, Mapping[str, tuple[str, ...]]]] = MappingProxyType(
    {
        0x00080021: dict.fromkeys(_PT, _TYPE_1),  # Series Date
        0x00080022: dict.fromkeys(_PT, _TYPE_2),  # Acquisition Date
        0x00080023: dict.fromkeys(_ALL, _TYPE_2),  # Content Date: 2C
        0x0008002A: dict.fromkeys(_US, _TYPE_1),  # Acquisition DateTime: 1C
        0x00080031: dict.fromkeys(_PT, _TYPE_1),  # Series Time
        0x00080032: dict.fromkeys(_PT, _TYPE_2),  # Acquisition Time
        0x00080033: dict.fromkeys(_ALL, _TYPE_2) | dict.fromkeys(_VL, _TYPE_1),  # Content Time: 2C; 1C
        0x00081111: dict.fromkeys(_DX | _MG, _TYPE_1),  # Referenced Performed Procedure Step Sequence: 1C
        0x00081140: dict.fromkeys(_XA | _RF | _VL | _GSPS, _TYPE_1),  # Referenced Image Sequence: 1C
        0x00100020: dict.fromkeys(_ALL, _TYPE_2),  # Patient ID
        0x00102203: dict.fromkeys(_ALL, _TYPE_2),  # Patient's Sex Neutered: 2C
        0x00180010: dict.fromkeys(_ALL, _TYPE_2),  # Contrast/Bolus Agent
        0x00400555: dict.fromkeys(_DX | _MG | _VL | _PT, _TYPE_2),  # Acquisition Context Sequence
        0x00700084: dict.fromkeys(_ALL, _TYPE_2),  # Content Creator's Name
    }
)

TOP: Final = 0  # where no sequence encloses an attribute
_OTHER_ITEMS: Final = 1  # an item of a sequence of which nothing is said here

# Enclosing sequence -> attribute -> actions, as above.
_IN_ITEMS: Final[Mapping[int, Mapping[int, tuple[str, ...]]]] = MappingProxyType(
    {
        0x00400275: {0x00081110: ()},  # Request Attributes: Referenced Study Sequence, of type 3 here, of 2 in reports
    }
)

# Attributes that the table removes although a class wants a value of them: a dummy says as little, and stays valid.
_WANTED_VALUES: Final[Mapping[int, frozenset[str]]] = MappingProxyType(
    {
        0x00700082: frozenset(_GSPS),  # Presentation Creation Date
        0x00700083: frozenset(_GSPS),  # Presentation Creation Time
    }
)


def wants_value(tag: int, sop_class_uid: str) -> bool:
    """Whether an attribute that the table removes is of type 1 in a class."""
    return sop_class_uid in _WANTED_VALUES.get(tag, ())


def place(within: int) -> int:
    """Where an attribute stands, as `needed` tells places apart: the enclosing sequence, where that matters."""
    return within if within == TOP or within in _IN_ITEMS else _OTHER_ITEMS


def needed(tag: int, sop_class_uid: str, within: int) -> tuple[str, ...]:
    """The actions that the type of an attribute wants in a class and place, the best first; none for type 3."""
    if within != TOP:
        return _IN_ITEMS.get(within, {}).get(tag, _UNKNOWN)
    if sop_class_uid not in STORAGE_CLASSES:
        return _UNKNOWN
    return _NEEDED.get(tag, {}).get(sop_class_uid, ())
