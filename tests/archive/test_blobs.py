"""The blob store: a local folder (S3 goes through the same library)."""

import hashlib
import io
import os
import re
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import pytest

from netty.archive.blobs import Blobs
from netty.archive.disk import sync_files
from netty.archive.errors import BlobMissing, DiskFault
from netty.errors import PeerError, SettingsError


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    """A store in a folder."""
    return Blobs("file:data/blobs", tmp_path)


def test_what_is_put_can_be_got_listed_and_removed(blobs: Blobs) -> None:
    blobs.put("renditions/ab/1.jpg", b"jpeg")
    blobs.put("kept/ab.dcm", memoryview(b"dicom"))
    blobs.sync(["renditions/ab/1.jpg", "kept/ab.dcm"])

    assert blobs.get("renditions/ab/1.jpg") == b"jpeg"
    assert sorted(blobs.list()) == [("kept/ab.dcm", 5), ("renditions/ab/1.jpg", 4)]
    assert list(blobs.list("kept")) == [("kept/ab.dcm", 5)]

    blobs.remove(["renditions/ab/1.jpg", "renditions/ab/1.jpg", "kept/no.dcm"])

    assert list(blobs.list()) == [("kept/ab.dcm", 5)]
    with pytest.raises(BlobMissing, match="renditions/ab"):
        blobs.get("renditions/ab/1.jpg")


def test_putting_again_replaces(blobs: Blobs) -> None:
    blobs.put("renditions/ab/1.jpg", b"old")
    blobs.put("renditions/ab/1.jpg", b"newer")

    assert blobs.get("renditions/ab/1.jpg") == b"newer"


def test_a_folder_that_became_empty_goes_and_can_come_back(blobs: Blobs, tmp_path: Path) -> None:
    blobs.put("renditions/ab/1.jpg", b"jpeg")
    blobs.remove(["renditions/ab/1.jpg"])
    assert list((tmp_path / "data/blobs").iterdir()) == []

    blobs.put("renditions/cd/1.jpg", b"jpeg")
    assert blobs.get("renditions/cd/1.jpg") == b"jpeg"


def test_files_and_folders_are_private(blobs: Blobs, tmp_path: Path) -> None:
    blobs.put("renditions/ab/1.jpg", b"jpeg")
    blobs.put_file("kept/ab.dcm", io.BytesIO(b"dicom"))

    modes = {path.is_dir(): set[int]() for path in tmp_path.rglob("*")}
    for path in tmp_path.rglob("*"):
        modes[path.is_dir()].add(stat.S_IMODE(path.stat().st_mode))
    assert modes == {True: {0o700}, False: {0o600}}


def test_big_files_go_in_pieces_and_give_size_and_checksum(blobs: Blobs, tmp_path: Path) -> None:
    content = bytes(range(256)) * 30000
    (tmp_path / "source").write_bytes(content)
    expected = (len(content), hashlib.sha256(content).hexdigest())
    pieces = (content[start : start + 100_000] for start in range(0, len(content), 100_000))

    sources: list[Path | BinaryIO | Iterable[bytes]] = [tmp_path / "source", io.BytesIO(content), pieces]
    for number, source in enumerate(sources):
        assert blobs.put_file(f"kept/{number}.dcm", source) == expected
        assert b"".join(blobs.read(f"kept/{number}.dcm")) == content


def test_a_source_that_fails_leaves_no_blob(blobs: Blobs) -> None:
    def pieces() -> Iterator[bytes]:
        yield b"x" * 10_000_000
        raise PeerError("cut off")

    with pytest.raises(PeerError, match="cut off"):
        blobs.put_file("kept/ab.dcm", pieces())

    assert list(blobs.list()) == []


def test_sync_reaches_the_files_and_every_folder_above_once(
    blobs: Blobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = ["renditions/ab/1.jpg", "renditions/ab/2.jpg"]
    for key in keys:
        blobs.put(key, b"jpeg")
    synced: list[str] = []
    really = os.fsync

    def fsync(descriptor: int) -> None:
        synced.append(os.path.relpath(Path(f"/proc/self/fd/{descriptor}").readlink(), tmp_path / "data/blobs"))
        really(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)

    blobs.sync(keys)

    assert synced == [*keys, "renditions/ab", "renditions", "."]


def test_what_a_crash_left_is_written_anew_and_no_link_is_followed(blobs: Blobs, tmp_path: Path) -> None:
    folder = tmp_path / "data/blobs/renditions/ab"
    blobs.put("renditions/ab/1.jpg", b"half of a much longer picture")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"not ours")
    (folder / "2.jpg").symlink_to(elsewhere)

    Blobs("file:data/blobs", tmp_path).put("renditions/ab/1.jpg", b"jpeg")

    assert blobs.get("renditions/ab/1.jpg") == b"jpeg"
    with pytest.raises(DiskFault):
        blobs.put("renditions/ab/2.jpg", b"jpeg")
    assert elsewhere.read_bytes() == b"not ours"


def test_syncing_what_is_not_there_is_a_fault(blobs: Blobs) -> None:
    with pytest.raises(DiskFault):
        blobs.sync(["renditions/ab/1.jpg"])


@pytest.mark.parametrize("key", ["../secret", "/etc/passwd", "a/../../b", "a//b", "A.jpg", "a/.hidden", "", "a/", "ä"])
def test_keys_cannot_leave_the_folder(blobs: Blobs, key: str) -> None:
    with pytest.raises(ValueError, match="blob key"):
        blobs.put(key, b"")
    with pytest.raises(ValueError, match="blob key"):
        blobs.get(key)


def test_the_path_of_a_blob(blobs: Blobs, tmp_path: Path) -> None:
    assert blobs.path("kept/ab.dcm") == tmp_path / "data/blobs/kept/ab.dcm"


@pytest.mark.parametrize("url", ["data/blobs", "ftp://x"])
def test_other_addresses_are_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(SettingsError, match="file:"):
        Blobs(url, tmp_path)


def test_an_absolute_folder_stands_for_itself(tmp_path: Path) -> None:
    assert Blobs(f"file://{tmp_path}/b", Path("/nowhere")).path("a") == tmp_path / "b" / "a"


def test_many_files_are_synced_together_and_one_that_is_gone_is_named(tmp_path: Path) -> None:
    paths = [str(tmp_path / str(number)) for number in range(40)]
    for path in paths:
        Path(path).write_bytes(b"picture")
    before = len(list(Path("/proc/self/fd").iterdir()))

    sync_files(paths)
    Path(paths[7]).unlink()
    with pytest.raises(DiskFault, match=re.escape(paths[7])):
        sync_files(paths)

    assert len(list(Path("/proc/self/fd").iterdir())) == before
