"""From registered instances to renditions: rendered by children, synced, committed, and then cleared away."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import zip_longest

from netty.archive.errors import DatabaseFault, DiskFault, DiskFull
from netty.archive.held import RenderState
from netty.archive.received import Rendered, ToRender
from netty.archive.registration import Registration
from netty.archive.spool import Spool
from netty.dicom.uids import EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN
from netty.errors import LocalError
from netty.workflow.pictures import Drawer, HeldBack, Pictures, picture_stem
from netty.workflow.rerender import NETTY_FAILED, Rerenderer
from netty.workflow.tasks import Drawn, Every, InHand, Task, Unwritten

log = logging.getLogger(__name__)

_LOOK_SECONDS = 0.2  # between two looks for what other processes ask for; each takes a millisecond or two
_QUIET_SECONDS = 1.0  # without anything new or in hand: then there is nothing to look for
_AT_LEAST_SECONDS = 10.0
_CLEAN_SECONDS = 2.0
_CLEAR_AT_ONCE = 25  # files; meanwhile nobody else writes rows, and one of 28 MB took 8 ms to remove
_CLEAR_TIMES = 40
_AGAIN_SECONDS = 0.25
_AFTER_FAULT_SECONDS = 5.0
_LOOK_AHEAD = 64
_INSTANCE = "instance"
_LONG = 4 << 20  # bytes of a data set that is seconds in drawing; what was drawn before it must not wait
_QUICK = 1 << 20  # bytes of a data set that is milliseconds in drawing, unless it is compressed
_NATIVE = frozenset({IMPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_LITTLE_ENDIAN})
_MOST_ATTEMPTS = 2  # a child that dies twice of the same image will die again


@dataclass(frozen=True, slots=True)
class Renderer:
    """Renders whatever waits until it is told to stop.

    `workers` are threads that have children draw, and put the pictures away; one more writes the rows of all. `changed`
    says whether anything was committed since it was last asked: as long as nothing was, nothing waits. Who knows that
    something waits tells `in_hand`.
    """

    registration: Registration
    drawer: Drawer
    rerenderer: Rerenderer
    workers: int
    changed: Callable[[], bool] = lambda: True
    in_hand: InHand = field(default_factory=InHand)
    unwritten: Unwritten = field(default_factory=Unwritten)

    def run(self, stopping: threading.Event) -> None:
        """Work until `stopping` is set; what is under way then is finished."""
        threads = [
            threading.Thread(target=self._work, args=(stopping,), name=f"render-{number}")
            for number in range(self.workers)
        ]
        writer = threading.Thread(target=self._write_all, args=(stopping,), name="render-writer")
        for thread in (*threads, writer):
            thread.start()
        try:
            self._feed(stopping)
        finally:
            stopping.set()
            self.in_hand.end()
            for thread in threads:
                thread.join()
            self.unwritten.end()
            writer.join()

    def _feed(self, stopping: threading.Event) -> None:
        """Take up what waits: as soon as the threads will be without, and now and then for what others asked for."""
        again, clean = Every(_AGAIN_SECONDS), Every(_CLEAN_SECONDS)
        at_least = Every(_AT_LEAST_SECONDS)
        quiet_from = 0.0
        while not stopping.is_set():
            now = time.monotonic()
            if self.changed() or self.in_hand.busy:
                quiet_from = now + _QUIET_SECONDS
            try:
                if now <= quiet_from or at_least.due(now):
                    self._look()
                    if self.in_hand.waiting < self.workers and again.due(now):  # what has no picture yet comes first
                        self.in_hand.add(self.rerenderer.tasks(self.workers * 4, stopping))
                if clean.due(now):
                    clear_finished(self.registration, self.drawer.spool)
            except (DatabaseFault, DiskFault, DiskFull) as error:
                log.error("render: %s", error)
                stopping.wait(_AFTER_FAULT_SECONDS)
                quiet_from = time.monotonic() + _QUIET_SECONDS
            self.in_hand.wait_for_want(_LOOK_SECONDS)

    def _look(self) -> None:
        if self.in_hand.waiting < _LOOK_AHEAD:
            found = self.registration.unrendered(_LOOK_AHEAD, self.in_hand.numbers(_INSTANCE))
            self.in_hand.add(map(self._task, found), more=len(found) == _LOOK_AHEAD)

    def _work(self, stopping: threading.Event) -> None:
        """Draw; before waiting, and before what takes long, have written what was drawn."""
        while tasks := self._next_tasks():
            together = self._drawn_together(tasks) if len(tasks) > 1 else []
            for task, do in zip_longest(tasks, together):
                self._do(task, do or task.do, stopping)

    def _next_tasks(self) -> list[Task]:
        tasks = self.in_hand.take(wait=False, sharers=self.workers)
        if not tasks:
            self.unwritten.press()
            tasks = self.in_hand.take(wait=True, sharers=self.workers)
        if tasks and tasks[0].is_long:
            self.unwritten.press()
        return tasks

    def _write_all(self, stopping: threading.Event) -> None:
        """Write the rows of what was drawn, until nothing more will be."""
        while batch := self.unwritten.take():
            self._write(batch, stopping)

    def _drawn_together(self, tasks: Sequence[Task]) -> list[Callable[[], Drawn | None]]:
        """Quick ones, by one child in one go; gives what is left to do with each.

        Nothing where anything did not go smoothly: what it was is found out with each by itself.
        """
        these = [(task, task.quick, self._pictures(task.quick)) for task in tasks if task.quick]
        pictures = [each for _, _, each in these]
        try:
            with ExitStack() as places:
                self.drawer.draw_together(
                    [places.enter_context(self.drawer.place(one)) for _, one, _ in these], pictures
                )
        except Exception as error:
            log.info("render: %d instances are drawn one by one: %s", len(tasks), error)
            for each in pictures:
                each.discard()
            return []
        return [partial(self._drawn, one, each, task) for task, one, each in these]

    def _do(self, task: Task, do: Callable[[], Drawn | None], stopping: threading.Event) -> None:
        drawn = None
        try:
            drawn = do()
        except (DatabaseFault, DiskFull, DiskFault) as error:
            # Nothing is lost: it waits on.
            log.error("render: %s", error)
            stopping.wait(_AFTER_FAULT_SECONDS)
        except Exception:
            log.exception("render: %s %d", *task.key)
            task.give_up()
        finally:
            if drawn is not None:
                self.unwritten.add(drawn)
            else:
                self.in_hand.done(task)

    def _write(self, batch: Sequence[Drawn], stopping: threading.Event) -> None:
        """The rows of what was drawn, all in one go; where that fails, one by one."""
        try:
            self._register(batch)
        except (DatabaseFault, DiskFull, DiskFault) as error:
            log.error("render: %s", error)
            stopping.wait(_AFTER_FAULT_SECONDS)
        except Exception:
            if len(batch) > 1:
                for one in batch:
                    self._write([one], stopping)
                return
            log.exception("render: %s %d", *batch[0].task.key)
            batch[0].task.give_up()
        for one in batch:
            self.in_hand.done(one.task)

    def _register(self, batch: Sequence[Drawn]) -> None:
        """Sync the pictures and write their rows; then remove what no row names."""
        keys = [key for one in batch for key in one.pictures.keys]
        rows = [Rendered(one.instance.instance_id, one.pictures.renditions, one.kept_blob) for one in batch]
        unnamed = self.drawer.commits.write(keys, lambda: self.registration.rendered(rows))
        for one, old in zip(batch, unnamed, strict=True):
            if old is None:
                one.pictures.discard()
            elif old:
                self.drawer.blobs.remove(old)

    def _task(self, one: ToRender) -> Task:
        number = one.instance_id
        give_up = partial(self.registration.not_rendered, number, RenderState.FAILED, NETTY_FAILED)
        quick = one if one.data_length <= _QUICK and one.transfer_syntax in _NATIVE else None
        task = Task((_INSTANCE, number), lambda: self._render(one, task), give_up, one.data_length > _LONG, quick)
        return task

    def _pictures(self, one: ToRender) -> Pictures:
        return Pictures(self.drawer.blobs, picture_stem(one), again=one.has_pictures)

    def _render(self, one: ToRender, task: Task) -> Drawn | None:
        """One instance, from its file to its pictures; these show no more of the patient than what is kept."""
        pictures = self._pictures(one)
        try:
            with self.drawer.place(one) as place:
                self.drawer.draw(place, pictures)
        except (DiskFull, DiskFault):
            pictures.discard()
            raise
        except HeldBack as error:
            self._fail(one, error)
            return None
        except LocalError as error:
            log.warning("render: instance %d: %s", one.instance_id, error)
            pictures.discard()
            if one.attempts + 1 < _MOST_ATTEMPTS:
                self.registration.not_rendered(one.instance_id, RenderState.WAITING, str(error))
            else:
                self._fail(one, error)
            return None
        return self._drawn(one, pictures, task)

    def _fail(self, one: ToRender, error: LocalError) -> None:
        self.registration.not_rendered(one.instance_id, RenderState.FAILED, str(error), self.drawer.keeper.keep(one))

    def _drawn(self, one: ToRender, pictures: Pictures, task: Task) -> Drawn | None:
        """What was drawn, and the kept file beside it, to be written; where there is no picture, that is written."""
        kept = self.drawer.keeper.keep(one)
        if pictures.ended is None:
            return Drawn(task, one, pictures, kept)
        pictures.discard()
        # What was read from a kept file may name other UIDs than those that are known here.
        references = pictures.references if one.spool_name else ()
        self.registration.not_rendered(one.instance_id, pictures.ended, pictures.reason, kept, references)
        return None


def clear_finished(registration: Registration, spool: Spool) -> int:
    """Remove spool files that nothing needs any more; gives how many."""
    now, removed = datetime.now(UTC), 0
    for _ in range(_CLEAR_TIMES):
        portion = registration.clear_finished(now, lambda names: spool.remove(*names), _CLEAR_AT_ONCE)
        removed += portion
        if portion < _CLEAR_AT_ONCE:
            break
    return removed
