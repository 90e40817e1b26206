"""What a crowd costs: thousands of idle associations and hundreds of slow senders before a real `netty serve`."""

import resource
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from bench.contest import MILLISECONDS, RATE, Contestant, Result, Table, Unit, compete, rate
from bench.goals import Bound, goal
from bench.hostile_rows import CONTEXTS, store
from bench.hostile_targets import CALLING, PROBING, Target, netty_target
from bench.machine import cpu_seconds, memory_megabytes
from bench.scope import Scope
from support.netty_process import TITLE, RemoteEntry, netty
from support.raw_peer import Image, RawPeer, Request, data_tf, raw_peer, store_command

IDLE: Final = 5000
SLOW: Final = 200
_SPARE: Final = 512  # descriptors for everything else
_USUAL: Final = 200  # associations that come and go before the crowd: what netty loads once is not the crowd's
_GOOD_IMAGES: Final = 300  # half a second and more: what others send every second is in it in each round
_ROWS: Final = 512  # and as many columns: 0.5 MB
_ECHOES: Final = 200
_REST_SECONDS: Final = 5.0
_TRICKLE: Final = bytes(2048)  # in a second; netty cuts off who sends less than 1,024

_KILOBYTES = Unit("KB")
_PERCENT = Unit("% of a core")


def tables(scope: Scope) -> Iterator[Table]:
    """Memory, rest, a good sender's rate, and C-ECHO."""
    idle = min(IDLE, _raised_limit() - SLOW - _SPARE)
    notes = f"{idle} associations, each after a C-ECHO"
    with tempfile.TemporaryDirectory(prefix="netty-bench-", dir=scope.folder) as place:
        yield from _idle_tables(Path(place), idle, notes, scope.rounds)
        notes_of_both = f"{notes}, and {SLOW} that send 2 KB of an image every second"
        yield from _busy_tables(Path(place), idle, notes_of_both, scope.rounds)


def _idle_tables(folder: Path, idle: int, notes: str, rounds: int) -> Iterator[Table]:
    """Nothing is fetched, and nobody says anything."""
    with netty(folder / "idle", [RemoteEntry("probe", PROBING, 1)]) as running:
        assert running.process is not None
        with Crowd(running.port, running.process.pid) as crowd:
            each = crowd.gather(idle)
            yield _alone(f"crowd: memory of an idle association of {idle}", notes, each, _KILOBYTES, 20)
            yield _alone("crowd: at rest", notes, crowd.rest(rounds), _PERCENT, 2)


def _busy_tables(folder: Path, idle: int, notes: str, rounds: int) -> Iterator[Table]:
    """Beside slow senders a good one, and one that only asks whether netty is there."""
    with (
        netty_target(folder / "crowded") as target,
        netty_target(folder / "alone") as alone,
        Crowd(target.port, target.process.pid) as crowd,
    ):
        crowd.gather(idle)
        crowd.slow_down(target, SLOW)
        yield compete(
            f"crowd: a good sender of {_GOOD_IMAGES} images of 0.5 MB",
            [
                Contestant("netty", f"beside {notes}", partial(crowd.good_sender, target)),
                Contestant("netty, alone", "another one, without a crowd", partial(crowd.good_sender, alone)),
            ],
            rounds,
            RATE,
            [goal("netty", Bound(0.8, "netty, alone"))],
        )
        echoes = [crowd.slow_echo() for _ in range(rounds)]
        yield _alone(f"crowd: C-ECHO, the slowest but one of a hundred, of {_ECHOES}", notes, echoes, MILLISECONDS, 50)


def _alone(title: str, notes: str, values: list[float], unit: Unit, at_most: float) -> Table:
    """A table of what only netty is measured by."""
    left = iter(values)
    contestant = Contestant("netty", notes, lambda: Result(next(left)))
    return compete(title, [contestant], len(values), unit, [goal("netty", Bound(at_most))])


