"""Everything that is done to make one picture, resolved: the numbers of a recipe, and how they are carried out."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from netty.image.annotation import Annotations
from netty.image.colour import Palette
from netty.image.decode import Compression
from netty.image.drawing import FontOfSize, draw_annotations
from netty.image.flags import Flag
from netty.image.grayscale import GrayscalePlan, GrayscaleTransforms
from netty.image.modality import modality_limits
from netty.image.overlay import Cells, DrawnOverlay, draw_overlay
from netty.image.pixel_data import Array, PixelDescription, value_limits
from netty.image.renderable import RenderableImage
from netty.image.shutter import Shutter, apply_shutter
from netty.image.softcopy import PresentationState
from netty.image.spatial import Spatial, spatial, transformed, whole
from netty.image.subtraction import Subtraction, subtraction_of
from netty.image.voi import ValueRange, Voi

WHITE_16: Final = 0xFFFF


@dataclass(frozen=True, slots=True)
class FramePlan:
    """In this order (PS3.4 N.2): subtraction, grey scale or colour, overlays, shutter, spatial, annotations."""

    frame: int
    pixels: PixelDescription
    spatial: Spatial
    grayscale: GrayscalePlan | None = None
    palette: Palette | None = None
    subtraction: Subtraction | None = None
    overlays: tuple[DrawnOverlay, ...] = ()
    shutter: Shutter | None = None
    annotations: Annotations = ()
    icc_profile: bytes = b""
    compression: Compression | None = None
    grey_bits: int = 8  # of the picture; overlays and annotations are stated in 8


def frame_plan(
    image: RenderableImage, frame: int, grayscale: GrayscalePlan | None, state: PresentationState | None = None
) -> tuple[FramePlan, tuple[Flag, ...]]:
    """What is done with frame `frame` (from 1) of an image, seen by itself or through a presentation state."""
    everything = unchanged(image.pixels)
    made = spatial(everything.area, image.aspect)
    plan = FramePlan(
        frame=frame,
        pixels=image.pixels,
        spatial=made or everything,
        grayscale=grayscale,
        palette=image.palette,
        subtraction=image.subtraction_of(frame),
        overlays=tuple(DrawnOverlay(overlay) for overlay in image.overlays),
        shutter=image.shutter,
        icc_profile=image.icc_profile,
        compression=image.compression,
    )
    if state is not None:
        return _through(replace(plan, spatial=everything), image, state)
    return plan, () if made else (Flag.ASPECT_IGNORED,)


def _through(plan: FramePlan, image: RenderableImage, state: PresentationState) -> tuple[FramePlan, tuple[Flag, ...]]:
    """The plan with all that the state says; its grey scale is decided already."""
    pixels, flags = image.pixels, state.flags
    by_group = {overlay.group: overlay for overlay in image.overlays}
    drawn = ((each.own or by_group.get(each.group), each.grey) for each in state.overlays)
    plan = replace(
        plan,
        subtraction=subtraction_of(state.mask, plan.frame, pixels.frames) if state.mask else None,
        overlays=tuple(DrawnOverlay(overlay, grey) for overlay, grey in drawn if overlay),
        shutter=state.shutter,
        annotations=state.annotations,
    )
    if plan.grayscale is None:
        flags = (*flags, Flag.STATE_ON_COLOUR)
    area, everything = state.area or plan.spatial.area, plan.spatial.area
    turned = (state.rotation, state.flipped)
    made = spatial(area, state.aspect, state.magnification, *turned)
    if made is None:
        flags = (*flags, Flag.AREA_IGNORED)
        made = spatial(everything, state.aspect, 1.0, *turned) or spatial(everything, (1.0, 1.0), 1.0, *turned)
    made = made or plan.spatial
    if state.true_size:
        flags = (*flags, Flag.TRUE_SIZE)
        made = replace(made, millimetres=_millimetres(made, state))
    return replace(plan, spatial=made), flags


def _millimetres(made: Spatial, state: PresentationState) -> float | None:
    """The side of the picture's pixels, which are square, by the spacing of the image's (C.10.4, TRUE SIZE).

    A file has no size of its own: only who shows it on a display can keep to this.
    """
    return None if state.spacing is None else state.spacing[1] * made.area.columns / made.columns


def identity_voi(transforms: GrayscaleTransforms, pixels: PixelDescription, subtracted: bool) -> Voi:
    """What stands for an absent VOI transform in a presentation state: all values that there can be (PS3.4 N.2.1.3)."""
    low, high = value_limits(pixels)
    if subtracted:
        low, high = low - high, high - low
    return ValueRange(*modality_limits(low, high, transforms.modality), "bits")


def finished(picture: Array, cells: Cells, plan: FramePlan, font: FontOfSize) -> tuple[Array, tuple[Flag, ...]]:
    """The picture with everything drawn, cut, stretched and turned; `picture` itself is left as it is."""
    flags: tuple[Flag, ...] = ()
    if plan.overlays or plan.shutter:
        picture = np.array(picture)
    white = 1 if plan.grey_bits == 8 else WHITE_16 // 255
    for overlay in plan.overlays:
        if not draw_overlay(picture, replace(overlay, grey=overlay.grey * white), plan.frame, cells):
            flags = (Flag.OVERLAYS_NOT_DRAWN,)
    if plan.shutter is not None:
        apply_shutter(picture, replace(plan.shutter, grey=plan.shutter.grey * white))
    picture = transformed(picture, plan.spatial)
    if plan.annotations:
        picture = _annotated(picture, plan, font)
    return picture, flags


def _annotated(picture: Array, plan: FramePlan, font: FontOfSize) -> Array:
    """The picture with its annotations; those are drawn in 8 bits, and what they change is carried over."""
    if plan.grey_bits == 8:
        return draw_annotations(picture, plan.annotations, plan.spatial, font)
    small = (picture >> 8).astype(np.uint8)
    drawn = draw_annotations(small, plan.annotations, plan.spatial, font)
    return np.where(drawn != small, drawn * np.uint16(WHITE_16 // 255), picture)


def unchanged(pixels: PixelDescription) -> Spatial:
    """All of the image, as it is stored."""
    return Spatial(whole(pixels.rows, pixels.columns), pixels.rows, pixels.columns)
