"""Codestreams of every compressed transfer syntax, made of 12-bit greys (8 bits for JPEG baseline)."""

import struct
from collections.abc import Callable
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

BASELINE, EXTENDED, LOSSLESS, SV1 = (f"1.2.840.10008.1.2.4.{number}" for number in (50, 51, 57, 70))
JPEG_LS, NEAR, J2K_LOSSLESS, J2K = (f"1.2.840.10008.1.2.4.{number}" for number in (80, 81, 90, 91))
HTJ2K, RPCL, HTJ2K_LOSSY = (f"1.2.840.10008.1.2.4.{number}" for number in (201, 202, 203))
RLE = "1.2.840.10008.1.2.5"


def rle(pixels: NDArray[Any]) -> bytes:
    """PS3.5 G: planes of bytes, the most significant first, as literal runs."""
    samples = pixels.reshape(*pixels.shape[:2], -1)
    planes = [
        samples[:, :, sample].astype(f">u{pixels.dtype.itemsize}").view(np.uint8).reshape(-1, pixels.dtype.itemsize)
        for sample in range(samples.shape[2])
    ]
    segments = []
    for plane in planes:
        for byte in range(plane.shape[1]):
            values = plane[:, byte].tobytes()
            parts = [values[start : start + 128] for start in range(0, len(values), 128)]
            segments.append(b"".join(bytes([len(part) - 1]) + part for part in parts))
    offsets, position = [], 64
    for segment in segments:
        offsets.append(position)
        position += len(segment)
    return struct.pack("<16L", len(segments), *offsets, *[0] * (15 - len(offsets))) + b"".join(segments)


Encoder = Callable[[NDArray[Any]], bytes]

LOSSLESS_ENCODERS: dict[str, Encoder] = {
    LOSSLESS: lambda made: imagecodecs.jpeg8_encode(made, lossless=True, predictor=4, bitspersample=12),
    SV1: lambda made: imagecodecs.jpeg8_encode(made, lossless=True, predictor=1, bitspersample=12),
    JPEG_LS: imagecodecs.jpegls_encode,
    J2K_LOSSLESS: lambda made: imagecodecs.jpeg2k_encode(made, codecformat="J2K", reversible=True, bitspersample=12),
    HTJ2K: lambda made: imagecodecs.htj2k_encode(made, reversible=True),
    RPCL: lambda made: imagecodecs.htj2k_encode(made, reversible=True),
    RLE: rle,
}
LOSSY_ENCODERS: dict[str, Encoder] = {
    BASELINE: lambda made: imagecodecs.jpeg8_encode(made, 95),
    EXTENDED: lambda made: imagecodecs.jpeg8_encode(made, 98, bitspersample=12),
    NEAR: lambda made: imagecodecs.jpegls_encode(made, 3),
    J2K: lambda made: imagecodecs.jpeg2k_encode(made, 60, codecformat="J2K", reversible=False, bitspersample=12),
    HTJ2K_LOSSY: lambda made: imagecodecs.htj2k_encode(made, 0.0005, reversible=False),
}
