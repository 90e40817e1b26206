"""Stored values to modality units, such as Hounsfield (PS3.3 C.11.1)."""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from netty.image.lookup_table import LookupTable
from netty.image.pixel_data import Array


@dataclass(frozen=True, slots=True)
class Rescale:
    """Units = slope * stored + intercept (PS3.3 C.11.1.1.2). The slope may be negative, but not 0."""

    slope: float
    intercept: float
    units: str = ""

    @property
    def is_identity(self) -> bool:
        """Whether it changes nothing."""
        return self.slope == 1 and self.intercept == 0

    def as_recipe(self) -> dict[str, Any]:
        """Its numbers."""
        return {"kind": "rescale", "slope": self.slope, "intercept": self.intercept, "units": self.units}


Modality: TypeAlias = Rescale | LookupTable | None


def apply_modality(stored: Array, modality: Modality) -> Array:
    """The values in modality units, as floating point numbers of their own."""
    match modality:
        case Rescale(slope, intercept):
            values = stored.astype(np.float64)
            if slope != 1:
                values *= slope
            if intercept:
                values += intercept
            return values
        case LookupTable():
            return modality.lookup(stored).astype(np.float64)
        case None:
            return stored.astype(np.float64)


def modality_limits(low: int, high: int, modality: Modality) -> tuple[float, float]:
    """The range of modality units that stored values from `low` to `high` can reach."""
    match modality:
        case Rescale(slope, intercept):
            ends = (slope * low + intercept, slope * high + intercept)
            return min(ends), max(ends)
        case LookupTable():
            return 0.0, float(modality.maximum)
        case None:
            return float(low), float(high)
