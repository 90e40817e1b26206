"""What holds for all tests."""

import contextlib
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.leftovers import adopt_orphans, nothing_left
from support.programs import leave_out_virtual_environments

leave_out_virtual_environments()  # `storescp` means DCMTK's
adopt_orphans()

# A shell's script that runs the tests in the background has Ctrl-C ignored, and so would the programs of the tests.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

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
