"""Attribute matching of C-FIND (PS3.4 C.2.2.2), over values as they stand in files."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from netty.dicom import tags
from netty.dicom.elements import text_values
from netty.dicom.text import character_sets, decode_text

_RANGES: Final = frozenset({"DA", "TM"})
_NO_WILD_CARDS: Final = frozenset({"UI", "DA", "TM", "IS", "US"})


def matches(key: Mapping[int, bytes], tag: int, value: bytes, held: Mapping[int, bytes]) -> bool:
    """Whether a held value matches the key's; an empty key matches everything (PS3.4 C.2.2.2.3)."""
    wanted = _text(key, value)
    if not wanted:
        return True
    vr = tags.VALUE_REPRESENTATIONS.get(tag, "LO")
    has = _text(held, held.get(tag, b""))
    if vr == "UI":
        return has in text_values(value)
    if vr in _RANGES and "-" in wanted:
        low, _, high = wanted.partition("-")
        return bool(has) and low <= has[: len(low) or None] and (not high or has[: len(high)] <= high)
    if vr in _NO_WILD_CARDS or not re.search(r"[*?]", wanted):
        return wanted.casefold() == has.casefold() if vr == "PN" else wanted == has
    return _pattern(wanted, vr == "PN").fullmatch(has) is not None


@lru_cache(maxsize=256)
def _pattern(wanted: str, ignore_case: bool) -> re.Pattern[str]:
    """Wild cards (PS3.4 C.2.2.2.4); there is no way to escape one."""
    parts = ({"*": ".*", "?": "."}.get(character, re.escape(character)) for character in wanted)
    return re.compile("".join(parts), re.IGNORECASE | re.DOTALL if ignore_case else re.DOTALL)


def _text(data_set: Mapping[int, bytes], value: bytes) -> str:
    return decode_text(value, character_sets(data_set.get(tags.SPECIFIC_CHARACTER_SET, b"")))
