"""The receive buffer of one association: small while little comes, bounded always, compacted and never resized."""

from typing import Final
from weakref import WeakSet

INITIAL_CAPACITY: Final = 4096
ANSWERS_CAPACITY: Final = 16384
"""For who asks: the answers to a query take a few thousand bytes, and who asks has few associations at a time."""
LARGE_CAPACITY: Final = 262144
LARGEST_CAPACITY: Final = 1048576
"""For long images it saves a quarter of the time; but thousands of associations at once must not hold so much each."""
MOST_LARGEST: Final = 32  # of one process
_GROWTH: Final = 4


class ReceiveBuffer:
    """Bytes between `start` and `end` of `view` have come and are not used up yet.

    Growing makes a new buffer, for a bytearray with views on it cannot change its size. It grows only when a read has
    filled it, so that what a peer *announces* costs nothing.
    """

    __slots__ = ("__weakref__", "_capacity", "_initial", "_large", "end", "start", "view")

    def __init__(self, longest_pdu: int, initial: int = INITIAL_CAPACITY) -> None:
        """`longest_pdu` counts the header: of those read as a whole, one must fit. `initial`: held at first."""
        self._initial = initial
        self._large = max(longest_pdu, LARGE_CAPACITY)
        self._capacity = 0
        self.view = memoryview(bytearray())
        self.start = 0
        self.end = 0

    @property
    def capacity(self) -> int:
        """How much memory is held."""
        return self._capacity

    @property
    def has_room(self) -> bool:
        """Whether `writable` will have some, with nothing more used up."""
        return self.end < self._capacity or self.start > 0 or self._grown() > self._capacity

    def writable(self) -> memoryview:
        """Where the next bytes may be written. What was read from the buffer before is not valid any more."""
        if self.end == self._capacity:  # the last read filled it: more is coming than was taken at once
            self._replace(self._grown())
        elif self.start == self.end:
            self.start = self.end = 0
        elif self._capacity - self.end < self._capacity // 4:
            self._move_to_front()
        return self.view[self.end :]

    def append(self, data: bytes | bytearray | memoryview) -> None:
        """Take `data`, whatever its size: the caller holds it already."""
        size = len(data)
        if size > len(self.writable()):
            self._replace(max(self._grown(), self.end - self.start + size))
        self.view[self.end : self.end + size] = data
        self.end += size

    def advance(self, count: int) -> None:
        """`count` bytes have been written."""
        if not 0 <= count <= self._capacity - self.end:
            raise ValueError("more bytes were received than the buffer holds")
        self.end += count

    def trim(self) -> None:
        """Give the memory back if nothing is in it. What was read from the buffer before stays as it is."""
        if self.start == self.end and self._capacity > INITIAL_CAPACITY:
            self._capacity = self.start = self.end = 0
            self.view = memoryview(bytearray())
            _LARGEST.discard(self)

    def _grown(self) -> int:
        wanted = max(self._initial, self._capacity * _GROWTH)
        if wanted <= self._large or not self._may_be_largest():
            return min(wanted, self._large)
        return min(wanted, max(self._large, LARGEST_CAPACITY))

    def _may_be_largest(self) -> bool:
        if self not in _LARGEST and len(_LARGEST) < MOST_LARGEST:
            _LARGEST.add(self)
        return self in _LARGEST

    def _replace(self, capacity: int) -> None:
        if capacity > self._capacity:
            view = memoryview(bytearray(capacity))
            count = self.end - self.start
            view[:count] = self.view[self.start : self.end]
            self.view, self._capacity = view, capacity
            self.start, self.end = 0, count
        else:
            self._move_to_front()

    def _move_to_front(self) -> None:
        count = self.end - self.start
        self.view[:count] = self.view[self.start : self.end]  # memmove: the ranges may overlap
        self.start, self.end = 0, count


_LARGEST: Final[WeakSet[ReceiveBuffer]] = WeakSet()  # those of this process that are, or may be, the largest
