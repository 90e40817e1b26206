"""How fast images are received: kinds, PDU lengths, associations, synced or not, in memory and on the disk."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import Final

from bench.contest import RATE, Contestant, Result, Table, compete, rate
from bench.goals import Bound, Goal, Quantity, goal
from bench.images import CT_STUDY, KINDS, MG_STUDY, MR_STUDY, XA_STUDY, Kind, made_study
from bench.load import send, shared
from bench.machine import Peak, cpu_seconds, have_memory_at_hand
from bench.receivers import LIMIT, NETTY, ORTHANC, PYNETDICOM, STORESCP, Receiver, Running, Setup, netty_receiving
from bench.scope import Scope
from support.waiting import TooLate

_MEMORY: Final = Path("/dev/shm")
_SHORT, _LONG = 16384, 131072
_MOST_MEGABYTES: Final = 300
_WATCHED: Final = 5.0  # seconds at the most that memory is looked at after the last response


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison."""

    kind: Kind
    max_pdu: int
    associations: int
    sync: bool
    on_disk: bool
    peers: tuple[Receiver, ...]

    @property
    def title(self) -> str:
        """What the table is called."""
        return (
            f"receive {self.kind.count} {self.kind}, {'synced' if self.sync else 'not synced'}: "
            f"{self.associations} association{'s' * (self.associations > 1)}, PDU {self.max_pdu}, "
            f"{'disk' if self.on_disk else 'memory'}"
        )

    @property
    def goals(self) -> list[Goal]:
        """Of issue 5."""
        of_the_limit = Bound(0.8, LIMIT.name)
        if self.sync:
            speed = [goal(NETTY.name, Bound(3, ORTHANC.name), of_the_limit)]
        else:
            speed = [goal(NETTY.name, Bound(2 if self.max_pdu == _SHORT else 1.2, STORESCP.name), of_the_limit)]
            speed += [goal(NETTY.name, Bound(0.85, LIMIT.name))] * (self.associations == 1)
        return [*speed, goal(NETTY.name, Bound(_MOST_MEGABYTES), what=Quantity.MEMORY)]


# Not synced beside storescp, synced beside Orthanc, which syncs too: what the goals speak of.
_USUAL: Final = (
    Row(CT_STUDY, _SHORT, 1, False, False, (STORESCP, ORTHANC, PYNETDICOM)),
    Row(CT_STUDY, _LONG, 1, False, False, (STORESCP,)),
    Row(CT_STUDY, _SHORT, 1, False, True, (STORESCP,)),
    Row(CT_STUDY, _SHORT, 4, False, True, (STORESCP,)),
    Row(CT_STUDY, _LONG, 4, False, False, (STORESCP,)),
    Row(CT_STUDY, _SHORT, 1, True, True, (ORTHANC,)),
    Row(CT_STUDY, _LONG, 8, True, True, (ORTHANC,)),
    Row(MR_STUDY, _SHORT, 1, False, False, (STORESCP,)),
    Row(MR_STUDY, _LONG, 2, False, False, (STORESCP,)),
    Row(MR_STUDY, _SHORT, 4, True, True, (ORTHANC,)),
    Row(MG_STUDY, _LONG, 1, False, False, (STORESCP,)),
    Row(MG_STUDY, _SHORT, 2, True, True, (ORTHANC,)),
    Row(XA_STUDY, _SHORT, 1, False, False, (STORESCP,)),
)


def _all() -> Iterator[Row]:
    for kind, max_pdu, associations, sync, on_disk in product(
        KINDS, (_SHORT, _LONG), (1, 2, 4, 8), (False, True), (False, True)
    ):
        if associations <= kind.count:
            yield Row(kind, max_pdu, associations, sync, on_disk, (STORESCP, ORTHANC, PYNETDICOM))


def tables(scope: Scope) -> Iterator[Table]:
    """One for each row."""
    for row in _all() if scope.full else _USUAL:
        if row.on_disk or _MEMORY.is_dir():
            yield table(row, scope.rounds, scope.folder if row.on_disk else _MEMORY)


def table(row: Row, rounds: int, folder: Path | None) -> Table:
    """Receivers that run side by side, each in a folder of its own, and get the study in turn."""
    with ExitStack() as stack:
        contestants = []
        for receiver in (NETTY, *row.peers, LIMIT):
            if receiver.missing:
                continue
            place = stack.enter_context(tempfile.TemporaryDirectory(prefix="netty-bench-", dir=folder))
            setup = Setup(Path(place) / "data", row.max_pdu, row.associations, row.sync)
            running = stack.enter_context(receiver.start(setup))
            count = max(row.associations, int(row.kind.count * receiver.share))
            note = receiver.promise(setup) + ("" if count == row.kind.count else f"; {count} images")
            run = partial(received, running, row, count, Path(place))
            weigh = partial(_weighed, row, folder) if receiver is NETTY else run
            contestants.append(Contestant(receiver.name, note, run, weigh))
        return compete(row.title, contestants, rounds, RATE, row.goals)


def received(running: Running, row: Row, count: int, place: Path) -> Result:
    """A round: a new study is sent, read back and compared, and removed."""
    images = made_study(row.kind, count)
    running.admit(images)
    have_memory_at_hand(place, sum(map(len, images)))
    before = cpu_seconds(running.pid)
    sent = send(running.port, running.open_to, shared(images, row.associations), row.max_pdu)
    try:
        kept = running.kept(images)
    except TooLate as late:
        print(late, file=sys.stderr)
        kept = 0
    cpu = cpu_seconds(running.pid) - before
    running.clear()
    if row.on_disk:
        os.sync()  # or the next one's disk is still busy with what is no longer there
    return rate(count, sent.seconds, cpu=cpu, done=min(kept, count - sent.refused))


def _weighed(row: Row, folder: Path | None) -> Result:
    """The memory of a whole netty that draws too: with all its children, while the study comes in and after."""
    with tempfile.TemporaryDirectory(prefix="netty-bench-", dir=folder) as place:
        setup = Setup(Path(place) / "data", row.max_pdu, row.associations, row.sync)
        with netty_receiving(setup, drawing=True) as running:
            images = made_study(row.kind, row.kind.count)
            running.admit(images)
            with Peak(running.pid) as peak:
                sent = send(running.port, running.open_to, shared(images, row.associations), row.max_pdu)
                running.drawn(images, _WATCHED)
            return Result(0.0, memory=peak.megabytes, lost=sent.refused)
