"""``python -m bench``: netty beside other programs. Exits 0 where netty lost no image and every part ran to its end.

A part is a module of this package, named in `PARTS`, with one function::

    def tables(scope: Scope) -> Iterator[Table]:

It makes its data (seeded), starts its peers itself on loopback, yields each table as soon as `contest.compete` has
made it, and leaves nothing running. With `scope.full` it measures everything; else a subset with each of its goals in
it: of 15 minutes for all parts receive may take 5, main_job 2, render 2, the others 1.5 each. A table has one unit
(`contest.Unit`; images/s, s, ms, MB, or its own); netty stands first; the limit and the peers follow, found or left
out; `goals.goal("netty", Bound(10, "findscu"), Bound(0.8, "limit"))` says what is to be reached. Memory of several
processes together is `machine.Peak`, processor time `machine.cpu_seconds`.
"""

import argparse
import importlib
import importlib.util
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

from bench.contest import Table
from bench.report import all_verdicts, print_summary, print_table, write
from bench.scope import LEAST_ROUNDS, Scope

# The main job first: ext4 without a journal makes files slowly for minutes after many were removed (docs/profile.md).
PARTS = ("main_job", "receive", "render", "search", "crowd", "growth", "start")

_PAGE = Path(__file__).parent.parent / "docs" / "performance.md"
_DOCUMENT = Path(__file__).parent.parent / ".setup" / "bench.json"


def main() -> int:
    """Read the options and compare."""
    there = [name for name in PARTS if importlib.util.find_spec(f"bench.{name}")]
    parser = argparse.ArgumentParser(prog="make bench ARGS=", description="netty beside other programs")
    parser.add_argument("--only", choices=there, action="append", help="only this part (may be given again)")
    parser.add_argument("--full", action="store_true", help="everything, not only the usual subset")
    parser.add_argument(
        "--rounds", type=int, default=LEAST_ROUNDS, help=f"how often each has its turn ({LEAST_ROUNDS})"
    )
    parser.add_argument("--folder", type=Path, help="where they write; on the disk to be measured")
    given = parser.parse_args()
    scope = Scope(given.full, given.rounds, given.folder)
    tables: list[Table] = []
    failed = [name for name in given.only or there if not _ran(name, scope, tables)]
    print_summary(tables)
    if not given.only and not failed and scope.rounds >= LEAST_ROUNDS:
        write(tables, scope, _PAGE, _DOCUMENT)
    lost, goals = sum(table.lost_by_netty for table in tables), all_verdicts(tables)
    reached = sum(verdict.reached is True for verdict in goals)
    wrong = "".join([f", {lost} images lost by netty"] * bool(lost) + [f", {name} broke off" for name in failed])
    print(f"bench: {'FAILED' if wrong else 'ok'}: {len(tables)} tables, {reached} of {len(goals)} goals reached{wrong}")
    return 1 if wrong else 0


def _ran(name: str, scope: Scope, tables: list[Table]) -> bool:
    """Measure a part; whether it came to its end. What it has measured before it broke off stays."""
    try:
        for table in _tables(name, scope):
            print_table(table)
            tables.append(table)
    except Exception:
        traceback.print_exc()
        return False
    return True


def _tables(name: str, scope: Scope) -> Iterator[Table]:
    part: Iterator[Table] = importlib.import_module(f"bench.{name}").tables(scope)
    return part


if __name__ == "__main__":
    sys.exit(main())
