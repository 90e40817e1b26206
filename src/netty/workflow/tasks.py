"""What the renderer's threads have to do, have in hand, and have done but not yet written into the database."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from netty.archive.received import KeptBlob, ToRender
from netty.workflow.pictures import Pictures

_MOST_AT_ONCE: Final = 64
_MOST_UNWRITTEN: Final = 512
_FEW: Final = 16  # waiting tasks: time to look for more
_LONGEST_SECONDS: Final = 0.1
_MOST_TOGETHER: Final = 8


@dataclass(frozen=True, slots=True)
class Task:
    """Something for a render thread. `key` says what it is about, so that it is not taken up twice.

    `do` gives what is still to be written, in one go with others; None where everything is done. `quick`: the instance
    that is drawn, where that is done so soon that several are drawn in one go.
    """

    key: tuple[str, int]
    do: "Callable[[], Drawn | None]"
    give_up: Callable[[], object]
    is_long: bool = False
    quick: ToRender | None = None


@dataclass(frozen=True, slots=True)
class Drawn:
    """An instance whose pictures lie in the blob store, not yet synced, and have no rows."""

    task: Task
    instance: ToRender
    pictures: Pictures
    kept_blob: KeptBlob | None


class Unwritten:
    """What was drawn and not written. To write the rows of many costs little more than those of one."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._drawn: list[Drawn] = []
        self._since = 0.0
        self._is_due = False
        self._ended = False

    def add(self, one: Drawn) -> None:
        """One more; waits while far too many wait."""
        with self._changed:
            while len(self._drawn) >= _MOST_UNWRITTEN and not self._ended:
                self._changed.wait()
            self._drawn.append(one)
            if len(self._drawn) == 1:
                self._since = time.monotonic()
                self._changed.notify_all()
            elif len(self._drawn) == _MOST_AT_ONCE:
                self._changed.notify_all()

    def press(self) -> None:
        """Let what is there be written: nothing more will come soon."""
        with self._changed:
            if self._drawn and not self._is_due:
                self._is_due = True
                self._changed.notify_all()

    def take(self) -> list[Drawn]:
        """All of them, as soon as they are many or have waited for long; empty when there will be none any more."""
        with self._changed:
            while not self._ended and (left := self._seconds_left()) != 0:
                self._changed.wait(left)
            drawn, self._drawn, self._is_due = self._drawn, [], False
            self._changed.notify_all()
            return drawn

    def _seconds_left(self) -> float | None:
        """Until they are due; None for ever."""
        if not self._drawn:
            return None
        if self._is_due or len(self._drawn) >= _MOST_AT_ONCE:
            return 0
        return max(0, self._since + _LONGEST_SECONDS - time.monotonic())

    def end(self) -> None:
        """There will be none any more."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()


class Every:
    """Says now and then that something is due; at first it is."""

    __slots__ = ("_next", "_seconds")

    def __init__(self, seconds: float) -> None:
        self._seconds, self._next = seconds, 0.0

    def due(self, now: float) -> bool:
        """Whether its time has come; the next one counts from `now` then."""
        if now < self._next:
            return False
        self._next = now + self._seconds
        return True


class InHand:
    """The tasks that were taken up and are not done, so that none is taken up twice."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: deque[Task] = deque()
        self._taken: set[tuple[str, int]] = set()
        self._ended = False
        self._more = False
        self._wanted = threading.Event()

    @property
    def waiting(self) -> int:
        """How many no thread has begun with."""
        return len(self._waiting)

    @property
    def taken(self) -> int:
        """How many are in hand: these, and those that threads are at."""
        return len(self._taken)

    def numbers(self, kind: str) -> set[int]:
        """Those of one kind that are in hand."""
        with self._changed:
            return {number for of, number in self._taken if of == kind}

    @property
    def busy(self) -> bool:
        """Whether anything is in hand."""
        return bool(self._taken)

    def want(self) -> None:
        """Say that there is more to take up."""
        self._wanted.set()
        self._more = True

    def wait_for_want(self, seconds: float) -> None:
        """Wait until there is more to take up and hardly anything waits, for so long at most."""
        self._wanted.wait(seconds)
        self._wanted.clear()

    def add(self, found: Iterable[Task], more: bool = False) -> None:
        """Take these up, but for those that are in hand already; `more` of them wait to be found."""
        with self._changed:
            self._more = more or self._wanted.is_set()  # said while these were looked for
            new = [one for one in found if one.key not in self._taken]
            self._taken |= {one.key for one in new}
            self._waiting += new
            if new:
                self._changed.notify(len(new))

    def take(self, wait: bool, sharers: int = 1) -> list[Task]:
        """The next one, or the next few quick ones, of which each of so many `sharers` shall have as many.

        Empty when there will be none any more, and, without `wait`, when there is none now.
        """
        with self._changed:
            while wait and not self._waiting and not self._ended:
                self._changed.wait()
            if self._more and len(self._waiting) <= _FEW:
                self._wanted.set()
            if self._ended or not self._waiting:
                return []
            taken = [self._waiting.popleft()]
            most = min(_MOST_TOGETHER, 1 + len(self._waiting) // sharers) if taken[0].quick else 1
            while len(taken) < most and self._waiting[0].quick:
                taken.append(self._waiting.popleft())
            return taken

    def done(self, one: Task) -> None:
        """It may be taken up again, should it come again."""
        with self._changed:
            self._taken.discard(one.key)

    def end(self) -> None:
        """Let the threads end with what they are at."""
        with self._changed:
            self._ended = True
            self._wanted.set()
            self._changed.notify_all()
