"""Several threads' writes in one transaction."""

import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from netty.workflow.group_commit import GroupCommit


class _Disk:
    """Counts transactions and syncs; the first transaction waits until it may go on."""

    def __init__(self) -> None:
        self.synced: list[str] = []
        self.transactions: list[list[str]] = []
        self.under_way: list[str] = []
        self.began = threading.Event()
        self.may_go_on = threading.Event()

    @contextmanager
    def together(self) -> Iterator[None]:
        self.under_way = []
        self.began.set()
        assert self.may_go_on.wait(10)
        yield
        self.transactions.append(self.under_way)

    def sync(self, keys: Iterable[str]) -> None:
        self.synced += keys

    def row(self, name: str) -> str:
        assert name in self.synced  # a row never names what a power cut would take
        if name == "bad":
            raise ValueError(name)
        self.under_way.append(name)
        return name.upper()


def _write(disk: _Disk, commits: GroupCommit, name: str) -> str:
    return commits.write([name], lambda: disk.row(name))


def _lined_up(commits: GroupCommit, count: int) -> None:
    while len(commits._waiting) < count:
        threading.Event().wait(0.001)


def _run(names: list[str]) -> tuple[_Disk, list[str | Exception]]:
    """The first write commits while all others line up."""
    disk = _Disk()
    commits = GroupCommit(disk.together, disk.sync)
    with ThreadPoolExecutor(len(names)) as threads:
        first = threads.submit(_write, disk, commits, names[0])
        assert disk.began.wait(10)
        others = [threads.submit(_write, disk, commits, name) for name in names[1:]]
        _lined_up(commits, len(others))
        disk.may_go_on.set()
        answers = [one.exception(10) or one.result() for one in (first, *others)]
    return disk, [answer for answer in answers if isinstance(answer, str | Exception)]


def test_what_lines_up_during_a_commit_goes_into_the_next_one() -> None:
    disk, answers = _run(["a", "b", "c", "d"])

    assert answers == ["A", "B", "C", "D"]
    assert [sorted(one) for one in disk.transactions] == [["a"], ["b", "c", "d"]]


def test_what_is_wrong_with_one_does_not_befall_the_others() -> None:
    disk, answers = _run(["a", "bad", "c", "d"])

    assert sorted(name for one in disk.transactions for name in one) == ["a", "c", "d"]
    assert [one for one in answers if isinstance(one, str)] == ["A", "C", "D"]
    with pytest.raises(ValueError, match="bad"):
        raise next(one for one in answers if isinstance(one, Exception))
