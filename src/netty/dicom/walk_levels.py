"""What encloses the position of a walk: the data set, sequences, items; no deeper than is allowed."""

from dataclasses import dataclass
from enum import Enum, auto

from netty.dicom.errors import ExcessError


class Kind(Enum):
    DATA_SET = auto()  # the whole, or an item: holds elements
    SEQUENCE = auto()  # holds items
    ENCAPSULATED = auto()  # holds fragments of pixel data


@dataclass(slots=True)
class Level:
    """Something open that encloses what comes."""

    kind: Kind
    explicit: bool
    end: int  # where it ends at the latest
    defined: bool  # whether it ends there, or at a delimitation item
    private_guess: bool = False  # a private value that looks like a sequence
    big_endian: bool = False


class Levels:
    """A stack of them, from the data set to what is innermost."""

    __slots__ = ("_deepest", "_levels", "depth", "innermost")

    def __init__(self, data_set: Level, deepest: int) -> None:
        self._levels = [data_set]
        self._deepest = deepest
        self.innermost = data_set
        self.depth = 0  # sequences, and encapsulated pixel data

    @property
    def is_top(self) -> bool:
        """Whether nothing is open but the data set itself."""
        return len(self._levels) == 1

    def open(self, level: Level) -> None:
        """Something begins. ExcessError where it is too deep."""
        if level.kind is not Kind.DATA_SET:
            self.depth += 1
            if self.depth > self._deepest:
                raise ExcessError("The data set nests sequences more than {limit} deep.", limit=self._deepest)
        self._levels.append(level)
        self.innermost = level

    def close(self) -> None:
        """The innermost ends."""
        if self._levels.pop().kind is not Kind.DATA_SET:
            self.depth -= 1
        self.innermost = self._levels[-1]

    def close_ended(self, position: int) -> None:
        """Leave what ends just here by its length."""
        while self.innermost.defined and position == self.innermost.end:
            self.close()

    def leave_private_guess(self) -> int | None:
        """Leave the outermost private value that was only guessed to be a sequence; where it ends, None without one."""
        guess = next((index for index, level in enumerate(self._levels) if level.private_guess), None)
        if guess is None:
            return None
        end = self._levels[guess].end
        while len(self._levels) > guess:
            self.close()
        return end
