"""Calls that cannot be carried out, and what is said about them in both languages."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from support.commands import LANGUAGES, Netty, program

HEAVY = {"pydantic", "sqlalchemy", "numpy", "asyncio", "dbos", "fastapi", "pydicom", "PIL", "obstore"}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("call", "code", "words"),
    [
        ("fnd", 2, "find"),
        ("remotes lst", 2, "list"),
        ("find", 2, "REMOTE"),
        ("find west", 2, "--patient-id"),
        ("find west --patient-id 1 --acession 2", 2, "--accession-number"),
        ("jobs list --state done", 2, "queued"),
        ("jobs list --limit many", 2, "--limit"),
        ("jobs list --limit 0", 2, "--limit"),
        ("serve --role everything", 2, "receive"),
        ("simulate nowhere --title T --port 104", 2, "DIR"),
        ("simulate . --title T --port 104 --destination NETTY", 2, "AET=HOST:PORT"),
        ("simulate . --title T --port 99999", 2, "65535"),
        ("render nothing.dcm -o x.jpg", 2, "FILE"),
        ("retrieve west", 2, "--patient-id"),
        ("retrieve west --study --wait", 2, "--wait"),
        ("remotes add west --title A", 2, "--host, --port"),
        ("remotes add west --title A --host h --port 99999", 2, "65535"),
        ("remotes add west --title SEVENTEEN_LETTERS --host h --port 104", 2, "SEVENTEEN_LETTERS"),
        ("check", 3, "netty init"),
        ("--config other.toml check", 3, "other.toml"),
        ("check --config other.toml", 3, "other.toml"),
        ("find west --patient-id 1", 3, "netty init"),
    ],
)
def test_a_wrong_call_is_told_with_its_code(netty: Netty, call: str, code: int, words: str, language: str) -> None:
    ended = netty(*call.split(), language=language, code=code)

    assert ended.stdout == ""
    assert ended.stderr.startswith("netty: ")
    assert words in ended.stderr
    assert ended.stderr.isascii() == (language == "en")


@pytest.mark.parametrize("call", ["--json fnd", "check --json", "--json check"])
def test_with_json_the_error_is_a_document_too(netty: Netty, call: str) -> None:
    ended = netty(*call.split(), language="ja", code=None)

    error = ended.document["error"]
    assert error["code"] == {2: "usage", 3: "settings"}[ended.code]
    assert error["messages"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_all_problems_of_the_settings_are_told(netty: Netty, folder: Path, language: str) -> None:
    (folder / "netty.toml").write_text("[ae]\nprot = 1\n[web]\nport = 'x'\n")

    ended = netty("check", language=language, code=3)

    first, second = ended.stderr.splitlines()
    assert f"{folder}/netty.toml:2: " in first
    assert "ae.port" in first
    assert f"{folder}/netty.toml:4: " in second


def test_help_is_in_the_language_of_the_reader(folder: Path) -> None:
    english, japanese = (program("--help", folder=folder, language=language).stdout for language in ("en", "ja"))

    assert "Usage: netty" in english
    assert english.isascii()
    assert "retrieve" in japanese
    assert "Usage" not in japanese
    assert all(line == "" or not line.isascii() for line in japanese.splitlines()[2:] if not line.startswith("  --"))


@pytest.mark.parametrize("call", [["--help"], ["retrieve", "--help"], ["remotes", "--help"], ["--version"]])
def test_help_and_version_load_nothing_heavy(folder: Path, call: list[str]) -> None:
    code = f"import sys; from netty.cli.main import run; run({call!r}); print(*sys.modules, file=sys.stderr)"

    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True)

    assert not HEAVY & set(done.stderr.split())


def test_version_is_told(folder: Path) -> None:
    ended = program("--version", folder=folder)

    assert ended.code == 0
    assert ended.stdout.startswith("netty ")


def test_an_unforeseen_error_shows_no_data(netty: Netty, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_path: object) -> None:
        raise ValueError("YAMADA^TARO")

    monkeypatch.setattr("netty.config.load_settings", fail)

    ended = netty("check", "--json", code=9)

    assert "ValueError" in ended.stderr
    assert "YAMADA" not in ended.stderr + ended.stdout
    assert json.loads(ended.stdout)["error"]["code"] == "local"
    assert "YAMADA" in netty("check", "--debug", code=9).stderr


def test_ctrl_c_ends_with_130(netty: Netty, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_path: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("netty.config.load_settings", interrupt)

    assert "Interrupted" in netty("check", code=130).stderr
