"""Counts the cases, so that a long run can say how many there were."""

import json
import os
from pathlib import Path

import pytest

from support.fuzzing import tried


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Each process adds a line to the file that FUZZ_TALLY names."""
    place = os.environ.get("FUZZ_TALLY")
    if place and tried:
        with Path(place).open("a") as file:
            file.write(json.dumps(dict(tried)) + "\n")
