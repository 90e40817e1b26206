"""Where a key stands in a TOML file: `tomllib` does not say, and a message without the line is half a message."""

import re

KeyPath = tuple[str | int, ...]

_KEY = r"""(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')"""
_DOTTED = rf"{_KEY}(?:\s*\.\s*{_KEY})*"
_ARRAY_TABLE = re.compile(rf"\s*\[\[\s*({_DOTTED})\s*\]\]")
_TABLE = re.compile(rf"\s*\[\s*({_DOTTED})\s*\]")
_ASSIGNMENT = re.compile(rf"\s*({_DOTTED})\s*=")
_MULTI_LINE = re.compile(r'"""|' + r"'''")


def key_lines(text: str) -> dict[KeyPath, int]:
    """The line (from 1) of each table and key; elements of ``[[name]]`` are counted: ``("remote", 0, "port")``."""
    lines: dict[KeyPath, int] = {}
    table: KeyPath = ()
    counts: dict[KeyPath, int] = {}
    inside_string = False
    for number, line in enumerate(text.splitlines(), start=1):
        started_inside = inside_string
        if len(_MULTI_LINE.findall(line)) % 2:
            inside_string = not inside_string
        if started_inside:
            continue
        if match := _ARRAY_TABLE.match(line):
            name = _split(match[1])
            table = (*name, counts.setdefault(name, 0))
            counts[name] += 1
            lines.setdefault(name, number)
            lines[table] = number
        elif match := _TABLE.match(line):
            table = _split(match[1])
            lines.setdefault(table, number)
        elif match := _ASSIGNMENT.match(line):
            path = (*table, *_split(match[1]))
            for length in range(len(table) + 1, len(path) + 1):
                lines.setdefault(path[:length], number)
    return lines


def line_of(lines: dict[KeyPath, int], path: KeyPath) -> int | None:
    """The line of a key, or of the nearest thing around it; None where the file does not hold it at all."""
    for length in range(len(path), 0, -1):
        if (line := lines.get(path[:length])) is not None:
            return line
    return None


def _split(dotted: str) -> KeyPath:
    return tuple(part.strip("\"'") for part in re.findall(_KEY, dotted))
