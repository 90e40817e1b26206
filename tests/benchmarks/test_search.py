"""Everybody who takes part in the race of searches finds the same instances."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from bench.search import measure, simulator
from bench.search_data import Size, write_files

SIZE = Size(patients=3, studies=2, series=1, instances=70)


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A simulated hospital with three patients."""
    folder = tmp_path_factory.mktemp("search")
    with simulator(folder, write_files(folder / "files", SIZE)) as port:
        yield port


@pytest.mark.parametrize("at_once", [1, 3])
@pytest.mark.parametrize("who", ["netty", "findscu", "pynetdicom", "limit"])
def test_every_instance_of_every_patient_is_found(who: str, at_once: int, port: int, tmp_path: Path) -> None:
    if who == "findscu" and not shutil.which("findscu"):
        pytest.skip("DCMTK is not installed")

    assert measure(who, port, SIZE, at_once, tmp_path).lost == 0


def test_who_finds_less_has_lost_patients(port: int, tmp_path: Path) -> None:
    assert measure("limit", port, Size(patients=4, studies=2, series=1, instances=70), 1, tmp_path).lost == 1
