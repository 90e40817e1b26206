"""Group commit: what several threads write at about the same time costs one sync and one transaction."""

import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

T = TypeVar("T")


@dataclass(slots=True)
class _Write(Generic[T]):
    """The rows of one thread, and the blobs that must be safe before them."""

    keys: Sequence[str]
    rows: Callable[[], T]
    result: list[T] = field(default_factory=list)
    error: Exception | None = None

    @property
    def done(self) -> bool:
        return bool(self.result) or self.error is not None


class GroupCommit:
    """While one thread commits, the others line up; the next one commits for all of them. Nobody waits for a clock."""

    def __init__(
        self, together: Callable[[], AbstractContextManager[None]], sync: Callable[[Iterable[str]], None]
    ) -> None:
        """`together`: that of the database; `sync`: that of the blob store."""
        self._together = together
        self._sync = sync
        self._lining_up = threading.Lock()
        self._turn = threading.Lock()
        self._waiting: list[_Write[Any]] = []

    def write(self, keys: Sequence[str], rows: Callable[[], T]) -> T:
        """Sync the blobs and then write the rows; what `rows` gives, once it is committed, or what it raises."""
        own = _Write(keys, rows)
        with self._lining_up:
            self._waiting.append(own)
        with self._turn:
            if not own.done:
                with self._lining_up:
                    group, self._waiting = self._waiting, []
                self._commit(group)
        if own.error is not None:
            raise own.error
        return own.result[0]

    def _commit(self, group: Sequence[_Write[Any]]) -> None:
        try:
            self._sync([key for one in group for key in one.keys])
            with self._together():
                results = [one.rows() for one in group]
        except Exception as error:
            if len(group) == 1:
                group[0].error = error
                return
            for one in group:  # what is wrong with one must not befall the others
                self._commit([one])
        else:
            for one, result in zip(group, results, strict=True):
                one.result.append(result)
