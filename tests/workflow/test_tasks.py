"""What the renderer's threads have in hand, and what they have drawn and not written."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest

from netty.archive.received import Rendered, ToRender
from netty.archive.registration import Registration
from netty.workflow import tasks
from netty.workflow.group_commit import GroupCommit
from netty.workflow.pictures import Drawer, Pictures
from netty.workflow.render import Renderer
from netty.workflow.rerender import Rerenderer
from netty.workflow.tasks import Drawn, InHand, Task, Unwritten


def task(number: int) -> Task:
    """A task that does nothing."""
    return Task(("instance", number), lambda: None, lambda: None)


def drawn(number: int, given_up: list[int]) -> Drawn:
    """An instance that was drawn to no pictures at all."""
    one = ToRender(number, f"{number}", 1, "", 0, 0, "", "", "", "", "", 0)
    return Drawn(Task(("instance", number), lambda: None, lambda: given_up.append(number)), one, _none(), None)


def _none() -> Pictures:
    return Pictures(cast(Any, None), "renditions/00/0")


def test_what_is_in_hand_is_not_taken_up_again_until_it_is_done() -> None:
    in_hand = InHand()
    in_hand.add([task(1), task(2)])
    [first] = in_hand.take(wait=False)
    in_hand.add([task(1), task(3)])

    assert (in_hand.waiting, in_hand.taken) == (2, 3)

    in_hand.done(first)
    in_hand.add([task(1)])

    keys = [one.key[1] for [one] in iter(lambda: in_hand.take(wait=False), [])]
    assert keys == [2, 3, 1]


@pytest.mark.parametrize(
    ("waiting", "sharers", "taken"),
    [
        ("qqqqqqqqqqqq", 1, 8),
        ("qqqqqqqqqqqq", 4, 3),
        ("q", 4, 1),
        ("qq-qqqqqq", 1, 2),
        ("-qqqqqqqq", 1, 1),
    ],
)
def test_quick_tasks_are_taken_a_few_at_a_time_and_shared(waiting: str, sharers: int, taken: int) -> None:
    one = ToRender(1, "", 1, "", 0, 0, "", "", "", "", "", 0)
    in_hand = InHand()
    in_hand.add([replace(task(number), quick=one if each == "q" else None) for number, each in enumerate(waiting)])

    assert [each.key[1] for each in in_hand.take(wait=False, sharers=sharers)] == list(range(taken))
    assert in_hand.waiting == len(waiting) - taken


def test_a_thread_with_something_to_write_does_not_wait_for_tasks() -> None:
    assert not InHand().take(wait=False)


def test_at_the_end_who_waits_is_woken_and_what_waits_is_left() -> None:
    in_hand = InHand()
    ended = threading.Event()

    def wait() -> None:
        if not in_hand.take(wait=True):
            ended.set()

    thread = threading.Thread(target=wait)
    thread.start()
    in_hand.end()
    thread.join(10)
    in_hand.add([task(1)])

    assert ended.is_set()
    assert not in_hand.take(wait=True)


def test_what_is_said_to_wait_while_others_are_looked_for_is_looked_for_when_few_wait() -> None:
    in_hand = InHand()
    in_hand.want()
    in_hand.add([task(number) for number in range(20)])  # found before it was said
    in_hand.wait_for_want(0)

    wanted = []
    while in_hand.take(wait=False):
        wanted.append(in_hand._wanted.is_set())

    assert wanted == [False] * 4 + [True] * 16


def taken_in(seconds: float, unwritten: Unwritten) -> list[int] | None:
    """What is to be written within so many seconds; None where nothing is."""
    found: list[list[int]] = []
    thread = threading.Thread(target=lambda: found.append([one.instance.instance_id for one in unwritten.take()]))
    thread.start()
    thread.join(seconds)
    still_waits = thread.is_alive()
    unwritten.end()
    thread.join()
    return None if still_waits else found[0]


def test_rows_are_written_when_they_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "_LONGEST_SECONDS", 60)
    unwritten = Unwritten()
    for number in range(64):
        unwritten.add(drawn(number, []))

    assert taken_in(20, unwritten) == [*range(64)]


def test_rows_are_written_when_they_have_waited_for_long() -> None:
    unwritten = Unwritten()
    unwritten.add(drawn(1, []))

    assert taken_in(20, unwritten) == [1]


def test_rows_are_written_at_once_when_nothing_more_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "_LONGEST_SECONDS", 60)
    unwritten = Unwritten()
    unwritten.press()  # there is nothing yet
    unwritten.add(drawn(1, []))
    unwritten.press()

    assert taken_in(20, unwritten) == [1]


def test_a_few_rows_wait_for_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "_LONGEST_SECONDS", 60)
    unwritten = Unwritten()
    unwritten.press()
    unwritten.add(drawn(1, []))

    assert taken_in(0.2, unwritten) is None


def test_at_the_end_all_rows_are_given_and_then_none() -> None:
    unwritten = Unwritten()
    unwritten.add(drawn(1, []))
    unwritten.end()

    assert [len(unwritten.take()), len(unwritten.take())] == [1, 0]


def test_who_draws_waits_for_a_database_that_is_far_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "_MOST_UNWRITTEN", 3)
    unwritten = Unwritten()
    for number in range(3):
        unwritten.add(drawn(number, []))
    thread = threading.Thread(target=lambda: unwritten.add(drawn(3, [])))
    thread.start()
    thread.join(0.2)
    waited = thread.is_alive()

    first = unwritten.take()
    thread.join(10)

    assert waited
    assert [len(first), len(unwritten.take())] == [3, 1]


@dataclass
class _Register:
    """Writes rows, but for those of one instance."""

    bad: int
    written: list[list[int]] = field(default_factory=list)

    def rendered(self, batch: Sequence[Rendered]) -> list[list[str] | None]:
        numbers = [one.instance_id for one in batch]
        if self.bad in numbers:
            raise ValueError(f"no row for {self.bad}")
        self.written.append(numbers)
        return [[] for _ in batch]


class _Commits:
    """Commits at once."""

    def write(self, keys: Sequence[str], rows: Any) -> Any:
        return rows()


def test_what_is_wrong_with_one_picture_does_not_befall_those_drawn_beside_it() -> None:
    register, given_up = _Register(bad=2), list[int]()
    commits = cast(GroupCommit, _Commits())
    drawer = Drawer(*cast(Any, [None] * 5), commits)
    renderer = Renderer(cast(Registration, register), drawer, cast(Rerenderer, None), workers=1)
    batch = [drawn(number, given_up) for number in (1, 2, 3)]
    renderer.in_hand.add([one.task for one in batch])

    renderer._write(batch, threading.Event())

    assert register.written == [[1], [3]]
    assert given_up == [2]
    assert not renderer.in_hand.busy
