"""How soon netty is ready, and what it takes at rest."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.contest import SECONDS, Contestant, Result, Table, compete
from bench.goals import Bound, Quantity, goal
from bench.machine import cpu_seconds, memory_megabytes
from bench.scope import Scope
from support.netty_process import Netty


def tables(scope: Scope) -> Iterator[Table]:
    """`netty --help`, and `netty serve` until it says that it is ready."""
    with tempfile.TemporaryDirectory(prefix="netty-bench-") as place:
        one = Netty(Path(place) / "netty")
        one.configure([])
        serve = Contestant("netty serve", "until it is ready", lambda: _serve(one))
        contestants = [serve, Contestant("netty --help", "", _help)]
        goals = [
            goal("netty serve", Bound(1.5)),
            goal("netty serve", Bound(250), what=Quantity.MEMORY),
            goal("netty --help", Bound(0.25)),
        ]
        yield compete("start", contestants, scope.rounds, SECONDS, goals)


def _serve(one: Netty) -> Result:
    began = time.perf_counter()
    one.start()
    seconds = time.perf_counter() - began
    assert one.process is not None
    cpu = cpu_seconds(one.process.pid)
    time.sleep(2)
    memory = memory_megabytes(one.process.pid)
    one.stop()
    return Result(seconds, cpu, memory)


def _help() -> Result:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "netty", "--help"], capture_output=True, check=True)
    return Result(time.perf_counter() - began)
