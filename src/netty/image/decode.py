"""Frames of the compressed transfer syntaxes to cells, as native pixel data would store them (PS3.5 8.2, A.4).

Colours come out as RGB, the samples of a pixel together: what the codestream holds decides whether it is turned, once.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import imagecodecs
import numpy as np

from netty.image.colour import ybr_to_rgb
from netty.image.decode_headers import SOF3, SOF55, Codestream, jpeg2000_codestream, jpeg2000_header, jpeg_header
from netty.image.decode_rle import rle_cells
from netty.image.errors import CannotRender
from netty.image.pixel_data import Array, PixelDescription

JPEG_BASELINE: Final = "1.2.840.10008.1.2.4.50"
RLE_LOSSLESS: Final = "1.2.840.10008.1.2.5"

_JPEG_DCT: Final = frozenset({0xC0, 0xC1, 0xC2})  # SOF0 to SOF2: baseline, extended, progressive
_LARGE: Final = 1 << 28  # bytes of a frame: from here on, what a few bytes claim is not believed
_LARGEST_EXPANSION: Final = 10_000


@dataclass(frozen=True, slots=True)
class Decoding:
    """How a frame was decoded: for its recipe. `process` is the JPEG marker of its frame header, 0 elsewhere."""

    cells: Array
    complete: bool = True
    process: int = 0
    is_rgb: bool = True


@dataclass(frozen=True, slots=True)
class Compression:
    """What a data set says about its compressed pixel data."""

    transfer_syntax: str
    photometric_interpretation: str

    @property
    def name(self) -> str:
        """The transfer syntax as people call it."""
        return SYNTAXES[self.transfer_syntax].name

    def as_recipe(self) -> dict[str, str]:
        """What was decoded, and by whom."""
        return {
            "transfer_syntax": self.transfer_syntax,
            "photometric_interpretation": self.photometric_interpretation,
            "decoder": f"imagecodecs {imagecodecs.__version__}",
        }


def decode_frame(data: bytes, compression: Compression, pixels: PixelDescription) -> Decoding:
    """The cells of one frame. CannotRender, with the name of the syntax, where the frame is not what `pixels` says."""
    syntax = SYNTAXES[compression.transfer_syntax]
    try:
        return syntax.decode(data, compression, pixels)
    except CannotRender as error:
        raise CannotRender("{syntax}: {why}", syntax=syntax.name, why=error) from error
    except MemoryError:
        raise
    except Exception as error:  # each decoder has its own exceptions, and none that tells ours from theirs
        cause = str(error) or type(error).__name__
        raise CannotRender("{syntax}: a frame cannot be decoded: {cause}", syntax=syntax.name, cause=cause) from error


def begins_codestream(start: bytes) -> bool:
    """Whether a fragment that starts so is the first of a frame: SOI, SOC, or the signature of JP2."""
    return start[:3] == b"\xff\xd8\xff" or start[:4] == b"\xff\x4f\xff\x51" or start[4:8] == b"jP  "


def _jpeg(data: bytes, compression: Compression, pixels: PixelDescription) -> Decoding:
    header = jpeg_header(data)
    if header.process not in (*_JPEG_DCT, SOF3):
        raise CannotRender("the frame has the JPEG process {process}, which is not supported.", process=header.process)
    _check(header, data, pixels)
    if header.components == 1:
        return Decoding(_cells(imagecodecs.jpeg8_decode(data), header, compression, pixels), process=header.process)
    is_rgb = holds_rgb(header, compression)
    turns = header.process != SOF3 and header.bits == 8 and not is_rgb  # libjpeg turns no others
    values = imagecodecs.jpeg8_decode(data, colorspace="YCBCR" if turns else "RGB", outcolorspace="RGB")
    if not is_rgb and not turns:
        values = _turned(values)
    return Decoding(_cells(values, header, compression, pixels), process=header.process, is_rgb=is_rgb)


def holds_rgb(header: Codestream, compression: Compression) -> bool:
    """The codestream speaks first, as writers often leave the data set's photometric interpretation behind."""
    stated = compression.photometric_interpretation == "RGB"
    if header.is_rgb is None or header.process not in _JPEG_DCT:
        return stated
    return header.is_rgb


def _jpeg_ls(data: bytes, compression: Compression, pixels: PixelDescription) -> Decoding:
    header = jpeg_header(data)
    if header.process != SOF55:
        raise CannotRender("the frame is JPEG, but not JPEG-LS.")
    _check(header, data, pixels)
    values = imagecodecs.jpegls_decode(data)
    if values.ndim == 3 and values.shape[0] == header.components != values.shape[2]:
        values = values.transpose(1, 2, 0)  # interleave mode none gives planes
    if compression.photometric_interpretation.startswith("YBR"):
        values = _turned(values)
    return Decoding(_cells(values, header, compression, pixels), process=header.process)


def _jpeg2000(data: bytes, compression: Compression, pixels: PixelDescription) -> Decoding:
    return _wavelet(imagecodecs.jpeg2k_decode, data, compression, pixels)


