"""The Basic Application Level Confidentiality Profile (PS3.15 Annex E) as a policy over the elements of a data set.

An element is kept only where the standard's dictionary knows it and table E.1-1 does not list it, or an option that is
on retains it. Private elements, curves (50xx), overlays (60xx), elements that the dictionary does not know, and
those whose VR is unknown (UN, or none of the standard's) go, at every level.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from netty.dicom.dictionary import standard_representation
from netty.dicom.splice_policy import (
    LONGEST_READ,
    Decision,
    Element,
    Fate,
    Filtered,
    Item,
    Level,
    New,
    Pieces,
    Replaced,
    Written,
)
from netty.dicom.tags import BURNED_IN_ANNOTATION, LONG_REPRESENTATIONS, PIXEL_DATA, SHORT_REPRESENTATIONS
from netty.model.deidentification_items import DUMMY_ITEMS, coded_entry
from netty.model.deidentification_options import ProfileOptions, RetainDates
from netty.model.deidentification_private import is_safe, is_safe_creator
from netty.model.deidentification_table import EDITION, ROWS, Row
from netty.model.deidentification_types import TOP, needed, place, wants_value
from netty.model.deidentification_values import Pseudonyms, cleaned, dummy, even, shifted

PATIENT_IDENTITY_REMOVED: Final = 0x00120062
DEIDENTIFICATION_METHOD: Final = 0x00120063
DEIDENTIFICATION_METHOD_CODES: Final = 0x00120064
LONGITUDINAL_TEMPORAL_INFORMATION_MODIFIED: Final = 0x00280303

METHOD: Final = f"netty basic level: PS3.15 {EDITION} E.1-1"


class Action(Enum):
    """What is done with a listed attribute that has a value."""

    KEEP = auto()  # K: as it stands; the items of a sequence by the table
    REMOVE = auto()  # X
    EMPTY = auto()  # Z
    DUMMY = auto()  # D
    UID = auto()  # U
    CLEAN = auto()  # C


@dataclass(frozen=True, slots=True)
class Rule:
    """What is done with one attribute; `otherwise` where it cannot be cleaned."""

    row: Row
    action: Action
    otherwise: Action


_SINGLE: Final = {"X": Action.REMOVE, "Z": Action.EMPTY, "D": Action.DUMMY, "U": Action.UID, "U*": Action.KEEP}
# Group Length apart, groups of which nothing is kept: commands and file meta information, which stand in no data set.
_DENIED_GROUPS: Final = frozenset({0x0000, 0x0002})
_DENIED_FAMILIES: Final = frozenset({0x5000, 0x6000})  # curves, overlays: group & FF00H
_KNOWN: Final = frozenset(vr.encode() for vr in SHORT_REPRESENTATIONS | LONG_REPRESENTATIONS if vr != "UN")

CODES: Final = MappingProxyType(  # CID 7050
    {
        "113100": "Basic Application Confidentiality Profile",
        "113101": "Clean Pixel Data Option",
        "113105": "Clean Descriptors Option",
        "113106": "Retain Longitudinal Temporal Information Full Dates Option",
        "113107": "Retain Longitudinal Temporal Information Modified Dates Option",
        "113108": "Retain Patient Characteristics Option",
        "113109": "Retain Device Identity Option",
        "113110": "Retain UIDs Option",
        "113111": "Retain Safe Private Option",
    }
)
_TEMPORAL: Final = {
    RetainDates.REMOVED: b"REMOVED ",
    RetainDates.FULL: b"UNMODIFIED",
    RetainDates.MODIFIED: b"MODIFIED",
}


def basic_action(row: Row, sop_class_uid: str, within: int) -> Action:
    """Resolve a basic action: where the standard leaves a choice, the type of the attribute in the IOD makes it.

    Type 1 gets D, type 2 gets Z, type 3 gets X (PS3.15 table E.1-1a). Where the type is not known (in most items, and
    in classes other than the statement's thirteen), what is valid for every type: D before Z before X.

    Args:
        within: the `place`.
    """
    choices = row.action.split("/")
    if within == TOP and wants_value(row.tag, sop_class_uid):
        return Action.DUMMY
    if len(choices) == 1:
        return _SINGLE[choices[0]]
    for choice in needed(row.tag, sop_class_uid, within):
        if choice in choices:
            return _SINGLE[choice]
    return _SINGLE[choices[0]]  # X where the table allows it


def rule(row: Row, options: ProfileOptions, sop_class_uid: str, within: int) -> Rule:
    """What is done with an attribute; where several options speak, K goes before C (PS3.15 section E.3)."""
    basic = basic_action(row, sop_class_uid, within)
    keeps, cleans = _letters(options)
    if keeps & set(row.options):
        return Rule(row, Action.KEEP, basic)
    if cleans & set(row.options):
        return Rule(row, Action.CLEAN, basic)
    return Rule(row, basic, basic)


def _letters(options: ProfileOptions) -> tuple[set[str], set[str]]:
    """The letters of the table that keep, and those that clean."""
    keeps = {
        "u": options.retain_uids,
        "d": options.retain_device_identity,
        "p": options.retain_patient_characteristics,
        "t": options.retain_dates is RetainDates.FULL,
    }
    cleans = {
        "c": options.clean_descriptors,
        "D": options.retain_device_identity,
        "P": options.retain_patient_characteristics,
        "t": options.retain_dates is RetainDates.MODIFIED,
    }
    return {one for one, is_on in keeps.items() if is_on}, {one for one, is_on in cleans.items() if is_on}


@lru_cache(maxsize=64)
def rules(options: ProfileOptions, sop_class_uid: str, within: int) -> Mapping[int, Rule]:
    """The whole table, resolved for a place."""
    return MappingProxyType({tag: rule(row, options, sop_class_uid, within) for tag, row in ROWS.items()})


def codes(options: ProfileOptions, pixels_cleaned: bool) -> tuple[str, ...]:
    """The codes of CID 7050 for the profile and its options."""
    stated = {
        "113100": True,
        "113101": pixels_cleaned,
        "113105": options.clean_descriptors,
        "113106": options.retain_dates is RetainDates.FULL,
        "113107": options.retain_dates is RetainDates.MODIFIED,
        "113108": options.retain_patient_characteristics,
        "113109": options.retain_device_identity,
        "113110": options.retain_uids,
        "113111": options.retain_safe_private,
    }
    return tuple(code for code, is_on in stated.items() if is_on)


@dataclass(frozen=True, slots=True)
class BasicProfile:
    """The policy for one data set.

    Attributes:
        patient: whose dates shift together.
        identity_removed: (0012,0062); NO where text in the pixels may tell who it is.
        pixels_cleaned: identifying regions of the pixel data are masked, by `pixels`.
        pixels: what top-level native Pixel Data passes through.
    """

    options: ProfileOptions
    pseudonyms: Pseudonyms
    sop_class_uid: str = ""
    patient: str = ""
    identity_removed: bool = True
    pixels_cleaned: bool = False
    pixels: Pieces | None = None

    @property
    def written(self) -> tuple[Written, ...]:
        """What says how the data set was de-identified (PS3.15 section E.1.1; PS3.3 section C.7.1.1, C.12.1)."""
        method = tuple(_code_item(code) for code in codes(self.options, self.pixels_cleaned))
        temporal = _TEMPORAL[self.options.retain_dates]
        written = [
            Written(New(PATIENT_IDENTITY_REMOVED, "CS", b"YES " if self.identity_removed else b"NO")),
            Written(New(DEIDENTIFICATION_METHOD, "LO", even(METHOD.encode())), added=True),
            Written(New(DEIDENTIFICATION_METHOD_CODES, "SQ", method), added=True),
            Written(New(LONGITUDINAL_TEMPORAL_INFORMATION_MODIFIED, "CS", temporal)),
        ]
        if self.pixels_cleaned:
            written.append(Written(New(BURNED_IN_ANNOTATION, "CS", b"NO")))
        return tuple(sorted(written, key=lambda one: one.new.tag))

    def decide(self, element: Element, level: Level) -> Decision:
        """What becomes of an element."""
        tag, group = element.tag, element.tag >> 16
        if group & 1:
            return self._private(element, level)
        if group in _DENIED_GROUPS or group & 0xFF00 in _DENIED_FAMILIES:
            return Fate.REMOVE
        if tag & 0xFFFF == 0:
            return Fate.KEEP if element.length == 4 else Fate.REMOVE  # Group Length, set right by the splicing
        found = rules(self.options, self.sop_class_uid, place(level.within)).get(tag)
        if found is not None:
            return self._listed(found, element, level)
        return self._unlisted(element, level)

    def _private(self, element: Element, level: Level) -> Decision:
        """Private elements go, but for those that the standard calls safe where the option retains them."""
        if not self.options.retain_safe_private or element.sequence:
            return Fate.REMOVE
        creator = level.creator(element.tag)
        number = element.tag & 0xFFFF
        if 0x10 <= number <= 0xFF:
            safe = is_safe_creator(element.tag >> 16, creator)
        else:
            safe = number > 0xFF and is_safe(element.tag >> 16, creator, number & 0xFF)
        return Fate.KEEP if safe else Fate.REMOVE

    def _unlisted(self, element: Element, level: Level) -> Decision:
        expected = standard_representation(element.tag)
        if not expected or (element.vr and element.vr not in _KNOWN):
            return Fate.REMOVE
        if expected == "SQ" and element.length and not element.sequence:
            return Fate.REMOVE  # what should be items and is not: nobody knows what it holds
        if element.tag == PIXEL_DATA and level.depth == 0 and self.pixels is not None:
            return Filtered(self.pixels)
        return Fate.KEEP

    def _listed(self, found: Rule, element: Element, level: Level) -> Decision:
        if found.action is Action.REMOVE:
            return Fate.REMOVE
        if not element.length:
            return Fate.KEEP
        if found.action is Action.CLEAN:
            decision = self._cleaned(found, element, level)
            return decision or self._done(found.otherwise, found.row, element, level)
        return self._done(found.action, found.row, element, level)

    def _done(self, action: Action, row: Row, element: Element, level: Level) -> Decision:
        if action is Action.REMOVE:
            return Fate.REMOVE
        if action is Action.KEEP and (row.vr != "SQ" or element.sequence):
            return Fate.KEEP
        if action is Action.UID or (action is Action.DUMMY and row.vr == "UI"):
            return Fate.EMPTY if _is_unreadable(element) else Replaced(self.pseudonyms.uids(level.read(element)))
        if action is Action.DUMMY and row.vr != "SQ":
            return Replaced(dummy(row.vr))
        if action is Action.DUMMY and element.sequence:
            return Replaced((DUMMY_ITEMS.get(row.tag, ()),))
        return Fate.EMPTY

    def _cleaned(self, found: Rule, element: Element, level: Level) -> Decision | None:
        """C: similar values that say nothing of the person; None where it cannot be done."""
        if found.row.vr == "SQ":
            return Fate.KEEP if element.sequence else None
        if _is_unreadable(element):
            return None
        value = level.read(element)
        if "t" in found.row.options and self.options.retain_dates is RetainDates.MODIFIED:
            moved = shifted(found.row.vr, value, self._shift())
            return None if moved is None else Replaced(moved)
        words = cleaned(value)
        return Replaced(words) if words else None

    def _shift(self) -> timedelta:
        return self.pseudonyms.shift(self.patient)


def _is_unreadable(element: Element) -> bool:
    return element.sequence or element.length > LONGEST_READ


def _code_item(code: str) -> Item:
    return coded_entry(code, "DCM", CODES[code])
