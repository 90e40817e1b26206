"""``netty``: the commands, and how each ends."""

import io
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

import click

from netty import __version__
from netty.cli.commands import LazyGroup, WrongCall
from netty.cli.exit_codes import ExitCode, exit_code
from netty.cli.invocation import Invocation
from netty.cli.output import note, write_json
from netty.cli.problems import BadInput
from netty.cli.start import HANDED_OVER
from netty.cli.words import language, say, usage_error
from netty.errors import NettyError
from netty.language import mark, render

# name -> (module:command, what it does). In the order in which a newcomer needs them.
_COMMANDS: dict[str, tuple[str, str]] = {
    "init": ("setup:init", mark("make a settings file, the database and an administrator")),
    "serve": ("service:serve", mark("run netty: receive, search, fetch, show")),
    "demo": ("service:demo", mark("show everything with two simulated hospitals")),
    "check": ("setup:check", mark("check settings, disk, ports, clock and database")),
    "remotes": ("remotes:remotes", mark("the hospitals that netty knows")),
    "patients": ("patients:patients", mark("the registered patients")),
    "users": ("users:users", mark("who may use the pages")),
    "echo": ("asking:echo", mark("ask a hospital whether it answers")),
    "find": ("asking:find", mark("what a hospital holds of a patient, and what of it is here")),
    "plan": ("asking:plan", mark("what would be fetched, what not, and why; moves nothing")),
    "retrieve": ("fetching:retrieve", mark("fetch what is missing")),
    "search": ("fetching:search", mark("the automatic round, by hand")),
    "jobs": ("jobs:jobs", mark("the retrievals: what was asked for and what became of it")),
    "status": ("status:status", mark("what netty is doing now")),
    "studies": ("studies:studies", mark("the studies held here")),
    "quarantine": ("quarantine:quarantine", mark("what was set aside for a person to decide")),
    "render": ("render:render", mark("make pictures of a DICOM file")),
    "deidentify": ("deidentify:deidentify", mark("write DICOM files without what identifies the patient")),
    "verify": ("verify:verify", mark("check that every row has its file and every file its row")),
    "conformance": ("conformance:conformance", mark("netty's own DICOM conformance statement")),
    "audit": ("audit:audit", mark("who did what, and when")),
    "simulate": ("service:simulate", mark("a scriptable hospital that serves a folder of DICOM files")),
    "child": ("service:child", ""),
}


@click.group(cls=LazyGroup, table=_COMMANDS, help=say("netty links hospitals' images: finds, fetches, shows."))
@click.version_option(__version__, prog_name="netty", message="%(prog)s %(version)s", help=say("show the version"))
def cli() -> None:
    """All commands."""


def load_commands() -> None:
    """Import what terminals hand over to the running service."""
    assert isinstance(cli, LazyGroup)
    cli.load(HANDED_OVER)


def carry_out(arguments: Sequence[str]) -> int:
    """Do one command, in this process or in one that the running service has forked for it; gives its exit code."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that is not UTF-8 shows what it can of a name, and no command fails for the rest.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    return run(arguments)


def service_ended(arguments: Sequence[str]) -> int:
    """The exit code where the service was carrying out a command and ended."""
    sentence = say("netty's service ended before the command did. See what became of it: netty status")
    return _failed(Invocation(json="--json" in arguments), ExitCode.LOCAL, sentence)


def run(arguments: Sequence[str]) -> int:
    """Carry out one call and return its exit code; what went wrong is told on stderr."""
    invocation = Invocation()
    try:
        result = cli.main(list(arguments), prog_name="netty", standalone_mode=False, obj=invocation)
    except click.exceptions.NoArgsIsHelpError as error:
        note(error.format_message())
        return ExitCode.USAGE
    except click.ClickException as error:
        message = error.message if isinstance(error, WrongCall) else usage_error(error)
        return _failed(invocation, ExitCode.USAGE, message)
    except (click.Abort, KeyboardInterrupt):
        return _failed(invocation, ExitCode.INTERRUPTED, say("Interrupted."))
    except NettyError as error:
        return _failed(invocation, exit_code(error), *_sentences(error))
    except OSError as error:
        place = error.filename or "-"
        return _failed(invocation, ExitCode.LOCAL, say("{file}: {detail}.", file=place, detail=error.strerror or error))
    except Exception as error:
        return _failed(invocation, ExitCode.LOCAL, _unforeseen(error))
    return result if isinstance(result, int) else ExitCode.OK


def _sentences(error: NettyError) -> list[str]:
    """The error's sentence, or those of all its problems."""
    problems: tuple[NettyError, ...] = getattr(error, "problems", ())  # of SettingsProblems and BadInput
    sentences = [render(each, language()) for each in problems or (error,)]
    return [*sentences, say("Nothing was changed.")] if isinstance(error, BadInput) else sentences


def _unforeseen(error: Exception) -> str:
    """A defect of netty. The error's own text stays out: it may hold a patient's name."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "?"
    return say(
        "An error that netty did not foresee: {kind} at {place}. Run it again with --debug to see all of it.",
        kind=type(error).__name__,
        place=place,
    )


def _failed(invocation: Invocation, code: ExitCode, *sentences: str) -> int:
    if invocation.debug:
        traceback.print_exc()
    for sentence in sentences:
        note(f"netty: {sentence}")
    if invocation.json:
        write_json({"error": {"code": code.word, "messages": list(sentences)}})
    return code
