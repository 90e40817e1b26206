"""A rendition as a value, and as the reply of a render child: for those too who draw nothing themselves."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from netty.image.flags import Flag
from netty.image.settings import RenditionFormat


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


def frame_reply(rendered: RenderedFrame) -> tuple[dict[str, Any], bytes]:
    """A reply of kind "frame", with the encoded file."""
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
