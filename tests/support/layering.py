"""Reads which module imports what, and says where the layering rule is broken (docs/architecture.md)."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

# Low to high. A module imports its own part, `errors`, and parts of a strictly lower level.
LEVELS: tuple[frozenset[str], ...] = (
    frozenset({"errors", "native"}),
    frozenset({"dicom"}),
    frozenset({"ul", "image", "model"}),
    frozenset({"dimse"}),
    frozenset({"network", "archive", "processes", "language", "settings_file"}),
    frozenset({"jobs"}),
    frozenset({"workflow"}),
    frozenset({"web", "simulator"}),
    frozenset({"config"}),
    frozenset({"gateway"}),
    frozenset({"cli"}),
    frozenset({"__main__"}),
)
LEVEL: Mapping[str, int] = {part: level for level, parts in enumerate(LEVELS) for part in parts}

# The pure parts, each with the third-party packages that it may use.
PURE: Mapping[str, frozenset[str]] = {
    "errors": frozenset(),
    "native": frozenset({"netty_native"}),
    "dicom": frozenset({"pydicom"}),
    "ul": frozenset(),
    "image": frozenset({"numpy", "simplejpeg", "PIL", "imagecodecs", "av"}),
    "model": frozenset(),
    "dimse": frozenset(),
}

# What a pure part may use of the standard library: nothing that knows a socket, file, clock, thread, log, process
# or environment. `datetime` is here for its values, `io` for images encoded in memory; see IMPURE_CALLS.
PURE_STANDARD_LIBRARY = frozenset(
    {
        "__future__", "abc", "array", "base64", "binascii", "bisect", "codecs", "collections", "colorsys",
        "contextlib", "copy", "dataclasses", "datetime", "decimal", "difflib", "enum", "fractions", "functools",
        "hashlib", "heapq", "hmac", "io", "ipaddress", "itertools", "json", "keyword", "math", "numbers",
        "operator", "re", "statistics", "string", "struct", "textwrap", "types", "typing", "unicodedata",
        "weakref", "zlib",
    }
)  # fmt: skip

# Calls that reach the outside without an import.
IMPURE_NAMES = frozenset({"open", "print", "input", "breakpoint", "eval", "exec", "__import__"})
IMPURE_ATTRIBUTES = frozenset({"now", "today", "utcnow", "dcmread", "fromtimestamp"})
IMPURE_IO_ATTRIBUTES = frozenset({"open", "open_code", "FileIO"})


def violations(package: Path) -> list[str]:
    """One sentence for each import or call under `package` (the folder ``netty``) that the rule forbids."""
    found: list[str] = []
    for path in sorted(package.rglob("*.py")):
        module = path.relative_to(package)
        part = module.parts[0].removesuffix(".py")
        tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
        if part == "__init__":
            found += [f"{module}:{line}: the package itself imports {name}" for line, name in imports(tree)]
        elif part not in LEVEL:
            found.append(f"{module}: {part} has no level; give it one in tests/support/layering.py")
        else:
            found += [f"{module}:{line}: {fault}" for line, fault in _faults(tree, part)]
    return found


def imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Every import, wherever it stands: in a function, under TYPE_CHECKING, or by ``import_module("...")``."""
    for node in ast.walk(tree):
        match node:
            case ast.Import():
                yield from ((node.lineno, alias.name) for alias in node.names)
            case ast.ImportFrom(level=0, module="netty"):  # `from netty import web` imports netty.web
                yield from ((node.lineno, f"netty.{alias.name}") for alias in node.names)
            case ast.ImportFrom():
                yield node.lineno, "." * node.level + (node.module or "")
            case ast.Call(args=[ast.Constant(value=str(name)), *_]) if _called(node) in {
                "import_module",
                "__import__",
            }:
                yield node.lineno, name


def _faults(tree: ast.Module, part: str) -> Iterator[tuple[int, str]]:
    for line, name in imports(tree):
        if fault := _import_fault(name, part):
            yield line, fault
    if part in PURE:
        yield from _impure_calls(tree, part)


def _import_fault(name: str, part: str) -> str | None:
    """Why `part` may not import `name`; None where it may."""
    if name.startswith("."):
        return f"{name} is a relative import; write it in full"
    package, _, rest = name.partition(".")
    if package != "netty":
        if part in PURE and package not in PURE_STANDARD_LIBRARY | PURE[part]:
            return f"{part} is pure and may not use {name}"
        return None
    other = rest.partition(".")[0]
    if other in ("", "__version__", part, "errors"):
        return None
    if other not in LEVEL:
        return f"{name} has no level"
    if LEVEL[other] < LEVEL[part]:
        return None
    relation = "beside" if LEVEL[other] == LEVEL[part] else "above"
    return f"{part} may not use {name}, which stands {relation} it; let the caller hand it down"


def _impure_calls(tree: ast.Module, part: str) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        function, name = node.func, _called(node)
        by_name = isinstance(function, ast.Name) and name in IMPURE_NAMES
        by_attribute = isinstance(function, ast.Attribute) and (
            name in IMPURE_ATTRIBUTES or (_is_io(function.value) and name in IMPURE_IO_ATTRIBUTES)
        )
        if by_name or by_attribute:
            yield node.lineno, f"{part} is pure and may not call {name}()"


def _called(call: ast.Call) -> str | None:
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return None


def _is_io(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "io"
