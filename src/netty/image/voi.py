"""The values of interest, spread over the greys of the output (PS3.3 C.11.2)."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

import numpy as np

from netty.image.lookup_table import LookupTable
from netty.image.pixel_data import Array


class VoiLutFunction(StrEnum):
    """VOI LUT Function (0028,1056)."""

    LINEAR = "LINEAR"
    LINEAR_EXACT = "LINEAR_EXACT"
    SIGMOID = "SIGMOID"


@dataclass(frozen=True, slots=True)
class Window:
    """Window Center and Window Width, in modality units."""

    center: float
    width: float
    function: VoiLutFunction = VoiLutFunction.LINEAR
    explanation: str = ""

    @property
    def has_meaning(self) -> bool:
        """LINEAR needs a width of at least 1, the others one above 0 (PS3.3 C.11.2.1.2.1, C.11.2.1.3)."""
        return self.width >= 1 if self.function is VoiLutFunction.LINEAR else self.width > 0

    def as_recipe(self) -> dict[str, Any]:
        """Its numbers."""
        return {
            "kind": "window",
            "center": self.center,
            "width": self.width,
            "function": self.function.value,
            "explanation": self.explanation,
        }


@dataclass(frozen=True, slots=True)
class ValueRange:
    """`low` becomes the first, `high` the last grey: what is shown where the image names no window."""

    low: float
    high: float
    source: str  # "min-max", "bits"

    def as_recipe(self) -> dict[str, Any]:
        """Its numbers."""
        return {"kind": "range", "low": self.low, "high": self.high, "source": self.source}


Voi: TypeAlias = Window | LookupTable | ValueRange


def apply_voi(values: Array, voi: Voi, maximum: float = 255.0) -> Array:
    """Greys from 0 to `maximum`, not yet rounded. `values` may be overwritten."""
    match voi:
        case Window():
            return apply_window(values, voi, maximum)
        case LookupTable():
            return voi.lookup(values) * (maximum / voi.maximum)
        case ValueRange(low, high):
            return _ramp(values, low, high - low, maximum)


def apply_window(values: Array, window: Window, maximum: float = 255.0) -> Array:
    """Greys by the function of the window (PS3.3 C.11.2.1.2.1 LINEAR, C.11.2.1.3.1 SIGMOID, C.11.2.1.3.2 exact)."""
    center, width = window.center, window.width
    match window.function:
        case VoiLutFunction.LINEAR:
            return _ramp(values, center - 0.5 - (width - 1) / 2, width - 1, maximum)
        case VoiLutFunction.LINEAR_EXACT:
            return _ramp(values, center - width / 2, width, maximum)
        case VoiLutFunction.SIGMOID:
            exponent = np.clip((values - center) * (-4 / width), -700, 700)  # exp() overflows beyond
            return maximum / (1 + np.exp(exponent))


def _ramp(values: Array, start: float, length: float, maximum: float) -> Array:
    """0 up to and including `start`, `maximum` after `start + length`, straight between.

    A length of 0, which is LINEAR's width 1, is a threshold: C.11.2.1.2.1 gives 0 at `start` itself.
    """
    if length == 0:
        return np.where(values > start, maximum, 0.0)
    values -= start
    values /= length
    values *= maximum
    return np.clip(values, 0.0, maximum, out=values)
