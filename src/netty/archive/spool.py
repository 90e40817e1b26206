"""The spool: received data sets on disk, each with its receipt behind it."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO


class SpoolFile:
    """A file that is being written. It ends with `seal` or `discard`; before `seal` it does not count.

    The methods block: an event loop calls `seal` in a thread.
    """

    name: str
    size: int  # bytes written so far

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Append bytes, straight to the operating system. Raises DiskFull or DiskFault; call `discard` then."""
        raise NotImplementedError

    def write_all(self, pieces: Sequence[bytes | bytearray | memoryview]) -> None:
        """Append several pieces with one call to the operating system."""
        raise NotImplementedError

    def seal(self, receipt: Mapping[str, Any], sync: bool = True) -> None:
        """Append the receipt, sync file and folder, close. On any failure nothing is left, and it raises."""
        raise NotImplementedError

    def discard(self) -> None:
        """Close and remove; harmless after `seal` or twice."""
        raise NotImplementedError


class Spool:
    """The folder of received files and the quarantine beside it."""

    def __init__(self, folder: Path, quarantine_folder: Path) -> None:
        self._folder = folder
        self._quarantine = quarantine_folder

    def create(self) -> SpoolFile:
        """A new, empty file with a random name."""
        raise NotImplementedError

    def sealed(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Name and receipt of every file with a whole trailer."""
        raise NotImplementedError

    def receipt(self, name: str) -> dict[str, Any] | None:
        """The receipt of a file, None where it is not sealed or not there."""
        raise NotImplementedError

    def names(self) -> set[str]:
        """All files, sealed or not."""
        raise NotImplementedError

    def path(self, name: str) -> Path:
        """Where a file lies (spool)."""
        raise NotImplementedError

    def open_data(self, name: str) -> BinaryIO:
        """A file, opened for reading from its start; DiskFault where it cannot be."""
        raise NotImplementedError

    def remove(self, *names: str) -> None:
        """Remove files; those already gone are no error."""
        raise NotImplementedError

    def remove_unsealed(self, keep: Collection[str] = ()) -> list[str]:
        """Remove what a crash left half written; `keep` names files now being written."""
        raise NotImplementedError

    def quarantine(self, *names: str) -> None:
        """Move files to the quarantine, and sync both folders; those already there are no error."""
        raise NotImplementedError

    def quarantined_names(self) -> set[str]:
        """The files in the quarantine."""
        raise NotImplementedError

    def quarantined_path(self, name: str) -> Path:
        """Where a file lies in the quarantine."""
        raise NotImplementedError

    def free_bytes(self) -> int:
        """How many bytes the disk still takes."""
        raise NotImplementedError

    def require_room(self, minimum_free: int) -> None:
        """DiskFull where less than `minimum_free` bytes are left."""
        raise NotImplementedError
