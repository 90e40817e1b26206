"""The reader of a page: the language, and how dates, names and stored sentences are written in it."""

import datetime as dt
from dataclasses import dataclass
from typing import Final

from starlette.requests import HTTPConnection
from starlette.types import Scope

from netty.errors import NettyError
from netty.language import Language, language_from_accept, render, retell, translate

LANGUAGE_COOKIE: Final = "netty_language"


@dataclass(frozen=True, slots=True)
class Reader:
    """Says things in one language."""

    language: Language

    def say(self, sentence: str, /, **values: object) -> str:
        """A sentence of ours, its ``{names}`` filled in."""
        text = translate(sentence, self.language)
        return text.format(**values) if values else text

    def retell(self, stored: str) -> str:
        """A sentence that the database keeps in English."""
        return retell(stored, self.language)

    def render(self, error: NettyError) -> str:
        """The sentence of an error."""
        return render(error, self.language)

    def date(self, value: str) -> str:
        """A DICOM date (``YYYYMMDD``) or an ISO one, as ``2026-11-23``; what is none stays as it is."""
        digits = value.replace("-", "").replace(".", "").strip()
        if len(digits) == 8 and digits.isdigit():
            return f"{digits[:4]}-{digits[4:6]}-{digits[6:]}"
        return value

    def time(self, value: str) -> str:
        """A DICOM time (``HHMMSS.ffffff``) as ``09:41``."""
        digits = value.strip()
        return f"{digits[:2]}:{digits[2:4]}" if len(digits) >= 4 and digits[:4].isdigit() else value

    def era_date(self, value: str) -> str:
        """The date with the year of its Japanese era behind it, for Japanese readers: ``1953-04-02 (昭和28年)``."""
        iso = self.date(value)
        if self.language is not Language.JAPANESE:
            return iso
        try:
            era = era_year(dt.date.fromisoformat(iso))
        except ValueError:
            return iso
        return f"{iso} ({era})" if era else iso

    def moment(self, value: dt.datetime | None) -> str:
        """A moment in this machine's zone, which it names; seconds do not matter to people."""
        if value is None:
            return ""
        local = value.astimezone()
        return f"{local:%Y-%m-%d %H:%M} {zone_of(local)}"

    def age(self, birth_date: str, today: dt.date) -> str:
        """How old somebody is, in whole years; empty where the birth date cannot be read."""
        try:
            born = dt.date.fromisoformat(self.date(birth_date))
        except ValueError:
            return ""
        years = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
        return self.say("{years} years old", years=years) if 0 <= years < 150 else ""


# The first day of each era (the emperors' accession dates, 改元).
_ERAS: Final = (
    (dt.date(2019, 5, 1), "令和"),
    (dt.date(1989, 1, 8), "平成"),
    (dt.date(1926, 12, 25), "昭和"),
    (dt.date(1912, 7, 30), "大正"),
    (dt.date(1868, 10, 23), "明治"),
)


def era_year(day: dt.date) -> str:
    """``昭和28年``, ``令和元年``; empty before Meiji."""
    for first, name in _ERAS:
        if day >= first:
            year = day.year - first.year + 1
            return f"{name}{'元' if year == 1 else year}年"
    return ""


def zone_of(local: dt.datetime) -> str:
    """The zone's name where it has one (``JST``), else its offset (``UTC+09:00``)."""
    name = local.tzname() or ""
    return name if name.isalpha() else f"UTC{local:%z}"


def reader_of(scope: Scope) -> Reader:
    """The reader behind a request: the language chosen (cookie), else what the browser asks for, else Japanese."""
    connection = HTTPConnection(scope)
    chosen = connection.cookies.get(LANGUAGE_COOKIE, "")
    if chosen in (language.value for language in Language):
        return Reader(Language(chosen))
    return Reader(language_from_accept(connection.headers.get("accept-language"), Language.JAPANESE))
