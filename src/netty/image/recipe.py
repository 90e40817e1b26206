"""How a rendition was made: every resolved number, so that it can be explained and made again."""

from dataclasses import dataclass
from typing import Any

from netty.image.colour import Palette
from netty.image.encode import subsampling
from netty.image.grayscale import GrayscalePlan
from netty.image.lookup_table import LookupTable
from netty.image.pixel_data import PixelDescription
from netty.image.settings import RenderSettings
from netty.image.voi import ValueRange, Voi, Window


@dataclass(frozen=True, slots=True)
class Recipe:
    """One frame's way from stored pixels to a file. Exactly one of `grayscale` and colour (None) applies."""

    netty: str
    frame: int
    pixels: PixelDescription
    grayscale: GrayscalePlan | None
    palette: Palette | None
    rows: int
    columns: int
    settings: RenderSettings

    def as_dict(self) -> dict[str, Any]:
        """Plain numbers and texts, ready for JSON."""
        pixels = self.pixels
        return {
            "netty": self.netty,
            "frame": self.frame,
            "pixels": {
                "photometric_interpretation": pixels.photometric_interpretation.value,
                "rows": pixels.rows,
                "columns": pixels.columns,
                "bits_allocated": pixels.bits_allocated,
                "bits_stored": pixels.bits_stored,
                "high_bit": pixels.high_bit,
                "signed": pixels.signed,
                "planar": pixels.planar,
            },
            "grayscale": self.grayscale.as_recipe() if self.grayscale else None,
            "palette": self.palette.as_recipe() if self.palette else None,
            "output": {
                "rows": self.rows,
                "columns": self.columns,
                "format": self.settings.format.value,
                "quality": self.settings.quality,
                "subsampling": subsampling(self.settings, self.grayscale is None),
            },
        }


def window_text(voi: Voi | None) -> str:
    """The VOI transform in one line, as a reader of images writes it; empty for colour."""
    match voi:
        case Window(center, width, function, explanation):
            kind = "" if function == "LINEAR" else f" {function}"
            return f"C {center:g} W {width:g}{kind}" + (f" ({explanation})" if explanation else "")
        case LookupTable(explanation=explanation):
            return f"VOI LUT {explanation}".rstrip()
        case ValueRange(low, high):
            return f"{low:g} .. {high:g}"
        case None:
            return ""
