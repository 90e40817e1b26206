"""A study of ours as pages show it: series in order, images in order, each with its place before and behind."""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

from netty.archive.held import HeldInstance, HeldRendition, HeldSeries, HeldStudy
from netty.image.rendition import RenditionKind

SHOWN_PER_SERIES = 60
"""How many thumbnails of a series stand on the study's page; the series' own page shows all."""

IN_BROWSERS = frozenset({"jpeg", "png", "webp"})
"""The formats of pictures that browsers show; others are for downloading."""


@dataclass(frozen=True, slots=True)
class Image:
    """One image; `thumbnail` is empty where there is no picture."""

    address: str
    number: str
    frames: int
    thumbnail: str
    reason: str
    instance: HeldInstance

    def frame(self, number: int, state: str = "", view: str = "") -> HeldRendition | None:
        """The picture of a frame (from 1), through a presentation state or a further window if one is given."""
        return _pictures(self.instance, state, view).get(number)

    def loop(self, state: str = "") -> HeldRendition | None:
        """All frames as a loop, where there is one."""
        loops = (one for one in self.instance.renditions if one.kind is RenditionKind.LOOP)
        return next((one for one in loops if one.presentation_state == state), None)

    @property
    def states(self) -> dict[str, str]:
        """The presentation states through which it is seen: SOP Instance UID to label."""
        seen = (one for one in self.instance.pictures if one.presentation_state)
        return {one.presentation_state: _label(one) for one in sorted(seen, key=lambda one: one.id)}

    @property
    def windows(self) -> list[str]:
        """The further windows through which it is seen."""
        return list(dict.fromkeys(one.view for one in self.instance.renditions if one.view))

    def frame_through(self, state: str, frame: int) -> int:
        """This frame, or the first one that a presentation state is for, if it is not for this one."""
        seen = _pictures(self.instance, state)
        return frame if frame in seen else min(seen, default=frame)


@dataclass(frozen=True, slots=True)
class FilmSeries:
    """One series; `shown` are the images on the page, `rest` how many more there are."""

    address: str
    series_instance_uid: str
    number: str
    modality: str
    description: str
    images: tuple[Image, ...]
    shown: tuple[Image, ...]

    @property
    def rest(self) -> int:
        """How many are not shown."""
        return len(self.images) - len(self.shown)


def study_address(study_instance_uid: str) -> str:
    """Where the study is seen."""
    return f"/studies/{quote(study_instance_uid, safe='')}"


def rendition_address(rendition: HeldRendition) -> str:
    """Where the picture itself is."""
    return f"/renditions/{rendition.id}"


def film_of(study: HeldStudy, shown: int | None = SHOWN_PER_SERIES) -> tuple[FilmSeries, ...]:
    """All series of a study, each with its first `shown` images (None: all)."""
    return tuple(_series(study, series, shown) for series in sorted(study.series, key=_series_order))


def _series(study: HeldStudy, series: HeldSeries, shown: int | None) -> FilmSeries:
    address = f"{study_address(study.study_instance_uid)}/series/{quote(series.series_instance_uid, safe='')}"
    ordered = sorted(series.instances, key=_instance_order)
    images = tuple(_image(address, position, instance) for position, instance in enumerate(ordered, 1))
    return FilmSeries(
        address,
        series.series_instance_uid,
        series.number,
        series.modality,
        series.description,
        images,
        images[:shown],
    )


def _image(series_address: str, position: int, instance: HeldInstance) -> Image:
    pictures = _pictures(instance)
    small = next((one for one in instance.renditions if one.kind is RenditionKind.THUMBNAIL), None)
    shown = small or next((one for one in pictures.values() if one.format in IN_BROWSERS), None)
    return Image(
        address=f"{series_address}/images/{quote(instance.sop_instance_uid, safe='')}",
        number=instance.instance_number or f"({position})",
        frames=max(1, instance.frames),
        thumbnail=rendition_address(shown) if shown else "",
        reason=instance.reason,
        instance=instance,
    )


def _label(rendition: HeldRendition) -> str:
    """What a presentation state calls itself (PS3.3 C.11.10)."""
    return str((rendition.recipe.get("presentation_state") or {}).get("label") or "GSPS")


def _pictures(instance: HeldInstance, state: str = "", view: str = "") -> dict[int, HeldRendition]:
    """Frame to picture.

    Through `state` where one is given, else plain ones before those of a presentation state.
    """
    pictures: dict[int, HeldRendition] = {}
    shown = [one for one in instance.pictures if one.view == view]
    for rendition in sorted(shown, key=lambda one: (one.presentation_state != "", one.id)):
        if not state or rendition.presentation_state == state:
            pictures.setdefault(rendition.frame, rendition)
    return pictures


def _number(text: str) -> tuple[int, str]:
    """Numbers by value, what is none behind them."""
    try:
        return int(text), ""
    except ValueError:
        return 1 << 62, text


def _series_order(series: HeldSeries) -> tuple[tuple[int, str], str]:
    return _number(series.number), series.series_instance_uid


def _instance_order(instance: HeldInstance) -> tuple[tuple[int, str], str]:
    return _number(instance.instance_number), instance.sop_instance_uid


def neighbours(series: FilmSeries, position: int, frame: int, view: str = "") -> Iterator[HeldRendition]:
    """The pictures that are likely to be looked at next, the nearest first."""
    image = series.images[position - 1]
    for step in (1, -1, 2, 3, 4):
        if image.frames > 1:
            picture = image.frame(frame + step, view=view)
        else:
            index = position - 1 + step
            picture = series.images[index].frame(1, view=view) if 0 <= index < len(series.images) else None
        if picture:
            yield picture
