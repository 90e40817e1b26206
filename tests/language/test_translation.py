"""Sentences in the reader's language."""

from enum import StrEnum

import pytest

from netty.errors import NettyError
from netty.language import (
    Language,
    language_from_accept,
    language_from_environment,
    render,
    retell,
    translate,
)
from netty.model import reasons

JAPANESE, ENGLISH = Language.JAPANESE, Language.ENGLISH


@pytest.mark.parametrize(
    ("environ", "language"),
    [
        ({}, ENGLISH),
        ({"LANG": "ja_JP.UTF-8"}, JAPANESE),
        ({"LANG": "ja"}, JAPANESE),
        ({"LANG": "C.UTF-8"}, ENGLISH),
        ({"LANG": "jam_JM.UTF-8"}, ENGLISH),  # Jamaican Creole is not Japanese
        ({"LANG": "ja_JP.UTF-8", "LC_ALL": "C"}, ENGLISH),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "ja_JP.UTF-8"}, JAPANESE),
        ({"LANG": "ja_JP.UTF-8", "LC_ALL": ""}, JAPANESE),  # an empty variable is as good as none
    ],
)
def test_the_first_locale_variable_that_is_set_decides(environ: dict[str, str], language: Language) -> None:
    assert language_from_environment(environ) is language


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, ENGLISH),
        ("", ENGLISH),
        ("ja", JAPANESE),
        ("ja-JP,ja;q=0.9,en;q=0.8", JAPANESE),
        ("en-US,en;q=0.9,ja;q=0.8", ENGLISH),
        ("de,ja;q=0.5", JAPANESE),
        ("en;q=0.1,ja;q=0.2", JAPANESE),
        ("ja;q=0", ENGLISH),
        ("ja;q=much", ENGLISH),
        ("*", ENGLISH),
    ],
)
def test_the_most_wanted_language_of_the_browser_decides(header: str | None, language: Language) -> None:
    assert language_from_accept(header) is language


def test_a_sentence_without_a_japanese_one_stays_english() -> None:
    assert translate("Nobody says this.", JAPANESE) == "Nobody says this."


def test_english_is_said_as_it_stands() -> None:
    assert translate(reasons.CANCELLED, ENGLISH) == reasons.CANCELLED


def test_an_error_is_said_in_japanese_with_its_values() -> None:
    error = NettyError(reasons.DID_NOT_ARRIVE, lacking=2, expected=5)

    assert render(error, JAPANESE) == translate(reasons.DID_NOT_ARRIVE, JAPANESE).format(lacking=2, expected=5)
    assert render(error, ENGLISH) == "2 of 5 images did not arrive."


def test_an_error_inside_an_error_is_said_too() -> None:
    error = NettyError("Because: {cause}", cause=NettyError(reasons.CANCELLED))

    assert render(error, JAPANESE) == "Because: " + translate(reasons.CANCELLED, JAPANESE)
    assert render(error, ENGLISH) == "Because: " + reasons.CANCELLED


def test_a_value_that_is_a_name_is_never_translated() -> None:
    class Word(StrEnum):
        OTHER = "other"

    error = NettyError("{name} {number:04X} {word}", name="Patients", number=0xA700, word=Word.OTHER)

    assert render(error, JAPANESE) == "Patients A700 other"


def test_a_stored_sentence_is_said_again_in_japanese() -> None:
    stored = reasons.DID_NOT_ARRIVE.format(lacking=2, expected=5)

    assert retell(stored, JAPANESE) == translate(reasons.DID_NOT_ARRIVE, JAPANESE).format(lacking="2", expected="5")
    assert retell(stored, ENGLISH) == stored


def test_stored_sentences_one_after_another_are_all_said() -> None:
    stored = f"{reasons.WITHOUT_PICTURE.format(count=3)} {reasons.SOME_UNOBTAINABLE.format(count=1)}"

    expected = [
        translate(template, JAPANESE).format(count=count)
        for template, count in ((reasons.WITHOUT_PICTURE, 3), (reasons.SOME_UNOBTAINABLE, 1))
    ]
    assert retell(stored, JAPANESE) == "".join(expected)


def test_what_is_not_known_stays_behind_what_is() -> None:
    stored = f"{reasons.CANCELLED} Something else."

    assert retell(stored, JAPANESE) == translate(reasons.CANCELLED, JAPANESE) + " Something else."


@pytest.mark.parametrize("text", ["", "held", "Something else {with} braces", "100 % {"])
def test_unknown_text_is_left_alone(text: str) -> None:
    assert retell(text, JAPANESE) == text
