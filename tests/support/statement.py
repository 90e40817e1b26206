"""The statement's rows and sentences (tests/conformance/statement.toml), and the mark by which a test names its own."""

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

FILE = Path(__file__).parents[1] / "conformance" / "statement.toml"
_CONTENT = tomllib.loads(FILE.read_text(encoding="utf-8"))

SENTENCES: dict[str, str] = _CONTENT["sentences"]
TABLES: dict[str, list[list[str]]] = {name: table["rows"] for name, table in _CONTENT["tables"].items()}

F = TypeVar("F", bound=Callable[..., Any])


def states(*sections: str) -> Callable[[F], F]:
    """This test shows these sections: keys of the sentences, or "table 2" for a table whose rows it takes from here."""

    def mark(test: F) -> F:
        return test

    return mark


def rows(table: str, *columns: int) -> list[Any]:
    """The rows of a table, or some columns of them."""
    if not columns:
        return list(TABLES[table])
    return [row[columns[0]] if len(columns) == 1 else tuple(row[each] for each in columns) for row in TABLES[table]]
