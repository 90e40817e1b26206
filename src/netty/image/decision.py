"""What is done with a frame before any of its pixels is looked at: the same for all slices whose headers agree."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any, Self

from netty import __version__
from netty.image.encode_pass import changes_nothing
from netty.image.flags import Flag
from netty.image.frame_plan import frame_plan
from netty.image.grayscale import GrayscalePlan, stated_voi
from netty.image.recipe import Recipe, window_text
from netty.image.renderable import RenderableImage
from netty.image.rendition import RenditionKind
from netty.image.settings import RenderSettings, RenditionFormat
from netty.image.softcopy import PresentationState
from netty.image.voi import Window


@dataclass(frozen=True, slots=True)
class Stated:
    """A recipe, and what it says as `text`: numbers and words, which whoever has them leaves as they are."""

    recipe: Recipe
    text: Mapping[str, Any]
    window: str

    @classmethod
    def of(cls, recipe: Recipe) -> Self:
        """The recipe, in words."""
        grayscale = recipe.plan.grayscale
        return cls(recipe, recipe.as_dict(), window_text(grayscale.voi if grayscale else None))


@dataclass(frozen=True)
class Decision:
    """How the picture of a frame is made, and what there is to remark so far."""

    picture: Stated
    flags: tuple[Flag, ...]

    @cached_property
    def thumbnail(self) -> Stated:
        """How the thumbnail is made of the same picture."""
        return Stated.of(replace(self.picture.recipe, kind=RenditionKind.THUMBNAIL))


def decision(
    image: RenderableImage,
    frame: int,
    grayscale: GrayscalePlan | None,
    settings: RenderSettings,
    state: PresentationState | None = None,
) -> Decision:
    """What is done with frame `frame` (from 1) of an image, seen by itself or through a presentation state."""
    if state is None:
        return _shared(image, frame, grayscale, settings)
    return _made(image, frame, grayscale, settings, state)


@lru_cache(maxsize=64)
def decision_by_header(
    image: RenderableImage, frame: int, settings: RenderSettings, window: Window | None
) -> Decision | None:
    """What is done with a frame of an image seen by itself; None where the values of its pixels decide about that."""
    if not image.pixels.photometric_interpretation.is_monochrome:
        return decision(image, frame, None, settings)
    transforms = image.transforms_of(frame - 1)
    voi = stated_voi(image.pixels, transforms, window)
    if voi is None or image.subtraction_of(frame):
        return None
    return decision(image, frame, GrayscalePlan(transforms.modality, voi, image.inverted, image.padding), settings)


@lru_cache(maxsize=64)
def _shared(image: RenderableImage, frame: int, grayscale: GrayscalePlan | None, settings: RenderSettings) -> Decision:
    return _made(image, frame, grayscale, settings, None)


def _made(
    image: RenderableImage,
    frame: int,
    grayscale: GrayscalePlan | None,
    settings: RenderSettings,
    state: PresentationState | None,
) -> Decision:
    plan, remarks = frame_plan(image, frame, grayscale, state)
    if settings.png_bits == 16 and plan.grayscale and settings.format is RenditionFormat.PNG:
        plan = replace(plan, grey_bits=16)
    views = (state.transforms if state else image.transforms_of(frame - 1)).views
    recipe = Recipe(__version__, plan, settings, state, views, changes_nothing(plan, settings))
    return Decision(Stated.of(recipe), (*image.flags, *remarks))
