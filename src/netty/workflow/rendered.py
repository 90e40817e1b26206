"""A rendition as a value, and as the reply of a render child: for those too who draw nothing themselves."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from netty.image.flags import Flag
from netty.image.rendition import RenditionKind

_KNOWN: Final = 64  # recipes


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


class _Texts:
    """Recipes as JSON. The slices of a series have one and the same, which is put in words once."""

    def __init__(self) -> None:
        self._last: dict[
            int, tuple[Mapping[str, Any], str]
        ] = {}  # with the recipes, so that none takes the place of one

    def of(self, recipe: Mapping[str, Any]) -> str:
        """Its text; nobody may change it afterwards."""
        known = self._last.get(id(recipe))
        if known is None:
            if len(self._last) >= _KNOWN:
                self._last.clear()
            known = self._last[id(recipe)] = recipe, json.dumps(recipe)
        return known[1]


_TEXTS: Final = _Texts()


@lru_cache(maxsize=_KNOWN)
def _recipe(text: str) -> Mapping[str, Any]:
    """The same one for the same text, so that it is put in words once where it is written down, too."""
    recipe: dict[str, Any] = json.loads(text)
    return recipe


def rendition_reply(rendered: RenderedFile) -> tuple[dict[str, Any], bytes]:
    """A reply of kind "rendition", with the encoded file."""
    header = {
        "kind": "rendition",
        "of": rendered.kind.value,
        "frame": rendered.frame,
        "format": rendered.format,
        "width": rendered.width,
        "height": rendered.height,
        "recipe": _TEXTS.of(rendered.recipe),
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
        recipe=_recipe(header["recipe"]),
        window=header["window"],
        view=header["view"],
        flags=tuple(Flag(flag) for flag in header["flags"]),
    )
