"""One received image to encoded frames: read frame by frame, so that no image is too long for the memory."""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from netty import __version__
from netty.dicom.dataset import read_attributes
from netty.dicom.part10 import HEAD_SIZE, split_part10
from netty.errors import NettyError, PeerError, UsageError
from netty.image.aspect import resampled, square_size
from netty.image.colour import colour_frame
from netty.image.encode import encode
from netty.image.errors import CannotRender
from netty.image.flags import Flag
from netty.image.grayscale import (
    GrayscalePlan,
    grey_frame,
    is_all_padding,
    stated_voi,
    units_range,
)
from netty.image.pixel_data import Array, frame_cells, value_limits
from netty.image.recipe import Recipe, window_text
from netty.image.renderable import NotRenderable, RenderableImage
from netty.image.settings import RenderSettings, RenditionFormat
from netty.image.voi import ValueRange, Window
from netty.workflow.image_attributes import read_image


class NoPicture(PeerError):
    """The instance has no picture by its nature, such as a presentation state: a final state, not a failure."""


@dataclass(frozen=True, slots=True)
class RenderedFrame:
    """One rendition: the encoded file, and how it was made. `frame` counts from 1, as the standard does."""

    frame: int
    data: bytes
    format: RenditionFormat
    width: int
    height: int
    recipe: dict[str, Any]
    window: str
    flags: tuple[Flag, ...]


@dataclass(frozen=True, slots=True)
class FramePicture:
    """One frame in 8 bits, before its pixels are made square."""

    pixels: Array
    plan: GrayscalePlan | None
    flags: tuple[Flag, ...]


