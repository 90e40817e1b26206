"""What commands write: tables and JSON to stdout, progress to stderr."""

import json
import sys
import time
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from enum import Enum
from typing import Any, TextIO

import click

Cell = str | int | float | None


def write(text: str) -> None:
    """A line of the result."""
    click.echo(text)


def note(text: str) -> None:
    """A line beside the result: what happens, what to do next."""
    click.echo(text, err=True)


def write_json(document: Any) -> None:
    """One document; keys are always English."""
    click.echo(json.dumps(document, ensure_ascii=False, indent=2, default=_plain))


def write_table(headings: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
    """A table whose columns stand under each other, with Japanese text too; numbers to the right."""
    lines = list(rows)
    texts = [[_shown(cell) for cell in row] for row in lines]
    widths = [max(map(width, column)) for column in zip(headings, *texts, strict=True)]
    right = [bool(lines) and all(isinstance(row[i], int | float | None) for row in lines) for i in range(len(headings))]
    for row in (headings, *texts):
        cells = (_padded(*each) for each in zip(row, widths, right, strict=True))
        click.echo("  ".join(cells).rstrip())


def width(text: str) -> int:
    """How many columns of a terminal `text` takes: wide and full-width characters two, combining marks none."""
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )


def progress_writer(stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic) -> "Progress":
    """Progress on stderr."""
    return Progress(stream or sys.stderr, clock)


class Progress:
    """One line that changes on a terminal; elsewhere a line each ten seconds."""

    _PAUSE = 10.0

    def __init__(self, stream: TextIO, clock: Callable[[], float]) -> None:
        self._stream = stream
        self._clock = clock
        self._terminal = stream.isatty()
        self._last = clock()

    def show(self, text: str) -> None:
        """Say where the work stands."""
        if self._terminal:
            self._stream.write(f"\r\x1b[K{text}")
        elif self._clock() - self._last >= self._PAUSE:
            self._last = self._clock()
            self._stream.write(f"{text}\n")
        self._stream.flush()

    def close(self) -> None:
        """Leave the terminal as it was."""
        if self._terminal:
            self._stream.write("\r\x1b[K")
            self._stream.flush()


def _padded(text: str, columns: int, to_the_right: bool) -> str:
    padding = " " * (columns - width(text))
    return padding + text if to_the_right else text + padding


def _shown(cell: Cell) -> str:
    """A cell without what could move the cursor: texts come from files and remotes."""
    if cell is None:
        return "-"
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(cell))


def _plain(value: Any) -> Any:
    match value:
        case Enum():
            return value.value
        case datetime() | date():
            return value.isoformat()
        case _:
            return str(value)
