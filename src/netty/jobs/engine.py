"""The database of the jobs, and the cures for what DBOS 3.4 does to SQLite (docs/adr/0006-jobs-on-dbos.md).

* It opens SQLite without a write-ahead log: we switch it on.
* It chooses SQLite's clock function by the version of Python, not of SQLite: where the linked SQLite is older than
  3.42, ``unixepoch('subsec')`` does not exist, and we provide it.
* Its transactions read first and write then, which fails beside another writer: each begins IMMEDIATE.

Its queues, whose limits are counted outside the claiming transaction, are not used
(docs/adr/0014-requests-are-rows.md).
"""

import sqlite3
import time
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event, make_url

_UNIXEPOCH_KNOWS_SUBSEC = (3, 42)


def jobs_database_url(database_url: str) -> str:
    """Where the jobs live, given where the catalogue lives: beside it on SQLite, in it on PostgreSQL."""
    url = make_url(database_url)
    if url.get_backend_name() != "sqlite" or not url.database:
        return database_url
    beside = Path(url.database).with_name("jobs.db")
    return url.set(database=str(beside)).render_as_string(hide_password=False)


def create_jobs_engine(url: str) -> Engine:
    """An engine for DBOS's own tables."""
    if make_url(url).get_backend_name() != "sqlite":
        return create_engine(url)
    engine = create_engine(url)

    @event.listens_for(engine, "connect")
    def on_connect(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = "IMMEDIATE"
        connection.execute("PRAGMA busy_timeout=30000")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA foreign_keys=ON")
        if sqlite3.sqlite_version_info < _UNIXEPOCH_KNOWS_SUBSEC:
            connection.create_function("unixepoch", 1, lambda _: time.time())

    return engine
