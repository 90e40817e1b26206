"""What was measured, for people and for programs: tables, JSON, and docs/performance.md."""

import json
import os
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench.contest import Measured, Table
from bench.goals import Verdict, verdicts
from bench.machine import described, versions
from bench.scope import Scope


def head_of(table: Table) -> tuple[str, ...]:
    """The names of the columns."""
    return ("contestant", table.unit.name, "range", "netty is", "CPU ms each", "MB", "lost", "what it does")


def lines_of(table: Table) -> list[tuple[str, ...]]:
    """The cells of a table, without its head."""
    return [
        (
            one.contestant.name,
            _number(one.value),
            f"{_number(min(one.values))}-{_number(max(one.values))}",
            _standing(table, one),
            "" if one.cpu is None else f"{one.cpu:.2f}",
            "" if one.memory is None else f"{one.memory:.0f}",
            str(one.lost or ""),
            one.contestant.note,
        )
        for one in table.measured
    ]


def _number(value: float) -> str:
    """Three digits at least, none that say nothing."""
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.1f}" if abs(value) >= 100 else f"{value:.3g}"


def _standing(table: Table, one: Measured) -> str:
    """Who loses images is out of the race."""
    if one.lost:
        return "out: lost images"
    return "" if one is table.measured[0] else f"{table.ratio(one):.2f} x"


def print_table(table: Table) -> None:
    """In columns, and what became of each goal."""
    _print_columns(table.title, [head_of(table), *lines_of(table)])
    for verdict in verdicts(table):
        print(f"  {verdict.goal}: {verdict.outcome}")


def print_summary(tables: Iterable[Table]) -> None:
    """All goals of all tables."""
    _print_columns("goals", [("table", "goal", "outcome"), *_goals(tables)])


def _print_columns(title: str, rows: Sequence[tuple[str, ...]]) -> None:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    print(f"\n{title}\n")
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip(), flush=True)


def _goals(tables: Iterable[Table]) -> list[tuple[str, str, str]]:
    return [(table.title, one.goal, one.outcome) for table in tables for one in verdicts(table)]


def all_verdicts(tables: Iterable[Table]) -> list[Verdict]:
    """Of all goals of all tables."""
    return [verdict for table in tables for verdict in verdicts(table)]


def write(tables: Sequence[Table], scope: Scope, page: Path, document: Path) -> None:
    """The page of the documentation, and the same as JSON."""
    machine, used, at = described(), versions(), datetime.now(UTC).isoformat(timespec="minutes")
    load = os.getloadavg()[0]
    facts = {"at": at, "scope": scope.name, "rounds": scope.rounds, "machine": machine, "versions": used, "load": load}
    document.parent.mkdir(parents=True, exist_ok=True)
    document.write_text(json.dumps(facts | {"tables": [_as_json(table) for table in tables]}, indent=1))
    introduction = _introduction(scope, machine, used, at, load)
    page.write_text("\n".join([*introduction, *_summary(tables), *map(_section, tables)]) + "\n")


def _as_json(table: Table) -> dict[str, object]:
    contestants = [
        {"name": one.contestant.name, "values": one.values, "cpu_ms": one.cpu, "memory": one.memory, "lost": one.lost}
        for one in table.measured
    ]
    goals = [{"goal": one.goal, "outcome": one.outcome, "reached": one.reached} for one in verdicts(table)]
    return {"title": table.title, "unit": table.unit.name, "contestants": contestants, "goals": goals}


def _introduction(scope: Scope, machine: str, used: dict[str, str], at: str, load: float) -> list[str]:
    programs = ", ".join(f"{name} {version}" for name, version in used.items())
    return [
        "# How fast netty is",
        "",
        "Made by `make bench`, never by hand. What counts is the ratio within one run: contestants take turns, and the",
        "machine is what it is. Medians of all rounds; `netty is` says how many times as fast (or small) the first",
        "line is as this one; `MB` is the memory of all its processes together; `lost` counts images that were not",
        "there in the end, or not as they were sent.",
        "",
        f"- Measured {at}: {scope.name}, {scope.rounds} rounds, load {load:.1f} at the end",
        f"- {machine}",
        f"- {programs}",
    ]


def _summary(tables: Sequence[Table]) -> list[str]:
    reached = sum(verdict.reached is True for verdict in all_verdicts(tables))
    rows = [("table", "goal", "outcome"), ("---",) * 3, *_goals(tables)]
    return ["", f"## Goals: {reached} of {len(rows) - 2} reached", "", *map(_row, rows)]


def _section(table: Table) -> str:
    head = head_of(table)
    return "\n".join(["", f"## {table.title}", "", *map(_row, (head, ("---",) * len(head), *lines_of(table)))])


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"
