"""What holds for all tests."""

import contextlib
import os
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.leftovers import adopt_orphans, nothing_left

# pynetdicom brings programs named as DCMTK's into the virtual environment; the tests mean DCMTK's.
_OURS = os.path.realpath(sysconfig.get_path("scripts"))
os.environ["PATH"] = os.pathsep.join(
    folder for folder in os.environ.get("PATH", os.defpath).split(os.pathsep) if os.path.realpath(folder) != _OURS
)
adopt_orphans()

# The first event loop of uvloop opens a pipe for signals, which stays for the process's other loops.
with contextlib.suppress(ImportError):
    import uvloop

    uvloop.new_event_loop().close()


@pytest.fixture(scope="session")
def temporary_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where `tempfile` makes its files, here and in the programs that tests start: others use the machine's too."""
    folder = tmp_path_factory.mktemp("temporary")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(folder))
        patch.setattr(tempfile, "tempdir", str(folder))
        yield folder


@pytest.fixture(autouse=True)
def _nothing_left(request: pytest.FixtureRequest, temporary_folder: Path) -> Iterator[None]:
    """No test may leave anything behind, but for what it says itself: `@pytest.mark.leaves("half-written")`."""
    marks = request.node.iter_markers("leaves")
    with nothing_left(temporary_folder, but_for=tuple(kind for mark in marks for kind in mark.args)):
        yield
