"""Sentences in the reader's language, from a catalogue whose keys are the English ones.

A sentence may hold ``{names}``; it is looked up before they are filled in. A sentence that was stored already filled
in is found again by `retell`. What the catalogue lacks is said in English: a test sees to it that nothing lacks.
"""

import re
import string
import tomllib
from collections.abc import Mapping
from enum import Enum
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from netty.errors import NettyError
from netty.language.choice import Language


@cache
def catalogue(language: Language) -> Mapping[str, str]:
    """English sentence -> sentence in `language`; empty for English itself."""
    if language is Language.ENGLISH:
        return MappingProxyType({})
    text = files(__package__).joinpath(f"{language.value}.toml").read_text(encoding="utf-8")
    return MappingProxyType({key: value for part in tomllib.loads(text).values() for key, value in part.items()})


def mark(text: str, /) -> str:
    """The same `text`: says that a constant is a sentence for readers, to be translated where it is shown."""
    return text


def translate(text: str, language: Language) -> str:
    """`text`, an English sentence or template, in `language`."""
    return catalogue(language).get(text, text)


def render(error: NettyError, language: Language) -> str:
    """The sentence of an error in `language`, its values filled in."""
    values = {name: _value(value, language) for name, value in error.values.items()}
    return translate(error.template, language).format(**values)


def retell(sentence: str, language: Language) -> str:
    """Sentences that were filled in and stored in English, one after another, in `language`.

    Known sentences at the front are translated, each with its values; from the first unknown one on, the text stays.
    """
    said: list[str] = []
    rest = sentence
    while rest and (found := _first_sentence(rest, language)):
        translated, rest = found
        said.append(translated)
    # Japanese sentences follow each other without a space; what stays English keeps it.
    return "".join(said) + (f" {rest}" if said and rest else rest)


def _first_sentence(text: str, language: Language) -> tuple[str, str] | None:
    """The translation of the known sentence that `text` begins with, and what comes after it."""
    matches = [(match, translated) for pattern, translated in _patterns(language) if (match := pattern.match(text))]
    if not matches:
        return None
    # The one that ends first: a value at the front of another may have swallowed a whole sentence.
    match, translated = min(matches, key=lambda each: each[0].end())
    values = {name: retell(value, language) for name, value in match.groupdict().items()}
    # The values are text already: what the template says about numbers ({status:04X}) was done back then.
    filled = [literal + values.get(name or "", "") for literal, name, *_ in _parse(translated)]
    return "".join(filled), text[match.end() :].lstrip()


@cache
def _patterns(language: Language) -> tuple[tuple[re.Pattern[str], str], ...]:
    """A pattern for each sentence of the catalogue; those with more words of their own come first."""
    patterns: list[tuple[int, re.Pattern[str], str]] = []
    for template, translated in catalogue(language).items():
        own_words = "".join(literal for literal, *_ in _parse(template)).strip()
        if " " in own_words:  # a template of hardly more than names ("{a} {b}") would match anything
            patterns.append((len(own_words), _pattern(template), translated))
    patterns.sort(key=lambda each: -each[0])
    return tuple((pattern, translated) for _, pattern, translated in patterns)


def _pattern(template: str) -> re.Pattern[str]:
    """What the filled-in `template` looks like: up to the end of the text, or of the sentence."""
    parts: list[str] = []
    seen: set[str] = set()
    for literal, name, *_ in _parse(template):
        parts.append(re.escape(literal))
        if name is not None:
            parts.append(f"(?P={name})" if name in seen else f"(?P<{name}>.*?)")
            seen.add(name)
    end = r"\Z" if template.endswith("}") else r"(?=\Z|\s)"
    return re.compile("".join(parts) + end, re.DOTALL)


def _parse(template: str) -> list[tuple[str, str | None, str | None, str | None]]:
    return list(string.Formatter().parse(template))


def _value(value: Any, language: Language) -> Any:
    """A value as it stands in a sentence: errors and the words of our own enums and tables are said too."""
    match value:
        case NettyError():
            return render(value, language)
        case Enum(value=str(word)):
            return translate(word, language)
        case str() if " " in value:  # a name is never translated: our own phrases have a space and stand in the table
            return retell(value, language)
        case _:
            return value
