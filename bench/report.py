"""What was measured, for people and for programs: tables, JSON, and docs/performance.md."""

import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench.contest import Measured, Table
from bench.machine import described, versions

_HEAD = ("contestant", "images/s", "range", "netty is", "CPU ms/image", "lost", "what it does")


def lines_of(table: Table) -> list[tuple[str, ...]]:
    """The cells of a table, without its head."""
    return [
        (
            one.contestant.name,
            f"{one.rate:.1f}",
            f"{min(one.rates):.1f}-{max(one.rates):.1f}",
            _standing(table, one),
            "" if one.cpu is None else f"{one.cpu:.2f}",
            str(one.lost or ""),
            one.contestant.note,
        )
        for one in table.measured
    ]


def _standing(table: Table, one: Measured) -> str:
    """Who loses images is out of the race."""
    if one.lost:
        return "out: lost images"
    return "" if one is table.measured[0] else f"{table.ratio(one):.2f} x"


def print_table(table: Table) -> None:
    """In columns."""
    rows = [_HEAD, *lines_of(table)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    print(f"\n{table.title}\n")
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def write(tables: Sequence[Table], page: Path, document: Path) -> None:
    """The page of the documentation, and the same as JSON."""
    machine, used, at = described(), versions(), datetime.now(UTC).isoformat(timespec="minutes")
    load = os.getloadavg()[0]
    document.parent.mkdir(parents=True, exist_ok=True)
    document.write_text(json.dumps({"at": at, "machine": machine, "versions": used, "load": load, "tables": [
        {"title": table.title, "contestants": [
            {"name": one.contestant.name, "rates": one.rates, "cpu_ms": one.cpu, "lost": one.lost}
            for one in table.measured]}
        for table in tables]}, indent=1))  # fmt: skip
    page.write_text("\n".join([*_introduction(machine, used, at, load), *(_section(table) for table in tables)]) + "\n")


def _introduction(machine: str, used: dict[str, str], at: str, load: float) -> list[str]:
    programs = ", ".join(f"{name} {version}" for name, version in used.items())
    return [
        "# How fast netty is",
        "",
        "Made by `make bench`, never by hand. What counts is the ratio within one run: contestants take turns, and the",
        "machine is what it is. Medians of all rounds; `lost` counts images that were not there in the end.",
        "",
        f"- Measured {at}, load {load:.1f} at the end",
        f"- {machine}",
        f"- {programs}",
    ]


def _section(table: Table) -> str:
    rows = ["| " + " | ".join(row) + " |" for row in (_HEAD, ("---",) * len(_HEAD), *lines_of(table))]
    return "\n".join(["", f"## {table.title}", "", *rows])
