"""A comparison: contestants in turn, round after round, so that what the machine does meanwhile befalls all alike."""

import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bench.goals import Goal


@dataclass(frozen=True, slots=True)
class Unit:
    """What a table counts in."""

    name: str
    more_is_better: bool = False


RATE = Unit("images/s", more_is_better=True)
SECONDS = Unit("s")
MILLISECONDS = Unit("ms")
MEGABYTES = Unit("MB")


@dataclass(frozen=True, slots=True)
class Result:
    """One round of one contestant.

    Attributes:
        value: in the unit of the table.
        cpu: seconds of processor time for each thing done (image, patient), where they can be told.
        memory: megabytes (10^6 bytes) of all its processes together, at the most.
        lost: how many things were not there in the end, or not as they were sent; who loses one is out of the race.
    """

    value: float
    cpu: float | None = None
    memory: float | None = None
    lost: int = 0


def rate(
    count: int, seconds: float, *, cpu: float | None = None, memory: float | None = None, done: int | None = None
) -> Result:
    """So many things in so many seconds of time and of processor time; `done` of them are there in the end."""
    each = None if cpu is None else cpu / count
    return Result(count / seconds, each, memory, 0 if done is None else count - done)


@dataclass(frozen=True, slots=True)
class Contestant:
    """A program that is measured, and what it does more or less than the others.

    Attributes:
        run: one round.
        weigh: a round before the first that warms up, and of which only memory and losses count.
    """

    name: str
    note: str
    run: Callable[[], Result]
    weigh: Callable[[], Result] | None = None


@dataclass(slots=True)
class Measured:
    """All rounds of one contestant."""

    contestant: Contestant
    results: list[Result] = field(default_factory=list)
    weighed: Result | None = None

    @property
    def values(self) -> list[float]:
        """In the unit of the table, of each round."""
        return [result.value for result in self.results]

    @property
    def value(self) -> float:
        """The median."""
        return statistics.median(self.values)

    @property
    def cpu(self) -> float | None:
        """Milliseconds of processor time for each thing, the median."""
        told = [1000 * result.cpu for result in self.results if result.cpu is not None]
        return statistics.median(told) if told else None

    @property
    def memory(self) -> float | None:
        """Megabytes of all its processes together, the most of all rounds."""
        return max((result.memory for result in self._all if result.memory is not None), default=None)

    @property
    def lost(self) -> int:
        """How many things were not there in the end."""
        return sum(result.lost for result in self._all)

    @property
    def _all(self) -> list[Result]:
        return [*self.results, *([self.weighed] if self.weighed else [])]


@dataclass(frozen=True, slots=True)
class Table:
    """One comparison; what it is about stands first: netty."""

    title: str
    measured: Sequence[Measured]
    unit: Unit = RATE
    goals: Sequence[Goal] = ()

    def named(self, name: str) -> Measured | None:
        """The contestant of that name, None where it did not take part."""
        return next((one for one in self.measured if one.contestant.name == name), None)

    @property
    def lost_by_netty(self) -> int:
        """How many images netty lost."""
        return sum(one.lost for one in self.measured if one.contestant.name.startswith("netty"))

    def ratio(self, other: Measured) -> float:
        """How many times as fast (or small) the first one is."""
        first, second = self.measured[0].value, other.value
        return first / second if self.unit.more_is_better else second / first


def compete(
    title: str, contestants: Sequence[Contestant], rounds: int, unit: Unit = RATE, goals: Sequence[Goal] = ()
) -> Table:
    """Let them run in turn. Each round another one begins: the machine is not the same to the first and the last."""
    measured = [Measured(contestant) for contestant in contestants]
    for one in measured:
        if one.contestant.weigh is not None:
            _say(f"{title}: warming up: {one.contestant.name}")
            one.weighed = one.contestant.weigh()
    for number in range(1, rounds + 1):
        first = (number - 1) % len(measured)
        for one in measured[first:] + measured[:first]:
            _say(f"{title}: round {number} of {rounds}: {one.contestant.name}")
            one.results.append(one.contestant.run())
    return Table(title, measured, unit, goals)


def _say(text: str) -> None:
    print(text, file=sys.stderr)