def _htj2k(data: bytes, compression: Compression, pixels: PixelDescription) -> Decoding:
    return _wavelet(imagecodecs.htj2k_decode, data, compression, pixels)


def _wavelet(decode: Callable[..., Any], data: bytes, compression: Compression, pixels: PixelDescription) -> Decoding:
    data = jpeg2000_codestream(data)
    header = jpeg2000_header(data)
    _check(header, data, pixels)
    values = decode(data, planar=False)
    # YBR_RCT and YBR_ICT are transforms of the codestream, undone by its decoder; YBR_FULL is in the data set's hands.
    if compression.photometric_interpretation.startswith("YBR_FULL") and not header.has_transform:
        values = _turned(values)
    return Decoding(_cells(values, header, compression, pixels))


def _rle(data: bytes, compression: Compression, pixels: PixelDescription) -> Decoding:
    cells, complete = rle_cells(data, pixels)
    if compression.photometric_interpretation.startswith("YBR"):
        cells = _turned(cells.reshape(pixels.rows, pixels.columns, 3)).reshape(-1)
    return Decoding(cells, complete)


def _turned(values: Array) -> Array:
    if values.dtype != np.uint8:
        raise CannotRender("YBR with more than 8 bits is not supported.")
    return ybr_to_rgb(values)


def _check(header: Codestream, data: bytes, pixels: PixelDescription) -> None:
    """Before memory is taken: whether the codestream is as large as the data set says."""
    found = (header.columns, header.rows, header.components)
    if found != (pixels.columns, pixels.rows, pixels.samples):
        raise CannotRender(
            "the frame is {columns} x {rows} with {components} samples, the header says {expected}.",
            columns=header.columns,
            rows=header.rows,
            components=header.components,
            expected=f"{pixels.columns} x {pixels.rows} with {pixels.samples}",
        )
    if header.bits > pixels.bits_allocated:
        raise CannotRender(
            "the frame has samples of {bits} bits, the header allocates {allocated}.",
            bits=header.bits,
            allocated=pixels.bits_allocated,
        )
    if pixels.frame_size > _LARGE and len(data) * _LARGEST_EXPANSION < pixels.frame_size:
        raise CannotRender("a frame of {bytes} bytes is too small for its size.", bytes=len(data))


def _cells(values: Array, header: Codestream, compression: Compression, pixels: PixelDescription) -> Array:
    """Decoded values in the cells that native pixel data would have: in their place, and none beyond its bits."""
    stored, shift = pixels.bits_stored, pixels.high_bit + 1 - pixels.bits_stored
    if header.bits > stored:
        shift = 0  # the whole cell was compressed, with whatever stands beside the stored bits
        if pixels.high_bit + 1 == stored and not SYNTAXES[compression.transfer_syntax].lossless:
            values = _limited(values, header, pixels)
    cells = values.reshape(-1)
    unsigned = np.dtype(f"u{pixels.bits_allocated // 8}")
    if cells.dtype.itemsize != unsigned.itemsize:
        cells = cells.astype(np.dtype(f"{cells.dtype.kind}{unsigned.itemsize}"))
    cells = np.ascontiguousarray(cells).view(unsigned)
    return cells << shift if shift else cells


def _limited(values: Array, header: Codestream, pixels: PixelDescription) -> Array:
    """Lossy compression overshoots; beyond the stored bits that would come round at the other end."""
    if header.signed != pixels.signed:
        return values
    low = -(1 << (pixels.bits_stored - 1)) if pixels.signed else 0
    return np.clip(values, low, low + (1 << pixels.bits_stored) - 1)


@dataclass(frozen=True, slots=True)
class Syntax:
    """A compressed transfer syntax."""

    name: str
    decode: Callable[[bytes, Compression, PixelDescription], Decoding]
    lossless: bool = True


SYNTAXES: Final[Mapping[str, Syntax]] = {
    JPEG_BASELINE: Syntax("JPEG Baseline", _jpeg, lossless=False),
    "1.2.840.10008.1.2.4.51": Syntax("JPEG Extended", _jpeg, lossless=False),
    "1.2.840.10008.1.2.4.57": Syntax("JPEG Lossless", _jpeg),
    "1.2.840.10008.1.2.4.70": Syntax("JPEG Lossless SV1", _jpeg),
    "1.2.840.10008.1.2.4.80": Syntax("JPEG-LS Lossless", _jpeg_ls),
    "1.2.840.10008.1.2.4.81": Syntax("JPEG-LS Near-Lossless", _jpeg_ls, lossless=False),
    "1.2.840.10008.1.2.4.90": Syntax("JPEG 2000 Lossless", _jpeg2000),
    "1.2.840.10008.1.2.4.91": Syntax("JPEG 2000", _jpeg2000, lossless=False),
    "1.2.840.10008.1.2.4.201": Syntax("HTJ2K Lossless", _htj2k),
    "1.2.840.10008.1.2.4.202": Syntax("HTJ2K Lossless RPCL", _htj2k),
    "1.2.840.10008.1.2.4.203": Syntax("HTJ2K", _htj2k, lossless=False),
    RLE_LOSSLESS: Syntax("RLE Lossless", _rle),
}
