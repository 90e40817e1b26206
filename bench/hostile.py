"""``python -m bench.hostile``: what hostile peers do to netty and others, and to their other peers.

Exits 0 where netty's column keeps its promises: no other peer waits longer than a second for a C-ECHO, no memory
of more than 20 MB is taken, no process dies, no file is left half-written, and what was answered with success is there.
"""

import argparse
import logging
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from bench.hostile_rows import MEGABYTE, ROWS, Row
from bench.hostile_targets import PROBING, Target, installed, netty_target, other_target, small_disk
from bench.machine import described, versions
from support.raw_peer import Image, Request, raw_peer

LONGEST_WAIT: Final = 1.0
MOST_GROWTH: Final = 20 * MEGABYTE
_PROBE_SECONDS: Final = 5.0
_SETTLE_SECONDS: Final = 40.0
_AT_ONCE: Final = 16
_NOT_RUN: Final = "no association"
PAGE: Final = Path(__file__).parents[1] / "docs" / "hostile.md"


@dataclass(slots=True)
class Result:
    """What a row did to a server."""

    outcome: str
    waited: float = 0.0
    growth: int = 0
    died: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    def broken(self) -> list[str]:
        """The promises that it broke."""
        found = [self.outcome] if self.outcome.startswith(_NOT_RUN) else []
        found += [f"a peer waited {self.waited:.1f} s"] if self.waited > LONGEST_WAIT else []
        found += [f"+{self.growth // MEGABYTE} MB"] if self.growth > MOST_GROWTH else []
        found += [f"dead: {each}" for each in self.died]
        found += [f"{len(self.left)} files left"] if self.left else []
        found += [f"lost: {each}" for each in self.lost]
        return found

    def cell(self) -> str:
        """As the table says it."""
        parts = [self.outcome]
        if self.waited >= _PROBE_SECONDS:
            parts.append("**blocked**")
        elif self.waited > LONGEST_WAIT:
            parts.append(f"**waits {self.waited:.1f} s**")
        if self.growth > 5 * MEGABYTE:
            parts.append(f"+{self.growth // MEGABYTE} MB")
        parts += ["**dead**"] * bool(self.died) + ["**file left**"] * bool(self.left) + ["**lost**"] * bool(self.lost)
        return ", ".join(parts)


class Watch:
    """Asks a server for C-ECHO again and again, and how much memory it has."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._done = threading.Event()
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._probe, self._weigh)]
        self._before = target.memory()
        self._processes = set(target.processes())
        self.waited = 0.0
        self.growth = 0

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join()

    def ended(self) -> list[str]:
        """Those of its processes that have ended."""
        gone = self._processes - set(self._target.processes()) if self._target.name == "netty" else set()
        return [f"process {pid}" for pid in sorted(gone)] + (["the server"] if self._target.is_dead else [])

    def _probe(self) -> None:
        while not self._done.is_set():
            began = time.monotonic()
            answered = _echo(self._target)
            took = time.monotonic() - began
            self.waited = max(self.waited, took if answered else _PROBE_SECONDS)
            self._done.wait(0.1)

    def _weigh(self) -> None:
        while not self._done.wait(0.2):
            self.growth = max(self.growth, self._target.memory() - self._before)


def _echo(target: Target) -> bool:
    with suppress(OSError, AssertionError), raw_peer(target.port) as peer:
        peer.socket.settimeout(_PROBE_SECONDS)
        peer.associate(Request(called=target.called, calling=PROBING))
        status = peer.echo()
        peer.release()
        return status == 0
    return False


def run_row(target: Target, row: Row) -> Result:
    """One row against a running server."""
    began, stored = time.monotonic(), len(target.acknowledged)
    with Watch(target) as watch:
        try:
            outcome = row.run(target)
        except (OSError, AssertionError) as error:
            outcome = f"{_NOT_RUN} ({type(error).__name__})"
        time.sleep(max(0.0, 1.5 - (time.monotonic() - began)))
    result = Result(outcome, watch.waited, watch.growth, watch.ended())
    result.left = _settled(target.unfinished, 3.0) if not row.waits or target.name != "netty" else []
    result.lost = lost_of(target, target.acknowledged[stored:]) if not row.waits else []
    return result


def lost_of(target: Target, stored: Sequence[Image]) -> list[str]:
    """Of what was answered with success, what cannot be read back."""
    if target.is_dead:
        return []
    return _settled(lambda: target.missing(list(stored)), _SETTLE_SECONDS)


def _settled(ask: Callable[[], list[str]], seconds: float) -> list[str]:
    """The answer, given time to become empty."""
    deadline = time.monotonic() + seconds
    while (found := ask()) and time.monotonic() < deadline:
        time.sleep(0.3)
    return found


# --- netty: one server for all rows ----------------------------------------------------------------------------------


def run_netty(rows: Iterable[Row], folder: Path, tell: Callable[[str, Row, Result], None]) -> None:
    """The rows one after the other; those that only wait at once, at the end."""
    rows = list(rows)
    usual = [row for row in rows if not row.full_disk]
    with netty_target(folder / "usual") as target:
        _warm_up(target)
        for row in usual:
            if not row.waits:
                tell("netty", row, run_row(target, row))
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            waiting = [row for row in usual if row.waits]
            for row, result in zip(waiting, threads.map(lambda one: run_row(target, one), waiting), strict=True):
                result.left = _settled(target.unfinished, 3.0)  # not while another row's image was coming in
                result.lost = lost_of(target, target.acknowledged)
                tell("netty", row, result)
    for row in rows:
        if row.full_disk:
            tell("netty", row, _on_full_disk("netty", row, folder / "full"))


def _warm_up(target: Target, names: tuple[str, ...] = ("nothing", "96 MB")) -> None:
    """What a server loads and starts at its first images, and would seem to take because of the first hostile peer."""
    for row in ROWS:
        if row.name.startswith(names):
            for _ in range(3):
                run_row(target, row)
    deadline, before = time.monotonic() + _SETTLE_SECONDS, 0
    while abs((now := target.memory()) - before) > MEGABYTE and time.monotonic() < deadline:
        before = now
        time.sleep(3)


def _on_full_disk(name: str, row: Row, folder: Path) -> Result:
    with small_disk(folder / "disk") as disk:
        if disk is None:
            return Result("- (only root may mount)")
        made = netty_target(folder, disk) if name == "netty" else other_target(name, folder, disk)
        with made as target:
            if name == "netty":
                _warm_up(target, ("nothing",))
            return run_row(target, row)


# --- the others: a server for each row -------------------------------------------------------------------------------


def run_other(name: str, row: Row, folder: Path) -> Result:
    """One row against a fresh server."""
    folder.mkdir(parents=True)
    if row.full_disk:
        return _on_full_disk(name, row, folder / "full")
    try:
        with other_target(name, folder) as target:
            return run_row(target, row)
    except RuntimeError as error:
        return Result(f"not started: {str(error).splitlines()[0]}")


def run_others(
    names: Sequence[str], rows: Sequence[Row], folder: Path, tell: Callable[[str, Row, Result], None]
) -> None:
    """Those that only wait many at once, the others two by two."""
    for waits, workers in ((False, 2), (True, _AT_ONCE)):
        with ThreadPoolExecutor(workers) as threads:
            for row in rows:
                for name in names:
                    if row.waits is waits:
                        place = folder / name.replace(" ", "") / str(ROWS.index(row))
                        future = threads.submit(run_other, name, row, place)
                        future.add_done_callback(
                            lambda done, name=name, row=row: tell(name, row, done.result())  # type: ignore[misc]
                        )


# --- the table -------------------------------------------------------------------------------------------------------


def table(names: Sequence[str], rows: Sequence[Row], results: dict[tuple[str, str], Result]) -> str:
    """Rows by servers, as Markdown."""
    lines = ["| hostile input | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for row in rows:
        cells = [results[name, row.name].cell() if (name, row.name) in results else "" for name in names]
        lines.append(f"| {row.name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def broken_promises(rows: Sequence[Row], results: dict[tuple[str, str], Result]) -> list[str]:
    """The promises that netty broke, a row that gave no result among them."""
    nothing = Result("", lost=["there is no result"])
    return [f"{row.name}: {each}" for row in rows for each in results.get(("netty", row.name), nothing).broken()]


def page(measured: str, broken: Sequence[str], seconds: float) -> str:
    """The page that a whole run writes."""
    kept = "\n".join(f"- netty broke a promise: {one}" for one in broken) or "netty kept all its promises."
    used = ", ".join(f"{name} {version}" for name, version in versions().items())
    return f"""# What hostile peers do

