"""One small town for all tests of the pages that only look; those that change something make their own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from support.pages import Town, browsing, copy_of, opened, small_town


@pytest.fixture(scope="session")
def first_town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    """The town that the others are copied from."""
    return small_town(tmp_path_factory.mktemp("first"))


@pytest.fixture(scope="module")
def town(first_town: Town, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """Shared by the tests of a module."""
    with opened(copy_of(first_town, tmp_path_factory.mktemp("town"))) as town:
        yield town


@pytest.fixture
def own_town(first_town: Town, tmp_path: Path) -> Iterator[Town]:
    """For one test alone."""
    with opened(copy_of(first_town, tmp_path)) as town:
        yield town


@pytest.fixture
def operator(own_town: Town) -> Iterator[TestClient]:
    """An operator's browser in `own_town`, in English."""
    with browsing(own_town.app(), "operator") as client:
        yield client
