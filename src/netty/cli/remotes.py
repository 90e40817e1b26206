"""``netty remotes``: the hospitals."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from netty.cli.commands import Group
from netty.cli.documents import remote_document
from netty.cli.invocation import Invocation, pass_invocation
from netty.cli.output import note, write, write_json, write_table
from netty.cli.problems import BadInput
from netty.cli.words import say
from netty.errors import UsageError
from netty.model.remote import Remote

if TYPE_CHECKING:
    from netty.gateway.desk import Desk


@click.group(cls=Group)
def remotes() -> None:
    """The hospitals that netty knows."""


@remotes.command("list", help=say("all of them"))
@pass_invocation
def list_remotes(invocation: Invocation) -> None:
    with invocation.desk() as desk:
        known = desk.remotes.list()
    if invocation.json:
        write_json({"remotes": [remote_document(remote) for remote in known]})
        return
    headings = (say("name"), say("AE title"), say("address"), say("port"), say("kept by"), say("automatic work"))
    keepers = {True: say("settings file"), False: say("database")}
    states = {True: say("paused"), False: say("on")}
    write_table(headings, [(r.name, r.title, r.host, r.port, keepers[r.managed], states[r.paused]) for r in known])


@remotes.command(help=say("one of them, with all that is set"))
@click.argument("name", metavar="REMOTE")
@pass_invocation
def show(invocation: Invocation, name: str) -> None:
    with invocation.desk() as desk:
        document = remote_document(desk.remotes.get(name))
    if invocation.json:
        write_json(document)
    else:
        write_table((say("setting"), say("value")), [(key, _words(value)) for key, value in document.items()])


_CHOICES: tuple[tuple[tuple[str, ...], dict[str, Any]], ...] = (
    (("--title",), {"help": say("its AE title")}),
    (("--host",), {"help": say("its address")}),
    (("--port",), {"type": int, "help": say("its DICOM port")}),
    (("--address", "addresses"), {"multiple": True, "help": say("from where it may call us (without it: host)")}),
    (("--called-from",), {"multiple": True, "help": say("an AE title it calls with (without it: title)")}),
    (("--max-moves",), {"type": int, "help": say("retrievals at once")}),
    (("--hours",), {"multiple": True, "help": say("when automatic work may run, like 22:00-06:00")}),
    (("--response-restarts-on",), {"type": click.Choice(("response", "store")), "help": say("instead of [timers]")}),
    (("--level", "levels"), {"multiple": True, "help": say("instead of [retrieve] levels")}),
)


def _with_choices(function: Any) -> Any:
    for names, options in reversed(_CHOICES):
        function = click.option(*names, **options)(function)
    return function


@remotes.command(help=say("register a hospital"))
@click.argument("name", metavar="REMOTE")
@_with_choices
@pass_invocation
def add(invocation: Invocation, /, name: str, **given: Any) -> None:
    lacking = [f"--{key}" for key in ("title", "host", "port") if given[key] is None]
    if lacking:
        raise UsageError("A remote needs {options} too.", options=", ".join(lacking))
    remote = _remote({"name": name}, given)
    with invocation.desk() as desk:
        desk.remotes.add(remote)
        _audit(desk, "added", remote.name)
    _tell(invocation, say("{name} was added. Try it: netty echo {name}", name=name), remote)


@remotes.command(help=say("change what is given"))
@click.argument("name", metavar="REMOTE")
@_with_choices
@pass_invocation
def edit(invocation: Invocation, /, name: str, **given: Any) -> None:
    with invocation.desk() as desk:
        old = desk.remotes.get(name)
        content = {key: getattr(old, key) for key in ("name", *given) if getattr(old, key) not in (None, ())}
        remote = replace(_remote(content, given), managed=old.managed, paused=old.paused)
        desk.remotes.edit(remote)
        _audit(desk, "edited", name)
    _tell(invocation, say("{name} was changed.", name=name), remote)


@remotes.command(help=say("forget a hospital; what was fetched from it stays"))
@click.argument("name", metavar="REMOTE")
@pass_invocation
def remove(invocation: Invocation, name: str) -> None:
    with invocation.desk() as desk:
        remote = desk.remotes.get(name)
        desk.remotes.remove(name)
        _audit(desk, "removed", name)
    _tell(invocation, say("{name} was removed.", name=name), remote)


@remotes.command("export", help=say("write them as TOML, to the standard output or a file"))
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
@pass_invocation
def export_remotes(invocation: Invocation, file: Path | None) -> None:
    from netty.config import remotes_to_toml

    with invocation.desk() as desk:
        known = desk.remotes.list()
    if file is not None:
        file.write_text(remotes_to_toml(known), encoding="utf-8")
    elif invocation.json:
        write_json({"remotes": [remote_document(remote) for remote in known]})
    else:
        write(remotes_to_toml(known).rstrip("\n"))


@remotes.command("import", help=say("add or change those of a TOML file; all or none"))
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True, allow_dash=True))
@pass_invocation
def import_remotes(invocation: Invocation, file: Path) -> None:
    from netty.config import SettingsProblems, remotes_from_toml

    text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8-sig")
    try:
        new = remotes_from_toml(text, file)
    except SettingsProblems as error:
        raise BadInput(error.problems) from error
    with invocation.desk() as desk:
        known = {remote.name: remote for remote in desk.remotes.list()}
        managed = [remote.name for remote in new if remote.name in known and known[remote.name].managed]
        if managed:
            raise UsageError("{names}: kept by the settings file; change it there.", names=", ".join(managed))
        for remote in new:
            if remote.name in known:
                desk.remotes.edit(replace(remote, paused=known[remote.name].paused))
            else:
                desk.remotes.add(remote)
        _audit(desk, "imported", *(remote.name for remote in new))
    if invocation.json:
        write_json({"remotes": [remote_document(remote) for remote in new]})
    else:
        note(say("{count} remotes were read.", count=len(new)))


def _remote(content: dict[str, Any], given: dict[str, Any]) -> Remote:
    """A remote held to the same rules as one in a settings file."""
    from netty.config import SettingsProblems, checked_remote

    try:
        return checked_remote(content | {key: value for key, value in given.items() if value not in (None, ())})
    except SettingsProblems as error:
        raise BadInput(error.problems) from error


def _tell(invocation: Invocation, sentence: str, remote: Remote) -> None:
    if invocation.json:
        write_json(remote_document(remote))
    else:
        note(sentence)


def _audit(desk: "Desk", what: str, *names: str) -> None:
    from netty.archive.audit import AuditEvent, AuditKind

    desk.audit.write(
        *(AuditEvent(AuditKind.REMOTES_CHANGED, who="cli", remote=name, detail={"what": what}) for name in names)
    )


def _words(value: object) -> str | None:
    match value:
        case None:
            return None
        case list():
            return ", ".join(map(str, value))
        case bool():
            return say("yes") if value else say("no")
        case _:
            return str(value)
