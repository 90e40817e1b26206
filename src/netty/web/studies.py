"""The pages of what is held: a study's series, one image, and the pictures themselves."""

from dataclasses import dataclass
from typing import Annotated, Final
from urllib.parse import quote

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response, StreamingResponse

from netty.archive.held import HeldRendition, HeldStudy
from netty.errors import UsageError
from netty.image.rendition import MEDIA_TYPES
from netty.image.settings import CtWindow, LoopFormat
from netty.language import mark
from netty.web.film import IN_BROWSERS, FilmSeries, Image, film_of, neighbours, rendition_address, study_address
from netty.web.flags import say_flags
from netty.web.people import Person, differs, person_in
from netty.web.problems import NOT_HERE, NotFound
from netty.web.reader import Reader, reader_of
from netty.web.site import Site, TheSite
from netty.web.visitor import Viewer, Visitor

router = APIRouter(include_in_schema=False)

# A rendition never changes: its number is given once. Only this browser may keep it, it shows a patient.
_KEEP: Final = {"cache-control": "private, max-age=31536000, immutable", "vary": "Cookie"}
_OTHER_BIRTH_DATE: Final = mark("The images name another birth date than the register. Is this the right person?")

Frame = Annotated[int, Query(ge=1, le=1_000_000)]
State = Annotated[str, Query(max_length=64)]
Look = Annotated[str, Query(max_length=16)]

LOOP: Final = "loop"
_LABELS: Final = {
    "": mark("as it is"),
    CtWindow.LUNG: mark("lung"),
    CtWindow.BONE: mark("bone"),
    CtWindow.BRAIN: mark("brain"),
    CtWindow.MEDIASTINUM: mark("mediastinum"),
    LOOP: mark("loop"),
}


@dataclass(frozen=True, slots=True)
class Picture:
    """One rendition on the screen. Where no browser shows its format, `preview` is what is to be seen of it."""

    address: str
    width: int
    height: int
    window: str
    format: str
    is_video: bool
    preview: str


@dataclass(frozen=True, slots=True)
class View:
    """One way to look at an image: as it is, through a further window or a presentation state, as a loop."""

    label: str
    address: str
    current: bool


@router.get("/open")
def open_study(site: TheSite, visitor: Viewer, study: Annotated[str, Query(max_length=64)]) -> Response:
    """The deep link for other systems, by Study Instance UID."""
    if not site.parts.holdings.held(study):
        raise NotFound(NOT_HERE)
    return RedirectResponse(study_address(study), 303)


def held_study(site: Site, visitor: Visitor, study_instance_uid: str) -> HeldStudy:
    """A study of ours, its viewing audited."""
    study = site.parts.holdings.study(study_instance_uid)
    if study is None:
        raise NotFound(NOT_HERE)
    site.views.study(visitor, study.study_instance_uid, study.patient_key, study.remote)
    return study


@router.get("/studies/{study_instance_uid}")
def study_page(request: Request, site: TheSite, visitor: Viewer, study_instance_uid: str) -> Response:
    """A study's series, each with its first thumbnails."""
    study = held_study(site, visitor, study_instance_uid)
    return _film_page(request, site, study, film_of(study))


@router.get("/studies/{study_instance_uid}/series/{series_instance_uid}")
def series_page(
    request: Request, site: TheSite, visitor: Viewer, study_instance_uid: str, series_instance_uid: str
) -> Response:
    """One series with all its thumbnails."""
    study = held_study(site, visitor, study_instance_uid)
    return _film_page(request, site, study, (_series_in(study, series_instance_uid),))


def _film_page(request: Request, site: Site, study: HeldStudy, shown: tuple[FilmSeries, ...]) -> Response:
    person = person_in(request, study)
    return site.pages.page(
        request,
        "study.html",
        active="patients",
        study=study,
        person=person,
        warnings=_warnings(request, site, study, person),
        shown=shown,
    )


def _warnings(request: Request, site: Site, study: HeldStudy, person: Person) -> list[str]:
    """What must be noticed about the person before anything is read from the images."""
    if not person.key:
        return []
    try:
        patient = site.parts.patients.get(person.key)
    except UsageError:  # removed from the register since
        return []
    return [reader_of(request.scope).say(_OTHER_BIRTH_DATE)] if differs(patient, study) else []


def _series_in(study: HeldStudy, series_instance_uid: str) -> FilmSeries:
    for series in film_of(study, None):
        if series.series_instance_uid == series_instance_uid:
            return series
    raise NotFound(NOT_HERE)


