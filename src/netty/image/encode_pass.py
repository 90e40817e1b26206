"""A received JPEG as the rendition itself: nothing is lost a second time (PS3.3 C.7.6.1.1.5).

Only where every step of the plan would leave the picture as it is, and only the picture: application and comment
segments may say who the patient is.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np

from netty.image.decode import JPEG_BASELINE, Compression, holds_rgb
from netty.image.decode_headers import EOI, SOF0, SOI, SOS, jpeg_header
from netty.image.errors import CannotRender
from netty.image.frame_plan import FramePlan, unchanged
from netty.image.grayscale import GrayscalePlan, grey_levels
from netty.image.pixel_data import PixelDescription, possible_values
from netty.image.settings import RenderSettings, RenditionFormat

# Our own: "a picture of YCbCr or greys, square pixels".
_JFIF: Final = b"\xff\xe0\x00\x10JFIF\0\x01\x01\x00\x00\x01\x00\x01\x00\x00"
_REMARKS: Final = frozenset({*range(0xE0, 0xF0), 0xFE})  # APPn, COM
_KEPT: Final = frozenset({SOF0, 0xC4, 0xDB, 0xDD, SOS})  # the frame, DHT, DQT, DRI, the scan


def changes_nothing(plan: FramePlan, settings: RenderSettings) -> bool:
    """Whether a baseline JPEG would come out of this plan as it went in, were it not decoded and encoded again."""
    if settings.format is not RenditionFormat.JPEG or plan.compression is None:
        return False
    if plan.compression.transfer_syntax != JPEG_BASELINE or plan.palette or plan.icc_profile:
        return False
    if plan.subtraction or plan.overlays or plan.shutter or plan.annotations or plan.spatial != unchanged(plan.pixels):
        return False
    return plan.grayscale is None or _is_identity(plan.grayscale, plan.pixels)


def _is_identity(grayscale: GrayscalePlan, pixels: PixelDescription) -> bool:
    if pixels.bits_allocated != 8 or pixels.bits_stored != 8 or pixels.signed:
        return False
    return bool(np.array_equal(grey_levels(possible_values(pixels), grayscale), np.arange(256)))


def without_remarks(jpeg: bytes, compression: Compression) -> bytes | None:
    """The frame's file with nothing but the picture in it; None where viewers might not see it as we decode it."""
    try:
        header = jpeg_header(jpeg)
    except CannotRender:
        return None
    if header.process != SOF0 or header.bits != 8 or header.components not in (1, 3):
        return None
    if header.components == 3 and holds_rgb(header, compression):
        return None  # without Adobe's segment it would be taken for YCbCr
    try:
        return b"".join([bytes([0xFF, SOI]), _JFIF, *_kept(jpeg), bytes([0xFF, EOI])])
    except ValueError:
        return None


def _kept(jpeg: bytes) -> Iterator[bytes]:
    """The segments and scans that make the picture, up to EOI. ValueError where there is anything else."""
    position = 2
    while True:
        if position + 2 > len(jpeg) or jpeg[position] != 0xFF:
            raise ValueError("no marker")
        marker = jpeg[position + 1]
        if marker == 0xFF:
            position += 1
            continue
        if marker == EOI:
            return
        if marker not in _KEPT and marker not in _REMARKS:
            raise ValueError("a marker that a baseline JPEG does not have")
        end = position + 2 + int.from_bytes(jpeg[position + 2 : position + 4], "big")
        if marker == SOS:
            end = _scan_end(jpeg, end)
        if marker in _KEPT:
            yield jpeg[position:end]
        position = end


def _scan_end(jpeg: bytes, position: int) -> int:
    """The next marker behind entropy-coded data, in which 0xFF is followed by 0 or is a restart marker (B.1.1.5)."""
    while True:
        position = jpeg.index(b"\xff", position)
        following = jpeg[position + 1 : position + 2]
        if following != b"\0" and not b"\xd0" <= following <= b"\xd7":
            return position
        position += 2
