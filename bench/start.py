"""How soon netty answers after its start, and what it takes at rest."""

import asyncio
import compileall
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import netty
from bench.contest import SECONDS, Contestant, Result, Table, compete
from bench.goals import Bound, Quantity, goal
from bench.machine import cpu_seconds, memory_megabytes
from bench.scope import Scope
from netty.errors import PeerError
from netty.model.remote import Remote
from netty.network.settings import AeSettings, Timers
from netty.network.verification_scu import echo
from support.netty_process import TITLE, Netty, RemoteEntry
from support.waiting import wait_until

_ASKS = "BENCH"
_DEADLINE = 60.0
_PAUSE = 0.005
_AT_REST = 2.0


def tables(scope: Scope) -> Iterator[Table]:
    """`netty --help`, and `netty serve` until it receives, and until its pages are there."""
    # pip does it when it installs; here a variable of the environment may have kept Python from doing it.
    compileall.compile_dir(Path(netty.__file__).parent, quiet=1)
    with tempfile.TemporaryDirectory(prefix="netty-bench-") as place:
        one = Netty(Path(place) / "netty")
        one.configure([RemoteEntry("bench", _ASKS, one.port)])
        serve = Contestant("netty serve", "until a C-ECHO is answered; memory at rest", lambda: _serve(one))
        pages = Contestant("netty serve, pages", "until the pages and the jobs are ready", lambda: _pages(one))
        contestants = [serve, pages, Contestant("netty --help", "", _help)]
        goals = [
            goal("netty serve", Bound(1.5)),
            goal("netty serve", Bound(250), what=Quantity.MEMORY),
            goal("netty --help", Bound(0.25)),
        ]
        yield compete("start", contestants, scope.rounds, SECONDS, goals)


def _serve(one: Netty) -> Result:
    began = time.perf_counter()
    try:
        one.launch()
        wait_until(lambda: _receives(one.port), _DEADLINE, "netty receives", one.process, _PAUSE)
        seconds = time.perf_counter() - began
        one.wait_ready()
        assert one.process is not None
        time.sleep(_AT_REST)
        return Result(seconds, cpu_seconds(one.process.pid), memory_megabytes(one.process.pid))
    finally:
        one.stop()


def _receives(port: int) -> bool:
    """Whether a C-ECHO is answered; it waits where the port is bound and nobody answers yet."""
    remote = Remote("netty", TITLE, "127.0.0.1", port)
    try:
        asyncio.run(echo(remote, AeSettings(title=_ASKS), Timers()))
    except PeerError:
        return False
    return True


def _pages(one: Netty) -> Result:
    began = time.perf_counter()
    one.start()
    seconds = time.perf_counter() - began
    one.stop()
    return Result(seconds)


def _help() -> Result:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "netty", "--help"], capture_output=True, check=True)
    return Result(time.perf_counter() - began)
