"""How a rendition was made: every resolved number, so that it can be explained and made again."""

import hashlib
from dataclasses import dataclass
from typing import Any

from netty.image.annotation import annotations_sha256
from netty.image.encode import encoder, subsampling
from netty.image.frame_plan import FramePlan
from netty.image.lookup_table import LookupTable
from netty.image.pixel_data import PixelDescription
from netty.image.rendition import RenditionKind
from netty.image.settings import RenderSettings, RenditionFormat
from netty.image.softcopy import PresentationState
from netty.image.thumbnail import QUALITY, SUBSAMPLING, thumbnail_encoder, thumbnail_size
from netty.image.voi import ValueRange, Voi, Window


@dataclass(frozen=True, slots=True)
class Recipe:
    """One frame's way from stored pixels to a file. `views` are the VOI transforms that the image offers."""

    netty: str
    plan: FramePlan
    settings: RenderSettings
    state: PresentationState | None = None
    views: tuple[Voi, ...] = ()
    passed_through: bool = False  # the received JPEG itself, without its remarks (see `encode_pass`)
    kind: RenditionKind = RenditionKind.PICTURE

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of what is made."""
        rows, columns = self.plan.spatial.size
        return thumbnail_size(rows, columns) if self.kind is RenditionKind.THUMBNAIL else (rows, columns)

    def as_dict(self) -> dict[str, Any]:
        """Plain numbers and texts, ready for JSON.

        What is long (tables, bitmaps, profiles) or may name a person (annotations) stands in the image or the
        presentation state; here it is known by its checksum.
        """
        return {"netty": self.netty, **plan_recipe(self.plan, self.state, self.views), "output": self._output()}

    def _output(self) -> dict[str, Any]:
        rows, columns = self.size
        stated = {"kind": self.kind.value, "rows": rows, "columns": columns, "bits": self.plan.grey_bits}
        settings, colour = self.settings, self.plan.grayscale is None
        if self.kind is RenditionKind.THUMBNAIL:
            return stated | {
                "format": RenditionFormat.JPEG.value,
                "quality": QUALITY,
                "subsampling": SUBSAMPLING if colour else None,
                "encoder": thumbnail_encoder(),
                "passed_through": False,
            }
        return stated | {
            "format": settings.format.value,
            "quality": settings.quality,
            "subsampling": None if self.passed_through else subsampling(settings, colour),
            "encoder": None if self.passed_through else encoder(settings.format),
            "passed_through": self.passed_through,
        }


def plan_recipe(plan: FramePlan, state: PresentationState | None, views: tuple[Voi, ...]) -> dict[str, Any]:
    """The part of a recipe that says what the picture is before it is encoded."""
    return {
        "frame": plan.frame,
        "pixels": pixels_recipe(plan.pixels),
        "compression": plan.compression.as_recipe() if plan.compression else None,
        "subtraction": plan.subtraction.as_recipe() if plan.subtraction else None,
        "grayscale": plan.grayscale.as_recipe() if plan.grayscale else None,
        "palette": plan.palette.as_recipe() if plan.palette else None,
        "overlays": [overlay.as_recipe() for overlay in plan.overlays],
        "shutter": plan.shutter.as_recipe() if plan.shutter else None,
        "spatial": plan.spatial.as_recipe(),
        "annotations": annotations_sha256(plan.annotations) if plan.annotations else None,
        "icc_profile": profile_sha256(plan.icc_profile) if plan.icc_profile else None,
        "presentation_state": ({"sop_instance_uid": state.sop_instance_uid, "label": state.label} if state else None),
        "views": [view.as_recipe() for view in views],
    }


def pixels_recipe(pixels: PixelDescription) -> dict[str, Any]:
    """The numbers that say how stored values are read."""
    return {
        "photometric_interpretation": pixels.photometric_interpretation.value,
        "rows": pixels.rows,
        "columns": pixels.columns,
        "bits_allocated": pixels.bits_allocated,
        "bits_stored": pixels.bits_stored,
        "high_bit": pixels.high_bit,
        "signed": pixels.signed,
        "planar": pixels.planar,
    }


def profile_sha256(profile: bytes) -> str:
    """What an ICC profile is known by."""
    return hashlib.sha256(profile).hexdigest()


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
