"""Renditions and kept files: a local folder or an S3 bucket, through obstore."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO


class Blobs:
    """The blob store. Keys are made by netty: lower-case letters, digits and ``. _ - /``."""

    def __init__(self, url: str, base_folder: Path) -> None:
        self._url = url

    def put(self, key: str, data: bytes | memoryview) -> None:
        """Write a blob; safe only after `sync`."""
        raise NotImplementedError

    def put_file(self, key: str, source: Path | BinaryIO | Iterable[bytes]) -> tuple[int, str]:
        """Write a big blob piece by piece; gives its size and SHA-256."""
        raise NotImplementedError

    def sync(self, keys: Iterable[str]) -> None:
        """Return when these blobs survive a power cut."""
        raise NotImplementedError

    def get(self, key: str) -> bytes:
        """A whole blob; BlobMissing where there is none."""
        raise NotImplementedError

    def read(self, key: str) -> Iterator[bytes]:
        """A blob, piece by piece; BlobMissing where there is none."""
        raise NotImplementedError

    def remove(self, keys: Iterable[str]) -> None:
        """Remove blobs; those already gone are no error."""
        raise NotImplementedError

    def list(self, prefix: str = "") -> Iterator[tuple[str, int]]:
        """Key and size of all blobs under a prefix (whole path segments)."""
        raise NotImplementedError

    def path(self, key: str) -> Path | None:
        """The file of a blob where the store is a local folder, else None."""
        raise NotImplementedError
