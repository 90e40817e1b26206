"""How soon netty is ready, and what it takes at rest."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.contest import Contestant, Result, Table, compete
from bench.machine import cpu_seconds, memory_megabytes
from support.netty_process import Netty


def tables(rounds: int) -> Iterator[Table]:
    """`netty --help`, and `netty serve` until it says that it is ready."""
    with tempfile.TemporaryDirectory(prefix="netty-bench-") as place:
        one = Netty(Path(place) / "netty")
        one.configure([])
        serve = Contestant("netty serve", "until it is ready", lambda: _serve(one))
        yield compete("start: starts in a second (images/s)", [serve, Contestant("netty --help", "", _help)], rounds)


def _serve(one: Netty) -> Result:
    began = time.perf_counter()
    one.start()
    seconds = time.perf_counter() - began
    assert one.process is not None
    cpu = cpu_seconds(one.process.pid)
    time.sleep(2)
    print(f"netty serve: {memory_megabytes(one.process.pid):.0f} MB at rest (PSS of all processes)", file=sys.stderr)
    one.stop()
    return Result(1, seconds, cpu, 1)


def _help() -> Result:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "netty", "--help"], capture_output=True, check=True)
    return Result(1, time.perf_counter() - began, None, 1)
