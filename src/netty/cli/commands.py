"""click's commands and groups, in our words, with the options that all commands have."""

import importlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click

from netty.cli.invocation import Invocation
from netty.cli.words import say


def _set_config(context: click.Context, _: click.Parameter, value: Path | None) -> None:
    if value is not None:
        context.ensure_object(Invocation).config = value


def _set_flag(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value and parameter.name is not None:
        setattr(context.ensure_object(Invocation), parameter.name, True)


def common_options() -> list[click.Parameter]:
    """``--config``, ``--json`` and ``--debug``: accepted before and behind a command's name."""
    return [
        click.Option(
            ["--config"],
            type=click.Path(path_type=Path),
            metavar="FILE",
            expose_value=False,
            callback=_set_config,
            help=say("the settings file (without it: netty.toml here, then the user's and the system's)"),
        ),
        click.Option(
            ["--json"], is_flag=True, expose_value=False, callback=_set_flag, help=say("write one JSON document")
        ),
        click.Option(
            ["--debug"], is_flag=True, expose_value=False, callback=_set_flag, help=say("show where an error came from")
        ),
    ]


class _InOurWords(click.Command):
    """Help whose headings are in the reader's language."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.params.extend(common_options())

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        option = super().get_help_option(ctx)
        if option is not None:
            option.help = say("show this help")
        return option

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write_usage(ctx.command_path, " ".join(self.collect_usage_pieces(ctx)), prefix=say("Usage: "))

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        records = [record for parameter in self.get_params(ctx) if (record := parameter.get_help_record(ctx))]
        if records:
            with formatter.section(say("Options")):
                formatter.write_dl(records)


class Command(_InOurWords):
    """A command."""


class Group(_InOurWords, click.Group):
    """A noun with its verbs: ``netty remotes list``."""

    command_class = Command

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        _InOurWords.format_options(self, ctx, formatter)
        self.format_commands(ctx, formatter)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [(name, self.summary(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section(say("Commands")):
            formatter.write_dl([(name, summary) for name, summary in rows if summary])

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of their definition: the first ones first."""
        return list(self.commands)

    def summary(self, ctx: click.Context, name: str) -> str:
        """One line about a command; empty for a hidden one."""
        command = self.get_command(ctx, name)
        return command.help or "" if command is not None and not command.hidden else ""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """click's own, with our sentence where there is no such command."""
        name = args[0]
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            raise no_such_command(name, self.list_commands(ctx))
        return super().resolve_command(ctx, args)


class LazyGroup(Group):
    """The commands of ``netty``, each imported when it is called: the help must come at once."""

    def __init__(self, *arguments: Any, table: Mapping[str, tuple[str, str]], **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._table = table

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self._table)

    def summary(self, ctx: click.Context, name: str) -> str:
        text = self._table[name][1]
        return say(text) if text else ""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self._table:
            return None
        place, _ = self._table[cmd_name]
        module, _, name = place.partition(":")
        command = getattr(importlib.import_module(f"netty.cli.{module}"), name)
        assert isinstance(command, click.Command)
        command.help = self.summary(ctx, cmd_name)
        return command

    def load(self, names: Iterable[str]) -> None:
        """Import these commands now, as if they had been called."""
        for name in names:
            self.get_command(click.Context(self), name)


def no_such_command(name: str, known: list[str]) -> click.UsageError:
    """The sentence about a command that does not exist, with the nearest one."""
    from difflib import get_close_matches

    near = get_close_matches(name, known, n=1)
    if near:
        return WrongCall(say("There is no command {name}. Did you mean {nearest}?", name=name, nearest=near[0]))
    return WrongCall(say("There is no command {name}.", name=name))


class WrongCall(click.UsageError):
    """A call that cannot be carried out; the message is already in the reader's language."""
