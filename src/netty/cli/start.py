"""The program's start. What the running service can do for a command, it does: all that it needs is loaded there."""

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Final

from netty.processes.errand import hand_over
from netty.settings_file import candidates, named

# What is asked again and again, needs the data folder, and reads no file of the caller's.
HANDED_OVER: Final = frozenset({"audit", "echo", "find", "jobs", "plan", "retrieve", "search", "status", "studies"})
_CONFIG: Final = "--config"


def main() -> None:
    """The program."""
    arguments = sys.argv[1:]
    code = carried_out(arguments, os.environ)
    if code is None:
        from netty.cli.main import carry_out

        code = carry_out(arguments)
    sys.exit(code)


def carried_out(arguments: Sequence[str], environment: Mapping[str, str]) -> int | None:
    """The exit code of a command that the service has done; None for all others."""
    if "--help" in arguments or None in (sys.stdin, sys.stdout, sys.stderr):
        return None
    command, given = _command(arguments)
    if command not in HANDED_OVER:
        return None
    file = named(given, environment) or next(filter(os.path.isfile, candidates(environment)), None)
    if file is None:
        return None
    try:
        return hand_over(arguments, environment, file)
    except ConnectionError:
        from netty.cli.main import service_ended

        return service_ended(arguments)


def _command(arguments: Sequence[str]) -> tuple[str, str | None]:
    """The command's name, "" where there is none, and the settings file that the options before or behind it name."""
    name, config = "", None
    rest = iter(arguments)
    for argument in rest:
        if argument == _CONFIG:
            config = next(rest, None)
        elif argument.startswith(f"{_CONFIG}="):
            config = argument.partition("=")[2]
        elif not argument.startswith("-") and not name:
            name = argument
    return name, config