class PictureFile:
    """An image in a file, open for rendering. Holds one frame at a time."""

    def __init__(self, path: Path, offset: int, transfer_syntax: str, length: int | None = None) -> None:
        """The data set of `length` bytes (None: to the end of the file) at `offset` of the file."""
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            length = size - offset if length is None else min(length, size - offset)
            attributes = read_attributes(file, transfer_syntax, offset, length)
            self._descriptor = os.dup(file.fileno())
        start = attributes.pixel_data.offset if attributes.pixel_data else 0
        self._start = offset + start
        self._length = max(0, length - start)
        if attributes.pixel_data and attributes.pixel_data.length is not None:
            self._length = min(self._length, attributes.pixel_data.length)
        self._buffer = bytearray()
        self._limits: tuple[float, float] | None = None
        try:
            self.image = self._renderable(read_image(attributes, self._length))
        except NettyError:
            self.close()
            raise

    @staticmethod
    def _renderable(image: RenderableImage | NotRenderable) -> RenderableImage:
        if isinstance(image, NotRenderable):
            # The sentence stands where it was decided (image_attributes, image/pixel_data).
            kind = NoPicture if image.expected else CannotRender
            raise kind(image.template, **dict(image.values))
        return image

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Closes the file."""
        os.close(self._descriptor)

    def picture(self, frame: int, window: Window | None = None) -> FramePicture:
        """Frame `frame` (from 1), through `window` if one is given."""
        pixels = self.image.pixels
        if not 1 <= frame <= pixels.frames:
            raise UsageError("There is no frame {frame}: the image has {frames}.", frame=frame, frames=pixels.frames)
        is_grey = pixels.photometric_interpretation.is_monochrome
        plan = self._plan(frame - 1, window) if is_grey else None  # before the cells: it may read other frames
        cells, complete = self.cells(frame)
        flags = self.image.flags if complete else (*self.image.flags, Flag.TRUNCATED)
        if plan is None:
            colours = colour_frame(cells, pixels, self.image.palette)
            return FramePicture(colours, None, (*flags, Flag.FLAT) if _is_flat(colours) else flags)
        greys = grey_frame(cells, pixels, plan)
        if _is_flat(greys):
            only_padding = is_all_padding(cells, pixels, plan.padding)
            flags = (*flags, Flag.PADDING_ONLY if only_padding else Flag.FLAT)
        return FramePicture(greys, plan, flags)

    def rendered(self, frame: int, settings: RenderSettings, window: Window | None = None) -> RenderedFrame:
        """Frame `frame` (from 1), with square pixels, encoded."""
        picture = self.picture(frame, window)
        image, flags, pixels = self.image, picture.flags, picture.pixels
        size = square_size(pixels.shape[0], pixels.shape[1], *image.aspect)
        if size is None:
            flags = (*flags, Flag.ASPECT_IGNORED)
        else:
            pixels = resampled(pixels, *size)
        rows, columns = pixels.shape[:2]
        recipe = Recipe(__version__, frame, image.pixels, picture.plan, image.palette, rows, columns, settings)
        return RenderedFrame(
            frame=frame,
            data=encode(pixels, settings),
            format=settings.format,
            width=columns,
            height=rows,
            recipe=recipe.as_dict(),
            window=window_text(picture.plan.voi if picture.plan else None),
            flags=flags,
        )

    def cells(self, frame: int) -> tuple[Array, bool]:
        """The cells of a frame (from 1), and whether the pixel data held them all; what lacks is 0.

        They stand in a buffer that the next call fills anew.
        """
        pixels = self.image.pixels
        first, size, leading_bits = pixels.frame_span(frame - 1)
        wanted = min(size, self._length - first)
        if wanted <= 0:
            raise CannotRender(
                "The pixel data ends before frame {frame} of {frames}.", frame=frame, frames=pixels.frames
            )
        if wanted * 2 < size:  # before memory is taken for what a few numbers claim
            raise CannotRender(
                "The pixel data ends in frame {frame}: {present} of {size} bytes are there.",
                frame=frame,
                present=wanted,
                size=size,
            )
        if len(self._buffer) != size:
            self._buffer = bytearray(size)  # the next frame goes into the same memory
        view = memoryview(self._buffer)
        filled = 0
        while filled < wanted:
            count = os.preadv(self._descriptor, [view[filled:wanted]], self._start + first + filled)
            if count == 0:
                break
            filled += count
        view[filled:] = bytes(size - filled)
        return frame_cells(view, pixels, leading_bits), filled == size

    def _plan(self, frame: int, window: Window | None) -> GrayscalePlan:
        image = self.image
        transforms = image.transforms_of(frame)
        voi = stated_voi(image.pixels, transforms, window)
        if voi is None:
            voi = ValueRange(*self._value_limits(), "min-max")
        return GrayscalePlan(transforms.modality, voi, image.inverted, image.padding)

    def _value_limits(self) -> tuple[float, float]:
        """The smallest and largest value of all frames, so that no frame of a loop flickers against the next."""
        if self._limits is None:
            image, pixels = self.image, self.image.pixels
            ranges = []
            for frame in range(pixels.frames):
                if pixels.frame_span(frame)[0] >= self._length:
                    break
                cells, _ = self.cells(frame + 1)
                ranges.append(units_range(cells, pixels, image.transforms_of(frame).modality, image.padding))
            found = [ends for ends in ranges if ends is not None] or [value_limits(pixels)]
            self._limits = min(low for low, _ in found), max(high for _, high in found)
        return self._limits


def locate_data_set(path: Path) -> tuple[int, str]:
    """Offset of the data set and transfer syntax of a DICOM file."""
    with path.open("rb") as file:
        head = split_part10(file.read(HEAD_SIZE))
    return head.data_set_offset, head.transfer_syntax


def render_frames(
    path: Path,
    offset: int,
    transfer_syntax: str,
    settings: RenderSettings,
    frames: Iterable[int] | None = None,
    window: Window | None = None,
    length: int | None = None,
) -> Iterator[RenderedFrame]:
    """The renditions of an image, one after the other; `frames` (from 1) chooses some.

    Raises NoPicture where there is none by nature, CannotRender or another PeerError where none can be made.
    """
    with PictureFile(path, offset, transfer_syntax, length) as picture:
        for frame in range(1, picture.image.pixels.frames + 1) if frames is None else frames:
            yield picture.rendered(frame, settings, window)


def render_job(job: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], bytes]]:
    """What a render child does with a job: `path`, `offset`, `transfer_syntax`, `format`, `quality`, perhaps
    `length`, `frames` and `window` ([center, width]).

    Answers ``{"kind": "image", "frames": n}``, then ``{"kind": "frame", ...}`` with the encoded file for each frame;
    where there is no picture ``{"kind": "no_picture" | "cannot_render", "template": ..., "values": {...}}``.
    """
    settings = RenderSettings(RenditionFormat(job["format"]), int(job["quality"]))
    window = Window(*job["window"]) if job.get("window") else None
    try:
        with PictureFile(Path(job["path"]), job["offset"], job["transfer_syntax"], job.get("length")) as picture:
            count = picture.image.pixels.frames
            yield {"kind": "image", "frames": count}, b""
            for frame in job.get("frames") or range(1, count + 1):
                yield _frame_reply(picture.rendered(frame, settings, window))
    except NettyError as error:
        kind = "no_picture" if isinstance(error, NoPicture) else "cannot_render"
        yield {"kind": kind, "template": error.template, "values": _plain(error.values)}, b""


def _frame_reply(rendered: RenderedFrame) -> tuple[dict[str, Any], bytes]:
    header = {
        "kind": "frame",
        "frame": rendered.frame,
        "format": rendered.format.value,
        "width": rendered.width,
        "height": rendered.height,
        "recipe": rendered.recipe,
        "window": rendered.window,
        "flags": [flag.value for flag in rendered.flags],
    }
    return header, rendered.data


def rendered_frame(header: Mapping[str, Any], data: bytes) -> RenderedFrame:
    """The rendition that a reply of kind "frame" carries."""
    return RenderedFrame(
        frame=header["frame"],
        data=data,
        format=RenditionFormat(header["format"]),
        width=header["width"],
        height=header["height"],
        recipe=header["recipe"],
        window=header["window"],
        flags=tuple(Flag(flag) for flag in header["flags"]),
    )


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value if isinstance(value, int | float | str) else str(value) for name, value in values.items()}


def _is_flat(picture: Array) -> bool:
    """Whether every pixel is the same; most pictures show the contrary in their first and middle row."""
    first = picture[0, 0]
    rows = (picture[0], picture[picture.shape[0] // 2])
    return all(bool((row == first).all()) for row in rows) and bool((picture == first).all())
