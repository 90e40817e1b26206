"""The database: one engine, reading and writing transactions, and failures in words."""

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from sqlalchemy import (
    Connection,
    Dialect,
    Engine,
    Insert,
    Table,
    column,
    create_engine,
    event,
    inspect,
    make_url,
    select,
    table,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError
from sqlalchemy.sql.compiler import SQLCompiler

from netty.archive.errors import DatabaseFault, DiskFull

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql

REVISION: Final = "0005"  # of the tables that this program knows: the newest of migrations/versions; they sort
BUSY_SECONDS: Final = 10
_KEPT_OPEN: Final = 16  # connections: whoever opens one more prepares it, and closes it again
_WRITING: Final = "netty_writing"
_AT_ONCE: Final = 5000  # values in one IN (...): SQLite takes 32 766 in all
_ADVISORY_LOCK: Final = 0x6E65747479  # "netty": one writer at a time on PostgreSQL too, as on SQLite


class Database:
    """A database. Safe to share between threads; every process opens its own."""

    def __init__(self, url: str) -> None:
        self.url = _parsed(url)
        self.engine = _engine(self.url)
        self._joined = threading.local()
        self._writing = threading.Lock()
        self._watching: list[sqlite3.Connection] = []

    @property
    def file(self) -> Path | None:
        """The file of an SQLite database."""
        return Path(self.url.database) if _is_sqlite(self.url) and self.url.database else None

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A consistent view of the database; within `together`, with what was written there."""
        joined: Connection | None = getattr(self._joined, "connection", None)
        if joined is not None:
            yield joined
            return
        with in_words(self.url), self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction that holds the write lock from its start; committed at the end, rolled back on any error."""
        joined: Connection | None = getattr(self._joined, "connection", None)
        if joined is not None:
            yield joined
            return
        with in_words(self.url), self._turn(), self.engine.connect() as connection:
            connection = connection.execution_options(**{_WRITING: True})
            with connection.begin():
                yield connection

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """The threads of a process write one after another: SQLite lets one that waits look again only now and then."""
        if not self._writing.acquire(timeout=BUSY_SECONDS):
            raise _locked(_shown(self.url))
        try:
            yield
        finally:
            self._writing.release()

    @contextmanager
    def together(self) -> Iterator[None]:
        """All that this thread reads and writes in the block is one transaction, and costs one sync of the disk.

        It holds the write lock from its start: what takes long, or waits for anything else, has no place in it.
        """
        before: Connection | None = getattr(self._joined, "connection", None)
        with self.write() as connection:
            self._joined.connection = connection
            try:
                yield
            finally:
                self._joined.connection = before  # within another block, that one goes on

    def watch(self) -> Callable[[], bool]:
        """Something to ask whether anything may have been committed since it was last asked; at first it was.

        It costs a hundredth of the smallest query: for who looks again and again. On PostgreSQL it always was.
        """
        if not _is_sqlite(self.url):
            return lambda: True
        connection = sqlite3.connect(self.url.database or "", isolation_level=None, check_same_thread=False)
        self._watching.append(connection)
        seen: object = None

        def changed() -> bool:
            nonlocal seen
            try:
                before, (seen,) = seen, connection.execute("PRAGMA data_version").fetchone()
            except sqlite3.Error:
                return True  # who looks then is told in words
            return seen != before

        return changed

    def close(self) -> None:
        """Close all connections."""
        while self._watching:
            self._watching.pop().close()
        self.engine.dispose()


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise DatabaseFault(
            "{url} is no database address. Write sqlite:///FILE or postgresql+psycopg://...", url=url
        ) from error
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        raise DatabaseFault("The database {url} is neither SQLite nor PostgreSQL.", url=_shown(parsed))
    if parsed.drivername == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    return parsed


def _is_sqlite(url: URL) -> bool:
    return url.get_backend_name() == "sqlite"


def _shown(url: URL) -> str:
    """The address without its password."""
    return url.database or "" if _is_sqlite(url) else url.render_as_string(hide_password=True)


def _engine(url: URL) -> Engine:
    if not _is_sqlite(url):
        engine = create_engine(url, pool_pre_ping=True)
        event.listen(engine, "begin", _begin_postgresql)
        return engine
    # isolation_level None: pysqlite begins nothing by itself, `_begin_sqlite` does.
    engine = create_engine(
        url, pool_size=_KEPT_OPEN, pool_use_lifo=True, connect_args={"isolation_level": None, "timeout": BUSY_SECONDS}
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, record: object) -> None:
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
    # WAL lets readers and one writer work side by side; FULL, because spool files go after a commit.
    if cursor.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # IMMEDIATE: a transaction that reads first and writes then would fail with "database is locked" at once.
    writing = connection.get_execution_options().get(_WRITING)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def _begin_postgresql(connection: Connection) -> None:
    if connection.get_execution_options().get(_WRITING):
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})")


@contextmanager
def in_words(url: URL) -> Iterator[None]:
    """The one door at which failures of the database become ours."""
    try:
        yield
    except DBAPIError as error:
        fault = _fault(url, error)
        if fault is None:
            raise  # a broken constraint or a wrong statement is our own mistake
        raise fault from error


