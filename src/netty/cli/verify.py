"""``netty verify``: rows against files."""

import click

from netty.cli.commands import Command
from netty.cli.exit_codes import ExitCode
from netty.cli.invocation import Invocation, pass_invocation
from netty.cli.output import write, write_json, write_table
from netty.cli.terms import term
from netty.cli.words import retold, say


@click.command(cls=Command)
@click.option("--repair", is_flag=True, help=say("put right what can be put right"))
@pass_invocation
def verify(invocation: Invocation, repair: bool) -> int:
    """1 where a problem is left."""
    with invocation.desk() as desk:
        result = desk.verify(repair)
    if invocation.json:
        problems = [
            {"kind": each.kind.value, "what": each.what, "advice": each.advice, "repaired": each.repaired}
            for each in result.problems
        ]
        write_json({"ok": result.ok, "checked": result.checked, "problems": problems})
        return ExitCode.OK if result.ok else ExitCode.NEGATIVE
    if result.problems:
        words = {True: say("repaired"), False: say("not repaired")}
        headings = (say("problem"), say("result"), say("advice"), say("what"))
        rows = [
            (term(each.kind.value), words[each.repaired], retold(each.advice), each.what) for each in result.problems
        ]
        write_table(headings, rows)
    write(say("{checked} checked, {count} problems.", checked=result.checked, count=len(result.problems)))
    return ExitCode.OK if result.ok else ExitCode.NEGATIVE
