"""Which commands are handed to the running service, and that it makes no difference to what they say."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from netty.cli import start
from netty.processes.errand import hand_over
from support.commands import LANGUAGES, program
from support.netty_process import Netty, netty

_ITSELF = "import sys; from netty.cli.main import carry_out; sys.exit(carry_out(sys.argv[1:]))"


@pytest.mark.parametrize(
    ("call", "file"),
    [
        ("status", "netty.toml"),
        ("status --json", "netty.toml"),
        ("--json status", "netty.toml"),
        ("--config other.toml jobs list", "other.toml"),
        ("jobs list --config other.toml", "other.toml"),
        ("jobs list --config=other.toml", "other.toml"),
        ("find west --patient-id 1", "netty.toml"),
    ],
)
def test_what_is_asked_again_and_again_is_handed_over(
    call: str, file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netty.toml").touch()
    handed: list[tuple[list[str], str]] = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(start, "hand_over", lambda arguments, _, place: handed.append((arguments, place)) or 5)

    code = start.carried_out(call.split(), {})

    assert code == 5
    assert handed == [(call.split(), file if file != "netty.toml" else f"{tmp_path}/netty.toml")]


@pytest.mark.parametrize(
    "call",
    ["", "--version", "--help", "status --help", "fnd", "serve", "init", "check", "verify", "patients import a.csv",
     "users add a", "render a.dcm -o a.jpg", "deidentify a.dcm"],
)  # fmt: skip
def test_everything_else_is_done_where_it_is_called(call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "netty.toml").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(start, "hand_over", lambda *_: pytest.fail("handed over"))

    assert start.carried_out(call.split(), {}) is None


def test_without_a_settings_file_nothing_is_handed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(start, "candidates", lambda _: (f"{tmp_path}/netty.toml",))

    assert start.carried_out(["status"], {}) is None


_LOADED_LATE = """
import contextlib, io, sys
from netty.cli.main import carry_out, load_commands
load_commands()
before = set(sys.modules)
with contextlib.redirect_stdout(io.StringIO()) as said:
    for name in sys.argv[1:]:
        carry_out([name, "--help"])
late = [name for name in sorted(set(sys.modules) - before) if name.startswith("netty")]  # the help needs more of click
print(len(said.getvalue().splitlines()) > 3 * len(sys.argv), *late)
"""


def test_what_is_handed_over_is_loaded_before_the_first_terminal_asks() -> None:
    asked = subprocess.run(
        [sys.executable, "-c", _LOADED_LATE, *sorted(start.HANDED_OVER)], capture_output=True, text=True, check=True
    )

    assert asked.stdout == "True\n", asked.stderr


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Netty]:
    """A service that knows nobody."""
    with netty(tmp_path_factory.mktemp("running"), []) as one:
        yield one


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("call", ["jobs list", "find nowhere --patient-id 1", "jobs show none", "plan west", "stats"])
def test_a_command_says_the_same_whether_the_service_does_it_or_not(call: str, language: str, running: Netty) -> None:
    by_service = program(*call.split(), folder=running.folder, language=language)
    by_itself = program(*call.split(), folder=running.folder, language=language, start=("-c", _ITSELF))

    assert by_service == by_itself


def test_the_running_service_takes_a_command(
    running: Netty, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(running.folder)

    assert hand_over(["jobs", "list", "--json"], os.environ, str(running.settings)) == 0
    assert json.loads(capfd.readouterr().out) == {"retrievals": []}


def test_a_service_that_ends_meanwhile_is_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def lost(*_: object) -> int:
        raise ConnectionResetError

    (tmp_path / "netty.toml").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(start, "hand_over", lost)

    assert start.carried_out(["search", "--json"], {}) == 9
    told = capsys.readouterr()
    assert "netty status" in told.err
    assert json.loads(told.out)["error"]["code"] == "local"
