"""The file of masks: which regions of which images are blanked, in TOML.

[[mask]]
manufacturer = "ACME*"          # (0008,0070); * is any text; left out: every one
model = "Sono 5*"               # (0008,1090)
class = "US"                    # CR DX MG CT MR US SC XA RF VL PT, or a SOP Class UID
rows = 600                      # only images of this size
columns = 800
regions = [[0, 0, 800, 60]]     # x, y, width, height in pixels, from the upper left corner
"""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from netty.dicom.deidentify_pixels import Region
from netty.dicom.uids import is_valid_uid
from netty.errors import SettingsError
from netty.model.deidentification_burned_in import CLASS_NAMES, Mask

_TEXTS: Final = ("manufacturer", "model", "class")
_NUMBERS: Final = ("rows", "columns")
_KEYS: Final = (*_TEXTS, *_NUMBERS, "regions")


def load_masks(file: Path) -> tuple[Mask, ...]:
    """The masks of a file, in its order. Raises SettingsError, which says what to put right first."""
    masks, faults = read_masks(file)
    if faults:
        raise faults[0]
    return masks


def read_masks(file: Path) -> tuple[tuple[Mask, ...], list[SettingsError]]:
    """The masks of a file that are sound, in its order, and everything that is wrong in it."""
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        return (), [SettingsError("{file} cannot be read: {detail}.", file=file, detail=error.strerror)]
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        return (), [SettingsError("{file} is not valid TOML: {detail}.", file=file, detail=error)]
    entries = content.pop("mask", [])
    if content or not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        return (), [SettingsError("{file} may hold nothing but [[mask]] tables.", file=file)]
    masks: list[Mask] = []
    faults: list[SettingsError] = []
    for number, entry in enumerate(entries, start=1):
        wrong = list(_faults(entry, {"file": file, "number": number}))
        if not wrong:
            mask = _mask(entry)
            wrong = _hidden(mask, masks, {"file": file, "number": number})
            masks.append(mask)
        faults += wrong
    return tuple(masks), faults


Place = dict[str, Any]
"""The file, and the number of the mask in it: for the sentences about it."""


def _faults(entry: dict[str, Any], place: Place) -> Iterator[SettingsError]:
    """What is wrong in one table."""
    for key in entry:
        if key not in _KEYS:
            known = ", ".join(_KEYS)
            yield SettingsError(
                "{file}: mask {number}: {key} is no key of a mask. It takes: {known}.", **place, key=key, known=known
            )
        elif key in _TEXTS and not isinstance(entry[key], str):
            yield SettingsError("{file}: mask {number}: {key} must be a text in quotes.", **place, key=key)
        elif key in _NUMBERS and not _is_count(entry[key]):
            yield SettingsError("{file}: mask {number}: {key} must be a whole number, 0 or more.", **place, key=key)
    name = entry.get("class", "")
    if isinstance(name, str) and name and name not in CLASS_NAMES and not is_valid_uid(name):
        known = " ".join(CLASS_NAMES)
        yield SettingsError(
            "{file}: mask {number}: {name} is no class. Write one of {known}, or a SOP Class UID.",
            **place,
            name=repr(name),
            known=known,
        )
    regions = entry.get("regions")
    if not isinstance(regions, list):
        yield SettingsError(
            "{file}: mask {number} lacks its regions. Write: regions = [[x, y, width, height]]", **place
        )
        return
    for region in regions:
        yield from _region_faults(region, entry, place)


def _region_faults(region: Any, entry: dict[str, Any], place: Place) -> Iterator[SettingsError]:
    if not (isinstance(region, list) and len(region) == 4 and all(map(_is_count, region))):
        yield SettingsError(
            "{file}: mask {number}: the region {region} is not four whole numbers, 0 or more: x, y, width, height.",
            **place,
            region=region,
        )
        return
    x, y, width, height = region
    if not width or not height:
        yield SettingsError(
            "{file}: mask {number}: the region {region} has no size, and blanks nothing.", **place, region=region
        )
    for key, start in (("columns", x), ("rows", y)):
        limit = entry.get(key, 0)
        if _is_count(limit) and 0 < limit <= start:
            yield SettingsError(
                "{file}: mask {number}: the region {region} lies outside of an image with {limit} {key}.",
                **place,
                region=region,
                limit=limit,
                key=key,
            )


def _hidden(mask: Mask, before: list[Mask], place: Place) -> list[SettingsError]:
    """A mask that an earlier one hides: the first that fits counts."""
    for number, other in enumerate(before, start=1):
        if all(
            getattr(other, name) in (getattr(mask, name), type(getattr(mask, name))())
            for name in ("manufacturer", "model", "sop_classes", "rows", "columns")
        ):
            return [
                SettingsError(
                    "{file}: mask {number} never counts: mask {other} before it fits all the same images.",
                    **place,
                    other=number,
                )
            ]
    return []


def _mask(entry: dict[str, Any]) -> Mask:
    return Mask(
        regions=tuple(Region(*region) for region in entry["regions"]),
        manufacturer=entry.get("manufacturer", ""),
        model=entry.get("model", ""),
        sop_classes=_classes(entry.get("class", "")),
        rows=entry.get("rows", 0),
        columns=entry.get("columns", 0),
    )


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 0


def _classes(name: str) -> frozenset[str]:
    return frozenset(CLASS_NAMES.get(name, (name,) if name else ()))
