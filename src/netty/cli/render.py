"""``netty render``: pictures of one DICOM file. It needs no settings and no database."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from netty.cli.commands import Command
from netty.cli.invocation import Invocation, pass_invocation
from netty.cli.output import write, write_json
from netty.cli.problems import Unusable
from netty.cli.words import say
from netty.errors import PeerError, UsageError

if TYPE_CHECKING:
    from netty.image.settings import RenderSettings
    from netty.image.voi import Window
    from netty.workflow.picture_file import PictureFile
    from netty.workflow.rendered import RenderedFile

_FORMATS = {".jpg": "jpeg", ".jpeg": "jpeg", ".png": "png", ".webp": "webp", ".tif": "tiff", ".tiff": "tiff"}


@click.command(cls=Command)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option(
    "-o",
    "--output",
    "out",
    metavar="OUT",
    required=True,
    type=click.Path(path_type=Path),
    help=say("the file, or a folder; several frames get numbers"),
)
@click.option(
    "--format",
    "format_name",
    type=click.Choice(("jpeg", "png", "webp", "tiff")),
    help=say("without it: as OUT's name says, else jpeg"),
)
@click.option("--quality", type=click.IntRange(1, 100), default=90, help=say("of JPEG and WebP, 1 to 100"))
@click.option("--bits", type=click.Choice(("8", "16")), default="8", help=say("of the greys in PNG"))
@click.option("--loop", type=click.Choice(("webp", "mp4")), help=say("all frames as one loop, each for its time"))
@click.option("--frame", type=click.IntRange(1), help=say("only this frame; the first is 1"))
@click.option(
    "--window",
    "window_text",
    metavar="C,W",
    help=say("window center and width, like 40,400; or lung, bone, brain, mediastinum"),
)
@click.option(
    "--presentation-state",
    "state_file",
    metavar="STATE",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help=say("see it through this presentation state (a DICOM file)"),
)
@click.option(
    "--recipe",
    "recipe_file",
    metavar="JSON",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help=say("make the rendition again whose recipe is in this file"),
)
@pass_invocation
def render(
    invocation: Invocation,
    file: Path,
    out: Path,
    format_name: str | None,
    quality: int,
    bits: str,
    loop: str | None,
    frame: int | None,
    window_text: str | None,
    state_file: Path | None,
    recipe_file: Path | None,
) -> None:
    """Every frame, or one."""
    from netty.image.settings import LoopFormat, RenderSettings, RenditionFormat

    window = _window(window_text) if window_text else None
    settings = RenderSettings(
        format=RenditionFormat(format_name or _FORMATS.get(out.suffix.lower(), "jpeg")),
        quality=quality,
        png_bits=int(bits),
        loop=LoopFormat(loop or "none"),
    )
    recipe = _recipe(recipe_file) if recipe_file else None
    if recipe is not None and (window or frame or format_name or loop):
        raise UsageError("A recipe says everything: leave out --window, --frame, --format and --loop.")
    if loop and (frame or format_name):
        raise UsageError("A loop has all frames, and a format of its own: leave out --frame and --format.")
    try:
        with _opened(file, state_file) as picture:
            renditions = (
                _placed(picture, file, out, settings, frame, window)
                if recipe is None
                else _followed(picture, file, out, recipe)
            )
            made = [_document(rendered, _write(rendered, path)) for rendered, path in renditions]
    except PeerError as error:
        raise Unusable("{file}: {why}", file=file, why=error) from error
    if invocation.json:
        write_json({"file": str(file), "renditions": made})
    else:
        for each in made:
            write(say("{path}: {width} x {height} {window}", **each).rstrip())


def _opened(file: Path, state_file: Path | None) -> "PictureFile":
    from netty.workflow.data_set_place import locate_data_set
    from netty.workflow.picture_file import PictureFile
    from netty.workflow.presentation_states import open_state

    state = open_state(state_file, *locate_data_set(state_file)) if state_file else None
    return PictureFile(file, *locate_data_set(file), state=state)


def _placed(
    picture: "PictureFile",
    file: Path,
    out: Path,
    settings: "RenderSettings",
    frame: int | None,
    window: "Window | None",
) -> "Iterable[tuple[RenderedFile, Path]]":
    """Each rendition with its file: OUT itself where there is one, numbered where there are several."""
    from netty.image.rendition import EXTENSIONS
    from netty.image.settings import LoopFormat
    from netty.workflow.render_loop import rendered_loop

    if settings.loop is not LoopFormat.NONE:
        path = _single(file, out, EXTENSIONS[settings.loop])
        yield rendered_loop(picture, settings.loop, settings.quality, window), path
        return
    single = _single(file, out, EXTENSIONS[settings.format])
    count = picture.image.pixels.frames
    for number in [frame] if frame else picture.frames:
        alone = frame or len(picture.frames) == 1
        path = single if alone else single.with_stem(f"{single.stem}-{number:0{len(str(count))}}")
        yield picture.rendered(number, settings, window), path


def _followed(
    picture: "PictureFile", file: Path, out: Path, recipe: dict[str, Any]
) -> "Iterable[tuple[RenderedFile, Path]]":
    """The rendition that the recipe makes."""
    from netty.image.rendition import EXTENSIONS
    from netty.workflow.render_loop import followed_loop, is_of_loop

    rendered = followed_loop(picture, recipe) if is_of_loop(recipe) else picture.followed(recipe)
    yield rendered, _single(file, out, EXTENSIONS[rendered.format])


def _single(file: Path, out: Path, extension: str) -> Path:
    """OUT, or a file in it that is named like FILE."""
    single = out / f"{file.stem}.{extension}" if out.is_dir() else out
    if single.exists() and single.samefile(file):
        raise UsageError("{file} would be overwritten. Choose another OUT.", file=file)
    return single


def _recipe(file: Path) -> dict[str, Any]:
    """A recipe: by itself, or as `recipe` of the rendition that ``--json`` prints."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise Unusable("{file} is not JSON: {detail}.", file=file, detail=error) from error
    while isinstance(found, dict) and found.keys().isdisjoint({"grayscale", "output"}):
        renditions = found.get("renditions")
        found = renditions[0] if isinstance(renditions, list) and len(renditions) == 1 else found.get("recipe")
    if not isinstance(found, dict):
        raise Unusable("{file} holds no recipe, or more than one.", file=file)
    return found


