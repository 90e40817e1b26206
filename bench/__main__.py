"""``python -m bench``: exits 0 where netty lost no image. The tables say how fast each was."""

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from bench import main_job, receive, render, start
from bench.contest import Table
from bench.report import print_table, write

_PAGE = Path(__file__).parent.parent / "docs" / "performance.md"
_DOCUMENT = Path(__file__).parent.parent / ".setup" / "bench.json"


def main() -> int:
    """Read the options and compare."""
    parser = argparse.ArgumentParser(prog="make bench ARGS=", description="netty beside other programs")
    parser.add_argument("--only", choices=("receive", "main_job", "render", "start"), help="only this part")
    parser.add_argument("--rounds", type=int, default=5, help="how often each has its turn (5)")
    parser.add_argument("--images", type=int, default=400, help="how many CT are received and fetched (400)")
    parser.add_argument("--folder", type=Path, help="where they write; on the disk to be measured")
    given = parser.parse_args()
    parts: dict[str, Callable[[], Iterator[Table]]] = {
        "receive": lambda: receive.tables(given.rounds, given.images, given.folder),
        "main_job": lambda: main_job.tables(given.rounds, given.images, given.folder),
        "render": lambda: render.tables(given.rounds, 20),
        "start": lambda: start.tables(given.rounds),
    }
    tables: list[Table] = []
    for name in [given.only] if given.only else parts:
        for table in parts[name]():
            print_table(table)
            tables.append(table)
    if not given.only:
        write(tables, _PAGE, _DOCUMENT)
    lost = sum(table.lost_by_netty for table in tables)
    print(f"bench: {'ok' if not lost else 'FAILED'}: {len(tables)} tables, {lost} images lost")
    return 0 if not lost else 1


if __name__ == "__main__":
    sys.exit(main())
