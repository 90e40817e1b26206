"""Renditions once more: images through the presentation states that refer to them, series with one range of values."""

import logging
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Final

from netty.archive.errors import DiskFault, DiskFull
from netty.archive.renewal import Drawn, Renewal, ToPresent
from netty.errors import LocalError
from netty.image.flags import Flag
from netty.image.series_range import is_of_range, is_shared, series_range
from netty.language import mark
from netty.workflow.pictures import Drawer, Pictures, picture_stem
from netty.workflow.tasks import Task

log = logging.getLogger(__name__)

NETTY_FAILED: Final = mark("netty failed; see its log.")
_IMAGE_GONE: Final = mark("The image's DICOM is gone; fetch the study again to see it through the presentation state.")
_STATE_GONE: Final = mark("The presentation state's DICOM is gone; fetch the study again to see its images through it.")
_NO_FRAME: Final = mark("The presentation state is for no frame that this image has.")
_MOST_ATTEMPTS: Final = 2


@dataclass(frozen=True, slots=True)
class Rerenderer:
    """Finds and does what is to be rendered once more."""

    renewal: Renewal
    drawer: Drawer

    def tasks(self, limit: int, stopping: threading.Event) -> Iterator[Task]:
        """What waits now."""
        for pair in self.renewal.to_present(limit):
            give_up = partial(self.renewal.not_presented, pair, NETTY_FAILED)
            yield Task(("presentation", pair.id), partial(self.present, pair), give_up, is_long=True)
        for number in self.renewal.series_without_range(limit):
            give_up = partial(self.renewal.has_range, number)
            yield Task(("series", number), partial(self.give_range, number, stopping), give_up, is_long=True)

    # --- presentation states ---

    def present(self, pair: ToPresent) -> None:
        """One image through one presentation state that refers to it."""
        kept = self._source(pair)
        if isinstance(kept, str):
            self.renewal.not_presented(pair, kept)
            return
        stem = f"{picture_stem(pair.image)}-{pair.state.key}"
        pictures = Pictures(self.drawer.blobs, stem, pair.state.sop_instance_uid, again=pair.has_pictures)
        try:
            with ExitStack() as places:
                image = places.enter_context(self.drawer.place(pair.image, kept[0]))
                state = places.enter_context(self.drawer.place(pair.state, kept[1]))
                self.drawer.draw(image, pictures, presentation_state=state)
        except (DiskFull, DiskFault):
            pictures.discard()
            raise
        except LocalError as error:
            log.warning("render: instance %d through a state: %s", pair.image.instance_id, error)
            pictures.discard()
            if pair.attempts + 1 < _MOST_ATTEMPTS:
                self.renewal.tried(pair)
            else:
                self.renewal.not_presented(pair, str(error))
            return
        if pictures.ended is not None or not pictures.renditions:
            pictures.discard()
            self.renewal.not_presented(pair, pictures.reason or _NO_FRAME)
            return
        new = pictures.renditions
        self._swap(pictures, self.drawer.commits.write(pictures.keys, lambda: self.renewal.presented(pair, new)))

    def _source(self, pair: ToPresent) -> tuple[bool, bool] | str:
        """Whether to read the kept files of image and state; why not, where one of them cannot be read at all.

        Both as they were received, else both as they are kept: a profile may have given the kept ones other UIDs.
        """
        drawer, image, state = self.drawer, pair.image, pair.state
        spooled = drawer.is_in_spool(image), drawer.is_in_spool(state)
        kept = drawer.is_kept(image), drawer.is_kept(state)
        if not (spooled[0] or kept[0]):
            return _IMAGE_GONE
        if not (spooled[1] or kept[1]):
            return _STATE_GONE
        if all(spooled):
            return False, False
        return (True, True) if all(kept) else (not spooled[0], not spooled[1])

    # --- series ---

    def give_range(self, series_id: int, stopping: threading.Event) -> None:
        """Render those images of a series again that were not drawn with the range of its values."""
        images = self.renewal.drawn(series_id)
        drawn = [one for one in images if _shares_range(one)]
        span = series_range(recipe for one in drawn for recipe in one.recipes)
        for one in drawn if span else ():
            if stopping.is_set():
                return
            if span and (_alone(one) or not all(is_of_range(recipe, *span) for recipe in one.recipes)):
                self._draw_with(one, span)
        self.renewal.has_range(series_id, max((one.instance.instance_id for one in images), default=0))

    def _draw_with(self, one: Drawn, span: tuple[float, float]) -> None:
        """An image with this range; where it cannot be, its pictures stay as they are."""
        instance = one.instance
        if not (self.drawer.is_in_spool(instance) or self.drawer.is_kept(instance)):
            return
        pictures = Pictures(self.drawer.blobs, picture_stem(instance), again=True)
        try:
            with self.drawer.place(instance, not self.drawer.is_in_spool(instance)) as place:
                self.drawer.draw(place, pictures, range=list(span))
        except (DiskFull, DiskFault):
            pictures.discard()
            raise
        except LocalError as error:
            log.warning("render: instance %d with its series' range: %s", instance.instance_id, error)
            pictures.discard()
            return
        if pictures.ended is not None:
            pictures.discard()
            return
        number, new = instance.instance_id, pictures.renditions
        self._swap(pictures, self.drawer.commits.write(pictures.keys, lambda: self.renewal.replaced(number, new)))

    def _swap(self, pictures: Pictures, old: list[str] | None) -> None:
        """Remove what no row names: the old pictures, or the new ones where their image is gone."""
        if old is None:
            pictures.discard()
        else:
            self.drawer.blobs.remove(old)


def _alone(one: Drawn) -> bool:
    return Flag.RANGE_OF_ONE_IMAGE in one.flags


def _shares_range(one: Drawn) -> bool:
    """Whether an image is of those that are shown with the range of their series."""
    return _alone(one) or any(map(is_shared, one.recipes))
