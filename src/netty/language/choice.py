"""Which language the reader wants."""

from collections.abc import Mapping
from enum import Enum


class Language(Enum):
    """A language that netty speaks in full. The value is its tag (BCP 47), as in ``<html lang>``."""

    JAPANESE = "ja"
    ENGLISH = "en"


# POSIX's order of precedence for messages (POSIX.1-2024, XBD 8.2).
_VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")


def language_from_environment(environ: Mapping[str, str]) -> Language:
    """The language of a command line: the first of the locale variables that is set, and not empty, decides."""
    locale = next((environ[name] for name in _VARIABLES if environ.get(name)), "")
    return _language(locale)


def language_from_accept(header: str | None, default: Language = Language.ENGLISH) -> Language:
    """The language of a page: the most wanted one of ``Accept-Language`` (RFC 9110 12.5.4) that netty speaks."""
    wanted: list[tuple[float, str]] = []
    for part in (header or "").split(","):
        tag, _, weight = part.partition(";")
        wanted.append((_quality(weight), tag.strip().lower()))
    for quality, tag in sorted(wanted, key=lambda each: -each[0]):
        primary = tag.split("-")[0]
        if quality > 0 and primary in (language.value for language in Language):
            return Language(primary)
    return default


def _quality(weight: str) -> float:
    """The number of ``q=0.8``; 1 where it is left out, 0 where it cannot be read."""
    name, _, number = weight.strip().partition("=")
    if not name:
        return 1.0
    try:
        return float(number)
    except ValueError:
        return 0.0


def _language(locale: str) -> Language:
    """``ja``, ``ja_JP.UTF-8``, ``ja-JP``, ``japanese``: Japanese. Everything else: English."""
    name = locale.replace("-", "_").split(".")[0].split("_")[0].lower()
    return Language.JAPANESE if name in ("ja", "japanese") else Language.ENGLISH
