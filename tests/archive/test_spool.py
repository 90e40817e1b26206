"""The spool: a file counts when it is sealed, and leaves nothing behind when it is not."""

import errno
import os
import resource
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from netty.archive import disk
from netty.archive import spool as spool_module
from netty.archive.errors import DiskFault, DiskFull
from netty.archive.spool import Spool, receipt_stencil
from netty.dicom.stencil import Gap, Named, Piece, filled

RECEIPT = {"sha256": "ab", "facts": {"patient_name": "山田^太郎"}}


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    """A spool with its quarantine."""
    spool = Spool(tmp_path / "spool", tmp_path / "quarantine")
    yield spool
    spool.close()


def _sealed(spool: Spool, content: bytes = b"data") -> str:
    file = spool.create()
    file.write(content)
    file.seal(RECEIPT)
    return file.name


def test_a_sealed_file_has_its_bytes_and_its_receipt(spool: Spool) -> None:
    file = spool.create()
    file.write(memoryview(b"head"))
    for piece in (b"pix", memoryview(b"els"), bytearray(b"")):
        file.write(piece)
    size = file.size
    file.seal(RECEIPT)

    with spool.open_data(file.name) as stored:
        assert stored.read(size) == b"headpixels"
    assert spool.receipt(file.name) == RECEIPT
    assert list(spool.sealed()) == [(file.name, RECEIPT)]


def test_files_and_folders_are_private_and_names_are_ours(spool: Spool, tmp_path: Path) -> None:
    name = _sealed(spool)

    assert name.removesuffix(".dcm").isalnum()
    assert len(name) == 36
    assert stat.S_IMODE(spool.path(name).stat().st_mode) == 0o600
    for folder in ("spool", "quarantine"):
        assert stat.S_IMODE((tmp_path / folder).stat().st_mode) == 0o700


def test_what_a_crash_left_unsealed_is_removed_and_the_rest_stays(spool: Spool) -> None:
    sealed = _sealed(spool)
    open_now, crashed = spool.create(), spool.create()
    crashed.write(b"half an image")

    assert spool.remove_unsealed(keep={open_now.name}) == [crashed.name]
    assert spool.names() == {sealed, open_now.name}
    open_now.discard()
    crashed.discard()


@pytest.mark.parametrize("cut", [1, 8, 15, 16, 17, 30])
def test_a_truncated_trailer_is_no_seal(spool: Spool, cut: int) -> None:
    path = spool.path(_sealed(spool))
    os.truncate(path, path.stat().st_size - cut)

    assert spool.receipt(path.name) is None
    assert list(spool.sealed()) == []


@pytest.mark.parametrize("place", [-1, -9, -13, -20])
def test_a_trailer_with_a_wrong_byte_is_no_seal(spool: Spool, place: int) -> None:
    path = spool.path(_sealed(spool))
    content = bytearray(path.read_bytes())
    content[place] ^= 0x55
    path.write_bytes(content)

    assert spool.receipt(path.name) is None


def test_discarding_leaves_nothing_and_may_be_repeated(spool: Spool) -> None:
    file = spool.create()
    file.write(b"data")

    file.discard()
    file.discard()

    assert spool.names() == set()


def test_discarding_a_sealed_file_keeps_it(spool: Spool) -> None:
    file = spool.create()
    file.seal(RECEIPT)

    file.discard()

    assert spool.names() == {file.name}


def _failing(number: int) -> Callable[..., Any]:
    def fail(*arguments: object) -> None:
        raise OSError(number, os.strerror(number))

    return fail


@pytest.mark.parametrize("call", ["fdatasync", "fsync"])
@pytest.mark.parametrize(("number", "error"), [(errno.EIO, DiskFault), (errno.ENOSPC, DiskFull)])
def test_a_failing_sync_is_final_and_leaves_nothing(
    spool: Spool, monkeypatch: pytest.MonkeyPatch, call: str, number: int, error: type[Exception]
) -> None:
    file = spool.create()
    file.write(b"data")
    monkeypatch.setattr(os, call, _failing(number))

    with pytest.raises(error):
        file.seal(RECEIPT)

    assert spool.names() == set()


