"""``netty users``: who may use the pages."""

import sys
from typing import TYPE_CHECKING

import click

from netty.cli.commands import Group
from netty.cli.invocation import Invocation, pass_invocation
from netty.cli.output import note, write_json, write_table
from netty.cli.terms import term
from netty.cli.words import say
from netty.errors import UsageError

if TYPE_CHECKING:
    from datetime import datetime

    from netty.gateway.desk import Desk

_ROLES = ("viewer", "operator", "admin")
_FROM_STDIN = click.option("--password-stdin", is_flag=True, help=say("read the password from the standard input"))


@click.group(cls=Group)
def users() -> None:
    """Who may use the pages."""


@users.command("list", help=say("all of them"))
@pass_invocation
def list_users(invocation: Invocation) -> None:
    with invocation.desk() as desk:
        known = desk.users.list()
    if invocation.json:
        write_json({"users": [{"name": u.name, "role": u.role, "last_login_at": u.last_login_at} for u in known]})
        return
    rows = [(user.name, term(user.role.value), _time(user.last_login_at)) for user in known]
    write_table((say("name"), say("role"), say("last login")), rows)


@users.command(help=say("let somebody in; without a terminal or --password-stdin a one-time password is made"))
@click.argument("name")
@click.option("--role", type=click.Choice(_ROLES), default="viewer", help=say("what the user may do"))
@_FROM_STDIN
@pass_invocation
def add(invocation: Invocation, name: str, role: str, password_stdin: bool) -> None:
    from netty.archive.users import Role

    password, made = _password(password_stdin)
    with invocation.desk() as desk:
        desk.users.add(name, password, Role(role), must_change=made)
        _audit(desk, "added", name)
    _tell(invocation, name, password if made else None)


@users.command(help=say("give a user a new password; all sessions of the user end"))
@click.argument("name")
@_FROM_STDIN
@pass_invocation
def passwd(invocation: Invocation, name: str, password_stdin: bool) -> None:
    with invocation.desk() as desk:
        desk.users.get(name)
        password, made = _password(password_stdin)
        desk.users.set_password(name, password, must_change=made)
        _audit(desk, "password", name)
    _tell(invocation, name, password if made else None)


@users.command(help=say("let a user in no more"))
@click.argument("name")
@pass_invocation
def remove(invocation: Invocation, name: str) -> None:
    with invocation.desk() as desk:
        desk.users.remove(name)
        _audit(desk, "removed", name)
    _tell(invocation, name, None)


def _time(at: "datetime | None") -> str | None:
    return f"{at.astimezone():%Y-%m-%d %H:%M}" if at else None


def _password(from_stdin: bool) -> tuple[str, bool]:
    """The password, and whether we made it. It is never an argument: every user sees the process list."""
    from netty.archive.users import one_time_password

    if from_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
        if not password:
            raise UsageError("The standard input holds no password.")
        return password, False
    if not sys.stdin.isatty():
        return one_time_password(), True
    password = click.prompt(say("Password"), hide_input=True, confirmation_prompt=say("Once more"), err=True)
    return str(password), False


def _tell(invocation: Invocation, name: str, password: str | None) -> None:
    if invocation.json:
        write_json({"name": name, "password": password})
    elif password is None:
        note(say("Done: {name}.", name=name))
    else:
        click.echo(say("{name}'s one-time password: {password} (it is not shown again)", name=name, password=password))


def _audit(desk: "Desk", what: str, name: str) -> None:
    from netty.archive.audit import AuditEvent, AuditKind

    desk.audit.write(AuditEvent(AuditKind.USERS_CHANGED, who="cli", detail={"what": what, "user": name}))
