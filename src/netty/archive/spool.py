"""The spool: received data sets on disk, each with its receipt behind it.

A file counts from the moment its trailer is on the disk: the receipt as JSON, its length and its CRC-32 (4 bytes each,
big-endian), and 8 bytes of magic. So one sync of the file and one of the folder make image and receipt safe together.
Names are random; nothing from the wire is ever part of a path.
"""

import errno
import json
import os
import re
import secrets
import struct
import zlib
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Final

from netty.archive.disk import disk_error, make_private_folder, start_writing
from netty.archive.errors import DiskFull
from netty.dicom.stencil import Gap, Piece, Stencil

_TAIL: Final = struct.Struct(">II8s")
MAGIC: Final = b"nettyEND"
_LONGEST_RECEIPT: Final = 1 << 20
_USUAL_RECEIPT: Final = 2048  # bytes, with its tail; a longer one costs another read
_SUFFIX: Final = ".dcm"
_TEXTS: Final = frozenset({Gap.UID_TEXT, Gap.DIGEST, Gap.NUMBER})  # what has quotes around it
_as_json: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_WRITTEN_EARLY: Final = 1 << 20  # bytes, so that the sync of a long image does not begin with all of them
_NEW: Final = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC

Bytes = bytes | bytearray | memoryview


class SpoolFile:
    """A file that is being written. It ends with `seal` or `discard`; before `seal` it does not count.

    The methods block: an event loop calls `seal` in a thread.
    """

    __slots__ = ("_begun", "_descriptor", "_folder", "_folder_path", "_is_named", "_synced", "name", "size")

    def __init__(self, name: str, folder_path: Path, folder: int, synced: bool) -> None:
        """`folder`: an open descriptor of the folder; it is synced with the file, unless the name is safe already."""
        self.name = name
        self._is_named = False
        self._synced = synced
        self.size = 0  # bytes written so far
        self._begun = 0  # so many of them are on their way to the disk
        self._folder_path = folder_path
        self._folder = folder
        try:
            self._descriptor = os.open(name, _NEW, 0o600, dir_fd=folder)
        except OSError as error:
            raise disk_error(error, self._path) from error

    @property
    def _path(self) -> Path:
        return self._folder_path / self.name

    def name_is_safe(self) -> None:
        """The folder was synced since it was made."""
        self._is_named = True

    @property
    def descriptor(self) -> int:
        """For who writes and seals it without these methods, as `receipt_stencil` says, and then calls `was_sealed`."""
        return self._descriptor

    @property
    def unsafe_folder(self) -> int:
        """The descriptor of the folder, if that is to be synced for the name; else -1."""
        return -1 if self._is_named or not self._synced else self._folder

    def write(self, data: Bytes) -> None:
        """Append bytes, straight to the operating system. Raises DiskFull or DiskFault; call `discard` then."""
        try:
            written = os.write(self._descriptor, data)
            if written < len(data):
                self._write_rest(memoryview(data)[written:])
        except OSError as error:
            raise disk_error(error, self._path) from error
        self.size += len(data)
        if self._synced and self.size - self._begun >= _WRITTEN_EARLY:
            start_writing(self._descriptor, self._begun, self.size - self._begun)
            self._begun = self.size

    def _write_rest(self, rest: memoryview) -> None:
        """After a short write; when the disk is full, the next call says so."""
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]

    def seal(self, receipt: Mapping[str, Any]) -> None:
        """Append the receipt, sync file and name if so agreed, close. On failure nothing is left, and it raises."""
        try:
            body = _encoded(_as_json(receipt))
            if len(body) > _LONGEST_RECEIPT:
                raise ValueError(f"a receipt of {len(body)} bytes")
            self.write(body + _TAIL.pack(len(body), zlib.crc32(body), MAGIC))
            if self._synced:
                # A failed sync is final: the kernel may have dropped the pages, and a second one would succeed.
                os.fdatasync(self._descriptor)
                if not self._is_named:
                    os.fsync(self._folder)
            if not os.fstat(self._descriptor).st_nlink:  # somebody has removed it while it was being written
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
            descriptor, self._descriptor = self._descriptor, -1
            os.close(descriptor)
        except OSError as error:
            self._remove()
            raise disk_error(error, self._path) from error
        except BaseException:
            self._remove()
            raise

    def was_sealed(self) -> None:
        """Somebody else has sealed it; close."""
        descriptor, self._descriptor = self._descriptor, -1
        with suppress(OSError):  # it is written, and synced if so agreed
            os.close(descriptor)

    def discard(self) -> None:
        """Close and remove; harmless after `seal` or twice."""
        if self._descriptor >= 0:
            self._remove()

    def _remove(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            with suppress(OSError):
                # Should the name outlive us (a disk that refuses even this), the file at least has no trailer.
                os.ftruncate(descriptor, 0)
            with suppress(OSError):
                os.close(descriptor)
        else:
            with suppress(OSError):
                os.truncate(self._path, 0)
        with suppress(OSError):
            self._path.unlink()


class Spool:
    """The folder of received files and the quarantine beside it, both on one disk."""

    def __init__(self, folder: Path, quarantine_folder: Path) -> None:
        self._folder, self._quarantine = folder, quarantine_folder
        for each in (folder, quarantine_folder):
            make_private_folder(each)
        try:
            self._folder_descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            self._quarantine_descriptor = os.open(quarantine_folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise disk_error(error, folder) from error

    def close(self) -> None:
        """Give the folders back."""
        os.close(self._folder_descriptor)
        os.close(self._quarantine_descriptor)

    def create(self, synced: bool = True) -> SpoolFile:
        """A new, empty file with a random name; `synced`: once sealed, it is to survive a power cut."""
        return SpoolFile(f"{secrets.token_hex(16)}{_SUFFIX}", self._folder, self._folder_descriptor, synced)

    def create_named(self, count: int) -> list[SpoolFile]:
        """So many new files whose names are safe: one sync of the folder for all of them."""
        made: list[SpoolFile] = []
        try:
            made.extend(self.create() for _ in range(count))  # what was made before one fails is in there
            os.fsync(self._folder_descriptor)
        except BaseException as error:
            for one in made:
                one.discard()
            if isinstance(error, OSError):
                raise disk_error(error, self._folder) from error
            raise
        for one in made:
            one.name_is_safe()
        return made

    def sealed(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Name and receipt of every file with a whole trailer."""
        for name in sorted(self.names()):
            if (receipt := self.receipt(name)) is not None:
                yield name, receipt

    def receipt(self, name: str) -> dict[str, Any] | None:
        """The receipt of a file, None where it is not sealed or not there."""
        return read_receipt(f"{self._folder}/{name}")  # pathlib takes as long as the system call

    def names(self) -> set[str]:
        """All files, sealed or not."""
        return _names(self._folder)

    def path(self, name: str) -> Path:
        """Where a file lies in the spool."""
        return self._folder / name

    def open_data(self, name: str) -> BinaryIO:
        """A file, opened for reading from its start; DiskFault where it cannot be."""
        try:
            return (self._folder / name).open("rb")
        except OSError as error:
            raise disk_error(error, self._folder / name) from error

    def remove(self, *names: str) -> None:
        """Remove files; those already gone are no error."""
        for name in names:
            try:
                (self._folder / name).unlink(missing_ok=True)
            except OSError as error:
                raise disk_error(error, self._folder / name) from error

    def remove_unsealed(self, keep: Collection[str] = ()) -> list[str]:
        """Remove what a crash left half written; `keep` names files now being written."""
        unsealed = [name for name in sorted(self.names() - set(keep)) if self.receipt(name) is None]
        self.remove(*unsealed)
        return unsealed

    def remove_abandoned(self, older_than: float) -> list[str]:
        """Remove unsealed files that nobody has written to since `older_than` (as time.time() has it)."""
        abandoned = []
        for name in sorted(self.names()):
            with suppress(FileNotFoundError):
                path = self._folder / name
                if path.stat().st_mtime < older_than and self.receipt(name) is None:
                    abandoned.append(name)
        self.remove(*abandoned)
        return abandoned

    def quarantine(self, *names: str) -> None:
        """Move files to the quarantine, and sync both folders; those already there are no error."""
        try:
            for name in names:
                with suppress(FileNotFoundError):
                    (self._folder / name).rename(self._quarantine / name)
            if names:
                os.fsync(self._quarantine_descriptor)
                os.fsync(self._folder_descriptor)
        except OSError as error:
            raise disk_error(error, self._quarantine) from error

    def release(self, *names: str) -> None:
        """Move files back out of the quarantine, and sync both folders; those already back are no error."""
        try:
            for name in names:
                with suppress(FileNotFoundError):
                    (self._quarantine / name).rename(self._folder / name)
            if names:
                os.fsync(self._folder_descriptor)
                os.fsync(self._quarantine_descriptor)
        except OSError as error:
            raise disk_error(error, self._folder) from error

    def remove_quarantined(self, *names: str) -> None:
        """Remove files from the quarantine, and sync it; those already gone are no error."""
        try:
            for name in names:
                (self._quarantine / name).unlink(missing_ok=True)
            if names:
                os.fsync(self._quarantine_descriptor)
        except OSError as error:
            raise disk_error(error, self._quarantine) from error

    def quarantined_names(self) -> set[str]:
        """The files in the quarantine."""
        return _names(self._quarantine)

    def quarantined_path(self, name: str) -> Path:
        """Where a file lies in the quarantine."""
        return self._quarantine / name

    def free_bytes(self) -> int:
        """How many bytes the disk still takes from us."""
        state = os.fstatvfs(self._folder_descriptor)
        return state.f_bavail * state.f_frsize

    def require_room(self, minimum_free: int) -> None:
        """DiskFull where less than `minimum_free` bytes, or no inode, are left."""
        state = os.fstatvfs(self._folder_descriptor)
        free = state.f_bavail * state.f_frsize
        if free < minimum_free:
            raise DiskFull(
                "Only {free} MB are left in {place}; netty keeps {minimum} MB free (minimum_free). Make room.",
                free=free >> 20,
                minimum=minimum_free >> 20,
                place=str(self._folder),
            )
        if state.f_files and not state.f_favail:
            raise DiskFull("No file can be made in {place}: its disk has no inode left.", place=str(self._folder))


def receipt_stencil(receipt: Mapping[str, Any]) -> Stencil:
    """A receipt as `seal` writes it, but for the tail behind it; where a value is a `Gap`, there is one."""
    gaps: dict[str, Gap] = {}

    def marked(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {name: marked(one) for name, one in value.items()}
        if not isinstance(value, Gap):
            return value
        mark = secrets.token_hex(16)
        gaps[mark if value in _TEXTS else f'"{mark}"'] = value
        return mark

    text = _as_json(marked(receipt))
    *pieces, rest = re.split(f"({'|'.join(gaps)})", text) if gaps else [text]
    before, marks = pieces[::2], pieces[1::2]
    return (
        *(Piece(_encoded(piece), gaps[mark]) for piece, mark in zip(before, marks, strict=True)),
        Piece(_encoded(rest)),
    )


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def read_receipt(path: Path | str) -> dict[str, Any] | None:
    """The receipt behind a data set, read from the end of the file; None where there is none that is whole."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            body, checksum = _sealed_body(descriptor)
        finally:
            os.close(descriptor)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise disk_error(error, Path(path)) from error
    if body is None or zlib.crc32(body) != checksum:
        return None
    receipt: dict[str, Any] = json.loads(body.decode("utf-8", "surrogatepass"))
    return receipt


def _sealed_body(descriptor: int) -> tuple[bytes | None, int]:
    """The receipt as it stands, and its checksum; None where there is no tail. One read brings both, mostly."""
    size = os.fstat(descriptor).st_size
    end = os.pread(descriptor, _USUAL_RECEIPT, max(0, size - _USUAL_RECEIPT))
    if len(end) < _TAIL.size:
        return None, 0
    length, checksum, magic = _TAIL.unpack_from(end, len(end) - _TAIL.size)
    start = size - _TAIL.size - length
    if magic != MAGIC or start < 0 or length > _LONGEST_RECEIPT:
        return None, 0
    if length + _TAIL.size <= len(end):
        return end[-length - _TAIL.size : -_TAIL.size], checksum
    return os.pread(descriptor, length, start), checksum


def _names(folder: Path) -> set[str]:
    try:
        with os.scandir(folder) as entries:
            return {entry.name for entry in entries if entry.name.endswith(_SUFFIX) and entry.is_file()}
    except OSError as error:
        raise disk_error(error, folder) from error
