"""``netty init`` and ``netty check``."""

import os
from pathlib import Path

import click

from netty.cli.commands import Command
from netty.cli.exit_codes import ExitCode
from netty.cli.invocation import Invocation, pass_invocation
from netty.cli.output import note, write, write_json, write_table
from netty.cli.terms import term
from netty.cli.words import language, retold, say
from netty.errors import UsageError

_ADMINISTRATOR = "admin"


@click.command(cls=Command)
@click.argument("folder", metavar="[DIR]", required=False, type=click.Path(path_type=Path))
@pass_invocation
def init(invocation: Invocation, folder: Path | None) -> None:
    """Nothing that exists is overwritten."""
    from netty.config import commented_settings, load_settings

    file = ((folder or Path.cwd()) / "netty.toml").absolute()
    if file.exists():
        raise UsageError("{file} exists already. Nothing was changed.", file=file)
    file.parent.mkdir(parents=True, exist_ok=True)
    # 0600: a database's address may hold a password.
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as stream:
        stream.write(commented_settings(language()))
    try:
        settings = load_settings(file)
        invocation.config = file
        password = _first_administrator(invocation)
    except BaseException:
        file.unlink(missing_ok=True)  # so that the next try can start again
        raise
    login = {"user": _ADMINISTRATOR if password else None, "password": password}
    if invocation.json:
        write_json({"settings": str(file), "data": str(settings.data), **login})
        return
    write(say("{file} and {data} were made.", file=file, data=settings.data))
    if password is None:
        write(say("There are users already. A forgotten password: {command}", command="netty users passwd NAME"))
    else:
        write(say("Log in as {user} with the one-time password {password} (it is not shown again).", **login))
    write(say("Next:"))
    write("  1. " + say("Look through {file}.", file=file))
    write(
        "  2. " + say("Add a hospital: {command}", command="netty remotes add NAME --title AE --host HOST --port PORT")
    )
    write("  3. " + say("Register patients: {command}", command="netty patients import FILE.csv"))
    address = f"http://{settings.web.host}:{settings.web.port}/"
    write("  4. " + say("Start it: {command}, and open {address}", command="netty serve", address=address))


def _first_administrator(invocation: Invocation) -> str | None:
    """Make folder and database, and the administrator; the one-time password, None where users are there already."""
    from netty.archive.users import Role, one_time_password
    from netty.gateway import initialise

    initialise(invocation.settings())
    password = one_time_password()
    with invocation.desk() as desk:
        if desk.users.list():
            return None
        desk.users.add(_ADMINISTRATOR, password, Role.ADMIN, must_change=True)
    return password


@click.command(cls=Command)
@pass_invocation
def check(invocation: Invocation) -> int:
    """Every check is made, whatever the others say."""
    from netty import gateway

    results = gateway.check(invocation.settings())
    good = all(ok for _, ok, _, _ in results)
    if invocation.json:
        rows = [{"what": what, "ok": ok, "detail": detail, "advice": advice} for what, ok, detail, advice in results]
        write_json({"ok": good, "checks": rows})
    else:
        words = {True: say("ok"), False: say("not ok")}
        write_table(
            (say("check"), say("result"), say("detail")),
            [(term(what), words[ok], retold(detail)) for what, ok, detail, _ in results],
        )
        for _, ok, _, advice in results:
            if not ok and advice:
                note(retold(advice))
    return ExitCode.OK if good else ExitCode.NEGATIVE