def _raised_limit() -> int:
    """How many descriptors this process may have, all of which it takes."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


class Crowd:
    """Many peers of one netty (the port and the process), held by this process."""

    def __init__(self, port: int, pid: int) -> None:
        self._port = port
        self._pid = pid
        self._stack = ExitStack()
        self._slow: list[RawPeer] = []
        self._stopping = threading.Event()
        self._trickling = threading.Lock()
        self._thread = threading.Thread(target=self._trickle, daemon=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stopping.set()
        if self._slow:
            self._thread.join()
        self._stack.close()

    def gather(self, count: int, usual: int = _USUAL) -> list[float]:
        """Let so many associations be idle; the kilobytes that each costs, in all of netty's processes.

        `usual` of them come and go before: what netty loads at the first is not the crowd's.
        """
        with ExitStack() as early:
            for _ in range(usual):
                self._join(early)
        _wait_for_rest(self._pid)
        before = memory_megabytes(self._pid)
        for _ in range(count):
            self._join(self._stack)
        _wait_for_rest(self._pid)
        return [(memory_megabytes(self._pid) - before) * 1000 / count]

    def _join(self, stack: ExitStack) -> None:
        peer = stack.enter_context(raw_peer(self._port))
        peer.associate(Request(called=TITLE, calling=PROBING))
        assert peer.echo() == 0

    def rest(self, rounds: int) -> list[float]:
        """Percent of a core that all of netty's processes take while nobody says anything."""
        shares = []
        for _ in range(rounds):
            before, began = cpu_seconds(self._pid), time.monotonic()
            time.sleep(_REST_SECONDS)
            shares.append(100 * (cpu_seconds(self._pid) - before) / (time.monotonic() - began))
        return shares

    def slow_down(self, target: Target, count: int) -> None:
        """Let so many more begin an image, and go on a little every second."""
        for _ in range(count):
            peer = self._stack.enter_context(raw_peer(self._port))
            peer.associate(Request(called=TITLE, calling=CALLING, contexts=CONTEXTS))
            peer.send(data_tf(3, 3, store_command(target.new_image(), 1, **target.originator)))
            self._slow.append(peer)
        self._thread.start()

    def _trickle(self) -> None:
        piece = data_tf(3, 0, _TRICKLE)
        while not self._stopping.wait(1.0):
            with self._trickling:
                for peer in self._slow:
                    peer.send(piece)

    def good_sender(self, target: Target, count: int = _GOOD_IMAGES) -> Result:
        """A sender that waits for nothing but its answers, before the crowd's netty or before another one."""
        with ExitStack() as stack:
            if target.process.pid != self._pid:  # the machine is to be still
                stack.enter_context(self._trickling)
            _wait_for_rest(target.process.pid)
            images = [_half_a_megabyte(target.new_image()) for _ in range(count)]
            peer = stack.enter_context(raw_peer(target.port))
            peer.associate(Request(called=TITLE, calling=CALLING, contexts=CONTEXTS))
            began = time.perf_counter()
            statuses = [store(target, peer, image) for image in images]
            seconds = time.perf_counter() - began
            peer.release()
        return rate(count, seconds, done=statuses.count("0000"))

    def slow_echo(self, count: int = _ECHOES) -> float:
        """Milliseconds of the C-ECHO, with its association, than which one of a hundred is slower."""
        _wait_for_rest(self._pid)
        took = []
        for _ in range(count):
            began = time.perf_counter()
            with raw_peer(self._port) as peer:
                peer.associate(Request(called=TITLE, calling=PROBING))
                assert peer.echo() == 0
                peer.release()
            took.append(1000 * (time.perf_counter() - began))
        return statistics.quantiles(took, n=100)[98]


def _half_a_megabyte(image: Image) -> Image:
    pixels = bytes((row * 7 + column * 13) & 0xFF for row in range(16) for column in range(_ROWS)) * (_ROWS // 8)
    return image.having({0x00280010: _ROWS, 0x00280011: _ROWS, 0x7FE00010: pixels})


def _wait_for_rest(pid: int, at_most: float = 60.0) -> None:
    """Until it has done what it had to do: nobody tells us, so we look at what it takes of the processor."""
    deadline, used = time.monotonic() + at_most, cpu_seconds(pid)
    while time.monotonic() < deadline:
        time.sleep(1.0)
        before, used = used, cpu_seconds(pid)
        if used - before <= 0.1:
            return
