"""Renditions and kept files: a local folder or an S3 bucket, through obstore."""

import errno
import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Final

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import LocalStore, ObjectStore, from_url

from netty.archive.disk import disk_error, make_private_folder, sync_files, sync_path
from netty.archive.errors import BlobMissing
from netty.errors import LocalError, SettingsError

_KEY: Final = re.compile(r"[a-z0-9_-][a-z0-9._-]*(/[a-z0-9_-][a-z0-9._-]*)*")  # no empty part, none like ``..``
_ATTEMPTS: Final = 3
_PIECE: Final = 1 << 20
_SYNCED_AT_ONCE: Final = 256  # open descriptors
_LOCAL: Final = "file:"
_STAYS: Final = (errno.ENOENT, errno.ENOTEMPTY, errno.EEXIST)  # of a folder: gone already, or not empty


@dataclass(frozen=True, slots=True)
class BlobEntry:
    """One blob in a listing."""

    key: str
    size: int
    modified: datetime


class Blobs:
    """The blob store. Keys are made by netty: lower-case letters, digits and ``. _ - /``."""

    def __init__(self, url: str, base_folder: Path) -> None:
        """`url`: ``file:<folder>``, relative to `base_folder`, or ``s3://bucket/prefix``."""
        self._url = url
        self._root: Path | None = None
        self._store: ObjectStore
        if url.startswith(_LOCAL):
            self._root = base_folder / url.removeprefix(_LOCAL).removeprefix("//")
            make_private_folder(self._root)
            self._store = LocalStore(self._root)
        elif url.startswith("s3://"):
            try:
                self._store = from_url(url)
            except (BaseError, ValueError) as error:
                raise SettingsError(
                    "The blob store {url} cannot be opened: {cause}", url=url, cause=str(error)
                ) from error
        else:
            raise SettingsError("{url} is no blob store. Write file:FOLDER or s3://BUCKET/PREFIX.", url=repr(url))

    def put(self, key: str, data: bytes | memoryview) -> None:
        """Write a blob that no row names; safe only after `sync`, and until then it may be there in part."""
        if self._root is not None:
            self._write(f"{self._root}/{_checked(key)}", data)
            return
        _checked(key)
        with self._in_words(key):
            obstore.put(self._store, key, data)

    def put_file(self, key: str, source: Path | BinaryIO | Iterable[bytes]) -> tuple[int, str]:
        """Write a big blob piece by piece; gives its size and SHA-256."""
        self._prepare(key)
        if isinstance(source, Path):
            with source.open("rb") as file:
                return self.put_file(key, file)
        pieces = iter(lambda: source.read(_PIECE), b"") if hasattr(source, "read") else iter(source)
        size, checksum = 0, hashlib.sha256()

        def counted() -> Iterator[bytes]:
            nonlocal size
            for piece in pieces:
                size += len(piece)
                checksum.update(piece)
                yield piece

        with self._in_words(key):
            obstore.put(self._store, key, counted())
        self._make_private(key)
        return size, checksum.hexdigest()

    def sync(self, keys: Iterable[str]) -> None:
        """Return when these blobs survive a power cut: files first, then each folder once. S3 promised it already."""
        if self._root is None:
            return
        paths = [f"{self._root}/{key}" for key in keys]
        for start in range(0, len(paths), _SYNCED_AT_ONCE):
            sync_files(paths[start : start + _SYNCED_AT_ONCE])
        folders: set[str] = set()
        for folder in paths:
            while folder != str(self._root) and (folder := folder.rpartition("/")[0]) not in folders:
                folders.add(folder)
        for folder in sorted(folders, reverse=True):
            sync_path(folder)

    def get(self, key: str) -> bytes:
        """A whole blob; BlobMissing where there is none."""
        return b"".join(self.read(key))

    def read(self, key: str) -> Iterator[bytes]:
        """A blob, piece by piece; BlobMissing where there is none."""
        _checked(key)
        with self._in_words(key):
            for piece in obstore.get(self._store, key).stream(_PIECE):
                yield bytes(piece)

    def remove(self, keys: Iterable[str]) -> None:
        """Remove blobs; those already gone are no error."""
        gone = [_checked(key) for key in keys]
        if self._root is None:
            with self._in_words(self._url):
                obstore.delete(self._store, gone)
            return
        for key in gone:
            path = self._root / key
            try:
                path.unlink(missing_ok=True)
                folder = path.parent
                while folder != self._root:
                    folder.rmdir()
                    folder = folder.parent
            except OSError as error:
                if error.errno not in _STAYS:
                    raise disk_error(error, path) from error

    def list(self, prefix: str = "") -> Iterator[tuple[str, int]]:
        """Key and size of all blobs under a prefix (whole path segments)."""
        return ((one.key, one.size) for one in self.entries(prefix))

    def entries(self, prefix: str = "") -> Iterator[BlobEntry]:
        """All blobs under a prefix (whole path segments)."""
        with self._in_words(prefix):
            for some in obstore.list(self._store, prefix or None):
                yield from (BlobEntry(one["path"], one["size"], one["last_modified"]) for one in some)

    def path(self, key: str) -> Path | None:
        """The file of a blob where the store is a local folder, else None."""
        return None if self._root is None else self._root / _checked(key)

    def _prepare(self, key: str) -> None:
        """Make the folders of a key, readable by us alone."""
        _checked(key)
        if self._root is not None:
            make_private_folder((self._root / key).parent)

    def _write(self, path: str, data: bytes | memoryview) -> None:
        """The library would take three times as long for the same calls."""
        try:
            descriptor = _opened(path)
            try:
                rest = memoryview(data)
                while rest:
                    rest = rest[os.write(descriptor, rest) :]
            finally:
                os.close(descriptor)
        except OSError as error:
            with suppress(OSError):
                Path(path).unlink()
            raise disk_error(error, Path(path)) from error

    def _make_private(self, key: str) -> None:
        if self._root is not None:
            try:
                (self._root / key).chmod(0o600)
            except OSError as error:
                raise disk_error(error, self._root / key) from error

    @contextmanager
    def _in_words(self, key: str) -> Iterator[None]:
        """The one door at which failures of the store become ours."""
        try:
            yield
        except (FileNotFoundError, NotFoundError) as error:
            raise BlobMissing("The file {key} is not in the blob store. netty verify tells more.", key=key) from error
        except OSError as error:
            raise disk_error(error, self._root or Path(self._url)) from error
        except BaseError as error:
            if "no space left" in str(error).lower():
                raise disk_error(OSError(errno.ENOSPC, "no space left"), self._root or Path(self._url)) from error
            raise LocalError(
                "The blob store {url} failed: {cause}", url=self._url, cause=str(error).splitlines()[0]
            ) from error


def _opened(path: str) -> int:
    """A file of our own, empty and opened for writing; its folders are made where they lack.

    What lies there was left by a crash before it had a row.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    for _ in range(_ATTEMPTS):
        with suppress(FileNotFoundError):
            return os.open(path, flags, 0o600)
        make_private_folder(Path(path).parent)  # another thread may remove it again while it is empty
    return os.open(path, flags, 0o600)


def _checked(key: str) -> str:
    if not _KEY.fullmatch(key):
        raise ValueError(f"not a blob key: {key!r}")  # keys are ours; this is a mistake in the program
    return key
