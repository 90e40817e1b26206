"""Files made ahead: an image costs one sync, and nothing is left of those that nobody asks for."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from netty.archive import spool_ahead
from netty.archive.errors import DiskFault, DiskFull
from netty.archive.spool import Spool, SpoolFile
from netty.archive.spool_ahead import SpoolAhead
from support.waiting import wait_until

RECEIPT = {"facts": {"patient_name": "山田^太郎"}}


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    """A spool with its quarantine."""
    spool = Spool(tmp_path / "spool", tmp_path / "quarantine")
    yield spool
    spool.close()


@pytest.fixture
def ahead(spool: Spool) -> Iterator[SpoolAhead]:
    """It, closed in the end."""
    ahead = SpoolAhead(spool)
    yield ahead
    ahead.close()


def _sealed(file: SpoolFile) -> str:
    file.write(b"data")
    file.seal(RECEIPT)
    return file.name


def test_a_file_made_ahead_needs_no_sync_of_its_folder_any_more(
    spool: Spool, ahead: SpoolAhead, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = _sealed(ahead.create())  # nobody knew that it was to come
    wait_until(lambda: len(ahead._made) > 8, 10, "files made ahead, and named safely")
    synced: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda _: synced.append("folder"))
    monkeypatch.setattr(os, "fdatasync", lambda _: synced.append("file"))

    second = _sealed(ahead.create())

    assert synced == ["file"]
    monkeypatch.undo()
    ahead.close()
    assert spool.names() == {first, second}
    assert spool.receipt(second) == RECEIPT


def test_a_file_that_could_not_be_made_ahead_is_synced_with_its_folder(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda _: synced.append("folder"))
    monkeypatch.setattr(os, "fdatasync", lambda _: synced.append("file"))

    _sealed(spool.create())

    assert synced == ["file", "folder"]


@pytest.mark.parametrize(("number", "error"), [(errno.ENOSPC, DiskFull), (errno.EIO, DiskFault)])
def test_files_whose_names_cannot_be_made_safe_are_none(
    spool: Spool, monkeypatch: pytest.MonkeyPatch, number: int, error: type[Exception]
) -> None:
    def fail(_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)

    with pytest.raises(error):
        spool.create_named(3)

    assert spool.names() == set()


def test_where_the_disk_has_no_room_for_files_ahead_each_is_made_when_it_is_asked_for(
    spool: Spool, ahead: SpoolAhead, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def refuse(count: int) -> list[SpoolFile]:
        asked.append(count)
        raise DiskFull("There is no room.")

    monkeypatch.setattr(spool, "create_named", refuse)

    names = {_sealed(ahead.create()) for _ in range(3)}

    wait_until(lambda: asked, 10, "an attempt")
    assert spool.names() == names


def test_some_seconds_after_the_last_image_nothing_made_ahead_is_left(
    spool: Spool, ahead: SpoolAhead, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool_ahead, "_IDLE_SECONDS", 0.05)

    name = _sealed(ahead.create())

    wait_until(lambda: spool.names() == {name}, 10, "removal")