@router.get("/studies/{study_instance_uid}/series/{series_instance_uid}/images/{sop_instance_uid}")
def image_page(
    request: Request,
    site: TheSite,
    visitor: Viewer,
    study_instance_uid: str,
    series_instance_uid: str,
    sop_instance_uid: str,
    frame: Frame = 1,
    state: State = "",
    view: Look = "",
) -> Response:
    """One image, large, with its neighbours a key away.

    It is seen through a presentation state, if `state` names one, and in the way that `view` names: a further window
    of CT images, or all frames as a loop; else as it is.
    """
    study = held_study(site, visitor, study_instance_uid)
    series = _series_in(study, series_instance_uid)
    images = series.images
    position = next(
        (at for at, image in enumerate(images, 1) if image.instance.sop_instance_uid == sop_instance_uid), 0
    )
    if not position:
        raise NotFound(NOT_HERE)
    image = images[position - 1]
    frame = min(frame, image.frames)
    state = state if image.frame(frame, state) else ""
    loop = image.loop(state) if view == LOOP else None
    view = view if loop or image.frame(frame, state, view) else ""
    rendition = loop or image.frame(frame, state, view)
    through = _query(state, view)
    stays = _query("", view)  # a presentation state is for one image, a window for a series
    reader = reader_of(request.scope)
    person = person_in(request, study)
    return site.pages.page(
        request,
        "image.html",
        active="patients",
        study=study,
        study_address=study_address(study.study_instance_uid),
        person=person,
        warnings=_warnings(request, site, study, person),
        series=series,
        image=image,
        position=position,
        frame=frame,
        picture=_picture(rendition, image),
        is_loop=loop is not None,
        views=_views(reader, image, frame, state, view),
        not_presented=dict.fromkeys(image.instance.not_presented.values()),
        flags=say_flags(reader, rendition.flags) if rendition else [],
        previous=_address(images[position - 2], stays) if position > 1 else "",
        next=_address(images[position], stays) if position < len(images) else "",
        first=_address(images[0], stays),
        last=_address(images[-1], stays),
        previous_frame=f"{image.address}?frame={frame - 1}{through}" if frame > 1 else "",
        next_frame=f"{image.address}?frame={frame + 1}{through}" if frame < image.frames else "",
        ahead=[rendition_address(one) for one in neighbours(series, position, frame, view)] if not loop else [],
    )


def _query(state: str, view: str) -> str:
    """What says in an address how an image is looked at; it begins with ``&``."""
    named = (("state", state), ("view", view))
    return "".join(f"&{name}={quote(value, safe='')}" for name, value in named if value)


def _address(image: Image, query: str) -> str:
    return f"{image.address}?{query[1:]}" if query else image.address


def _views(reader: Reader, image: Image, frame: int, state: str, view: str) -> list[View]:
    """The ways to look at an image, where there is more than one."""
    ways = [("", name, reader.say(_LABELS.get(name, name))) for name in ("", *image.windows)]
    ways += [(uid, "", label) for uid, label in image.states.items()]
    for uid, label in ({"": ""} | image.states).items():
        if image.loop(uid):
            ways.append((uid, LOOP, f"{label} {reader.say(_LABELS[LOOP])}".lstrip()))
    if len(ways) == 1:
        return []

    def address(uid: str, name: str) -> str:
        return f"{image.address}?frame={image.frame_through(uid, frame)}{_query(uid, name)}"

    return [View(label, address(uid, name), (uid, name) == (state, view)) for uid, name, label in ways]


def _picture(rendition: HeldRendition | None, image: Image) -> Picture | None:
    if rendition is None:
        return None
    is_video = rendition.format == LoopFormat.MP4
    return Picture(
        rendition_address(rendition),
        rendition.width,
        rendition.height,
        rendition.window,
        rendition.format,
        is_video,
        "" if is_video or rendition.format in IN_BROWSERS else image.thumbnail,
    )


@router.get("/renditions/{rendition_id}")
def rendition(site: TheSite, visitor: Viewer, rendition_id: int) -> Response:
    """The picture as it was rendered."""
    one = _seen_rendition(site, visitor, rendition_id)
    media_type = MEDIA_TYPES.get(one.format, "application/octet-stream")
    if file := site.parts.blobs.path(one.blob_key):
        if not file.is_file():
            raise NotFound(NOT_HERE)
        return FileResponse(file, media_type=media_type, headers=_KEEP)
    headers = _KEEP | {"content-length": str(one.bytes)}
    return StreamingResponse(site.parts.blobs.read(one.blob_key), media_type=media_type, headers=headers)


def _seen_rendition(site: Site, visitor: Visitor, rendition_id: int) -> HeldRendition:
    place = site.parts.holdings.rendition(rendition_id) if 0 < rendition_id < 1 << 63 else None
    if place is None:
        raise NotFound(NOT_HERE)
    site.views.study(visitor, place.study_instance_uid, place.patient_key, place.remote)
    return place.rendition
