"""What a render child does: one job to the replies that carry its pictures, or say why there are none."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from netty.errors import NettyError
from netty.image.settings import CtWindow, LoopFormat, RenderSettings, RenditionFormat
from netty.image.voi import Window
from netty.workflow.image_file import NoPicture
from netty.workflow.picture_file import PictureFile
from netty.workflow.presentation_states import NotAPresentationState, StateFile, open_state
from netty.workflow.render_loop import rendered_loop
from netty.workflow.rendered import RenderedFile, rendition_reply


def render_job(job: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], bytes]]:
    """What a render child does with a job: `path`, `offset`, `transfer_syntax`, `format`, `quality`, and perhaps

    - `png_bits` (16: greys so deep in PNG), `ct_windows` (further pictures of a CT),
    - `thumbnail` (true: of one frame there is one too),
    - `loop` (a `LoopFormat`: not the frames, but all of them as a loop),
    - `length` of the data set, `frames` (from 1), `window` ([center, width]),
    - `range` ([low, high]): what a series spans in modality units, for its images without a window,
    - `presentation_state` ({`path`, `offset`, `transfer_syntax`, perhaps `length`}): what to see the image through.

    Answers ``{"kind": "image", "frames": n}``, then ``{"kind": "rendition", ...}`` with the encoded file for each;
    where there is no picture ``{"kind": "no_picture" | "cannot_render", "template": ..., "values": {...}}``; of a
    presentation state with `references`, the SOP Instance UIDs of the images that it is for.
    """
    settings = _settings(
        job["format"],
        job["quality"],
        job.get("png_bits", 8),
        job.get("loop", LoopFormat.NONE),
        tuple(job.get("ct_windows", ())),
    )
    window = Window(*job["window"]) if job.get("window") else None
    place = job["path"], job["offset"], job["transfer_syntax"], job.get("length")
    try:
        state = _state(job["presentation_state"]) if job.get("presentation_state") else None
        value_range = (float(job["range"][0]), float(job["range"][1])) if job.get("range") else None
        with PictureFile(*place, state=state, value_range=value_range) as picture:
            yield {"kind": "image", "frames": len(picture.frames)}, b""
            for rendered in _renditions(picture, job, settings, window):
                yield rendition_reply(rendered)
    except NettyError as error:
        reply = {"kind": "cannot_render", "template": error.template, "values": _plain(error.values)}
        if isinstance(error, NoPicture):
            reply |= {"kind": "no_picture", "references": _references(*place)}
        yield reply, b""


def _renditions(
    picture: PictureFile, job: Mapping[str, Any], settings: RenderSettings, window: Window | None
) -> Iterator[RenderedFile]:
    if settings.loop is not LoopFormat.NONE:
        yield rendered_loop(picture, settings.loop, settings.quality, window)
        return
    frames = job.get("frames") or picture.frames
    # Of a film, the middle says more than the first frame, which is often empty.
    in_lists = frames[(len(frames) - 1) // 2] if job.get("thumbnail") and frames else None
    for frame in frames:
        yield from picture.renditions(frame, settings, window, in_lists=frame == in_lists)


@lru_cache(maxsize=8)
def _settings(format: str, quality: int, png_bits: int, loop: str, ct_windows: tuple[str, ...]) -> RenderSettings:
    """The same ones job after job."""
    return RenderSettings(
        RenditionFormat(format), quality, png_bits, LoopFormat(loop), tuple(map(CtWindow, ct_windows))
    )


def _references(path: str, offset: int, transfer_syntax: str, length: int | None) -> list[str]:
    """The images that a presentation state is for; none where the file is no state."""
    try:
        state = open_state(path, offset, transfer_syntax, length)
    except NotAPresentationState:
        return []
    return sorted({reference.sop_instance_uid for reference in state.references})


def _state(place: Mapping[str, Any]) -> StateFile:
    return open_state(place["path"], place["offset"], place["transfer_syntax"], place.get("length"))


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value if isinstance(value, int | float | str) else str(value) for name, value in values.items()}
