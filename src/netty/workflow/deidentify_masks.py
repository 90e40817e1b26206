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
from pathlib import Path
from typing import Any, Final

from netty.dicom.deidentify_pixels import Region
from netty.dicom.uids import is_valid_uid
from netty.errors import SettingsError
from netty.model.deidentification_burned_in import CLASS_NAMES, Mask

_TEXTS: Final = ("manufacturer", "model", "class")
_NUMBERS: Final = ("rows", "columns")
_KEYS: Final = frozenset({*_TEXTS, *_NUMBERS, "regions"})


def load_masks(file: Path) -> tuple[Mask, ...]:
    """The masks of a file, in its order. Raises SettingsError, which says what to put right."""
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise SettingsError("{file} cannot be read: {detail}.", file=file, detail=error.strerror) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError("{file} is not valid TOML: {detail}.", file=file, detail=error) from error
    entries = content.pop("mask", [])
    if content or not isinstance(entries, list):
        raise SettingsError("{file} may hold nothing but [[mask]] tables.", file=file)
    return tuple(_mask(entry, number, file) for number, entry in enumerate(entries, start=1))


def _mask(entry: Any, number: int, file: Path) -> Mask:
    if not isinstance(entry, dict) or not _is_sound(entry):
        raise SettingsError(
            "{file}: mask {number} is wrong. It takes manufacturer, model and class (texts), rows and columns "
            "(numbers), and needs regions = [[x, y, width, height]].",
            file=file,
            number=number,
        )
    return Mask(
        regions=tuple(Region(*region) for region in entry["regions"]),
        manufacturer=entry.get("manufacturer", ""),
        model=entry.get("model", ""),
        sop_classes=_classes(entry.get("class", "")),
        rows=entry.get("rows", 0),
        columns=entry.get("columns", 0),
    )


def _is_sound(entry: dict[str, Any]) -> bool:
    regions, name = entry.get("regions"), entry.get("class", "")
    return (
        not entry.keys() - _KEYS
        and all(isinstance(entry.get(key, ""), str) for key in _TEXTS)
        and all(_is_count(entry.get(key, 0)) for key in _NUMBERS)
        and isinstance(regions, list)
        and all(isinstance(one, list) and len(one) == 4 and all(map(_is_count, one)) for one in regions)
        and (not name or name in CLASS_NAMES or is_valid_uid(name))
    )


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 0


def _classes(name: str) -> frozenset[str]:
    return frozenset(CLASS_NAMES.get(name, (name,) if name else ()))
