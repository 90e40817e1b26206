"""Windows that are written for stored values although the image has a rescale.

Philips MR images and PET images scaled to SUV come so. PS3.3 C.11.2 has the window behind the rescale; there, such a
window would make a picture of nothing but black or white.
"""

from netty.image.modality import Rescale, modality_limits
from netty.image.voi import Window

_HARDLY_ANY = 1 / 16  # of the window
_MOST = 1 / 2


def means_stored_values(window: Window, rescale: Rescale, low: int, high: int) -> bool:
    """Whether stored values from `low` to `high` fill the window, and rescaled ones hardly touch it."""
    rescaled = modality_limits(low, high, rescale)
    return _filled(window, *rescaled) < _HARDLY_ANY and _filled(window, low, high) >= _MOST


def _filled(window: Window, low: float, high: float) -> float:
    """How much of the window values from `low` to `high` can fill."""
    start, end = window.center - window.width / 2, window.center + window.width / 2
    return max(0.0, min(end, high) - max(start, low)) / window.width