def _write(rendered: "RenderedFile", path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(rendered.data)
    return path


def _window(text: str) -> "Window":
    """``40,400`` as a window (PS3.3 C.11.2.1.2: the width is at least 1 for the linear function), or its name."""
    from netty.image.ct_windows import CT_WINDOWS
    from netty.image.settings import CtWindow
    from netty.image.voi import Window

    if text in tuple(CtWindow):
        return CT_WINDOWS[CtWindow(text)]
    try:
        center, width = (float(part) for part in text.split(","))
    except ValueError:
        center, width = 0.0, 0.0
    if not (abs(center) < float("inf") and 1 <= width < float("inf")):
        raise UsageError("{text} is not a window. Write center and width, like 40,400.", text=repr(text))
    return Window(center, width)


def _document(rendered: "RenderedFile", path: Path) -> dict[str, Any]:
    return {
        "kind": rendered.kind.value,
        "format": rendered.format,
        "frame": rendered.frame,
        "path": str(path),
        "width": rendered.width,
        "height": rendered.height,
        "bytes": len(rendered.data),
        "recipe": rendered.recipe,
        "window": rendered.window,
        "presentation_state": _state_uid(rendered.recipe),
        "flags": [flag.value for flag in rendered.flags],
    }


def _state_uid(recipe: Mapping[str, Any]) -> str:
    """The presentation state through which it is seen; a loop says so for each of its frames."""
    plan = recipe["plans"][0]["plan"] if "plans" in recipe else recipe
    return str((plan["presentation_state"] or {}).get("sop_instance_uid", ""))
