"""A rendition as a value, and as the reply of a render child: for those too who draw nothing themselves."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from netty.image.flags import Flag
from netty.image.rendition import RenditionKind


@dataclass(frozen=True, slots=True)
class RenderedFile:
    """One rendition: the encoded file, and how it was made.

    Attributes:
        frame: from 1, as the standard counts; 0 for a loop, which shows all of them.
        format: the word of a `RenditionFormat`, or of a `LoopFormat`.
        view: the `CtWindow` through which it shows a CT image; empty where it is seen by its own window.
    """

    kind: RenditionKind
    frame: int
    data: bytes | memoryview
    format: str
    width: int
    height: int
    recipe: Mapping[str, Any]
    window: str = ""
    view: str = ""
    flags: tuple[Flag, ...] = ()


def rendition_reply(rendered: RenderedFile) -> tuple[dict[str, Any], bytes]:
    """A reply of kind "rendition", with the encoded file."""
    header = {
        "kind": "rendition",
        "of": rendered.kind.value,
        "frame": rendered.frame,
        "format": rendered.format,
        "width": rendered.width,
        "height": rendered.height,
        "recipe": rendered.recipe,
        "window": rendered.window,
        "view": rendered.view,
        "flags": [flag.value for flag in rendered.flags],
    }
    return header, bytes(rendered.data)


def rendered_of(header: Mapping[str, Any], data: bytes | memoryview) -> RenderedFile:
    """The rendition that a reply of kind "rendition" carries."""
    return RenderedFile(
        kind=RenditionKind(header["of"]),
        frame=header["frame"],
        data=data,
        format=header["format"],
        width=header["width"],
        height=header["height"],
        recipe=header["recipe"],
        window=header["window"],
        view=header["view"],
        flags=tuple(Flag(flag) for flag in header["flags"]),
    )
