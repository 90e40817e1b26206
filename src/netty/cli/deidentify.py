"""``netty deidentify``: DICOM files without the patient. It needs no database, and takes settings where there are."""

import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from netty.cli.commands import Command
from netty.cli.exit_codes import ExitCode
from netty.cli.invocation import Invocation, pass_invocation
from netty.cli.output import note, write, write_json
from netty.cli.words import language, say
from netty.errors import SettingsError, UsageError
from netty.language import mark, render

if TYPE_CHECKING:
    from netty.workflow.deidentify import Deidentifier
    from netty.workflow.deidentify_files import FileOutcome

_WORDS = {
    "written": mark("written"),
    "masked": mark("written, regions of its pixels blanked"),
    "held_back": mark("held back: its pixels may show who the patient is"),
    "broken": mark("broken"),
    "skipped": mark("left out: no DICOM image file"),
}
_NOT_MADE = frozenset({"held_back", "broken"})


@click.command(cls=Command)
@click.argument("source", metavar="FILE|FOLDER", type=click.Path(path_type=Path, exists=True))
@click.option(
    "-o",
    "--output",
    "out",
    metavar="OUT",
    required=True,
    type=click.Path(path_type=Path),
    help=say("the file; a folder for a folder, where the files get numbers"),
)
@click.option(
    "--level",
    type=click.Choice(("statement", "basic")),
    default="statement",
    help=say("statement: identifying elements cleared; basic: the profile of PS3.15 Annex E"),
)
@click.option(
    "--burned-in",
    type=click.Choice(("keep", "quarantine", "mask")),
    help=say("images that may show the patient in their pixels; quarantine does not write them"),
)
@click.option(
    "--masks",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help=say("the file that says which regions to mask"),
)
@pass_invocation
def deidentify(
    invocation: Invocation, source: Path, out: Path, level: str, burned_in: str | None, masks: Path | None
) -> int:
    """1 where a file was held back or could not be read."""
    from netty.workflow.deidentify_files import deidentify_file, deidentify_folder

    target = _checked(source, out)
    deidentifier = _deidentifier(invocation, level, burned_in, masks)
    if source.is_dir():
        outcomes = list(deidentify_folder(deidentifier, source, target))
        failed = any(one.fate.value in _NOT_MADE for one in outcomes)
    else:
        outcomes = [deidentify_file(deidentifier, source, target)]
        failed = outcomes[0].target is None
    _tell(invocation, level, outcomes)
    return ExitCode.NEGATIVE if failed else ExitCode.OK


def _checked(source: Path, out: Path) -> Path:
    """The file to write, or the folder; UsageError where something would be overwritten."""
    if source.is_dir():
        if out.resolve().is_relative_to(source.resolve()):
            raise UsageError("{out} lies in {folder}. Choose another OUT.", out=out, folder=source)
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise UsageError("{out} is not an empty folder. Choose another OUT.", out=out)
        return out
    target = out / "000001.dcm" if out.is_dir() else out
    if target.exists():
        raise UsageError("{file} would be overwritten. Choose another OUT.", file=target)
    return target


def _deidentifier(invocation: Invocation, level: str, burned_in: str | None, masks: Path | None) -> "Deidentifier":
    """As the settings say, where there are any; the level and what the call says go before them."""
    from dataclasses import replace

    from netty.model.deidentification_burned_in import BurnedIn
    from netty.model.deidentification_values import KEY_SIZE, Pseudonyms
    from netty.network.settings import AeSettings
    from netty.workflow.deidentify import Deidentifier
    from netty.workflow.settings import Keep, KeepSettings

    settings = _settings(invocation)
    keep = replace(settings.keep if settings else KeepSettings(), dicom=Keep(level))
    if burned_in:
        keep = replace(keep, burned_in=BurnedIn(burned_in))
    if masks:
        keep = replace(keep, masks=str(masks.absolute()))
    base = settings.file.parent if settings else Path.cwd()
    if settings or keep.dicom is not Keep.BASIC:
        folder = settings.data if settings else base
        return Deidentifier.of(keep, folder, base, settings.ae if settings else AeSettings())
    note(say("There are no settings, so no key of the site: other calls will give other UIDs to the same images."))
    pseudonyms = Pseudonyms(secrets.token_bytes(KEY_SIZE))
    return Deidentifier.with_pseudonyms(keep, pseudonyms, base, AeSettings())


def _settings(invocation: Invocation) -> Any:
    """The settings; None where there are none and none were asked for."""
    try:
        return invocation.settings()
    except SettingsError as error:
        if "files" not in error.values:  # of those that were looked for; any other fault counts
            raise
        return None


def _tell(invocation: Invocation, level: str, outcomes: "list[FileOutcome]") -> None:
    if invocation.json:
        files = [
            {
                "source": str(one.source),
                "path": str(one.target) if one.target else None,
                "result": one.fate.value,
                "problem": str(one.problem) if one.problem else "",
            }
            for one in outcomes
        ]
        write_json({"level": level, "files": files})
        return
    for one in outcomes:
        words = say(_WORDS[one.fate.value])
        if one.target:
            write(say("{source}: {result}: {path}", source=one.source, result=words, path=one.target))
        else:
            why = f" ({render(one.problem, language())})" if one.problem else ""
            note(say("{source}: {result}{why}", source=one.source, result=words, why=why))
    made = sum(one.target is not None for one in outcomes)
    write(say("{made} of {count} files de-identified.", made=made, count=len(outcomes)))
