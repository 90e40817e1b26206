"""Stored values to greys of 8 (or 16) bits: modality, VOI and presentation in one step (PS3.4 N.2)."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Final, TypeAlias

import numpy as np

from netty.image.lookup_table import LookupTable
from netty.image.modality import Modality, Rescale, apply_modality, modality_limits
from netty.image.padding import Padding, is_padding
from netty.image.pixel_data import (
    Array,
    PhotometricInterpretation,
    PixelDescription,
    apply_table_into,
    possible_values,
    stored_values,
    table_over_cells,
    value_limits,
)
from netty.image.ramp import ramp_of
from netty.image.voi import ValueRange, Voi, Window, apply_voi

_COMPUTED: Final = 1 << 18  # pixels computed at once, so that what lies between stays small
_Painter: TypeAlias = Callable[
    [Array, Array], None
]  # writes to its first argument the greys of the cells of its second
BACKGROUND = 0  # padding is shown black, in MONOCHROME1 too: it is no part of the image


@dataclass(frozen=True, slots=True)
class GrayscaleTransforms:
    """What an image says about its grayscale pipeline; windows and LUTs are alternatives, the first is the default."""

    modality: Modality = None
    windows: tuple[Window, ...] = ()
    voi_luts: tuple[LookupTable, ...] = ()

    @property
    def views(self) -> tuple[Voi, ...]:
        """All of them, the default first (PS3.3 C.11.2.1.2.2: which one is shown is for whoever looks)."""
        return (*self.windows, *self.voi_luts)


@dataclass(frozen=True, slots=True)
class GrayscalePlan:
    """Every number that decides about a grey; equal plans make equal tables."""

    modality: Modality
    voi: Voi
    inverted: bool
    padding: Padding | None
    presentation: LookupTable | None = None  # Presentation LUT (C.11.4)

    def as_recipe(self) -> dict[str, Any]:
        """Its numbers."""
        return {
            "modality": self.modality.as_recipe() if self.modality else None,
            "voi": self.voi.as_recipe(),
            "presentation": self.presentation.as_recipe() if self.presentation else None,
            "inverted": self.inverted,
            "padding": self.padding.as_recipe() if self.padding else None,
        }


def stated_voi(
    description: PixelDescription, transforms: GrayscaleTransforms, window: Window | None = None
) -> Voi | None:
    """The wished `window`, else the image's first window, else its first VOI LUT; None: the pixels must be looked at.

    Without any of these the VOI transform is the identity (PS3.3 C.11.2.1). That suits up to 8 bits; deeper images
    would be nearly black, and are spread from their smallest to their largest value.
    """
    if window is not None:
        return window
    if transforms.views:
        return transforms.views[0]
    modality = transforms.modality
    if description.bits_stored <= 8 and (modality is None or (isinstance(modality, Rescale) and modality.is_identity)):
        low, high = value_limits(description)
        return ValueRange(low, high, "bits")
    return None


def units_range(
    strips: Iterable[Array], description: PixelDescription, modality: Modality, padding: Padding | None
) -> tuple[float, float] | None:
    """The smallest and largest value of a frame in modality units; None if it holds nothing but padding."""
    found = [ends for cells in strips if (ends := _units_range(cells, description, modality, padding))]
    return (min(low for low, _ in found), max(high for _, high in found)) if found else None


def _units_range(
    cells: Array, description: PixelDescription, modality: Modality, padding: Padding | None
) -> tuple[float, float] | None:
    stored = stored_values(cells, description)
    if padding is not None:
        stored = stored[~is_padding(stored, padding)]
    if not stored.size:
        return None
    if isinstance(modality, LookupTable):
        units = modality.lookup(stored)
        return float(units.min()), float(units.max())
    return modality_limits(int(stored.min()), int(stored.max()), modality)


def grey_levels(stored: Array, plan: GrayscalePlan, bits: int = 8) -> Array:
    """The grey of each stored value in `bits` bits: modality, VOI, presentation, and padding over it all."""
    units = apply_modality(stored, plan.modality)
    white = (1 << bits) - 1
    if plan.presentation is None:
        levels = np.rint(apply_voi(units, plan.voi, white)).astype(grey_type(bits))
    else:
        levels = presented(units, plan.voi, plan.presentation, bits)
    if plan.inverted:
        np.subtract(white, levels, out=levels)
    if plan.padding is not None:
        levels[is_padding(stored, plan.padding)] = BACKGROUND
    return levels


def _exact_levels(stored: Array, plan: GrayscalePlan) -> Array:
    """Those of 8 bits before they are rounded, without padding; of a plan without a Presentation LUT."""
    levels = apply_voi(apply_modality(stored, plan.modality), plan.voi)
    return 255 - levels if plan.inverted else levels


def grey_type(bits: int) -> np.dtype[Any]:
    """What holds a grey."""
    return np.dtype(f"u{bits // 8}")


def presented(units: Array, voi: Voi, table: LookupTable, bits: int = 8) -> Array:
    """The greys of a Presentation LUT: the whole range of the VOI transform runs over its entries (C.11.4)."""
    entries = table.entries
    index = np.rint(apply_voi(units, voi, entries.size - 1)).astype(np.intp)
    greys: Array = np.rint(entries * (((1 << bits) - 1) / table.maximum)).astype(grey_type(bits))
    return greys[index]


@lru_cache(maxsize=32)
def _painter(
    bits_allocated: int, bits_stored: int, high_bit: int, signed: bool, plan: GrayscalePlan, bits: int
) -> _Painter:
    """What writes the greys of cells, by the grey of every possible one. The slices of a series share it."""
    cell = PixelDescription(1, 1, PhotometricInterpretation.MONOCHROME2, bits_allocated, bits_stored, high_bit, signed)
    greys = grey_levels(possible_values(cell), plan, bits)
    if bits == 8 and plan.presentation is None:
        ascending = np.roll(greys, greys.size // 2) if signed else greys
        ramp = ramp_of(ascending, cell, lambda values: _exact_levels(values + value_limits(cell)[0], plan))
        if ramp is not None:
            return ramp.into
    return partial(apply_table_into, table_over_cells(greys, cell))


def grey_frame(strips: Iterable[Array], description: PixelDescription, plan: GrayscalePlan, bits: int = 8) -> Array:
    """One frame, whose cells come in strips of any size, as rows x columns of greys of `bits` bits."""
    greys, filled = np.empty(description.cells_per_frame, grey_type(bits)), 0
    paint: _Painter = partial(_compute_into, description, plan, bits)
    if description.has_table:
        cell = (description.bits_allocated, description.bits_stored, description.high_bit, description.signed)
        paint = _painter(*cell, plan, bits)
    for cells in strips:
        paint(greys[filled : filled + cells.size], cells)
        filled += cells.size
    return greys[:filled].reshape(description.rows, description.columns)


def _compute_into(description: PixelDescription, plan: GrayscalePlan, bits: int, greys: Array, cells: Array) -> None:
    """The greys of cells that have too many values for a table."""
    for start in range(0, cells.size, _COMPUTED):
        part = stored_values(cells[start : start + _COMPUTED], description)
        greys[start : start + _COMPUTED] = grey_levels(part, plan, bits)


def grey_difference(values: Array, description: PixelDescription, plan: GrayscalePlan, bits: int = 8) -> Array:
    """A subtracted frame as rows x columns of greys (PS3.4 N.2: masks come before the modality transform)."""
    greys = np.empty(values.size, grey_type(bits))
    for start in range(0, values.size, _COMPUTED):
        greys[start : start + _COMPUTED] = grey_levels(values[start : start + _COMPUTED], plan, bits)
    return greys.reshape(description.rows, description.columns)


def is_all_padding(strips: Iterable[Array], description: PixelDescription, padding: Padding | None) -> bool:
    """Whether a frame shows nothing at all."""
    return padding is not None and all(
        bool(is_padding(stored_values(cells, description), padding).all()) for cells in strips
    )