Written by `make bench-hostile`, never by hand: {time.strftime("%Y-%m-%d")}, {seconds:.0f} s. {described()}. {used}.

Each row is a hostile input to a server with its defaults, while another peer asks for C-ECHO without a pause.

- **waits**: that peer waited longer than a second; **blocked**: {_PROBE_SECONDS:.0f} s or longer.
- +MB: memory that the server took meanwhile, where it is more than 5 MB.
- **file left**: half-written, or more files than were answered with success.
- **lost**: answered with success, and not to be read back.

netty meets all rows one after the other as one service, under a lease that is open; the others begin each row anew.
netty promises that no other peer waits longer than {LONGEST_WAIT:.0f} s, that it takes no more than
{MOST_GROWTH // MEGABYTE} MB, that no process dies, that no file is left, and that nothing is lost.

{measured}

{kept}
"""


def main() -> int:
    """Read the options, run, print."""
    parser = argparse.ArgumentParser(prog="make bench-hostile ARGS=", description="what hostile peers do")
    parser.add_argument("--only", action="append", help="netty, or another server; may be given more than once")
    parser.add_argument("--row", action="append", default=[], help="only rows whose name holds this")
    given = parser.parse_args()
    logging.disable(logging.CRITICAL)
    began = time.monotonic()
    names = [name for name in ("netty", *installed()) if not given.only or name in given.only]
    rows = [row for row in ROWS if not given.row or any(part in row.name for part in given.row)]
    results: dict[tuple[str, str], Result] = {}

    def tell(name: str, row: Row, result: Result) -> None:
        results[name, row.name] = result
        print(f"{name}: {row.name}: {result.cell()} (C-ECHO {result.waited:.2f} s)", file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory(prefix="hostile-", ignore_cleanup_errors=True) as folder:
        if "netty" in names:
            run_netty(rows, Path(folder) / "netty", tell)
        run_others([name for name in names if name != "netty"], rows, Path(folder), tell)
    print(table(names, rows, results))
    broken = broken_promises(rows, results) if "netty" in names else []
    seconds = time.monotonic() - began
    if not given.only and not given.row:
        PAGE.write_text(page(table(names, rows, results), broken, seconds))
    for each in broken:
        print(f"netty: {each}")
    count = len(rows)
    verdict = "" if "netty" not in names else f"netty broke {len(broken)} promises" if broken else "netty kept them all"
    word = "FAILED" if broken else "ok"
    print(f"bench-hostile: {word}: {count} rows, {len(names)} servers, {seconds:.0f} s; {verdict}")
    return 1 if broken else 0


if __name__ == "__main__":
    os.umask(0o077)
    sys.exit(main())
