"""How long each frame of a multi-frame image is shown, from its Cine and Multi-frame Modules."""

from collections.abc import Callable
from typing import Final

from pydicom.dataset import Dataset

from netty.dicom.dataset import decimals, integers

FRAME_INCREMENT_POINTER: Final = 0x00280009
FRAME_TIME: Final = 0x00181063
FRAME_TIME_VECTOR: Final = 0x00181065
RECOMMENDED_DISPLAY_FRAME_RATE: Final = 0x00082144
CINE_RATE: Final = 0x00180040

_OTHERWISE: Final = 100.0  # milliseconds
_SHORTEST, _LONGEST = 10, 10_000  # what viewers show as told, and what somebody waits for


def frame_times(dataset: Dataset, frames: int) -> tuple[int, ...]:
    """Milliseconds for each frame (PS3.3 C.7.6.5.1.1, C.7.6.5.1.2): what the pointer names, else what else is there."""
    words = integers(dataset, FRAME_INCREMENT_POINTER)
    pointed = {group << 16 | element for group, element in zip(words[::2], words[1::2], strict=False)}
    for tag in sorted(_READERS, key=lambda tag: tag not in pointed):
        times = _READERS[tag](dataset, frames)
        if times:
            return tuple(min(_LONGEST, max(_SHORTEST, round(time))) for time in times)
    return (round(_OTHERWISE),) * frames


def _time(dataset: Dataset, frames: int) -> list[float]:
    return [time for time in decimals(dataset, FRAME_TIME)[:1] if time > 0] * frames


def _vector(dataset: Dataset, frames: int) -> list[float]:
    """The increments between frames, the first of which is 0; the last frame stays as long as the others on average."""
    increments = list(decimals(dataset, FRAME_TIME_VECTOR))[1:frames]
    if not increments or len(increments) != frames - 1 or min(increments) < 0 or not any(increments):
        return []
    return [*increments, sum(increments) / len(increments)]


def _rate(tag: int) -> Callable[[Dataset, int], list[float]]:
    def read(dataset: Dataset, frames: int) -> list[float]:
        return [1000 / rate for rate in decimals(dataset, tag)[:1] if rate > 0] * frames

    return read


_READERS: Final[dict[int, Callable[[Dataset, int], list[float]]]] = {
    FRAME_TIME: _time,
    FRAME_TIME_VECTOR: _vector,
    RECOMMENDED_DISPLAY_FRAME_RATE: _rate(RECOMMENDED_DISPLAY_FRAME_RATE),
    CINE_RATE: _rate(CINE_RATE),
}
