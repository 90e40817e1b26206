"""A comparison: contestants in turn, round after round, so that what the machine does meanwhile befalls all alike."""

import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Result:
    """One round of one contestant.

    Attributes:
        done: how many of the images are there in the end; with fewer than `images` it is disqualified.
        cpu: seconds of processor time, where they can be told.
    """

    images: int
    seconds: float
    cpu: float | None
    done: int


@dataclass(frozen=True, slots=True)
class Contestant:
    """A program that is measured, and what it does more or less than the others."""

    name: str
    note: str
    run: Callable[[], Result]


@dataclass(slots=True)
class Measured:
    """All rounds of one contestant."""

    contestant: Contestant
    results: list[Result] = field(default_factory=list)

    @property
    def rates(self) -> list[float]:
        """Images per second, of each round."""
        return [result.images / result.seconds for result in self.results]

    @property
    def rate(self) -> float:
        """The median."""
        return statistics.median(self.rates)

    @property
    def cpu(self) -> float | None:
        """Milliseconds of processor time for an image, the median."""
        told = [1000 * result.cpu / result.images for result in self.results if result.cpu is not None]
        return statistics.median(told) if told else None

    @property
    def lost(self) -> int:
        """How many images were not there in the end."""
        return sum(result.images - result.done for result in self.results)


@dataclass(frozen=True, slots=True)
class Table:
    """One comparison; netty stands first."""

    title: str
    measured: Sequence[Measured]

    @property
    def lost_by_netty(self) -> int:
        """How many images netty lost."""
        return sum(one.lost for one in self.measured if one.contestant.name.startswith("netty"))

    def ratio(self, other: Measured) -> float:
        """How many times as fast netty is."""
        return self.measured[0].rate / other.rate


def compete(title: str, contestants: Sequence[Contestant], rounds: int) -> Table:
    """Let them run in turn."""
    measured = [Measured(contestant) for contestant in contestants]
    for number in range(1, rounds + 1):
        for one in measured:
            print(f"{title}: round {number} of {rounds}: {one.contestant.name}", file=sys.stderr)
            one.results.append(one.contestant.run())
    return Table(title, measured)
