"""All frames of an image as one loop: the pictures of the frames' own renditions, each for its time."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from netty import __version__
from netty.image.animation import encode_loop, loop_encoder
from netty.image.errors import CannotRender
from netty.image.flags import Flag
from netty.image.pixel_data import Array
from netty.image.rendition import RenditionKind
from netty.image.settings import LoopFormat
from netty.image.voi import Window
from netty.workflow.picture_file import DrawnFrame, PictureFile
from netty.workflow.rendered import RenderedFile


def rendered_loop(
    picture: PictureFile, format: LoopFormat, quality: int = 90, window: Window | None = None
) -> RenderedFile:
    """The frames of an open image one after the other, each as long as its header says.

    Raises CannotRender where there is a single frame, or the loop would be too large.
    """
    if len(picture.frames) < 2:
        raise CannotRender("The image has a single frame, and makes no loop.")
    times = picture.frame_times
    durations = [times[frame - 1] for frame in picture.frames]
    plans = _grouped(picture.plan_recipe(frame, window) for frame in picture.frames)
    drawn = (picture.drawn(frame, window) for frame in picture.frames)
    stated = {"frames": list(picture.frames), "durations": durations, "plans": plans}
    return _encoded(picture, drawn, stated, format, quality)


def is_of_loop(recipe: Mapping[str, Any]) -> bool:
    """Whether a recipe is that of a loop."""
    return "plans" in recipe


def followed_loop(picture: PictureFile, recipe: Mapping[str, Any]) -> RenderedFile:
    """What a loop's recipe makes of its image (and presentation state), by its numbers alone."""
    try:
        frames, durations = [int(each) for each in recipe["frames"]], [int(each) for each in recipe["durations"]]
        plans = {
            int(frame): group["plan"] | {"frame": int(frame)} for group in recipe["plans"] for frame in group["frames"]
        }
        wanted = [plans[frame] for frame in frames]
        output = recipe["output"]
        format, quality = LoopFormat(output["format"]), int(output["quality"])
        if len(durations) != len(frames):
            raise ValueError("durations")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CannotRender("The recipe cannot be read: {cause}.", cause=repr(error)) from error
    drawn = (picture.followed_plan(plan) for plan in wanted)
    stated = {"frames": frames, "durations": durations, "plans": recipe["plans"]}
    return _encoded(picture, drawn, stated, format, quality)


def _encoded(
    picture: PictureFile, drawn: Iterable[DrawnFrame], stated: dict[str, Any], format: LoopFormat, quality: int
) -> RenderedFile:
    flags: dict[Flag, None] = {}
    size = (0, 0)

    def pictures() -> Iterator[Array]:
        nonlocal size
        for one in drawn:
            flags.update(dict.fromkeys(one.flags))
            size = one.pixels.shape[0], one.pixels.shape[1]
            yield one.pixels

    data = encode_loop(pictures(), stated["durations"], format, quality, picture.image.icc_profile)
    output = {
        "kind": RenditionKind.LOOP.value,
        "rows": size[0],
        "columns": size[1],
        "format": format.value,
        "quality": quality,
        "encoder": loop_encoder(format),
    }
    return RenderedFile(
        kind=RenditionKind.LOOP,
        frame=0,
        data=data,
        format=format.value,
        width=size[1],
        height=size[0],
        recipe={"netty": __version__, **stated, "output": output},
        flags=tuple(flags),
    )


def _grouped(plans: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Plans without their frames, each with the frames that it is for: most images have the same one for all."""
    groups: dict[str, dict[str, Any]] = {}
    for plan in plans:
        frame = plan.pop("frame")
        groups.setdefault(json.dumps(plan), {"frames": [], "plan": plan})["frames"].append(frame)
    return list(groups.values())
