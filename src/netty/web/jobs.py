"""The page of the retrievals: what was asked for, how far it is, how it ended and why."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from netty.archive.audit import AuditEvent, AuditKind
from netty.errors import UsageError
from netty.language import mark
from netty.model.retrieval import LedgerCount, Retrieval, RetrievalState
from netty.web.pages import asks_for_part
from netty.web.people import patient_address
from netty.web.problems import NOT_HERE, NotFound
from netty.web.progress import UNFINISHED
from netty.web.site import Site, TheSite
from netty.web.visitor import Operator, Viewer
from netty.web.words import RETRIEVAL_LOOKS, RETRIEVAL_WORDS

router = APIRouter(include_in_schema=False)

_SHOWN: Final = 200
_RUNNING: Final = "running"
_NONE: Final = LedgerCount(0, 0, 0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Job:
    """One retrieval as the page shows it."""

    id: str
    remote: str
    patient_key: str
    patient_id: str
    patient_name: str
    address: str
    state: RetrievalState
    look: str
    final: bool
    cancel_requested: bool
    requested_at: datetime
    requested_by: str
    expected: int
    received: int
    rendered: int
    reason: str
    seconds: int | None


@dataclass(frozen=True, slots=True)
class Choice:
    """One filter above the list."""

    value: str
    word: str


_CHOICES: Final = (
    Choice("", mark("all")),
    Choice(_RUNNING, mark("running")),
    *(Choice(state.value, RETRIEVAL_WORDS[state]) for state in RetrievalState if state.final),
)


@router.get("/jobs")
def jobs_page(
    request: Request, site: TheSite, visitor: Viewer, state: Annotated[str, Query(max_length=20)] = ""
) -> Response:
    """The newest retrievals."""
    chosen = state if state in {choice.value for choice in _CHOICES} else ""
    wanted = None if not chosen else UNFINISHED if chosen == _RUNNING else (RetrievalState(chosen),)
    retrievals = site.parts.retrievals.list(wanted, _SHOWN)
    return site.pages.page(
        request,
        "jobs.html",
        active="jobs",
        choices=_CHOICES,
        chosen=chosen,
        looks=RETRIEVAL_LOOKS,
        jobs=jobs_of(site, retrievals),
    )


def jobs_of(site: Site, retrievals: Iterable[Retrieval]) -> list[Job]:
    """The retrievals with their counts and the patients' names."""
    retrievals = list(retrievals)
    counts = site.parts.retrievals.counts([one.id for one in retrievals])
    names = _names(site, {one.patient_key for one in retrievals if one.patient_key})
    return [make_job(one, counts.get(one.id, _NONE), names) for one in retrievals]


def _names(site: Site, keys: Iterable[str]) -> dict[str, str]:
    names = {}
    for key in keys:
        try:
            names[key] = site.parts.patients.get(key).name
        except UsageError:  # removed since
            continue
    return names


def make_job(retrieval: Retrieval, count: LedgerCount, names: Mapping[str, str]) -> Job:
    """One row."""
    key = retrieval.patient_key
    return Job(
        id=retrieval.id,
        remote=retrieval.remote,
        patient_key=key,
        patient_id=retrieval.patient_id,
        patient_name=names.get(key, ""),
        address=patient_address(key) if key in names else "",
        state=retrieval.state,
        look=RETRIEVAL_LOOKS[retrieval.state],
        final=retrieval.state.final,
        cancel_requested=retrieval.cancel_requested,
        requested_at=retrieval.requested_at,
        requested_by=retrieval.requested_by,
        expected=count.expected,
        received=count.received,
        rendered=count.rendered,
        reason=retrieval.reason,
        seconds=seconds_of(retrieval),
    )


def seconds_of(retrieval: Retrieval) -> int | None:
    """How long it took, or takes until now; None where it never started."""
    if retrieval.started_at is None:
        return None
    return round(((retrieval.ended_at or datetime.now(UTC)) - retrieval.started_at).total_seconds())


@router.post("/jobs/{retrieval_id}/cancel")
def cancel(request: Request, site: TheSite, visitor: Operator, retrieval_id: str) -> Response:
    """Ask a retrieval to stop."""
    parts = site.parts
    try:
        retrieval = parts.retrievals.get(retrieval_id)
    except UsageError:
        raise NotFound(NOT_HERE) from None
    if parts.retrievals.request_cancel(retrieval_id):
        parts.audit.write(
            AuditEvent(
                AuditKind.RETRIEVAL_CANCELLED,
                who=visitor.name,
                patient_key=retrieval.patient_key,
                study_instance_uid=retrieval.study_instance_uid,
                remote=retrieval.remote,
                detail={"retrieval": retrieval.id},
            )
        )
    if asks_for_part(request):
        job = jobs_of(site, [parts.retrievals.get(retrieval_id)])[0]
        return site.pages.page(request, "job.html", job=job)
    return RedirectResponse("/jobs", 303)
