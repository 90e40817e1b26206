"""From registered instances to renditions: rendered by children, synced, committed, and then cleared away."""

import logging
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from netty.archive.errors import DatabaseFault, DiskFault, DiskFull
from netty.archive.held import RenderState
from netty.archive.received import ToRender
from netty.archive.registration import Registration
from netty.archive.spool import Spool
from netty.errors import LocalError
from netty.workflow.pictures import Drawer, HeldBack, Pictures, picture_folder
from netty.workflow.rerender import NETTY_FAILED, Rerenderer, Task

log = logging.getLogger(__name__)

_LOOK_SECONDS = 0.05
_IDLE_LOOK_SECONDS = 0.2  # each look takes a millisecond or two
_CLEAN_SECONDS = 2.0
_AGAIN_SECONDS = 0.25
_AFTER_FAULT_SECONDS = 5.0
_MOST_ATTEMPTS = 2  # a child that dies twice of the same image will die again


@dataclass(frozen=True, slots=True)
class Renderer:
    """Renders whatever waits until it is told to stop.

    `workers` are threads; with more of them than render children, some write their rows while others draw.
    """

    registration: Registration
    drawer: Drawer
    rerenderer: Rerenderer
    workers: int

    def run(self, stopping: threading.Event) -> None:
        """Work until `stopping` is set; what is under way then is finished."""
        in_hand = _InHand()
        threads = [
            threading.Thread(target=self._work, args=(in_hand, stopping), name=f"render-{number}")
            for number in range(self.workers)
        ]
        for thread in threads:
            thread.start()
        try:
            self._feed(in_hand, stopping)
        finally:
            stopping.set()
            in_hand.end(self.workers)
            for thread in threads:
                thread.join()

    def _feed(self, in_hand: "_InHand", stopping: threading.Event) -> None:
        until_clean = until_again = 0.0
        while True:
            pause = _LOOK_SECONDS if in_hand.busy else _IDLE_LOOK_SECONDS
            try:
                if in_hand.hungry(self.workers):
                    in_hand.add(map(self._task, self.registration.unrendered(self.workers * 4)))
                until_again -= pause
                if until_again <= 0 and in_hand.hungry(self.workers):  # what has no picture yet comes first
                    in_hand.add(self.rerenderer.tasks(self.workers * 4, stopping))
                    until_again = _AGAIN_SECONDS
                until_clean -= pause
                if until_clean <= 0:
                    clear_finished(self.registration, self.drawer.spool)
                    until_clean = _CLEAN_SECONDS
            except (DatabaseFault, DiskFull, DiskFault) as error:
                log.error("render: %s", error)
                pause = _AFTER_FAULT_SECONDS
            if stopping.wait(pause):
                return

    def _work(self, in_hand: "_InHand", stopping: threading.Event) -> None:
        for task in in_hand:
            if stopping.is_set():
                return
            try:
                task.do()
            except (DatabaseFault, DiskFull, DiskFault) as error:
                # Nothing is lost: it waits on.
                log.error("render: %s", error)
                stopping.wait(_AFTER_FAULT_SECONDS)
            except Exception:
                log.exception("render: %s %d", *task.key)
                task.give_up()
            finally:
                in_hand.done(task)

    def _task(self, one: ToRender) -> Task:
        def give_up() -> None:
            self.registration.not_rendered(one.instance_id, RenderState.FAILED, NETTY_FAILED)

        return Task(("instance", one.instance_id), lambda: self._render(one), give_up)

    def _render(self, one: ToRender) -> None:
        """One instance, from its file to its rows; its pictures show no more of the patient than what is kept."""
        pictures = Pictures(self.drawer.blobs, picture_folder(one), again=one.has_pictures)
        try:
            with self.drawer.place(one) as place:
                self.drawer.draw(place, pictures)
        except (DiskFull, DiskFault):
            pictures.discard()
            raise
        except HeldBack as error:
            self._fail(one, error)
            return
        except LocalError as error:
            log.warning("render: instance %d: %s", one.instance_id, error)
            pictures.discard()
            if one.attempts + 1 < _MOST_ATTEMPTS:
                self.registration.not_rendered(one.instance_id, RenderState.WAITING, str(error))
            else:
                self._fail(one, error)
            return
        self._write(one, pictures)

    def _fail(self, one: ToRender, error: LocalError) -> None:
        self.registration.not_rendered(one.instance_id, RenderState.FAILED, str(error), self.drawer.keeper.keep(one))

    def _write(self, one: ToRender, pictures: Pictures) -> None:
        """What was drawn, and the kept file beside it, get their rows; then what no row names is removed."""
        kept = self.drawer.keeper.keep(one)
        if pictures.ended is None:
            old = self.drawer.commits.write(
                pictures.keys, lambda: self.registration.rendered(one.instance_id, pictures.renditions, kept)
            )
            if old is None:
                pictures.discard()
            else:
                self.drawer.blobs.remove(old)
            return
        pictures.discard()
        # What was read from a kept file may name other UIDs than those that are known here.
        references = pictures.references if one.spool_name else ()
        self.registration.not_rendered(one.instance_id, pictures.ended, pictures.reason, kept, references)


class _InHand:
    """The tasks that were taken up and are not done, so that none is taken up twice."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: list[Task | None] = []
        self._taken: set[tuple[str, int]] = set()

    def hungry(self, workers: int) -> bool:
        """Whether the workers will soon have nothing to do."""
        with self._changed:
            return len(self._waiting) < workers

    @property
    def busy(self) -> bool:
        """Whether anything is in hand."""
        return bool(self._taken)

    def add(self, found: Iterable[Task]) -> None:
        """Take these up, but for those that are in hand already."""
        with self._changed:
            new = [one for one in found if one.key not in self._taken]
            self._taken |= {one.key for one in new}
            self._waiting += new
            self._changed.notify_all()

    def done(self, one: Task) -> None:
        with self._changed:
            self._taken.discard(one.key)

    def end(self, workers: int) -> None:
        """Let the workers end."""
        with self._changed:
            self._waiting[:0] = [None] * workers
            self._changed.notify_all()

    def __iter__(self) -> Iterator[Task]:
        while True:
            with self._changed:
                while not self._waiting:
                    self._changed.wait()
                one = self._waiting.pop(0)
            if one is None:
                return
            yield one


def clear_finished(registration: Registration, spool: Spool) -> int:
    """Remove spool files that nothing needs any more; gives how many."""
    names = registration.finished_spool_files(datetime.now(UTC))
    if names:
        spool.remove(*names)
        registration.spool_files_removed(names)
    return len(names)
