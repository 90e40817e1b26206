"""What a codestream says about itself, read before memory is taken for what it holds."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from netty.image.errors import CannotRender

_BEGINNING: Final = 1 << 20  # the frame header stands behind tables and application segments, hardly further
_J2K: Final = b"\xff\x4f\xff\x51"  # SOC and SIZ (ISO/IEC 15444-1 A.4.1, A.5.1)
_STANDALONE: Final = frozenset({0x01, *range(0xD0, 0xD8)})  # markers without a segment: TEM, RST
_NO_FRAME: Final = frozenset({0xC4, 0xC8, 0xCC})  # DHT, JPG, DAC: among SOF0 to SOF15, but none
_RGB_NAMES: Final = (b"RGB", b"rgb")

SOF0, SOF3, SOF55 = 0xC0, 0xC3, 0xF7
SOI, EOI, SOS = 0xD8, 0xD9, 0xDA


@dataclass(frozen=True, slots=True)
class Codestream:
    """Its size and samples; `process` is the JPEG marker of the frame (SOF0 ...), 0 for JPEG 2000."""

    rows: int
    columns: int
    components: int
    bits: int
    process: int = 0
    signed: bool = False
    is_rgb: bool | None = None
    """JPEG: whether three components are red, green and blue; None where the codestream does not say."""
    has_transform: bool = False
    """JPEG 2000: whether decoding undoes a multiple component transform, and so gives RGB."""


def jpeg_header(data: bytes) -> Codestream:
    """The frame header of JPEG or JPEG-LS (ISO/IEC 10918-1 B.2.2, 14495-1 C.2.2) and what says its colours."""
    jfif, adobe = False, None
    for marker, body in jpeg_segments(data[:_BEGINNING]):
        if marker == 0xE0 and body[:5] == b"JFIF\0":
            jfif = True
        elif marker == 0xEE and body[:5] == b"Adobe" and len(body) >= 12:
            adobe = body[11]
        elif (0xC0 <= marker <= 0xCF and marker not in _NO_FRAME) or marker == SOF55:
            if len(body) < 6 or len(body) < 6 + 3 * body[5]:
                break
            bits, rows, columns, components = struct.unpack_from(">BHHB", body)
            names = body[6 : 6 + 3 * components : 3]
            return Codestream(rows, columns, components, bits, marker, is_rgb=_is_rgb(adobe, names, jfif))
    raise CannotRender("A frame is not compressed as the transfer syntax says: it has no JPEG header.")


def _is_rgb(adobe: int | None, names: bytes, jfif: bool) -> bool | None:
    """Adobe's segment says it, or the components' names do; JFIF has no RGB."""
    if adobe is not None:
        return adobe == 0
    if names in _RGB_NAMES:
        return True
    return False if jfif else None


def jpeg_segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Marker and body of the segments from SOI to the first SOS, which is the last that comes."""
    if data[:2] != b"\xff\xd8":
        return
    position = 2
    while position + 4 <= len(data) and data[position] == 0xFF:
        marker = data[position + 1]
        if marker == 0xFF or marker in _STANDALONE:  # fill bytes may precede a marker
            position += 1 if marker == 0xFF else 2
            continue
        (length,) = struct.unpack_from(">H", data, position + 2)
        yield marker, data[position + 4 : position + 2 + length]
        if marker in (SOS, EOI):
            return
        position += 2 + max(2, length)


def jpeg2000_codestream(data: bytes) -> bytes:
    """The codestream, without the JP2 file about it that should not be there (PS3.5 A.4.4)."""
    start = data.find(_J2K, 0, _BEGINNING)
    if start < 0:
        raise CannotRender("A frame is not compressed as the transfer syntax says: it has no JPEG 2000 header.")
    return data[start:] if start else data


def jpeg2000_header(data: bytes) -> Codestream:
    """The SIZ and COD segments (ISO/IEC 15444-1 A.5.1, A.6.1) of a codestream."""
    try:
        x1, y1, x0, y0 = struct.unpack_from(">4L", data, 8)
        (components,) = struct.unpack_from(">H", data, 40)
        depths = {data[42 + 3 * index] for index in range(components)}
        steps = {data[43 + 3 * index : 45 + 3 * index] for index in range(components)}
    except (struct.error, IndexError) as error:
        raise CannotRender("A frame is cut off in its JPEG 2000 header.") from error
    if len(depths) != 1 or steps != {b"\1\1"}:
        raise CannotRender("A frame of JPEG 2000 has components that differ in size or depth.")
    (depth,) = depths
    return Codestream(
        rows=y1 - y0,
        columns=x1 - x0,
        components=components,
        bits=(depth & 0x7F) + 1,
        signed=bool(depth & 0x80),
        has_transform=_has_transform(data),
    )


def _has_transform(data: bytes) -> bool:
    position = 2
    while position + 9 <= len(data) and data[position] == 0xFF and data[position + 1] not in (0x90, 0x93):  # SOT, SOD
        if data[position + 1] == 0x52:  # COD: Scod, progression order, layers (2), multiple component transform
            return data[position + 8] != 0
        position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")
    return False
