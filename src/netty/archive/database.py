"""The database: one engine, reading and writing transactions, and failures in words."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection


class Database:
    """An open database that is up to date. Safe to share between threads; every process opens its own."""

    def __init__(self, url: str) -> None:
        self.url = url

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A consistent view of the database."""
        raise NotImplementedError
        yield  # type: ignore[unreachable]

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction that holds the write lock from its start; committed at the end, rolled back on any error."""
        raise NotImplementedError
        yield  # type: ignore[unreachable]

    def close(self) -> None:
        """Close all connections."""


def open_database(url: str) -> Database:
    """Open a database that `migrate` has brought up to date.

    Raises:
        DatabaseFault: where it cannot be opened, is older (migrate first) or newer than the program.
    """
    raise NotImplementedError


def migrate(url: str, backup_folder: Path) -> str | None:
    """Make the database, or bring it up to date after a copy into `backup_folder`; gives the copy's path, if any.

    Raises:
        DatabaseFault: where it is newer than the program, or cannot be opened.
    """
    raise NotImplementedError
