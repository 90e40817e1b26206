"""How dates, ages and names are written for people."""

from datetime import date, datetime, timedelta, timezone

import pytest

from netty.language import Language
from netty.web.people import readable_name
from netty.web.reader import Reader, era_year, reader_of, zone_of

JAPANESE, ENGLISH = Reader(Language.JAPANESE), Reader(Language.ENGLISH)


@pytest.mark.parametrize(
    ("value", "written"),
    [("20261123", "2026-11-23"), ("2026-11-23", "2026-11-23"), ("2026.11.23", "2026-11-23"), ("", ""), ("?", "?")],
)
def test_a_date_is_written_in_one_way(value: str, written: str) -> None:
    assert ENGLISH.date(value) == written


@pytest.mark.parametrize(("value", "written"), [("094159.123", "09:41"), ("0941", "09:41"), ("", ""), ("9", "9")])
def test_a_time_is_written_in_one_way(value: str, written: str) -> None:
    assert ENGLISH.time(value) == written


@pytest.mark.parametrize(
    ("day", "era"),
    [
        (date(2026, 11, 23), "令和8年"),
        (date(2019, 5, 1), "令和元年"),
        (date(2019, 4, 30), "平成31年"),
        (date(1989, 1, 8), "平成元年"),
        (date(1989, 1, 7), "昭和64年"),
        (date(1926, 12, 25), "昭和元年"),
        (date(1912, 7, 30), "大正元年"),
        (date(1912, 7, 29), "明治45年"),
        (date(1800, 1, 1), ""),
    ],
)
def test_the_era_changes_on_its_first_day(day: date, era: str) -> None:
    assert era_year(day) == era


def test_only_japanese_readers_see_the_era() -> None:
    assert JAPANESE.era_date("19530402") == "1953-04-02 (昭和28年)"
    assert ENGLISH.era_date("19530402") == "1953-04-02"
    assert JAPANESE.era_date("unknown") == "unknown"


@pytest.mark.parametrize(
    ("born", "age"),
    [("19531123", "73 years old"), ("19531124", "72 years old"), ("20261124", ""), ("18001123", ""), ("x", "")],
)
def test_an_age_is_in_whole_years(born: str, age: str) -> None:
    assert ENGLISH.age(born, date(2026, 11, 23)) == age


def test_a_zone_is_always_named() -> None:
    at = datetime(2026, 11, 23, tzinfo=timezone(timedelta(hours=9)))

    assert zone_of(at) == "UTC+0900"
    assert zone_of(at.replace(tzinfo=timezone(timedelta(hours=9), "JST"))) == "JST"


@pytest.mark.parametrize(
    ("name", "readable"),
    [
        ("Yamada^Tarou=山田^太郎=やまだ^たろう", "山田 太郎 (やまだ たろう, Yamada Tarou)"),
        ("Yamada^Tarou", "Yamada Tarou"),
        ("=山田^太郎", "山田 太郎"),
        ("Yamada^Tarou=山田^太郎", "山田 太郎 (Yamada Tarou)"),
        ("Smith^John^Q^Dr^Jr", "Smith John Q Dr Jr"),
        ("", ""),
        ("^^^^", ""),
        ("a=b=c=d", "b (c, a)"),
    ],
)
def test_a_person_name_is_read_with_all_its_groups(name: str, readable: str) -> None:
    assert readable_name(name) == readable


@pytest.mark.parametrize(
    ("cookie", "accept", "language"),
    [
        ("", "", Language.JAPANESE),
        ("", "fr", Language.JAPANESE),
        ("", "en-GB,ja;q=0.5", Language.ENGLISH),
        ("netty_language=ja", "en", Language.JAPANESE),
        ("netty_language=en", "ja", Language.ENGLISH),
        ("netty_language=xx", "en", Language.ENGLISH),
    ],
)
def test_the_choice_comes_before_the_browser_and_japanese_is_the_rest(
    cookie: str, accept: str, language: Language
) -> None:
    headers = [(b"cookie", cookie.encode()), (b"accept-language", accept.encode())]

    assert reader_of({"type": "http", "headers": headers}).language is language
