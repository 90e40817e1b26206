"""Tables, and progress."""

import io
from collections.abc import Iterator

import pytest

from netty.cli.output import Progress, width, write_table


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("abc", 3),
        ("髙橋", 4),
        ("ﾔﾏﾀﾞ", 4),
        ("が", 2),
        ("か\N{COMBINING KATAKANA-HIRAGANA VOICED SOUND MARK}", 2),
        ("Ａ", 2),
        ("", 0),
    ],
)
def test_japanese_characters_take_two_columns(text: str, columns: int) -> None:
    assert width(text) == columns


def test_columns_stand_under_each_other_in_japanese_too(capsys: pytest.CaptureFixture[str]) -> None:
    write_table(("患者", "name", "images"), [("山田太郎", "Yamada", 5), ("p", "x", 120), ("q", "", None)])

    assert capsys.readouterr().out == (
        "患者      name    images\n"
        "山田太郎  Yamada       5\n"
        "p         x          120\n"
        "q                      -\n"
    )  # fmt: skip


def test_what_a_remote_sends_cannot_move_the_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    write_table(("name",), [("a\x1b[2J\nb",)])

    assert capsys.readouterr().out == "name\na�[2J�b\n"


class Terminal(io.StringIO):
    """A stream that people look at."""

    def isatty(self) -> bool:
        return True


def ticking(*seconds: float) -> Iterator[float]:
    yield from seconds


def test_progress_is_one_line_on_a_terminal() -> None:
    stream = Terminal()
    progress = Progress(stream, lambda: 0.0)

    progress.show("1 of 2")
    progress.show("2 of 2")
    progress.close()

    assert stream.getvalue() == "\r\x1b[K1 of 2\r\x1b[K2 of 2\r\x1b[K"


def test_progress_is_a_line_each_ten_seconds_elsewhere() -> None:
    stream, clock = io.StringIO(), ticking(0, 5, 10, 10, 15, 21, 21)
    progress = Progress(stream, lambda: next(clock))

    for text in ("a", "b", "c", "d"):
        progress.show(text)
    progress.close()

    assert stream.getvalue() == "b\nd\n"
