"""One range of values for a series, where its images name no window (CT, MR, PET).

An image alone is shown from its own smallest to its own largest value: `ValueRange(..., "min-max")` in its recipe.
The slices of a series would then differ in brightness. Whoever holds the recipes of a series asks `series_range`, and
renders those images again whose recipe is not of that range, handing it to the render job as ``"range": [low, high]``.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

MIN_MAX: Final = "min-max"
SERIES: Final = "series"


def series_range(recipes: Iterable[Mapping[str, Any]]) -> tuple[float, float] | None:
    """The smallest and largest value that the recipes of a series name; None where all of them have windows."""
    ranges = [voi for voi in map(_voi, recipes) if voi.get("kind") == "range" and voi["source"] in (MIN_MAX, SERIES)]
    if not ranges:
        return None
    return min(voi["low"] for voi in ranges), max(voi["high"] for voi in ranges)


def is_of_range(recipe: Mapping[str, Any], low: float, high: float) -> bool:
    """Whether a rendition needs no other range: it has this one, or a window of its own."""
    voi = _voi(recipe)
    return voi.get("source") not in (MIN_MAX, SERIES) or (voi["low"], voi["high"]) == (low, high)


def is_shared(recipe: Mapping[str, Any]) -> bool:
    """Whether a rendition was made with the range of its series."""
    return bool(_voi(recipe).get("source") == SERIES)


def _voi(recipe: Mapping[str, Any]) -> Mapping[str, Any]:
    voi: Mapping[str, Any] = (recipe.get("grayscale") or {}).get("voi") or {}
    return voi
