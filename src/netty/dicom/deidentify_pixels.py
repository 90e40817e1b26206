"""Regions and bits of native pixel data blanked while it streams by (PS3.3 section C.7.6.3, PS3.5 section 8)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from netty.dicom.splice_policy import Pieces

_MONOCHROME_1: Final = "MONOCHROME1"
_YBR_422: Final = "YBR_FULL_422"
_COLOURS: Final = {"RGB": (0, 0, 0), "YBR_FULL": (0, 128, 128), _YBR_422: (0, 128, 128)}  # black
_GREYS: Final = frozenset({_MONOCHROME_1, "MONOCHROME2", "PALETTE COLOR"})


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle of pixels; the first column and row are 0."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class PixelLayout:
    """How the pixels of a frame lie in native pixel data."""

    rows: int
    columns: int
    samples: int = 1
    bits_allocated: int = 8
    bits_stored: int = 8
    high_bit: int = 7
    is_signed: bool = False
    by_plane: bool = False
    photometric_interpretation: str = "MONOCHROME2"

    @property
    def is_maskable(self) -> bool:
        """Whether regions can be blanked in it."""
        if self.rows <= 0 or self.columns <= 0 or not 1 <= self.bits_stored <= self.bits_allocated:
            return False
        if self.samples == 1:
            return self.bits_allocated in (8, 16, 32) and self.photometric_interpretation in _GREYS
        if self.samples != 3 or self.bits_allocated not in (8, 16) or self.photometric_interpretation not in _COLOURS:
            return False
        return not self.is_subsampled or (self.bits_allocated == 8 and not self.by_plane and self.columns % 2 == 0)

    @property
    def is_subsampled(self) -> bool:
        """Two pixels share their colour: Y Y Cb Cr (PS3.3 section C.7.6.3.1.2)."""
        return self.photometric_interpretation == _YBR_422

    @property
    def frame_size(self) -> int:
        """Bytes of one frame."""
        samples = 2 if self.is_subsampled else self.samples
        return self.rows * self.columns * samples * (self.bits_allocated // 8)

    def fills(self) -> tuple[bytes, ...]:
        """For each sample the bytes that are black."""
        size = self.bits_allocated // 8
        if self.samples == 1:
            black = 0
            if self.photometric_interpretation == _MONOCHROME_1:
                black = (1 << (self.bits_stored - self.is_signed)) - 1
            return (black.to_bytes(size, "little"),)
        scale = 1 << (self.bits_stored - 8) if self.bits_stored >= 8 else 1
        return tuple((part * scale).to_bytes(size, "little") for part in _COLOURS[self.photometric_interpretation])


@dataclass(frozen=True, slots=True)
class _Span:
    """Bytes of a frame that become a repeated pattern; it begins with the span."""

    start: int
    end: int
    pattern: bytes


def masked(layout: PixelLayout, regions: tuple[Region, ...]) -> Pieces:
    """Blank `regions` in every frame of a layout that `is_maskable`."""
    spans = _merged(sorted(_spans(layout, regions), key=lambda one: one.start))
    frame_size = layout.frame_size

    def pieces(data: Iterator[bytes]) -> Iterator[bytes]:
        position = 0
        for piece in data:
            yield _blanked(piece, position, spans, frame_size)
            position += len(piece)

    return pieces


def only_stored_bits(layout: PixelLayout) -> Pieces:
    """Clear the bits of each cell that hold no pixel: overlays may be embedded there (PS3.5 section 8.1.2, retired)."""
    size = max(1, layout.bits_allocated // 8)
    stored = (1 << layout.bits_stored) - 1 << max(0, layout.high_bit - layout.bits_stored + 1)
    cell = (stored & (1 << size * 8) - 1).to_bytes(size, "little")

    def pieces(data: Iterator[bytes]) -> Iterator[bytes]:
        position = 0
        for piece in data:
            phase = position % size
            mask = (cell * (len(piece) // size + 2))[phase : phase + len(piece)]
            yield (int.from_bytes(piece) & int.from_bytes(mask)).to_bytes(len(piece))
            position += len(piece)

    return pieces


def both(first: Pieces | None, second: Pieces | None) -> Pieces | None:
    """One after the other."""
    if first is None or second is None:
        return first or second
    inner, outer = first, second
    return lambda data: outer(inner(data))


def _spans(layout: PixelLayout, regions: tuple[Region, ...]) -> Iterator[_Span]:
    size = layout.bits_allocated // 8
    fills = layout.fills()
    if layout.is_subsampled:
        planes, step, pattern = 1, 2, fills[0] * 2 + fills[1] + fills[2]
    elif layout.by_plane or layout.samples == 1:
        planes, step, pattern = layout.samples, size, b""
    else:
        planes, step, pattern = 1, layout.samples * size, b"".join(fills)
    for region in regions:
        left, right = max(0, region.x), min(layout.columns, region.x + region.width)
        if layout.is_subsampled:
            left, right = left // 2 * 2, -(-right // 2) * 2
        for row in range(max(0, region.y), min(layout.rows, region.y + region.height)):
            for plane in range(planes if left < right else 0):
                start = ((plane * layout.rows + row) * layout.columns + left) * step
                yield _Span(start, start + (right - left) * step, pattern or fills[plane])


def _merged(spans: list[_Span]) -> list[_Span]:
    """Without overlaps, which would have to be gone back to."""
    merged: list[_Span] = []
    for span in spans:
        if merged and span.start <= merged[-1].end and span.pattern == merged[-1].pattern:
            last = merged.pop()
            span = _Span(last.start, max(last.end, span.end), span.pattern)
        merged.append(span)
    return merged


def _blanked(piece: bytes, position: int, spans: list[_Span], frame_size: int) -> bytes:
    """A piece that begins at `position` of the pixel data."""
    data = bytearray(piece)
    end = position + len(piece)
    for frame in range(position // frame_size, -(-end // frame_size)):
        base = frame * frame_size
        for span in spans:
            first, last = max(base + span.start, position), min(base + span.end, end)
            if first < last:
                phase = (first - base - span.start) % len(span.pattern)
                blank = (span.pattern * ((last - first) // len(span.pattern) + 2))[phase : phase + last - first]
                data[first - position : last - position] = blank
    return bytes(data)
