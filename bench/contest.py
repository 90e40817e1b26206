"""A comparison: contestants in turn, round after round, so that what the machine does meanwhile befalls all alike."""

import statistics
from collections.abc import Callable
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
    missing: Callable[[], bool] = lambda: False


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
