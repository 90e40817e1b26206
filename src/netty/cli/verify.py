"""``netty verify``: rows against files."""

import click

from netty.cli.commands import Command
from netty.cli.exit_codes import ExitCode
from netty.cli.invocation import Invocation, pass_invocation
from netty.cli.output import write, write_json, write_table
from netty.cli.terms import term
from netty.cli.words import retold, say
from netty.errors import UsageError


@click.command(cls=Command)
@click.option("--repair", is_flag=True, help=say("put right what can be put right"))
@click.option(
    "--count", type=click.IntRange(min=1), help=say("only so many images and their files; ends by saying how to go on")
)
@click.option("--after", type=click.IntRange(min=0), help=say("with --count: where the last part ended"))
@pass_invocation
def verify(invocation: Invocation, repair: bool, count: int | None, after: int | None) -> int:
    """1 where a problem is left."""
    if after is not None and count is None:
        raise UsageError("--after needs --count: how many images are to be checked.")
    with invocation.desk() as desk:
        from netty.archive.verify import Part

        result = desk.verify(repair, Part(count, after or 0) if count else None)
    if invocation.json:
        problems = [
            {"kind": each.kind.value, "what": each.what, "advice": each.advice, "repaired": each.repaired}
            for each in result.problems
        ]
        write_json({"ok": result.ok, "checked": result.checked, "problems": problems, "next_after": result.next_after})
        return ExitCode.OK if result.ok else ExitCode.NEGATIVE
    if result.problems:
        words = {True: say("repaired"), False: say("not repaired")}
        headings = (say("problem"), say("result"), say("advice"), say("what"))
        rows = [
            (term(each.kind.value), words[each.repaired], retold(each.advice), each.what) for each in result.problems
        ]
        write_table(headings, rows)
    write(say("{checked} checked, {count} problems.", checked=result.checked, count=len(result.problems)))
    if result.next_after is not None:
        write(say("Go on with: netty verify --count {count} --after {after}", count=count, after=result.next_after))
    return ExitCode.OK if result.ok else ExitCode.NEGATIVE
