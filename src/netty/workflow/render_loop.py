"""All frames of an image as one loop."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from netty import __version__
from netty.image.animation import LoopFormat, encode_loop, loop_encoder
from netty.image.errors import CannotRender
from netty.image.flags import Flag
from netty.image.pixel_data import Array
from netty.image.voi import Window
from netty.workflow.picture_file import PictureFile


@dataclass(frozen=True, slots=True)
class RenderedLoop:
    """The encoded file, and how it was made: the pictures are those of the frames' own renditions."""

    data: bytes
    format: LoopFormat
    width: int
    height: int
    durations: tuple[int, ...]
    recipe: dict[str, Any]
    flags: tuple[Flag, ...]


def rendered_loop(
    picture: PictureFile, format: LoopFormat, quality: int = 90, window: Window | None = None
) -> RenderedLoop:
    """The frames of an open image one after the other, each as long as its header says."""
    if len(picture.frames) < 2:
        raise CannotRender("The image has a single frame, and makes no loop.")
    times = picture.frame_times
    durations = tuple(times[frame - 1] for frame in picture.frames)
    flags: dict[Flag, None] = {}
    size = (0, 0)

    def drawn() -> Iterator[Array]:
        nonlocal size
        for frame in picture.frames:
            made = picture.drawn(frame, window)
            flags.update(dict.fromkeys(made.flags))
            rows, columns = made.pixels.shape[:2]
            size = columns, rows
            yield made.pixels

    data = encode_loop(drawn(), durations, format, quality)
    recipe = {
        "netty": __version__,
        "frames": list(picture.frames),
        "durations": list(durations),
        "window": [window.center, window.width] if window else None,
        "output": {
            "rows": size[1],
            "columns": size[0],
            "format": format.value,
            "quality": quality,
            "encoder": loop_encoder(format),
        },
    }
    return RenderedLoop(data, format, *size, durations, recipe, tuple(flags))
