"""Server-sent events for open pages: small changes are sent as HTML, after big ones the page fetches itself anew."""

import json
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Final

from fastapi import APIRouter
from fastapi.concurrency import run_in_threadpool
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from netty.archive.users import IDLE_TIME
from netty.web.bulletin import Happening, RetrievalProgress, SessionEnded
from netty.web.jobs import jobs_of
from netty.web.site import Site, TheSite
from netty.web.table import Cell, CellState, cell_id, running_of
from netty.web.visitor import Viewer, Visitor

router = APIRouter(include_in_schema=False)

_HEARTBEAT_SECONDS: Final = 15.0
# A page that is only left open does not keep a session alive: after the idle time it is loaded anew, and then asks
# for the log-in.
_LONGEST_SECONDS: Final = IDLE_TIME.total_seconds() + 30
CHANGED: Final = format_sse_event(event="changed", data_str="")
GONE: Final = format_sse_event(event="gone", data_str="")

Teller = Callable[[list[Happening]], Iterable[bytes]]


@router.get("/patients/{key:path}/events")
async def patient_events(request: Request, site: TheSite, visitor: Viewer, key: str) -> Response:
    """What happens to one patient's studies."""
    patient = await run_in_threadpool(site.patient, key)
    address = request.url.path.removesuffix("/events")

    seen: set[str] = set()

    def tell(portion: list[Happening]) -> Iterable[bytes]:
        mine = [one for one in portion if not isinstance(one, SessionEnded) and one.patient_key == patient.key]
        coming = known_and_running(mine, seen)
        for one in coming:
            cell = _running_cell(one)
            html = site.pages.text(request, "cell_alone.html", one=cell, address=address)
            yield _swap(cell.id, html, "innerHTML")
        if len(coming) < len(mine):
            yield CHANGED

    return stream(site, visitor, tell)


def known_and_running(happenings: Iterable[Happening], seen: set[str]) -> list[RetrievalProgress]:
    """The steps of retrievals that the page shows already; a new one, or an end, changes more than its own place."""
    progress = [one for one in happenings if isinstance(one, RetrievalProgress)]
    coming = [one for one in progress if one.retrieval.id in seen and not one.retrieval.state.final]
    seen.update(one.retrieval.id for one in progress)
    return coming


def _running_cell(progress: RetrievalProgress) -> Cell:
    retrieval = progress.retrieval
    return Cell(
        cell_id(retrieval.remote, retrieval.study_instance_uid),
        retrieval.remote,
        retrieval.study_instance_uid,
        CellState.RUNNING,
        running=running_of(retrieval, progress.count),
    )


@router.get("/jobs/events")
async def job_events(request: Request, site: TheSite, visitor: Viewer) -> Response:
    """What happens to all retrievals."""
    seen: set[str] = set()

    def tell(portion: list[Happening]) -> Iterable[bytes]:
        progress = [one for one in portion if isinstance(one, RetrievalProgress)]
        coming = known_and_running(progress, seen)
        for job in jobs_of(site, [one.retrieval for one in coming]):
            yield _swap(f"job-{job.id}", site.pages.text(request, "job.html", job=job), "outerHTML")
        if len(coming) < len(progress):
            yield CHANGED

    return stream(site, visitor, tell)


def _swap(target: str, html: str, style: str) -> bytes:
    return format_sse_event(event="swap", data_str=json.dumps({"target": target, "html": html, "style": style}))


def stream(site: Site, visitor: Visitor, tell: Teller) -> Response:
    """What `tell` makes of each portion, until the browser goes, the session ends, or the server stops."""
    return StreamingResponse(_chunks(site, visitor, tell), media_type="text/event-stream")


async def _chunks(site: Site, visitor: Visitor, tell: Teller) -> AsyncIterator[bytes]:
    until = site.loop.time() + _LONGEST_SECONDS
    yield KEEPALIVE_COMMENT
    async for portion in site.bulletin.follow(_HEARTBEAT_SECONDS):
        ended = any(isinstance(one, SessionEnded) and one.session == visitor.key for one in portion)
        if ended or site.loop.time() > until:
            yield GONE
            return
        # Rendering reads the database here and there: not in the event loop.
        chunks = await run_in_threadpool(_told, tell, portion) if portion else []
        yield b"".join(chunks) or KEEPALIVE_COMMENT


def _told(tell: Teller, portion: list[Happening]) -> list[bytes]:
    return list(tell(portion))
