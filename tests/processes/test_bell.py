"""A bell in a folder: rung by any process, heard by one."""

import select
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from netty.processes.bell import hang, hear, ring, take_down

PATIENCE = 15.0
LONG = Path(*["a folder with a name that is longer than most"] * 5)


def rung(bell: socket.socket) -> bool:
    return bool(select.select([bell], [], [], PATIENCE)[0])


@pytest.mark.parametrize("below", [Path(), LONG], ids=["short path", "longer than an address"])
def test_another_process_is_heard(tmp_path: Path, below: Path) -> None:
    folder = tmp_path / below
    folder.mkdir(parents=True, exist_ok=True)
    code = "import sys; from pathlib import Path; from netty.processes.bell import ring; ring(Path(sys.argv[1]))"
    with hang(folder) as bell:
        subprocess.run([sys.executable, "-c", code, folder], check=True)

        assert rung(bell)
        assert hear(bell)


def test_many_rings_are_heard_as_one_and_never_make_anybody_wait(tmp_path: Path) -> None:
    with hang(tmp_path) as bell:
        for _ in range(10_000):
            ring(tmp_path)

        assert hear(bell)
        assert not hear(bell)


@pytest.mark.parametrize("below", ["", "gone"], ids=["no bell", "no folder"])
def test_nobody_need_listen(tmp_path: Path, below: str) -> None:
    ring(tmp_path / below)


def test_a_bell_that_a_crash_left_is_replaced(tmp_path: Path) -> None:
    hang(tmp_path).close()
    ring(tmp_path)
    with hang(tmp_path) as bell:
        assert not hear(bell)
        ring(tmp_path)

        assert hear(bell)


def test_a_bell_that_is_taken_down_leaves_nothing(tmp_path: Path) -> None:
    take_down(tmp_path, hang(tmp_path))

    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_takes_no_socket_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="gone"):
        hang(tmp_path / "gone")
