"""The pages of what is held: a study's series, one image, and the pictures themselves."""

import io
from dataclasses import dataclass
from typing import Annotated, Final
from urllib.parse import quote

from fastapi import APIRouter, Query
from PIL import Image as Pillow
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response, StreamingResponse

from netty.archive.held import HeldStudy, Rendition
from netty.errors import UsageError
from netty.language import mark
from netty.web.film import FilmSeries, Image, film_of, neighbours, rendition_address, study_address
from netty.web.flags import say_flags
from netty.web.people import Person, differs, person_in
from netty.web.problems import NOT_HERE, NotFound
from netty.web.reader import reader_of
from netty.web.site import Site, TheSite
from netty.web.visitor import Viewer, Visitor

router = APIRouter(include_in_schema=False)

MEDIA_TYPES: Final = {
    "jpeg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
    "tiff": "image/tiff",
    "mp4": "video/mp4",
}
# A rendition never changes: its number is given once. Only this browser may keep it, it shows a patient.
_KEEP: Final = {"cache-control": "private, max-age=31536000, immutable", "vary": "Cookie"}
_THUMBNAIL_SIDE: Final = 320
_OTHER_BIRTH_DATE: Final = mark("The images name another birth date than the register. Is this the right person?")

Frame = Annotated[int, Query(ge=1, le=1_000_000)]
State = Annotated[str, Query(max_length=64)]


@dataclass(frozen=True, slots=True)
class Picture:
    """One rendition on the screen."""

    address: str
    width: int
    height: int
    window: str


@dataclass(frozen=True, slots=True)
class View:
    """One way to look at an image: as it is (an empty label), or through a presentation state."""

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
) -> Response:
    """One image, large, with its neighbours a key away; through a presentation state, if `state` names one."""
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
    rendition = image.frame(frame, state)
    through = f"&state={state}" if state else ""
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
        picture=_picture(rendition),
        views=_views(image, frame, state),
        not_presented=dict.fromkeys(image.instance.not_presented.values()),
        flags=say_flags(reader_of(request.scope), rendition.flags) if rendition else [],
        previous=images[position - 2].address if position > 1 else "",
        next=images[position].address if position < len(images) else "",
        first=images[0].address,
        last=images[-1].address,
        previous_frame=f"{image.address}?frame={frame - 1}{through}" if frame > 1 else "",
        next_frame=f"{image.address}?frame={frame + 1}{through}" if frame < image.frames else "",
        ahead=[rendition_address(one) for one in neighbours(series, position, frame)],
    )


def _views(image: Image, frame: int, state: str) -> list[View]:
    """The ways to look at an image, where there is more than one."""
    if not image.states:
        return []

    def address(uid: str) -> str:
        return f"{image.address}?frame={image.frame_through(uid, frame)}&state={quote(uid, safe='')}"

    through = [View(label, address(uid), uid == state) for uid, label in image.states.items()]
    return [View("", f"{image.address}?frame={frame}", not state), *through]


def _picture(rendition: Rendition | None) -> Picture | None:
    if rendition is None:
        return None
    return Picture(rendition_address(rendition), rendition.width, rendition.height, rendition.window)


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


@router.get("/renditions/{rendition_id}/thumbnail")
def thumbnail(site: TheSite, visitor: Viewer, rendition_id: int) -> Response:
    """The picture, small: a page of sixty radiographs is not sixty radiographs heavy."""
    one = _seen_rendition(site, visitor, rendition_id)
    small = make_thumbnail(site.parts.blobs.get(one.blob_key))
    return Response(small, media_type="image/jpeg", headers=_KEEP)


def make_thumbnail(encoded: bytes) -> bytes:
    """A small JPEG of a picture of ours. Of a JPEG only as much is decoded as is needed (DCT scaling)."""
    with Pillow.open(io.BytesIO(encoded)) as picture:
        picture.draft(None, (_THUMBNAIL_SIDE, _THUMBNAIL_SIDE))
        picture.thumbnail((_THUMBNAIL_SIDE, _THUMBNAIL_SIDE), Pillow.Resampling.BILINEAR)
        small = io.BytesIO()
        (picture if picture.mode in ("L", "RGB") else picture.convert("RGB")).save(small, "JPEG", quality=82)
    return small.getvalue()


def _seen_rendition(site: Site, visitor: Visitor, rendition_id: int) -> Rendition:
    place = site.parts.holdings.rendition(rendition_id) if 0 < rendition_id < 1 << 63 else None
    if place is None:
        raise NotFound(NOT_HERE)
    site.views.study(visitor, place.study_instance_uid, place.patient_key, place.remote)
    return place.rendition
