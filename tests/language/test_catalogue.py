"""The catalogue says every sentence of the sources, and no other."""

import re
import tomllib
from pathlib import Path

import pytest

import netty
from support.sentences import collect, placeholders

ROOT = Path(netty.__file__).parent
SOURCES = collect(ROOT)
CATALOGUE = ROOT / "language" / "ja.toml"


def _entries() -> list[tuple[str, str]]:
    parts = tomllib.loads(CATALOGUE.read_text(encoding="utf-8")).values()
    return [(english, japanese) for part in parts for english, japanese in part.items()]


def test_every_sentence_has_a_japanese_one() -> None:
    known = dict(_entries())

    lacking = {text: place for text, place in SOURCES.found.items() if text not in known}

    assert not lacking, "add to src/netty/language/ja.toml:\n" + "\n".join(
        f"{place}: {text!r}" for text, place in lacking.items()
    )


def test_every_entry_is_used() -> None:
    used = SOURCES.found

    unused = [english for english, _ in _entries() if english not in used]

    assert not unused, "remove from src/netty/language/ja.toml:\n" + "\n".join(unused)


def test_no_sentence_stands_twice() -> None:
    keys = [english for english, _ in _entries()]

    assert sorted(keys) == sorted(set(keys))


def test_both_languages_name_the_same_values() -> None:
    differing = [english for english, japanese in _entries() if placeholders(english) != placeholders(japanese)]

    assert not differing


def test_every_entry_is_japanese() -> None:
    """An entry left in English by mistake has only ASCII letters, and more than one word outside of its values."""
    words = {english: re.sub(r"\{[^}]*\}", "", japanese).split() for english, japanese in _entries()}
    english = [key for key, parts in words.items() if "".join(parts).isascii() and sum(map(str.isalpha, parts)) > 1]

    assert not english


def test_every_error_can_be_said() -> None:
    """Each template is a constant, and its call gives every value that it names."""
    assert not SOURCES.faults


PLANTED = """
class Lost(NettyError):
    def __init__(self):
        super().__init__("It is lost.")

class Deep(NettyError): ...

def work(n):
    raise Deep("Deep {value}.", value=1)
    raise errors.Deep("Either." if n else "Or.")
    raise Deep(4, "With a status.")
    raise ValueError("Not for readers.")
    raise Lost("Not a sentence.")
    print(_("Marked."), web.say("Said."))
"""


def test_the_collector_finds_errors_marks_and_templates(tmp_path: Path) -> None:
    (tmp_path / "work.py").write_text(PLANTED)
    (tmp_path / "reasons.py").write_text('"""Not this."""\nX = "But this one."\nY = "word"\n')
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "page.html").write_text("<b title=\"{{ _('Title') }}\">{{ _('Text') | upper }}</b>")

    sentences = collect(tmp_path)

    assert set(sentences.found) == {
        "It is lost.",
        "Deep {value}.",
        "Either.",
        "Or.",
        "With a status.",
        "Marked.",
        "Said.",
        "But this one.",
        "Title",
        "Text",
    }
    assert not sentences.faults


@pytest.mark.parametrize(
    "call", ['NettyError("No {value}.")', 'NettyError(f"{x} built.")', 'NettyError("{a} {b}", a=1)']
)
def test_the_collector_reports_what_cannot_be_said(tmp_path: Path, call: str) -> None:
    (tmp_path / "work.py").write_text(f"raise {call}\n")

    assert len(collect(tmp_path).faults) == 1
