"""What the tests of the archive share."""

import itertools
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from netty.archive.database import Database, migrate, open_database
from support import postgres
from support.catalogue import new_database

_numbers = itertools.count(1)


@pytest.fixture(scope="session", autouse=True)  # before a test, or it would be what that test leaves behind
def migrated_postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[postgres.Server | None]:
    """A server with a migrated database to copy; what its tests write may be lost with the machine."""
    if postgres.programs() is None:
        yield None
        return
    with postgres.server("fsync=off", "full_page_writes=off") as server:
        server.run("CREATE DATABASE migrated")
        migrate(server.url("migrated"), tmp_path_factory.mktemp("backup"))
        yield server


@pytest.fixture
def postgres_database(migrated_postgres: postgres.Server | None) -> Iterator[Database]:
    """A fresh database on PostgreSQL."""
    if migrated_postgres is None:
        pytest.skip("PostgreSQL is not installed")
    name = f"test_{next(_numbers)}"
    migrated_postgres.run(f"CREATE DATABASE {name} TEMPLATE migrated")
    with closing(open_database(migrated_postgres.url(name))) as database:
        yield database
    migrated_postgres.run(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A fresh database of each kind."""
    if request.param == "postgresql":
        yield request.getfixturevalue("postgres_database")
        return
    with new_database(tmp_path) as made:
        yield made
