"""The list of the statement's rows and sentences has no gap: each is named by a test."""

import ast
from collections import defaultdict
from pathlib import Path

from support.statement import SENTENCES, TABLES

HERE = Path(__file__).parent


def _stated() -> dict[str, list[str]]:
    """Section -> the tests that state it, as their decorators say."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted(HERE.glob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            for call in node.decorator_list:
                if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "states":
                    for argument in call.args:
                        found[ast.literal_eval(argument)].append(f"{path.name}::{node.name}")
    return found


def test_every_row_and_sentence_of_the_statement_has_a_test() -> None:
    wanted = {*SENTENCES, *(f"table {name}" for name in TABLES)}

    assert not wanted - _stated().keys()


def test_no_test_states_what_the_statement_does_not_say() -> None:
    known = {*SENTENCES, *(f"table {name}" for name in TABLES)}

    assert not _stated().keys() - known


def test_the_tables_are_those_of_the_statement() -> None:
    assert {name: len(rows) for name, rows in TABLES.items()} == {"1": 2, "2": 14, "3": 10, "4": 2, "5": 13, "6": 9}
