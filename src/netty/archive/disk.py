"""The disk: private folders, syncing, and its failures in words."""

import errno
import os
from pathlib import Path
from typing import Final

from netty.archive.errors import DiskFault, DiskFull

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
