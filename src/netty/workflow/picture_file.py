"""The pictures of an image in a file: each frame through its transforms, by itself or through a presentation state."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from netty.errors import NettyError, UsageError
from netty.image.annotation import text_of
from netty.image.colour import colour_frame
from netty.image.ct_windows import CT_WINDOWS, has_hounsfield_units
from netty.image.decision import Decision, Stated, decision, decision_by_header
from netty.image.encode import encode, encoded_size
from netty.image.encode_pass import without_remarks
from netty.image.errors import CannotRender
from netty.image.flags import Flag
from netty.image.frame_plan import FramePlan, finished, frame_plan, identity_voi
from netty.image.grayscale import (
    GrayscalePlan,
    GrayscaleTransforms,
    grey_difference,
    grey_frame,
    is_all_padding,
    stated_voi,
    units_range,
)
from netty.image.modality import modality_limits
from netty.image.pixel_data import Array, stored_values, value_limits
from netty.image.recipe import Recipe, plan_recipe
from netty.image.recipe_reading import read_plan, read_recipe
from netty.image.rendition import RenditionKind
from netty.image.self_check import Sample, content_flags, is_inverted_against
from netty.image.series_range import MIN_MAX, SERIES
from netty.image.settings import RenderSettings, RenditionFormat
from netty.image.softcopy import PresentationState
from netty.image.subtraction import Subtraction, difference
from netty.image.thumbnail import thumbnail
from netty.image.voi import ValueRange, Window
from netty.workflow.fonts import annotation_font, lacks_letters
from netty.workflow.image_file import ImageFile
from netty.workflow.presentation_states import StateFile
from netty.workflow.rendered import RenderedFile


@dataclass(frozen=True, slots=True)
class FramePicture:
    """One frame in 8 bits, before anything is drawn over it and before it is stretched or turned."""

    pixels: Array
    plan: GrayscalePlan | None
    flags: tuple[Flag, ...]


@dataclass(frozen=True, slots=True)
class DrawnFrame:
    """One frame as it is seen, before it is encoded, and everything that was done to make it."""

    pixels: Array
    plan: FramePlan
    flags: tuple[Flag, ...]


class PictureFile:
    """An image in a file, open for rendering. Holds one frame at a time."""

    def __init__(
        self,
        path: Path | str,
        offset: int,
        transfer_syntax: str,
        length: int | None = None,
        *,
        state: StateFile | None = None,
        value_range: tuple[float, float] | None = None,
    ) -> None:
        """The data set of `length` bytes (None: to the end of the file) at `offset` of the file.

        It is seen through `state` where one is given. `value_range` is that of the image's series, in modality units:
        what to show where there is no window (see `image.series_range`).
        """
        self.file = ImageFile(path, offset, transfer_syntax, length)
        self.image = self.file.image
        self._limits: dict[bool, tuple[float, float]] = {}
        self._state, self._value_range = state, value_range
        try:
            self.frames = self._frames()
        except NettyError:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Closes the file."""
        self.file.close()

    def _frames(self) -> tuple[int, ...]:
        """Those that the presentation state is for; all, where there is none."""
        if self._state is None:
            return tuple(range(1, self.image.pixels.frames + 1))
        return self._state.frames_of(self.image, self.file.sop_instance_uid)

    @property
    def frame_times(self) -> tuple[int, ...]:
        """How many milliseconds each frame is shown."""
        return self.file.frame_times

    def picture(self, frame: int, window: Window | None = None) -> FramePicture:
        """Frame `frame` (from 1), through `window` if one is given."""
        plan, _, flags = self._resolved(frame, window)
        picture, _ = self._pixels(plan)
        return FramePicture(picture, plan.grayscale, (*flags, *self._completeness(frame)))

    def drawn(self, frame: int, window: Window | None = None) -> DrawnFrame:
        """Frame `frame` (from 1) with its overlays, shutter and annotations, square pixels and the right way up."""
        plan, state, flags = self._resolved(frame, window)
        return self._carried_out(plan, state, flags)

    def rendered(self, frame: int, settings: RenderSettings, window: Window | None = None) -> RenderedFile:
        """Frame `frame` (from 1), encoded."""
        decided, drawn = self._decided(frame, settings, window)
        return self._encoded(decided.picture, drawn)

    def renditions(
        self, frame: int, settings: RenderSettings, window: Window | None = None, *, in_lists: bool = False
    ) -> Iterator[RenderedFile]:
        """Frame `frame` (from 1), encoded; then its thumbnail, if lists show it; then, if it is a CT, other windows."""
        decided, drawn = self._decided(frame, settings, window)
        yield self._encoded(decided.picture, drawn)
        if in_lists:
            yield self._encoded(decided.thumbnail, drawn)
        if window is None and self._state is None and has_hounsfield_units(self.image, frame):
            for view in settings.ct_windows:
                yield replace(self.rendered(frame, settings, CT_WINDOWS[view]), view=view.value)

    def followed(self, recipe: Mapping[str, Any]) -> RenderedFile:
        """What a recipe of this image (and presentation state) makes, by its numbers alone; not that of a loop."""
        read = read_recipe(recipe, self.image, self._state_of(recipe))
        return self._encoded(Stated.of(read), self._carried_out(read.plan, read.state, ()))

    def followed_plan(self, recipe: Mapping[str, Any]) -> DrawnFrame:
        """The picture that `plan_recipe` describes."""
        state = self._state_of(recipe)
        return self._carried_out(read_plan(recipe, self.image, state), state, ())

    def plan_recipe(self, frame: int, window: Window | None = None) -> dict[str, Any]:
        """How frame `frame` (from 1) is drawn."""
        plan, state, _ = self._resolved(frame, window)
        return plan_recipe(plan, state, self._transforms(frame, state).views)

    def _state_of(self, recipe: Mapping[str, Any]) -> PresentationState | None:
        frame = recipe.get("frame")
        if not isinstance(frame, int):
            raise CannotRender("The recipe cannot be read: {cause}.", cause="frame")
        return self._state_at(frame)

    def _decided(self, frame: int, settings: RenderSettings, window: Window | None) -> tuple[Decision, DrawnFrame]:
        """What is done, and the picture before it is encoded."""
        state = self._state_at(frame)
        decided = decision_by_header(self.image, frame, settings, window) if state is None else None
        if decided is None:
            decided = decision(self.image, frame, self._grayscale(frame, window, state), settings, state)
        return decided, self._carried_out(decided.picture.recipe.plan, state, decided.flags)

    def _encoded(self, stated: Stated, drawn: DrawnFrame) -> RenderedFile:
        recipe, flags = stated.recipe, drawn.flags
        plan = recipe.plan
        if recipe.kind is RenditionKind.THUMBNAIL:
            data, format = thumbnail(drawn.pixels), RenditionFormat.JPEG
        else:
            passed, format = self._passed_through(recipe), recipe.settings.format
            if recipe.passed_through and passed is None:
                stated = Stated.of(replace(recipe, passed_through=False))
            data = encode(drawn.pixels, recipe.settings, plan.icc_profile) if passed is None else passed
        rows, columns = recipe.size
        if encoded_size(data) != (rows, columns) or drawn.pixels.shape[:2] != plan.spatial.size:
            flags = (*flags, Flag.WRONG_SIZE)
        return RenderedFile(
            kind=recipe.kind,
            frame=plan.frame,
            data=data,
            format=format.value,
            width=columns,
            height=rows,
            recipe=stated.text,
            window=stated.window,
            flags=tuple(dict.fromkeys(flags)),
        )

    def _passed_through(self, recipe: Recipe) -> bytes | None:
        """The received JPEG, where it may be the rendition itself."""
        if not recipe.passed_through or recipe.plan.compression is None:
            return None
        frame = self.file.compressed_bytes(recipe.plan.frame)
        return None if frame is None else without_remarks(frame, recipe.plan.compression)

    def _carried_out(self, plan: FramePlan, state: PresentationState | None, flags: tuple[Flag, ...]) -> DrawnFrame:
        """The plan, followed; and a look at the picture before anything is drawn over it."""
        picture, sample = self._pixels(plan)
        flags = (*flags, *self._completeness(plan.frame), *self._self_check(picture, sample, plan, state))
        if plan.annotations and lacks_letters(text_of(plan.annotations)):
            flags = (*flags, Flag.TEXT_WITHOUT_FONT)
        pixels, remarks = finished(picture, partial(self.file.cells, plan.frame), plan, annotation_font)
        return DrawnFrame(pixels, plan, (*flags, *remarks))

    def _self_check(
        self, picture: Array, sample: Sample, plan: FramePlan, state: PresentationState | None
    ) -> Iterator[Flag]:
        grayscale = plan.grayscale
        padding = grayscale.padding if grayscale else None
        for flag in content_flags(picture >> 8 if plan.grey_bits == 16 else picture):
            only_padding = flag is Flag.FLAT and is_all_padding(self.file.strips(plan.frame), plan.pixels, padding)
            yield Flag.PADDING_ONLY if only_padding else flag
        # A presentation state may turn the greys as it likes, and differences have no photometric interpretation.
        if grayscale and state is None and not plan.subtraction:
            if is_inverted_against(picture, sample.cells, plan.pixels, padding):
                yield Flag.INVERTED
            if self.image.shares_range and getattr(grayscale.voi, "source", "") == MIN_MAX:
                yield Flag.RANGE_OF_ONE_IMAGE

    def _pixels(self, plan: FramePlan) -> tuple[Array, Sample]:
        """The frame in 8 bits; and some of its cells, where it is grey and nothing is subtracted from it."""
        pixels, grayscale, sample = plan.pixels, plan.grayscale, Sample(plan.pixels)
        if grayscale is None:
            return colour_frame(self.file.cells(plan.frame), pixels, plan.palette), sample
        if plan.subtraction is not None:
            return grey_difference(self._difference(plan.subtraction), pixels, grayscale, plan.grey_bits), sample
        strips = sample.of(self.file.strips(plan.frame))
        return grey_frame(strips, pixels, grayscale, plan.grey_bits), sample

    def _completeness(self, frame: int) -> tuple[Flag, ...]:
        """What there is to remark about a frame that was read."""
        return () if self.file.is_complete(frame) else (Flag.TRUNCATED,)

    def _difference(self, subtraction: Subtraction) -> Array:
        def stored(frames: Iterable[int]) -> Iterator[Array]:
            for frame in frames:  # each in memory of its own, as the next one goes where this one is read
                values = np.array(stored_values(self.file.cells(frame), pixels))
                yield values.reshape(pixels.rows, pixels.columns)

        pixels = self.image.pixels
        made = difference(stored(subtraction.contrast_frames), stored(subtraction.mask_frames), subtraction.shift)
        return made.reshape(-1)

    def _state_at(self, frame: int) -> PresentationState | None:
        """What the presentation state, if there is one, says about a frame (from 1), which there must be."""
        frames = self.image.pixels.frames
        if not 1 <= frame <= frames:
            raise UsageError("There is no frame {frame}: the image has {frames}.", frame=frame, frames=frames)
        return self._state.applied_to(self.image, self.file.sop_instance_uid, frame) if self._state else None

    def _resolved(
        self, frame: int, window: Window | None
    ) -> tuple[FramePlan, PresentationState | None, tuple[Flag, ...]]:
        """Everything that is to be done with a frame (from 1), and what there is to remark so far."""
        state = self._state_at(frame)
        plan, remarks = frame_plan(self.image, frame, self._grayscale(frame, window, state), state)
        return plan, state, (*self.image.flags, *remarks)

    def _transforms(self, frame: int, state: PresentationState | None) -> GrayscaleTransforms:
        return self.image.transforms_of(frame - 1) if state is None else state.transforms

    def _grayscale(self, frame: int, window: Window | None, state: PresentationState | None) -> GrayscalePlan | None:
        image, pixels, transforms = self.image, self.image.pixels, self._transforms(frame, state)
        if not pixels.photometric_interpretation.is_monochrome:
            return None
        if state is not None:
            voi = window or next(iter(transforms.views), None) or identity_voi(transforms, pixels, bool(state.mask))
            padding = None if state.mask else image.padding
            return GrayscalePlan(transforms.modality, voi, state.inverted, padding, state.lut)
        if image.subtraction_of(frame):  # the image's windows are for what it stores, not for differences
            voi = window or ValueRange(*self._value_limits(subtracted=True), "subtracted")
            return GrayscalePlan(transforms.modality, voi, image.inverted, None)
        stated = stated_voi(pixels, transforms, window)
        if stated is None and self._value_range:
            stated = ValueRange(*self._value_range, SERIES)
        voi = stated or ValueRange(*self._value_limits(), MIN_MAX)
        return GrayscalePlan(transforms.modality, voi, image.inverted, image.padding)

    def _value_limits(self, subtracted: bool = False) -> tuple[float, float]:
        """The smallest and largest value of all frames, so that no frame of a loop flickers against the next."""
        if subtracted not in self._limits:
            file, image, pixels = self.file, self.image, self.image.pixels
            found = []
            for frame in range(1, pixels.frames + 1):
                modality, subtraction = image.transforms_of(frame - 1).modality, image.subtraction_of(frame)
                if subtracted and subtraction:
                    values = self._difference(subtraction)
                    found.append(modality_limits(int(values.min()), int(values.max()), modality))
                elif not subtracted and (ends := units_range(file.strips(frame), pixels, modality, image.padding)):
                    found.append(ends)
            found = found or [value_limits(pixels)]
            self._limits[subtracted] = min(low for low, _ in found), max(high for _, high in found)
        return self._limits[subtracted]


def render_frames(
    path: Path,
    offset: int,
    transfer_syntax: str,
    settings: RenderSettings,
    frames: Iterable[int] | None = None,
    window: Window | None = None,
    length: int | None = None,
    state: StateFile | None = None,
) -> Iterator[RenderedFile]:
    """The renditions of an image, one after the other; `frames` (from 1) chooses some.

    Raises NoPicture where there is none by nature, CannotRender or another PeerError where none can be made.
    """
    with PictureFile(path, offset, transfer_syntax, length, state=state) as picture:
        for frame in picture.frames if frames is None else frames:
            yield picture.rendered(frame, settings, window)
