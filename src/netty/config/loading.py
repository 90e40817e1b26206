"""Finding, reading and checking the settings."""

import os
import tomllib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_settings.exceptions import SettingsError as UnreadableVariable

from netty.config.document import KNOWN_KEYS, Document
from netty.config.places import key_lines, line_of
from netty.config.problems import ENVIRONMENT_PREFIX, SettingsProblems, Source, problem, unknown_key
from netty.config.remotes import remotes_from
from netty.config.settings import DEFAULT_DATA, SECTIONS, Settings
from netty.dicom.uids import EXPLICIT_VR_BIG_ENDIAN
from netty.errors import SettingsError
from netty.settings_file import FILE_NAME, candidates, named


class NoSettingsFile(SettingsError):
    """None was named, and there is none where one may be."""


def default_settings() -> Settings:
    """The settings of an empty file in the current folder: the defaults, and what the environment says."""
    return settings_from("", Path(FILE_NAME))


def load_settings(path: Path | None = None) -> Settings:
    """The settings of `path`, else of the first file of the search order; the environment goes before the file.

    Raises:
        SettingsError: no file, or an unreadable one.
        SettingsProblems: everything that is wrong in it, at once.
    """
    file = _settings_file(path)
    return _known(_text(file), file, file.absolute(), _said_by_environment())


@lru_cache(maxsize=2)
def _known(text: str, file: Path, _place: Path, _environment: frozenset[tuple[str, str]]) -> Settings:
    """The same ones for the same words: a command that the service carries out need not read them anew."""
    return settings_from(text, file)


def _said_by_environment() -> frozenset[tuple[str, str]]:
    """Whatever of it has a say in the settings."""
    return frozenset(
        (name, value)
        for name, value in os.environ.items()
        if name == "HOME" or name.upper().startswith(ENVIRONMENT_PREFIX)
    )


def settings_from(text: str, file: Path) -> Settings:
    """The settings that `text`, the content of `file`, and the environment give together."""
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError("{file} is not valid TOML: {detail}.", file=file, detail=error) from error
    source = Source(file, key_lines(text), os.environ)
    problems = _unknown_variables(source)
    try:
        document = Document(**content)
    except ValidationError as error:
        told = dict(problem(each, source, KNOWN_KEYS) for each in reversed(error.errors()))
        in_order = sorted(told, key=lambda path: line_of(source.lines, path) or 0)
        raise SettingsProblems([*problems, *(told[path] for path in in_order)]) from error
    except UnreadableVariable as error:
        raise SettingsProblems([*problems, SettingsError("{detail}.", detail=error)]) from error
    if problems:
        raise SettingsProblems(problems)
    return _settings(document, source)


def _settings_file(given: Path | None) -> Path:
    """The file of the option, of NETTY_CONFIG, or the first that exists in the folders where one may be."""
    if (name := named(given, os.environ)) is not None:
        file = Path(name)
        if not file.is_file():
            raise SettingsError("There is no settings file {file}. Make one with: netty init", file=file)
        return file.absolute()
    possible = candidates(os.environ)
    for candidate in map(Path, possible):
        if candidate.is_file():
            return candidate
    raise NoSettingsFile(
        "There is no settings file. Make one here with: netty init (looked for {files})", files=", ".join(possible)
    )


def _text(file: Path) -> str:
    """The file's text; some editors put a byte order mark before it."""
    try:
        return file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SettingsError("{file} is not UTF-8. Save it as UTF-8.", file=file) from error
    except OSError as error:
        raise SettingsError("{file} cannot be read: {detail}.", file=file, detail=error.strerror) from error


def _unknown_variables(source: Source) -> list[SettingsError]:
    """Variables of the form ``NETTY_SECTION__KEY`` that name no setting: a slip that would have no effect, silently."""
    known = {"__".join(str(part) for part in key).upper() for key in KNOWN_KEYS}
    names = [name for name in source.environment if name.startswith(ENVIRONMENT_PREFIX) and "__" in name]
    unknown = sorted(name for name in names if name.removeprefix(ENVIRONMENT_PREFIX).upper() not in known)
    paths = [tuple(name.removeprefix(ENVIRONMENT_PREFIX).lower().split("__")) for name in unknown]
    return [unknown_key(path, source, KNOWN_KEYS) for path in paths]


def _settings(document: BaseModel, source: Source) -> Settings:
    """The parts' own values from the validated document, paths made absolute."""
    values: Mapping[str, Any] = {name: getattr(document, name) for name in type(document).model_fields}
    folder = source.file.absolute().parent
    sections: dict[str, Any] = {}
    problems: list[SettingsError] = []
    for name, kind in SECTIONS.items():
        content = {key: getattr(values[name], key) for key in type(values[name]).model_fields}
        if name in ("database", "blobs"):
            content["url"] = _resolved(_beside_data(content["url"], values["data"], values[name]), folder)
        try:
            sections[name] = kind(**content)
        except (ValueError, SettingsError) as error:  # what only the part itself knows, about several keys together
            problems.append(
                SettingsError(
                    "{place}: [{section}]: {detail}.", place=source.place((name,)), section=name, detail=error
                )
            )
    problems = problems or _disagreements(sections, source)
    if problems:
        raise SettingsProblems(problems)
    return Settings(
        file=source.file.absolute(),
        data=_below(folder, values["data"]),
        remotes=remotes_from(values["remote"], source, managed=True),
        **sections,
    )


def _disagreements(sections: Mapping[str, Any], source: Source) -> list[SettingsError]:
    """What no section can see by itself."""
    receive, keep = sections["receive"], sections["keep"]
    if EXPLICIT_VR_BIG_ENDIAN not in receive.transfer_syntaxes or keep.leaves_dicom_alone:
        return []
    return [
        SettingsError(
            "{place}: [receive] transfer_syntaxes lists the retired big endian ({uid}), which netty renders but does "
            'not de-identify. Leave it out, or set dicom = "none" and burned_in = "keep" in [keep].',
            place=source.place(("receive",)),
            uid=EXPLICIT_VR_BIG_ENDIAN,
        )
    ]


def _beside_data(url: str, data: str, section: BaseModel) -> str:
    """Who moves the data folder moves what is in it: a default below ``data`` follows it."""
    if "url" in section.model_fields_set:
        return url
    scheme, separator, path = url.partition(f"{DEFAULT_DATA}/")
    return f"{scheme}{data.rstrip('/')}/{path}" if separator else url


def _resolved(url: str, folder: Path) -> str:
    """The address with an absolute path, where it names a file or folder."""
    for scheme, absolute in (("sqlite:///", "sqlite:///"), ("file://", "file://"), ("file:", "file://")):
        if url.startswith(scheme) and ":memory:" not in url:
            return absolute + str(_below(folder, url.removeprefix(scheme)))
    return url


def _below(folder: Path, path: str) -> Path:
    """`path`, seen from `folder`, without ``..``; ``~`` is the user's folder."""
    return Path(os.path.normpath(folder / Path(path).expanduser()))
