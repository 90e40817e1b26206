"""Collects every sentence for readers from the sources, so that none is forgotten in the catalogue."""

import ast
import string
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import jinja2
from jinja2.ext import extract_from_ast

# Calls whose first text is a sentence for readers.
MARKS = frozenset({"_", "translate", "say", "mark"})
# Modules whose constants with a space in them are sentences for readers.
SENTENCE_MODULES = frozenset({"reasons.py"})
# Modules whose ValueErrors a reader sees, inside a SettingsError.
SETTINGS_MODULES = frozenset({"settings.py", "config.py"})
TEMPLATE_SUFFIXES = frozenset({".html", ".jinja", ".j2", ".txt"})


@dataclass(slots=True)
class Sentences:
    """What was found: sentence -> where; and what could not be read, as sentences about it."""

    found: dict[str, str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


def collect(root: Path) -> Sentences:
    """All sentences under `root`: raised errors, marked calls, tables of reasons, and Jinja templates."""
    sentences = Sentences()
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(root.rglob("*.py"))}
    errors, with_own = error_classes(trees.values())
    for path, tree in trees.items():
        place = str(path.relative_to(root))
        for line, text in _sentences_in(tree, errors, with_own, sentences, place):
            sentences.found.setdefault(text, f"{place}:{line}")
        if path.name in SENTENCE_MODULES:
            for line, text in _phrases(tree):
                sentences.found.setdefault(text, f"{place}:{line}")
        if path.name in SETTINGS_MODULES:
            for line, text in _value_errors(tree):
                sentences.found.setdefault(text, f"{place}:{line}")
    environment = jinja2.Environment(autoescape=True)
    for path in sorted(root.rglob("*")):
        if path.suffix in TEMPLATE_SUFFIXES and "templates" in path.parts:
            source = path.read_text(encoding="utf-8")
            template = environment.parse(source)
            for line, _, message in extract_from_ast(template, gettext_functions=tuple(MARKS)):
                if isinstance(message, str):
                    sentences.found.setdefault(message, f"{path.relative_to(root)}:{line}")
    sentences.found = {text: place for text, place in sentences.found.items() if _has_words(text)}
    return sentences


def error_classes(trees: Iterable[ast.Module]) -> tuple[frozenset[str], frozenset[str]]:
    """The names of NettyError and of all classes derived from it, however far down.

    First those that are given their sentence; then those that hand a sentence of their own to ``super().__init__``,
    and are given other things.
    """
    classes = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    derived = {"NettyError"}
    while more := {node.name for node in classes if derived & _bases(node)} - derived:
        derived |= more
    own = {node.name for node in classes if node.name in derived and any(_own_sentences(node))}
    while more := {node.name for node in classes if own & _bases(node) and not _has_init(node)} - own:
        own |= more
    return frozenset(derived - own), frozenset(own)


def _bases(node: ast.ClassDef) -> set[str | None]:
    return {_last_name(base) for base in node.bases}


def _has_init(node: ast.ClassDef) -> bool:
    return any(isinstance(each, ast.FunctionDef) and each.name == "__init__" for each in node.body)


def _own_sentences(node: ast.ClassDef) -> Iterator[tuple[int, str]]:
    """The sentences that the class itself hands on: ``super().__init__("...", name=value)``."""
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and _is_super_init(call):
            yield from _first_text(call)


def _sentences_in(
    tree: ast.Module, errors: frozenset[str], with_own: frozenset[str], sentences: Sentences, place: str
) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and node.name in with_own:
            yield from _own_sentences(node)
        if not isinstance(node, ast.Call):
            continue
        name = _last_name(node.func)
        if name in errors or name in MARKS:
            if any(isinstance(argument, ast.JoinedStr) for argument in node.args):
                sentences.faults.append(f"{place}:{node.lineno}: an f-string cannot be translated; use {{names}}")
            for line, text in _first_text(node):
                yield line, text
                if name in errors:
                    sentences.faults.extend(_values_lacking(node, text, f"{place}:{line}"))


def _first_text(call: ast.Call) -> Iterator[tuple[int, str]]:
    """The first positional argument that is a text, or all texts it chooses between."""
    for argument in call.args:
        texts = [
            (node.lineno, node.value) for node in _chosen(argument) if isinstance(node, ast.Constant) if node.value
        ]
        found = [(line, text) for line, text in texts if isinstance(text, str)]
        if found:
            yield from found
            return


def _chosen(argument: ast.expr) -> Iterator[ast.expr]:
    if isinstance(argument, ast.IfExp):
        yield from _chosen(argument.body)
        yield from _chosen(argument.orelse)
    else:
        yield argument


def _values_lacking(call: ast.Call, text: str, place: str) -> Iterator[str]:
    """The names of the template for which the call gives no value: str(error) would fail."""
    given = {keyword.arg for keyword in call.keywords}
    if None not in given:
        for name in sorted(placeholders(text) - given):
            yield f"{place}: no value for {{{name}}}"


def _phrases(tree: ast.Module) -> Iterator[tuple[int, str]]:
    documentation = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef)
        if node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            yield from [(node.lineno, node.value)] if " " in node.value.strip() else []


def _value_errors(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _last_name(node.func) == "ValueError":
            yield from _first_text(node)


def _last_name(node: ast.expr) -> str | None:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else None


def _is_super_init(call: ast.Call) -> bool:
    function = call.func
    return (
        isinstance(function, ast.Attribute)
        and function.attr == "__init__"
        and isinstance(function.value, ast.Call)
        and _last_name(function.value.func) == "super"
    )


def _has_words(template: str) -> bool:
    """Whether there is anything to translate: ``{place}: {cause}`` reads the same in both languages."""
    return any(letter.isalpha() for literal, *_ in string.Formatter().parse(template) for letter in literal)


def placeholders(template: str) -> set[str]:
    """The ``{names}`` of a template, without what stands behind a colon or point."""
    return {name.split(".")[0].split("[")[0] for _, name, *_ in string.Formatter().parse(template) if name is not None}
