"""The disk: private folders, syncing, and its failures in words."""

import ctypes
import errno
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from netty.archive.errors import DiskFault, DiskFull

_WRITE: Final = 2  # SYNC_FILE_RANGE_WRITE, sync_file_range(2)
_SYNC_FILE_RANGE: Final = getattr(ctypes.CDLL(None), "sync_file_range", None)  # Linux has it
if _SYNC_FILE_RANGE is not None:
    _SYNC_FILE_RANGE.argtypes = (ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint)
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def disk_error(error: OSError, place: Path) -> DiskFull | DiskFault:
    """What an error of the operating system means for whoever wanted to read or write."""
    if error.errno in _FULL:
        return DiskFull("There is no room left in {place}. Make room; netty goes on by itself.", place=str(place))
    return DiskFault(
        "The disk failed at {place}: {cause}. Check the disk and the permissions.",
        place=str(place),
        cause=error.strerror or str(error),
    )


def make_private_folder(folder: Path) -> None:
    """Make a folder and those above it that lack, readable by us alone (mkdir's mode would not reach those above)."""
    try:
        try:
            folder.mkdir(mode=0o700)
        except FileNotFoundError:
            make_private_folder(folder.parent)
            folder.mkdir(mode=0o700, exist_ok=True)
        except FileExistsError:
            if not folder.is_dir():
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR)) from None
    except OSError as error:
        raise disk_error(error, folder) from error


def sync_path(path: str | Path) -> None:
    """Return when a file's bytes, or a folder's names, survive a power cut."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise disk_error(error, Path(path)) from error


def sync_files(paths: Iterable[str]) -> None:
    """The same for the bytes of many files: the disk takes all of them at once, and its journal once.

    A file system that allocates when it writes (ext4, xfs) would otherwise commit its journal for each.
    """
    opened: list[tuple[str, int]] = []
    try:
        for path in paths:
            try:
                opened.append((path, os.open(path, os.O_RDONLY | os.O_CLOEXEC)))
            except OSError as error:
                raise disk_error(error, Path(path)) from error
            start_writing(opened[-1][1])
        for path, descriptor in opened:
            try:
                os.fsync(descriptor)
            except OSError as error:
                raise disk_error(error, Path(path)) from error
    finally:
        for _path, descriptor in opened:
            os.close(descriptor)


def start_writing(descriptor: int, offset: int = 0, size: int = 0) -> None:
    """Have the kernel begin with some bytes (0: to the end); whether that went well, fsync says.

    It waits for none of them, but where the disk's queue is full for a place in it (sync_file_range(2)).
    """
    if _SYNC_FILE_RANGE is not None:
        _SYNC_FILE_RANGE(descriptor, offset, size, _WRITE)
