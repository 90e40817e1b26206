"""What the tests of the archive share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from netty.archive.database import Database
from support.catalogue import new_database


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A fresh database in a file."""
    with new_database(tmp_path) as database:
        yield database
