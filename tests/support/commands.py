"""Calling ``netty``: in this process, which is quick, or as a program of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from netty.cli.main import run

LANGUAGES = {"en": "C.UTF-8", "ja": "ja_JP.UTF-8"}


@dataclass(frozen=True, slots=True)
class Ended:
    """How a call ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def document(self) -> Any:
        """The JSON document on stdout; it fails where there is anything else."""
        return json.loads(self.stdout)


@dataclass(slots=True)
class Netty:
    """Calls ``netty`` in this process, in a folder, in a language."""

    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def __call__(self, *arguments: object, language: str = "en", code: int | None = 0) -> Ended:
        """Carry out one call; `code` is what it must end with, None where that does not matter."""
        for variable in ("LC_ALL", "LC_MESSAGES"):
            self.monkeypatch.delenv(variable, raising=False)
        self.monkeypatch.setenv("LANG", LANGUAGES[language])
        self.capsys.readouterr()
        ended_with = run([str(argument) for argument in arguments])
        captured = self.capsys.readouterr()
        ended = Ended(int(ended_with), captured.out, captured.err)
        assert code is None or ended.code == code, f"{arguments}: {ended}"
        return ended


def program(
    *arguments: object,
    folder: Path,
    language: str = "en",
    environment: Mapping[str, str] | None = None,
    stdin: str = "",
    start: Sequence[str] = ("-m", "netty"),
) -> Ended:
    """Run ``python -m netty``, or what `start` says, in a folder."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("NETTY_", "LC_"))}
    done = subprocess.run(
        [sys.executable, *start, *map(str, arguments)],
        cwd=folder,
        env=clean | {"LANG": LANGUAGES[language]} | dict(environment or {}),
        input=stdin,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)
