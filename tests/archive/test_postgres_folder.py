"""The folder of the tests' PostgreSQL server goes with the tests, however they end."""

import subprocess
import sys
from pathlib import Path

from support.postgres import swept_folder
from support.waiting import wait_until

TESTS = Path(__file__).parents[1]
KILLED = """
import sys
from support.postgres import swept_folder
with swept_folder("server-", sys.argv[1]) as folder:
    print(folder, flush=True)
    sys.stdin.read()
"""


def test_the_folder_goes_with_the_block(tmp_path: Path) -> None:
    with swept_folder("server-", str(tmp_path)) as folder:
        (folder / "data").write_text("rows")

    assert list(tmp_path.iterdir()) == []


def test_the_folder_goes_where_its_process_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLED, str(tmp_path)]
    with subprocess.Popen(command, cwd=TESTS, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        folder = Path(process.stdout.readline().strip())
        (folder / "data").write_text("rows")
        process.kill()

    wait_until(lambda: not folder.exists(), 30, "the folder is gone")
