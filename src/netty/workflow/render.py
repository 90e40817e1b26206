"""From registered instances to renditions: rendered by children, synced, committed, and then cleared away."""

import hashlib
import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from netty.archive.blobs import Blobs
from netty.archive.errors import DatabaseFault, DiskFault, DiskFull
from netty.archive.held import RenderState
from netty.archive.received import NewRendition, ToRender
from netty.archive.registration import Registration
from netty.archive.spool import Spool
from netty.errors import LocalError, NettyError
from netty.image.settings import RenderSettings, RenditionFormat
from netty.language import mark
from netty.processes.render_pool import Reply
from netty.workflow.deidentify import Pixels
from netty.workflow.keep import Keeper
from netty.workflow.render_image import RenderedFrame, locate_data_set, rendered_frame

log = logging.getLogger(__name__)

_LOOK_SECONDS = 0.05
_CLEAN_SECONDS = 2.0
_AFTER_FAULT_SECONDS = 5.0
_HELD = mark("Its pixels may show who the patient is: it is held for a person to look at ([keep] burned_in).")
_MOST_ATTEMPTS = 2  # a child that dies twice of the same image will die again

_SUFFIX = {
    RenditionFormat.JPEG: "jpg",
    RenditionFormat.PNG: "png",
    RenditionFormat.WEBP: "webp",
    RenditionFormat.TIFF: "tif",
}

Render = Callable[[Mapping[str, Any]], Iterable[Reply]]
"""Runs one job in a render child and gives its replies one by one; LocalError where the child died of it."""


@dataclass(frozen=True, slots=True)
class Renderer:
    """Renders whatever waits, `workers` instances at a time, until it is told to stop."""

    registration: Registration
    spool: Spool
    blobs: Blobs
    render: Render
    settings: RenderSettings
    keeper: Keeper
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
        until_clean = 0.0
        while True:
            pause = _LOOK_SECONDS
            try:
                if in_hand.hungry(self.workers):
                    in_hand.add(self.registration.unrendered(self.workers * 4))
                until_clean -= _LOOK_SECONDS
                if until_clean <= 0:
                    clear_finished(self.registration, self.spool)
                    until_clean = _CLEAN_SECONDS
            except (DatabaseFault, DiskFull, DiskFault) as error:
                log.error("render: %s", error)
                pause = _AFTER_FAULT_SECONDS
            if stopping.wait(pause):
                return

    def _work(self, in_hand: "_InHand", stopping: threading.Event) -> None:
        for one in in_hand:
            if stopping.is_set():
                return
            try:
                self._render(one)
            except (DatabaseFault, DiskFull, DiskFault) as error:
                # Nothing is lost: the instance waits on.
                log.error("render: %s", error)
                stopping.wait(_AFTER_FAULT_SECONDS)
            except Exception:
                log.exception("render: instance %d", one.instance_id)
                self.registration.not_rendered(one.instance_id, RenderState.FAILED, "netty failed; see its log.")
            finally:
                in_hand.done(one)

    def _render(self, one: ToRender) -> None:
        """One instance, from its file to its rows; its pictures show no more of the patient than what is kept."""
        pixels = self.keeper.pixels_of(one)
        if pixels is Pixels.HELD:
            self.registration.not_rendered(one.instance_id, RenderState.FAILED, _HELD, self.keeper.keep(one))
        elif pixels is Pixels.MASKED:
            with self.keeper.masked(one) as path:
                self._draw(one, path)
        else:
            self._draw(one)

    def _draw(self, one: ToRender, masked: Path | None = None) -> None:
        """The pictures of an instance, from its own file or from a masked copy."""
        pictures = _Pictures(self.blobs, one.key)
        try:
            for reply in self.render(self._job(one, masked)):
                pictures.take(reply.header, reply.payload)
        except (DiskFull, DiskFault):
            raise
        except LocalError as error:
            log.warning("render: instance %d: %s", one.instance_id, error)
            again = one.attempts + 1 < _MOST_ATTEMPTS
            self.blobs.remove(pictures.keys)
            state = RenderState.WAITING if again else RenderState.FAILED
            self.registration.not_rendered(one.instance_id, state, str(error), None if again else self.keeper.keep(one))
            return
        kept = self.keeper.keep(one)
        self.blobs.sync(pictures.keys)
        if pictures.ended is None:
            self.registration.rendered(one.instance_id, pictures.renditions, kept)
        else:
            self.blobs.remove(pictures.keys)
            self.registration.not_rendered(one.instance_id, pictures.ended, pictures.reason, kept)

    def _job(self, one: ToRender, masked: Path | None) -> dict[str, Any]:
        """What the child has to know; it reads from the spool, or from the kept file when pictures are made anew."""
        job = {
            "transfer_syntax": one.transfer_syntax,
            "format": self.settings.format.value,
            "quality": self.settings.quality,
        }
        if one.spool_name and masked is None:
            place = {"path": str(self.spool.path(one.spool_name)), "offset": one.data_offset, "length": one.data_length}
            return job | place
        path = masked or self.blobs.path(one.kept_blob or "")
        if path is None:
            raise DiskFault("The kept DICOM of an image lies in a bucket; it is rendered again only from a folder.")
        offset, _ = locate_data_set(path)
        return job | {"path": str(path), "offset": offset}


class _Pictures:
    """Takes the replies to one job: each picture goes to the blob store at once, so that no cine fills the memory."""

    def __init__(self, blobs: Blobs, key: str) -> None:
        self._blobs = blobs
        self._folder = f"renditions/{key[:2]}/{key}"
        self.keys: list[str] = []
        self.renditions: list[NewRendition] = []
        self.ended: RenderState | None = None
        self.reason = ""

    def take(self, header: Mapping[str, Any], data: bytes) -> None:
        match header["kind"]:
            case "frame":
                self._picture(rendered_frame(header, data))
            case "no_picture" | "cannot_render" as kind:
                self.ended = RenderState.NO_PICTURE if kind == "no_picture" else RenderState.FAILED
                self.reason = str(NettyError(header["template"], **header["values"]))

    def _picture(self, frame: RenderedFrame) -> None:
        blob_key = f"{self._folder}/{frame.frame:06d}.{_SUFFIX[frame.format]}"
        self._blobs.put(blob_key, frame.data)
        self.keys.append(blob_key)
        self.renditions.append(
            NewRendition(
                format=frame.format.value,
                frame=frame.frame,
                blob_key=blob_key,
                width=frame.width,
                height=frame.height,
                bytes=len(frame.data),
                sha256=hashlib.sha256(frame.data).hexdigest(),
                recipe=frame.recipe,
                window=frame.window,
                flags=tuple(flag.value for flag in frame.flags),
            )
        )


class _InHand:
    """The instances that were taken up and are not done, so that none is taken up twice."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: list[ToRender | None] = []
        self._taken: set[int] = set()

    def hungry(self, workers: int) -> bool:
        """Whether the workers will soon have nothing to do."""
        with self._changed:
            return len(self._waiting) < workers

    def add(self, found: Iterable[ToRender]) -> None:
        """Take these up, but for those that are in hand already."""
        with self._changed:
            new = [one for one in found if one.instance_id not in self._taken]
            self._taken |= {one.instance_id for one in new}
            self._waiting += new
            self._changed.notify_all()

    def done(self, one: ToRender) -> None:
        with self._changed:
            self._taken.discard(one.instance_id)

    def end(self, workers: int) -> None:
        """Let the workers end."""
        with self._changed:
            self._waiting[:0] = [None] * workers
            self._changed.notify_all()

    def __iter__(self) -> Iterator[ToRender]:
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
