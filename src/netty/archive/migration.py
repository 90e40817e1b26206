"""Bringing a database up to date: a copy first, then the steps, in one transaction."""

import os
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config

from netty.archive.database import REVISION, Database, revision_of
from netty.archive.disk import make_private_folder, sync_path
from netty.archive.errors import DatabaseFault, DiskFault

FOLDER: Final = Path(__file__).parent / "migrations"


def bring_up_to_date(database: Database, backup_folder: Path) -> Path | None:
    """Run the steps that are missing; gives the path of the copy that was made before."""
    _make_private(database.file)
    revision = revision_of(database)
    if revision == REVISION:
        return None
    copy = None
    if revision is not None and database.file is not None:
        copy = _copy(database.file, backup_folder, revision)
    with database.write() as connection:
        config = Config()
        config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        command.upgrade(config, REVISION)
    return copy


def _make_private(file: Path | None) -> None:
    """The file exists with mode 0600 before SQLite writes into it; its -wal and -shm take the same mode."""
    if file is None:
        return
    make_private_folder(file.parent)
    try:
        os.close(os.open(file, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise DatabaseFault(
            "The database {place} cannot be made: {cause}", place=str(file), cause=error.strerror or str(error)
        ) from error


def _copy(file: Path, folder: Path, revision: str) -> Path:
    """A whole copy by SQLite's own backup, also of what stands in the WAL."""
    target = folder / f"{file.stem}-{revision}-{datetime.now(UTC):%Y%m%dT%H%M%S%f}.db"
    make_private_folder(folder)
    try:
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
        with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(target)) as copy:
            source.backup(copy)
        sync_path(target)
        sync_path(folder)
    except (OSError, sqlite3.Error) as error:
        target.unlink(missing_ok=True)
        raise DiskFault(
            "No copy of the database could be made in {folder}: {cause}", folder=str(folder), cause=str(error)
        ) from error
    return target
