"""The ways in which our own disk or database fails, so that callers can choose their answer (0xA700, exit 9)."""

from netty.errors import LocalError


class DiskFull(LocalError):
    """No room, no inodes or no quota left: refuse politely, and go on when space returns."""


class DiskFault(LocalError):
    """The disk did not take or give back the bytes: the file concerned is never trusted again."""


class DatabaseFault(LocalError):
    """The database cannot be opened, read or written just now."""


class BlobMissing(LocalError):
    """A rendition or kept file that should be in the blob store is not there."""
