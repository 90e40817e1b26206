"""Items in place of identifying ones: they have what their macro or module wants, and say nothing of anybody."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from netty.dicom.splice_policy import Item, New
from netty.model.deidentification_values import dummy, even


def coded_entry(value: str, scheme: str, meaning: str) -> Item:
    """A coded entry (PS3.3 section 8.8)."""
    return (
        New(0x00080100, "SH", even(value.encode())),
        New(0x00080102, "SH", even(scheme.encode())),
        New(0x00080104, "LO", even(meaning.encode())),
    )


_REMOVED: Final = coded_entry("REMOVED", "99NETTY", "Removed")
_PERSON: Final = (New(0x00401101, "SQ", (_REMOVED,)),)

# For sequences with action D of table E.1-1.
DUMMY_ITEMS: Final[Mapping[int, Item]] = MappingProxyType(
    {
        0x00080082: _REMOVED,  # Institution Code
        0x00081072: _PERSON,  # Operator Identification
        0x00081111: (  # Referenced Performed Procedure Step
            New(0x00081150, "UI", even(b"1.2.840.10008.3.1.2.3.3", b"\0")),
            New(0x00081155, "UI", b"2.25.0"),
        ),
        0x00340001: (New(0x00340002, "OB", dummy("OB")),),  # Flow Identifier
        0x00401101: _REMOVED,  # Person Identification Code
        0x0040A073: (  # Verifying Observer
            New(0x0040A027, "LO", dummy("LO")),
            New(0x0040A030, "DT", dummy("DT")),
            New(0x0040A075, "PN", dummy("PN")),
            New(0x0040A088, "SQ", ()),
        ),
        0x0040A730: (  # Content
            New(0x0040A010, "CS", b"CONTAINS"),
            New(0x0040A040, "CS", b"TEXT"),
            New(0x0040A043, "SQ", (_REMOVED,)),
            New(0x0040A160, "UT", dummy("UT")),
        ),
        0x0040B020: (New(0x0040A0B0, "US", b"\1\0\0\0"), New(0x00700006, "ST", dummy("ST"))),  # Waveform Annotation
        0x00700001: (  # Graphic Annotation: a point in the corner
            New(0x00700002, "CS", even(b"REMOVED")),
            New(
                0x00700009,
                "SQ",
                (
                    (
                        New(0x00700005, "CS", b"DISPLAY "),
                        New(0x00700020, "US", b"\2\0"),
                        New(0x00700021, "US", b"\1\0"),
                        New(0x00700022, "FL", bytes(8)),
                        New(0x00700023, "CS", b"POINT "),
                        New(0x00700024, "CS", b"N "),
                    ),
                ),
            ),
        ),
    }
)
