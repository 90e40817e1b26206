"""Values in place of identifying ones: other UIDs, shifted dates, dummies, and descriptions word by word.

What has to agree between processes, restarts and nodes depends on nothing but the value and the site's key: a keyed
hash (HMAC-SHA256), so that nobody without the key can try out values, and no table has to be kept.
"""

import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from netty.dicom.dictionary import is_registered_uid
from netty.model.deidentification_words import WORDS

KEY_SIZE: Final = 32
LONGEST_SHIFT: Final = 3650  # days

_DATE: Final = re.compile(rb"(\d{4})(\d\d)(\d\d)")
_DATE_TIME: Final = re.compile(rb"(\d{8})((?:\d{0,6}(?:\.\d{1,6})?)(?:[+-]\d{4})?)")
_TIME: Final = re.compile(rb"\d{2}(\d{2}(\d{2}(\.\d{1,6})?)?)?")
_WORD: Final = re.compile(rb"[A-Za-z0-9]+")
_THICKNESS: Final = re.compile(rb"\d{1,2}MM")

# PS3.5 section 6.2: what is valid in each VR and says nothing.
_DUMMIES: Final = {
    "AE": b"REMOVED",
    "AS": b"000Y",
    "CS": b"REMOVED",
    "DA": b"19000101",
    "DS": b"0",
    "DT": b"19000101000000",
    "IS": b"0",
    "LO": b"REMOVED",
    "LT": b"REMOVED",
    "PN": b"REMOVED",
    "SH": b"REMOVED",
    "ST": b"REMOVED",
    "TM": b"000000",
    "UC": b"REMOVED",
    "UR": b"urn:removed",
    "UT": b"REMOVED",
}
_BINARY_DUMMY: Final = b"\0\0"


@dataclass(frozen=True, slots=True)
class Pseudonyms:
    """What a site's key makes of identifying values."""

    key: bytes

    def uid(self, uid: str) -> str:
        """Another UID, always the same one for this UID: below 2.25, a UUID of version 8 (PS3.5 B.2; RFC 9562 5.8)."""
        number = int.from_bytes(self._hash("uid", uid)[:16])
        number = number & ~(0xF << 76) | 0x8 << 76
        number = number & ~(0x3 << 62) | 0x2 << 62
        return f"2.25.{number}"

    def uids(self, value: bytes) -> bytes:
        """The value of a UI element with each UID in it replaced; those that the standard has given stay."""
        uids = (one.strip(" \0") for one in value.decode("latin-1").split("\\"))
        mapped = (one if not one or is_registered_uid(one) else self.uid(one) for one in uids)
        return even("\\".join(mapped).encode("latin-1"), b"\0")

    def shift(self, patient: str) -> timedelta:
        """By how much the dates of a patient move: 1 to 3650 days back, all of them alike."""
        number = int.from_bytes(self._hash("dates", patient)[:8])
        return -timedelta(days=1 + number % LONGEST_SHIFT)

    def _hash(self, purpose: str, text: str) -> bytes:
        message = f"{purpose}:{text}".encode("utf-8", "surrogatepass")
        return hmac.new(self.key, message, hashlib.sha256).digest()


def dummy(vr: str) -> bytes:
    """A value that says nothing and is valid in its VR."""
    value = _DUMMIES.get(vr, _BINARY_DUMMY)
    return even(value)


def shifted(vr: str, value: bytes, shift: timedelta) -> bytes | None:
    """The values of a DA, DT or TM element moved by whole days; None where one of them is malformed."""
    move = {"DA": _shifted_date, "DT": _shifted_date_time, "TM": _same_time}.get(vr)
    if move is None:
        return None
    moved = [_moved(one.strip(b" \0"), move, shift) for one in value.split(b"\\")]
    known = [one for one in moved if one is not None]
    return even(b"\\".join(known)) if len(known) == len(moved) else None


def cleaned(value: bytes) -> bytes:
    """A description without every word that is not known to describe images (PS3.15 section E.3.5).

    A list of words that may stay is safe in every character set: what is left is ASCII, and from the list.
    """
    kept = [word for word in _WORD.findall(value.upper()) if word in WORDS or _THICKNESS.fullmatch(word)]
    return even(b" ".join(kept))


def even(value: bytes, pad: bytes = b" ") -> bytes:
    """Padded to even length (PS3.5 section 7.1)."""
    return value + pad * (len(value) % 2)


def _moved(value: bytes, move: Callable[[bytes, timedelta], bytes | None], shift: timedelta) -> bytes | None:
    return move(value, shift) if value else b""


def _shifted_date(value: bytes, shift: timedelta) -> bytes | None:
    match = _DATE.fullmatch(value)
    if match is None:
        return None
    try:
        moved = date(int(match[1]), int(match[2]), int(match[3])) + shift
    except (ValueError, OverflowError):
        return None
    return f"{moved.year:04d}{moved.month:02d}{moved.day:02d}".encode()


def _shifted_date_time(value: bytes, shift: timedelta) -> bytes | None:
    match = _DATE_TIME.fullmatch(value)
    moved = _shifted_date(match[1], shift) if match else None
    return moved + match[2] if match and moved is not None else None


def _same_time(value: bytes, shift: timedelta) -> bytes | None:
    """A shift by whole days leaves the time of day."""
    return value if _TIME.fullmatch(value) else None
