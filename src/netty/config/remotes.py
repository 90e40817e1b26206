"""``[[remote]]``: registered hospitals in a TOML file."""

import json
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from netty.config.document import KNOWN_KEYS, RemoteEntry, RemotesDocument
from netty.config.places import KeyPath, key_lines
from netty.config.problems import SettingsProblems, Source, problem
from netty.errors import SettingsError
from netty.model.remote import Remote

_FIELDS = ("name", "title", "host", "port", "addresses", "called_from", "max_moves", "hours")
_ONLY_WHERE_GIVEN = ("response_restarts_on", "levels")


def remotes_from_toml(text: str, file: Path) -> tuple[Remote, ...]:
    """The remotes of a file that holds nothing else.

    Raises:
        SettingsProblems: all that is wrong with it.
    """
    source = Source(file, key_lines(text), {})
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError("{file} is not valid TOML: {detail}.", file=file, detail=error) from error
    try:
        document = RemotesDocument(**content)
    except ValidationError as error:
        keys = [key for key in KNOWN_KEYS if key[0] == "remote"]
        raise SettingsProblems(problem(each, source, keys)[1] for each in error.errors()) from error
    return remotes_from(document.remote, source)


def checked_remote(content: Mapping[str, Any]) -> Remote:
    """One remote from a command's options, held to the same rules.

    Raises:
        SettingsProblems: all that is wrong, by option.
    """
    try:
        return Remote(**_values(RemoteEntry(**content)))
    except ValidationError as error:
        raise SettingsProblems(problem(each, _Options(), ())[1] for each in error.errors()) from error


class _Options:
    """Values that were given as options: ``remote: --max-moves``."""

    def place(self, path: KeyPath) -> str:
        return "remote"

    def key(self, path: KeyPath) -> str:
        return f"--{str(path[0]).replace('_', '-')}"


def remotes_from(entries: Iterable[BaseModel], source: Source, managed: bool = False) -> tuple[Remote, ...]:
    """Values from validated entries; names must be unique."""
    remotes = tuple(Remote(**_values(entry), managed=managed) for entry in entries)
    count = Counter(remote.name for remote in remotes)
    twice = [
        SettingsError(
            "{place}: the remote {name} stands in the file twice.",
            place=source.place(("remote", index, "name")),
            name=remote.name,
        )
        for index, remote in enumerate(remotes)
        if count[remote.name] > 1 and remote.name in {other.name for other in remotes[:index]}
    ]
    if twice:
        raise SettingsProblems(twice)
    return remotes


def remotes_to_toml(remotes: Iterable[Remote]) -> str:
    """The same remotes as text that `remotes_from_toml` reads back."""
    return "\n".join(_entry(remote) for remote in remotes)


def toml_value(value: Any) -> str:
    """A value of ours as TOML writes it; JSON's strings, numbers, booleans and lists are TOML's too."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)


def _entry(remote: Remote) -> str:
    names = [*_FIELDS, *(name for name in _ONLY_WHERE_GIVEN if getattr(remote, name) is not None)]
    lines = [f"{name} = {toml_value(getattr(remote, name))}" for name in names]
    return "\n".join(["[[remote]]", *lines, ""])


def _values(entry: BaseModel) -> dict[str, Any]:
    return {name: getattr(entry, name) for name in type(entry).model_fields}
