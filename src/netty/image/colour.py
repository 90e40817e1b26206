"""Colour pixels to 8-bit RGB (PS3.3 C.7.6.3.1.2, C.7.6.3.1.3, C.7.6.3.1.5)."""

from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import numpy as np

from netty.image.lookup_table import LookupTable
from netty.image.pixel_data import (
    Array,
    PhotometricInterpretation,
    PixelDescription,
    apply_table,
    possible_values,
    table_over_cells,
)


@dataclass(frozen=True, slots=True)
class Palette:
    """The three tables of PALETTE COLOR."""

    red: LookupTable
    green: LookupTable
    blue: LookupTable

    def as_recipe(self) -> dict[str, Any]:
        """What makes the tables recognisable."""
        return {"red": self.red.as_recipe(), "green": self.green.as_recipe(), "blue": self.blue.as_recipe()}


def colour_frame(cells: Array, description: PixelDescription, palette: Palette | None) -> Array:
    """One frame as rows x columns x RGB of 8 bits."""
    match description.photometric_interpretation:
        case PhotometricInterpretation.PALETTE_COLOR if palette is not None:
            bits = (description.bits_allocated, description.bits_stored, description.high_bit, description.signed)
            return apply_table(_palette_table(*bits, palette), cells).reshape(description.rows, description.columns, 3)
        case PhotometricInterpretation.YBR_FULL_422:
            return ybr_to_rgb(upsampled(eight_bits(cells, description), description.rows, description.columns))
        case PhotometricInterpretation.YBR_FULL:
            return ybr_to_rgb(by_pixel(eight_bits(cells, description), description))
        case _:
            return by_pixel(eight_bits(cells, description), description)


def eight_bits(cells: Array, description: PixelDescription) -> Array:
    """The samples brought to 8 bits, full range to full range."""
    if description.bits_stored == description.bits_allocated == 8:
        return cells
    bits = (description.bits_allocated, description.bits_stored, description.high_bit)
    return apply_table(_scale_table(*bits), cells)


def by_pixel(samples: Array, description: PixelDescription) -> Array:
    """The samples with the three of a pixel together (Planar Configuration, C.7.6.3.1.3)."""
    if description.planar:
        return samples.reshape(3, description.rows, description.columns).transpose(1, 2, 0)
    return samples.reshape(description.rows, description.columns, 3)


def upsampled(samples: Array, rows: int, columns: int) -> Array:
    """YBR_FULL_422, stored Y1 Y2 Cb Cr, with the chrominance repeated for both pixels of a pair."""
    pairs = samples.reshape(rows, columns // 2, 4)
    pixels = np.empty((rows, columns // 2, 2, 3), np.uint8)
    pixels[..., 0] = pairs[..., :2]
    pixels[..., 1] = pairs[..., 2:3]
    pixels[..., 2] = pairs[..., 3:4]
    return pixels.reshape(rows, columns, 3)


def ybr_to_rgb(ybr: Array) -> Array:
    """The inverse of the matrix in C.7.6.3.1.2, in whole numbers of 1/65536."""
    red_of_cr, green_of_cb, green_of_cr, blue_of_cb = _chrominance_tables()
    rgb = np.empty(ybr.shape, np.uint8)
    strip = max(1, (1 << 18) // ybr.shape[1])
    for start in range(0, ybr.shape[0], strip):
        rows = slice(start, start + strip)
        luminance = (ybr[rows, :, 0].astype(np.int32) << 16) + 0x8000  # rounded, not cut
        blue_chroma, red_chroma = ybr[rows, :, 1], ybr[rows, :, 2]
        green = luminance + green_of_cb[blue_chroma] + green_of_cr[red_chroma]
        for channel, sums in enumerate((luminance + red_of_cr[red_chroma], green, luminance + blue_of_cb[blue_chroma])):
            np.clip(sums >> 16, 0, 255, out=rgb[rows, :, channel], casting="unsafe")
    return rgb


def palette_colours(stored: Array, palette: Palette) -> Array:
    """The RGB of each stored value; outside the tables their first and last entries (C.7.6.3.1.5)."""
    return np.stack([_channel(stored, table) for table in (palette.red, palette.green, palette.blue)], axis=-1)


def _channel(stored: Array, table: LookupTable) -> Array:
    # Entries of 16 bits carry 8 bits either as v * 256 or as v * 257: the high byte is right for both.
    return (table.lookup(stored) >> max(table.bits - 8, 0)).astype(np.uint8)


@lru_cache(maxsize=8)
def _palette_table(bits_allocated: int, bits_stored: int, high_bit: int, signed: bool, palette: Palette) -> Array:
    photometric = PhotometricInterpretation.PALETTE_COLOR
    cell = PixelDescription(1, 1, photometric, bits_allocated, bits_stored, high_bit, signed)
    return table_over_cells(palette_colours(possible_values(cell), palette), cell)


@lru_cache(maxsize=8)
def _scale_table(bits_allocated: int, bits_stored: int, high_bit: int) -> Array:
    cell = PixelDescription(1, 1, PhotometricInterpretation.RGB, bits_allocated, bits_stored, high_bit)
    greys = np.rint(possible_values(cell) * (255 / ((1 << bits_stored) - 1))).astype(np.uint8)
    return table_over_cells(greys, cell)


@cache
def _chrominance_tables() -> tuple[Array, Array, Array, Array]:
    chroma = np.arange(256) - 128
    factors = (1.402, -0.344136, -0.714136, 1.772)
    red_of_cr, green_of_cb, green_of_cr, blue_of_cb = (np.rint(chroma * f * 65536).astype(np.int32) for f in factors)
    return red_of_cr, green_of_cb, green_of_cr, blue_of_cb
