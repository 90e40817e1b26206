"""How much is measured, and where: what `make bench` hands to each part."""

from dataclasses import dataclass
from pathlib import Path

LEAST_ROUNDS = 5  # what a page of figures is made of


@dataclass(frozen=True, slots=True)
class Scope:
    """What a part is asked for.

    Attributes:
        full: everything; else a named subset: all parts together within 15 minutes on two cores, each goal in it.
        rounds: how often each contestant has its turn.
        folder: where they write, on the disk to be measured; None: where temporary files lie.
    """

    full: bool = False
    rounds: int = LEAST_ROUNDS
    folder: Path | None = None

    @property
    def name(self) -> str:
        """As the page says it."""
        return "everything (`make bench FULL=1`)" if self.full else "the usual subset (`make bench`)"
