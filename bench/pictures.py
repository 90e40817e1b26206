"""Whether a picture shows what was sent: decoded, and compared with the image through its own window."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pydicom
import simplejpeg
from numpy.typing import NDArray

FAR_OFF: Final = 6.0  # greys of 255, the mean over a picture: so much may JPEG and roundings take away
_STEP: Final = 3  # every third row and column is enough to tell made images apart

Picture = NDArray[np.uint8]


def window_table(data_set: Any) -> Picture:
    """The grey of every stored value, through the first window (PS3.3 C.11.2.1.2.1)."""
    slope, intercept = float(data_set.get("RescaleSlope", 1)), float(data_set.get("RescaleIntercept", 0))
    center, width = float(data_set.WindowCenter), float(data_set.WindowWidth)
    values = np.arange(1 << data_set.BitsStored) * slope + intercept
    shown = np.clip((values - (center - 0.5)) / (width - 1) + 0.5, 0, 1) * 255
    return np.rint(255 - shown if data_set.PhotometricInterpretation == "MONOCHROME1" else shown).astype(np.uint8)


def expected(file: Path, frame: int = 1) -> Picture:
    """What the picture of a frame (from 1) is to show."""
    data_set = pydicom.dcmread(file)
    values = data_set.pixel_array
    values = values[frame - 1] if getattr(data_set, "NumberOfFrames", 1) > 1 else values
    return np.asarray(values if data_set.SamplesPerPixel == 3 else window_table(data_set)[values], np.uint8)


def shows(data: bytes, wanted: Picture) -> bool:
    """Whether a JPEG file shows it."""
    return _distance(_decoded(data, wanted), wanted) < FAR_OFF


def has_size(data: bytes, rows: int, columns: int) -> bool:
    """Whether a JPEG file is so large, by its own header."""
    return bool(simplejpeg.decode_jpeg_header(data)[:2] == (rows, columns))


def count_of_each(files: Iterable[Path], wanted: Sequence[Picture]) -> list[int]:
    """How many JPEG files show each of these pictures; what shows none of them is not counted."""
    counts = [0] * len(wanted)
    for file in files:
        data = file.read_bytes()
        distances = [_distance(_decoded(data, one), one) for one in wanted]
        if min(distances) < FAR_OFF:
            counts[distances.index(min(distances))] += 1
    return counts


def _decoded(data: bytes, wanted: Picture) -> Picture:
    decoded: Picture = simplejpeg.decode_jpeg(data, "RGB" if wanted.ndim == 3 else "GRAY")
    return decoded if wanted.ndim == 3 else decoded[:, :, 0]


def _distance(shown: Picture, wanted: Picture) -> float:
    """The mean over what is looked at; far off where the sizes differ."""
    if shown.shape != wanted.shape:
        return 255.0
    few = (slice(None, None, _STEP), slice(None, None, _STEP))
    return float(np.abs(shown[few].astype(np.int16) - wanted[few]).mean())
