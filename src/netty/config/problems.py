"""What can be wrong with settings, in words: what pydantic found, told by key and place."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Protocol

from pydantic_core import ErrorDetails

from netty.config.places import KeyPath, line_of
from netty.errors import NettyError, SettingsError
from netty.language import mark

ENVIRONMENT_PREFIX = "NETTY_"

# pydantic's error type -> the sentence. What is not listed is told by OTHER.
_SENTENCES: dict[str, str] = {
    "missing": mark("{place}: {key} is missing."),
    "int_parsing": mark("{place}: {key} must be a whole number, not {value}."),
    "int_type": mark("{place}: {key} must be a whole number, not {value}."),
    "int_from_float": mark("{place}: {key} must be a whole number, not {value}."),
    "float_parsing": mark("{place}: {key} must be a number, not {value}."),
    "float_type": mark("{place}: {key} must be a number, not {value}."),
    "finite_number": mark("{place}: {key} must be a number, not {value}."),
    "bool_parsing": mark("{place}: {key} must be true or false, not {value}."),
    "bool_type": mark("{place}: {key} must be true or false, not {value}."),
    "string_type": mark("{place}: {key} must be a text in quotation marks, not {value}."),
    "path_type": mark("{place}: {key} must be a text in quotation marks, not {value}."),
    "tuple_type": mark('{place}: {key} must be a list, like ["a", "b"], not {value}.'),
    "list_type": mark('{place}: {key} must be a list, like ["a", "b"], not {value}.'),
    "model_type": mark("{place}: {key} must be a section, written [{key}]."),
    "model_attributes_type": mark("{place}: {key} must be a section, written [{key}]."),
    "literal_error": mark("{place}: {key} must be one of {choices}, not {value}."),
    "enum": mark("{place}: {key} must be one of {choices}, not {value}."),
    "greater_than": mark("{place}: {key} must be more than {limit}, not {value}."),
    "greater_than_equal": mark("{place}: {key} must be at least {limit}, not {value}."),
    "less_than": mark("{place}: {key} must be less than {limit}, not {value}."),
    "less_than_equal": mark("{place}: {key} must be at most {limit}, not {value}."),
}
# Keys that take values of two kinds: pydantic would complain once for each kind.
_OF_TWO_KINDS: dict[KeyPath, str] = {
    ("receive", "sop_classes"): mark('{place}: {key} must be "statement" or a list of UIDs, not {value}.'),
    ("web", "secure_cookie"): mark('{place}: {key} must be true, false or "auto", not {value}.'),
}
OTHER = mark("{place}: {key} has the value {value}: {detail}")
_UNKNOWN_NEAREST = mark("{place}: there is no setting {key}. Did you mean {nearest}?")
_UNKNOWN = mark("{place}: there is no setting {key}. There are: {known}.")
_RULE_BROKEN = mark("{place}: {key}: {rule}")
_LIMITS = ("gt", "ge", "lt", "le")
# Addresses may hold a password.
_SECRET: frozenset[KeyPath] = frozenset({("database", "url"), ("blobs", "url")})


class SettingsProblems(SettingsError):
    """All problems of one settings file, each a sentence with its place."""

    def __init__(self, problems: Iterable[SettingsError]) -> None:
        self.problems = tuple(problems)
        if len(self.problems) == 1:
            super().__init__("The settings are not valid. {first}", first=self.problems[0])
        else:
            super().__init__(
                "The settings are not valid: {count} problems. The first: {first}",
                count=len(self.problems),
                first=self.problems[0],
            )


class RuleBroken(ValueError):
    """A value that has the right type and cannot be right; `error` says why, in a sentence."""

    def __init__(self, error: NettyError) -> None:
        self.error = error
        super().__init__(str(error))


class Placed(Protocol):
    """Whatever can say where a value was given."""

    def place(self, path: KeyPath) -> str:
        """The place, as a person finds it."""

    def key(self, path: KeyPath) -> str:
        """The key, as it was written."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where values come from, so that a problem can name its place."""

    file: Path
    lines: dict[KeyPath, int]
    environment: Mapping[str, str]

    def place(self, path: KeyPath) -> str:
        """``netty.toml:12`` or the environment variable."""
        variable = ENVIRONMENT_PREFIX + "__".join(str(part) for part in path).upper()
        if variable in self.environment:
            return variable
        line = line_of(self.lines, path)
        return str(self.file) if line is None else f"{self.file}:{line}"

    def key(self, path: KeyPath) -> str:
        """``ae.port``."""
        return dotted(path)


def problem(error: ErrorDetails, source: Placed, known: Iterable[KeyPath]) -> tuple[KeyPath, SettingsError]:
    """The key that pydantic complains about, and the complaint in our words."""
    path = _own_part(error["loc"])
    if error["type"] == "extra_forbidden":
        return path, unknown_key(path, source, known)
    values: dict[str, Any] = {"place": source.place(path), "key": source.key(path)}
    context = error.get("ctx", {})
    broken = context.get("error")
    if isinstance(broken, RuleBroken):
        return path, SettingsError(_RULE_BROKEN, **values, rule=broken.error)
    values["value"] = "***" if path in _SECRET else _written(error["input"])
    values["choices"] = context.get("expected", "").replace(" or ", ", ")
    values["limit"] = next((context[name] for name in _LIMITS if name in context), "")
    template = _OF_TWO_KINDS.get(path) or _SENTENCES.get(error["type"])
    if template is None:
        return path, SettingsError(OTHER, **values, detail=error["msg"])
    return path, SettingsError(template, **values)


def unknown_key(path: KeyPath, source: Placed, known: Iterable[KeyPath]) -> SettingsError:
    """A key that does not exist, with the nearest one that does: beside it, or of the same name elsewhere."""
    keys = [tuple(part for part in key if not isinstance(part, int)) for key in known]
    plain = tuple(part for part in path if not isinstance(part, int))
    beside = {str(key[-1]): key for key in keys if key[:-1] == plain[:-1]}
    elsewhere = {str(key[-1]): key for key in keys}
    name = str(path[-1]).lower()
    whole = {dotted(key): key for key in keys}
    near = get_close_matches(name, beside, n=1)
    similar = get_close_matches(dotted(plain).lower(), whole, n=1, cutoff=0.8)
    nearest = beside[near[0]] if near else whole[similar[0]] if similar else elsewhere.get(name)
    values = {"place": source.place(path), "key": source.key(path)}
    if nearest is None:
        return SettingsError(_UNKNOWN, **values, known=", ".join(beside) or ", ".join(elsewhere))
    return SettingsError(_UNKNOWN_NEAREST, **values, nearest=dotted(nearest))


def dotted(path: KeyPath) -> str:
    """``ae.port``; elements of a list are counted from 1, as people do: ``remote[1].port``."""
    text = ""
    for part in path:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _own_part(location: tuple[str | int, ...]) -> KeyPath:
    """The path without what pydantic adds: the branches of a union, the elements of a value."""
    length = 3 if location[:1] == ("remote",) and len(location) > 1 else 2
    return tuple(location[:length])


def _written(value: Any) -> str:
    """A value about as it stands in the file."""
    match value:
        case bool():
            return str(value).lower()
        case str():
            return f'"{value}"'
        case dict():
            return "{...}"
        case _:
            return str(value)
