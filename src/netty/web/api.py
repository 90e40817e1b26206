"""The REST interface, /api/v1: the same as the pages, for programs; the same log-in, the same rights."""

import dataclasses
import json
from collections.abc import Iterable
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query
from fastapi.concurrency import run_in_threadpool
from fastapi.sse import format_sse_event
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from netty.model.retrieval import LedgerCount, Retrieval, RetrievalState
from netty.web.bulletin import Happening, RetrievalProgress, SearchChanged
from netty.web.documents import (
    PatientDocument,
    PatientTableDocument,
    RetrievalDocument,
    StudyDocument,
    patient_document,
    retrieval_document,
    study_document,
    table_document,
)
from netty.web.events import stream
from netty.web.patients import find_patients, table_of
from netty.web.quarantine import Ids
from netty.web.site import Site, TheSite
from netty.web.studies import held_study
from netty.web.visitor import Operator, Viewer

router = APIRouter(prefix="/api/v1", tags=["netty"])

_NONE = LedgerCount(0, 0, 0, 0, 0, 0)


@router.get("/openapi.json", include_in_schema=False)
def openapi(request: Request, visitor: Viewer) -> Response:
    """What this interface offers."""
    return JSONResponse(request.app.openapi())


@router.get("/patients")
def patients(site: TheSite, visitor: Viewer, q: Annotated[str, Query(max_length=100)] = "") -> list[PatientDocument]:
    """The registered patients, or those whose key, name or ID contains `q`."""
    return [patient_document(patient) for patient in find_patients(site, q)]


@router.get("/patients/{key:path}")
def patient(site: TheSite, visitor: Viewer, key: str) -> PatientTableDocument:
    """A patient's studies over all remotes, by their last answers."""
    one = site.patient(key)
    site.views.patient(visitor, one.key)
    return table_document(one, table_of(site, one))


@router.post("/patients/{key:path}/search", status_code=202)
async def search(site: TheSite, visitor: Operator, key: str) -> Response:
    """Ask all remotes of a patient; the answers are in the patient's document, the ends among the events."""
    one = await run_in_threadpool(site.patient, key)
    site.searches.start(one, visitor.name)
    return Response(status_code=202)


@router.get("/retrievals")
def retrievals(
    site: TheSite,
    visitor: Viewer,
    state: Annotated[list[RetrievalState] | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> list[RetrievalDocument]:
    """The newest retrievals."""
    return _documents(site, site.parts.retrievals.list(state, limit))


@router.post("/retrievals", status_code=202)
def retrieve(
    site: TheSite,
    visitor: Operator,
    patient: Annotated[str, Form(max_length=256)],
    remote: Annotated[str, Form(max_length=256)] = "",
    study: Annotated[str, Form(max_length=64)] = "",
) -> list[RetrievalDocument]:
    """Ask for one study from one remote; without them, for everything of the patient that is missing."""
    one, linkage = site.patient(patient), site.parts.linkage
    if remote or study:
        return _documents(site, [linkage.request_study(remote, study, one.key, visitor.name)])
    return _documents(site, linkage.request_missing(one.key, visitor.name))


def _documents(site: Site, some: Iterable[Retrieval]) -> list[RetrievalDocument]:
    some = list(some)
    counts = site.parts.retrievals.counts([one.id for one in some])
    return [retrieval_document(one, counts.get(one.id, _NONE)) for one in some]


@router.get("/studies/{study_instance_uid}")
def study(site: TheSite, visitor: Viewer, study_instance_uid: str) -> StudyDocument:
    """A study of ours with its series, images and renditions."""
    return study_document(held_study(site, visitor, study_instance_uid))


@router.get("/quarantine")
def quarantine(
    site: TheSite, visitor: Operator, study: Annotated[str, Query(max_length=64)] = ""
) -> list[dict[str, Any]]:
    """What waits for a person's decision; of one study, where it is named."""
    return [one.document() for one in site.parts.quarantine.waiting(study)]


@router.post("/quarantine/release")
def release(site: TheSite, visitor: Operator, ids: Ids) -> dict[str, list[str]]:
    """Admit these (IDs with commas between them) after all."""
    chosen = ids.split(",")
    site.parts.quarantine.release(chosen, visitor.name)
    return {"released": chosen}


@router.post("/quarantine/discard")
def discard(
    site: TheSite, visitor: Operator, ids: Ids, fetch_again: Annotated[bool, Form()] = False
) -> dict[str, list[str]]:
    """Remove these for good; with `fetch_again` the next search may fetch them once more."""
    chosen = ids.split(",")
    site.parts.quarantine.discard(chosen, visitor.name, fetch_again=fetch_again)
    return {"discarded": chosen}


@router.get("/events", response_class=Response, responses={200: {"content": {"text/event-stream": {}}}})
async def events(site: TheSite, visitor: Viewer) -> Response:
    """`retrieval` (a retrieval's document) and `search` (patient, remote, running), as they happen."""

    def tell(portion: list[Happening]) -> Iterable[bytes]:
        for one in portion:
            if isinstance(one, RetrievalProgress):
                document: dict[str, Any] = dataclasses.asdict(retrieval_document(one.retrieval, one.count))
                yield format_sse_event(event="retrieval", data_str=json.dumps(document, default=str))
            elif isinstance(one, SearchChanged):
                document = {"patient": one.patient_key, "remote": one.remote, "running": one.running}
                yield format_sse_event(event="search", data_str=json.dumps(document))

    return stream(site, visitor, tell)
