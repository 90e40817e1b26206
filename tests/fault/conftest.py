"""No fault test may leave a thread or a descriptor behind."""

from collections.abc import Iterator

import pytest

from support.leftovers import nothing_left


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    with nothing_left():
        yield
