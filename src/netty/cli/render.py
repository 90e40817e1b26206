"""``netty render``: pictures of one DICOM file. It needs no settings and no database."""

from collections.abc import Iterable
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
    from netty.workflow.render_image import RenderedFrame

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
@click.option("--frame", type=click.IntRange(1), help=say("only this frame; the first is 1"))
@click.option("--window", "window_text", metavar="C,W", help=say("window center and width, like 40,400"))
@pass_invocation
def render(
    invocation: Invocation,
    file: Path,
    out: Path,
    format_name: str | None,
    quality: int,
    frame: int | None,
    window_text: str | None,
) -> None:
    """Every frame, or one."""
    from netty.image.settings import RenderSettings, RenditionFormat

    window = _window(window_text) if window_text else None
    settings = RenderSettings(RenditionFormat(format_name or _FORMATS.get(out.suffix.lower(), "jpeg")), quality)
    try:
        made = [
            _document(rendered, _write(rendered, path))
            for rendered, path in _placed(file, out, settings, frame, window)
        ]
    except PeerError as error:
        raise Unusable("{file}: {why}", file=file, why=error) from error
    if invocation.json:
        write_json({"file": str(file), "renditions": made})
    else:
        for each in made:
            write(say("{path}: {width} x {height} {window}", **each).rstrip())


def _placed(
    file: Path, out: Path, settings: "RenderSettings", frame: int | None, window: "Window | None"
) -> "Iterable[tuple[RenderedFrame, Path]]":
    """Each rendition with its file: OUT itself where there is one, numbered where there are several."""
    from netty.image.encode import EXTENSIONS
    from netty.workflow.render_image import PictureFile, locate_data_set

    extension = EXTENSIONS[settings.format]
    single = out / f"{file.stem}.{extension}" if out.is_dir() else out
    if single.exists() and single.samefile(file):
        raise UsageError("{file} would be overwritten. Choose another OUT.", file=file)
    with PictureFile(file, *locate_data_set(file)) as picture:
        count = picture.image.pixels.frames
        for number in [frame] if frame else range(1, count + 1):
            path = single if frame or count == 1 else single.with_stem(f"{single.stem}-{number:0{len(str(count))}}")
            yield picture.rendered(number, settings, window), path


def _write(rendered: "RenderedFrame", path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(rendered.data)
    return path


def _window(text: str) -> "Window":
    """``40,400`` as a window (PS3.3 C.11.2.1.2: the width is at least 1 for the linear function)."""
    from netty.image.voi import Window

    try:
        center, width = (float(part) for part in text.split(","))
    except ValueError:
        center, width = 0.0, 0.0
    if not (abs(center) < float("inf") and 1 <= width < float("inf")):
        raise UsageError("{text} is not a window. Write center and width, like 40,400.", text=repr(text))
    return Window(center, width)


def _document(rendered: "RenderedFrame", path: Path) -> dict[str, Any]:
    return {
        "format": rendered.format.value,
        "frame": rendered.frame,
        "path": str(path),
        "width": rendered.width,
        "height": rendered.height,
        "bytes": len(rendered.data),
        "recipe": rendered.recipe,
        "window": rendered.window,
        "presentation_state": "",
        "flags": [flag.value for flag in rendered.flags],
    }