def _fault(url: URL, error: DBAPIError) -> DatabaseFault | DiskFull | None:
    text, place = str(error.orig).lower(), _shown(url)
    code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL or "disk is full" in text or "no space left" in text:
        return DiskFull("The database {place} cannot grow: the disk is full. Make room and try again.", place=place)
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return _locked(place)
    if code == sqlite3.SQLITE_READONLY:
        return DatabaseFault("The database {place} cannot be written. Check its owner and permissions.", place=place)
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return DatabaseFault("{place} is damaged or no database. Restore a copy of it.", place=place)
    if code == sqlite3.SQLITE_CANTOPEN:
        return DatabaseFault(
            "The database {place} cannot be opened. Check that its folder exists and may be written.", place=place
        )
    if isinstance(error, OperationalError) and (not _is_sqlite(url) or code == sqlite3.SQLITE_IOERR):
        return DatabaseFault(
            "The database {place} does not answer: {cause}", place=place, cause=str(error.orig).strip()
        )
    return None


def _locked(place: str) -> DatabaseFault:
    return DatabaseFault("The database {place} is locked by another program for too long.", place=place)


_Value = TypeVar("_Value")


def portions(values: Sequence[_Value]) -> Iterator[Sequence[_Value]]:
    """Values for `IN (...)`, no more than one statement takes."""
    return (values[start : start + _AT_ONCE] for start in range(0, len(values), _AT_ONCE))


Row = dict[str, Any]


def insert_if_new(connection: Connection, into: Table, rows: Sequence[Row], key: Sequence[str]) -> None:
    """Insert rows, and leave those whose `key` stands there already as they are."""
    if rows:
        connection.execute(_new_only(connection.dialect.name, into, tuple(key)), rows)


def insert_or_replace(connection: Connection, into: Table, rows: Sequence[Row], key: Sequence[str]) -> None:
    """Insert rows; where the `key` stands there already, the new values take the place of the old."""
    if rows:
        connection.execute(_replacing(connection.dialect.name, into, tuple(key), tuple(rows[0])), rows)


@lru_cache(maxsize=64)  # to put a statement together takes longer than to run it
def _new_only(dialect: str, into: Table, key: tuple[str, ...]) -> "sqlite.Insert | postgresql.Insert":
    return _insert(dialect, into).on_conflict_do_nothing(index_elements=key)


@lru_cache(maxsize=64)
def _replacing(
    dialect: str, into: Table, key: tuple[str, ...], given: tuple[str, ...]
) -> "sqlite.Insert | postgresql.Insert":
    statement = _insert(dialect, into)
    changed = {name: statement.excluded[name] for name in given if name not in key}
    return statement.on_conflict_do_update(index_elements=key, set_=changed)


def run_many(connection: Connection, statement: Insert, rows: Sequence[Row]) -> None:
    """Run a statement with many rows whose values are what the driver takes: nothing is done for each of them.

    SQLAlchemy itself takes longer for a row than SQLite; so JSON and points in time are the caller's to put in words.
    """
    if not rows:
        return
    compiled = _compiled(connection.dialect, statement)
    names = compiled.positiontup
    if names is None:
        connection.exec_driver_sql(str(compiled), list(rows))
    else:
        connection.exec_driver_sql(str(compiled), [tuple([row[name] for name in names]) for row in rows])


@lru_cache(maxsize=16)
def _compiled(dialect: Dialect, statement: Insert) -> SQLCompiler:
    compiled = statement.compile(dialect=dialect)
    assert isinstance(compiled, SQLCompiler)
    return compiled


def _insert(dialect: str, into: Table) -> "sqlite.Insert | postgresql.Insert":
    """Both dialects say ON CONFLICT in the same words, by two classes. PostgreSQL takes a tenth of a second to load."""
    if dialect == "sqlite":
        return sqlite.insert(into)
    from sqlalchemy.dialects import postgresql

    return postgresql.insert(into)


def open_database(url: str) -> Database:
    """Open a database that `migrate` has brought up to date.

    Raises:
        DatabaseFault: where it cannot be opened, is older (migrate first) or newer than the program.
    """
    database = Database(url)
    try:
        _require_current(database)
    except BaseException:
        database.close()
        raise
    return database


def migrate(url: str, backup_folder: Path) -> Path | None:
    """Make the database, or bring it up to date after a copy into `backup_folder`; gives the copy's path, if any.

    Raises:
        DatabaseFault: where it is newer than the program, or cannot be opened.
    """
    database = Database(url)
    try:
        if (database.file is None or database.file.exists()) and revision_of(database) == REVISION:
            return None
        from netty.archive.migration import bring_up_to_date  # here, since Alembic is big, and seldom needed

        return bring_up_to_date(database, backup_folder)
    finally:
        database.close()


def revision_of(database: Database) -> str | None:
    """The revision of the tables, None where there are none. DatabaseFault where it is newer than the program."""
    with database.read() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        revision: str | None = connection.scalar(select(column("version_num")).select_from(table("alembic_version")))
    if revision is not None and revision > REVISION:
        raise DatabaseFault(
            "The database is at revision {revision}; this program knows only up to {known}. Use a newer netty.",
            revision=revision,
            known=REVISION,
        )
    return revision


def _require_current(database: Database) -> None:
    # SQLite makes a file by opening it: looking must not leave an empty database behind.
    if database.file is not None and not database.file.exists():
        raise DatabaseFault("There is no database {place}. Make it with: netty init", place=str(database.file))
    if (revision := revision_of(database)) != REVISION:
        raise DatabaseFault(
            "The database is at revision {revision}; this program needs {known}. netty serve brings it up to date.",
            revision=revision or "0",
            known=REVISION,
        )