def test_a_long_image_is_on_its_way_to_the_disk_while_the_rest_of_it_comes(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[tuple[int, int]] = []
    monkeypatch.setattr(spool_module, "start_writing", lambda _, offset, size: begun.append((offset, size)))
    file, megabyte = spool.create(), 1 << 20

    for size in (megabyte - 1, 1, megabyte + 7, 100, 3 * megabyte):
        file.write(bytes(size))
    file.seal(RECEIPT)

    assert begun == [(0, megabyte), (megabyte, megabyte + 7), (2 * megabyte + 7, 3 * megabyte + 100)]


@pytest.mark.skipif(disk._SYNC_FILE_RANGE is None, reason="this system has no sync_file_range")
def test_the_kernel_takes_what_it_is_to_begin_with_also_behind_four_gigabytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel, answers = disk._SYNC_FILE_RANGE, []
    monkeypatch.setattr(disk, "_SYNC_FILE_RANGE", lambda *arguments: answers.append(kernel(*arguments)))

    with (tmp_path / "sparse").open("wb") as file:
        file.seek(5 << 30)
        file.write(b"data")
        file.flush()
        disk.start_writing(file.fileno(), 5 << 30, 4)
        disk.start_writing(file.fileno())

    assert answers == [0, 0]


def test_what_is_left_to_the_operating_system_is_neither_synced_nor_hurried(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for each in ("fsync", "fdatasync"):
        monkeypatch.setattr(os, each, _failing(errno.EIO))
    monkeypatch.setattr(spool_module, "start_writing", _failing(errno.EIO))
    file = spool.create(synced=False)

    file.write(bytes(3 << 20))
    file.seal(RECEIPT)

    assert spool.receipt(file.name) == RECEIPT


def test_a_receipt_that_is_no_json_leaves_nothing(spool: Spool) -> None:
    file = spool.create()

    with pytest.raises(TypeError):
        file.seal({"at": object()})

    assert spool.names() == set()


def test_short_writes_go_on_until_all_is_written(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    whole_write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: whole_write(descriptor, bytes(data[:3])))
    file = spool.create()

    file.write(b"0123456789")
    file.write(memoryview(b"abcdefg"))
    file.seal(RECEIPT)

    assert spool.path(file.name).read_bytes().startswith(b"0123456789abcdefg")
    assert spool.receipt(file.name) == RECEIPT


def test_a_full_disk_is_said_as_such_and_leaves_nothing(spool: Spool) -> None:
    """A limit on file size stands for the full disk: both cut a write short and refuse the next one."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        file = spool.create()
        with pytest.raises(DiskFull):
            file.write(b"x" * 5000)
        file.discard()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)

    assert spool.names() == set()


def test_a_folder_that_cannot_be_made_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "spool").write_bytes(b"a file")

    with pytest.raises(DiskFault, match="spool"):
        Spool(tmp_path / "spool", tmp_path / "quarantine")


def test_quarantine_moves_a_file_and_may_be_repeated(spool: Spool) -> None:
    name = _sealed(spool)

    spool.quarantine(name)
    spool.quarantine(name)

    assert (spool.names(), spool.quarantined_names()) == (set(), {name})
    assert spool.quarantined_path(name).read_bytes().startswith(b"data")


def test_removing_what_is_gone_is_no_error(spool: Spool) -> None:
    name = _sealed(spool)

    spool.remove(name, name)

    assert spool.names() == set()
    with pytest.raises(DiskFault):
        spool.open_data(name)


def test_too_little_room_is_refused_before_anything_is_written(spool: Spool) -> None:
    spool.require_room(1)

    with pytest.raises(DiskFull, match="minimum_free"):
        spool.require_room(spool.free_bytes() * 2)


_WRITER = """
import sys
from pathlib import Path
from netty.archive.spool import Spool
spool = Spool(Path(sys.argv[1]) / "spool", Path(sys.argv[1]) / "quarantine")
while True:
    file = spool.create()
    for _ in range(20):
        file.write(b"x" * 10000)
    file.seal({"bytes": 200000})
    print(file.name, flush=True)
"""


def test_after_kill_9_every_file_that_was_promised_is_whole(tmp_path: Path) -> None:
    """What the writer named is what it would have answered 0x0000 for."""
    writer = subprocess.Popen([sys.executable, "-c", _WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    with writer, writer.stdout:
        promised = [writer.stdout.readline().strip() for _ in range(30)]
        writer.kill()
        promised += [line.strip() for line in writer.stdout if line.endswith("\n")]
    spool = Spool(tmp_path / "spool", tmp_path / "quarantine")

    spool.remove_unsealed()

    assert set(promised) <= spool.names()
    assert all(receipt == {"bytes": 200000} for _, receipt in spool.sealed())
    assert all(spool.path(name).read_bytes().startswith(b"x" * 200000) for name in spool.names())
    spool.close()


def test_half_written_files_that_nobody_writes_to_any_more_are_removed(spool: Spool) -> None:
    abandoned, under_way, sealed = spool.create(), spool.create(), spool.create()
    for file in (abandoned, under_way, sealed):
        file.write(b"data")
    sealed.seal({"sop": "1.2.3"})
    for file in (abandoned, sealed):
        os.utime(spool.path(file.name), (1000, 1000))

    assert spool.remove_abandoned(older_than=2000) == [abandoned.name]
    assert spool.names() == {under_way.name, sealed.name}
    under_way.discard()
    abandoned.discard()


def test_a_file_that_somebody_removed_while_it_was_written_is_not_sealed(spool: Spool) -> None:
    file = spool.create()
    file.write(b"data")
    spool.remove(file.name)

    with pytest.raises(DiskFault):
        file.seal({"sop": "1.2.3"})
    assert spool.names() == set()


def test_a_receipt_with_gaps_is_filled_in_as_it_would_be_written(spool: Spool) -> None:
    facts = {"number": "3", "uid": "1.2.3", "none": ""}
    receipt = {"name": 'M\u00fcller "Eva" \\^ \udc80', "size": 5, "at": 2.000007, "facts": facts}
    file = spool.create()
    file.seal(receipt)
    written = spool.path(file.name).read_bytes()[:-16]  # its length, its checksum and the magic

    gaps = {"size": Gap.SIZE, "at": Gap.TIME, "facts": facts | {"number": Gap.NUMBER, "uid": Gap.UID_TEXT}}
    stencil = receipt_stencil(receipt | gaps)

    assert filled(stencil, Named("1.2.3", size=5, number="3", microseconds=2_000_007)) == written


def test_a_receipt_without_a_gap_is_one_piece() -> None:
    assert receipt_stencil({"a": 1}) == (Piece(b'{"a":1}'),)


@pytest.mark.parametrize("data", [b"", b"x" * 3000], ids=["nothing before it", "a data set"])
@pytest.mark.parametrize("size", [1, 2030, 2031, 2032, 2033, 5000])
def test_a_receipt_of_any_length_is_read_back(spool: Spool, data: bytes, size: int) -> None:
    file = spool.create()
    file.write(data)
    file.seal({"text": "x" * (size - len('{"text":""}'))} if size > 11 else {})

    receipt = spool.receipt(file.name)

    assert receipt is not None
    assert len(receipt.get("text", "")) == max(0, size - 11)
