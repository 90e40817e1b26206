"""A folder of one's own, and ``netty`` in it."""

import shutil
from pathlib import Path

import pytest

from support.commands import Netty, program


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder of the calls; no settings of the machine or the caller are seen."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.delenv("NETTY_CONFIG", raising=False)
    return tmp_path


@pytest.fixture
def netty(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Netty:
    """Calls in this process."""
    return Netty(monkeypatch, capsys)


@pytest.fixture(scope="session")
def initialised(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which ``netty init`` was carried out, to be copied."""
    folder = tmp_path_factory.mktemp("initialised")
    assert program("init", folder=folder).code == 0
    return folder


@pytest.fixture
def made(netty: Netty, folder: Path, initialised: Path) -> Netty:
    """Calls in a folder where ``netty init`` was carried out."""
    shutil.copytree(initialised, folder, dirs_exist_ok=True)
    return netty
