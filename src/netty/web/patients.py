"""The pages of the patients: the list, and one patient's studies over all remotes."""

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Form, Query
from fastapi.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from netty.model.patient import Patient
from netty.web.pages import asks_for_part
from netty.web.people import patient_address, person_of
from netty.web.site import Site, TheSite
from netty.web.table import StateCount, Table, make_table
from netty.web.visitor import Operator, Viewer

router = APIRouter(include_in_schema=False)

_PER_PAGE: Final = 50

Search = Annotated[str, Query(max_length=100)]


@dataclass(frozen=True, slots=True)
class PatientRow:
    """One patient in the list."""

    patient: Patient
    address: str
    states: tuple[StateCount, ...]
    searched_at: datetime | None
    not_answered: tuple[str, ...]


@router.get("/")
def patients_page(request: Request, site: TheSite, visitor: Viewer, q: Search = "", page: int = 1) -> Response:
    """All registered patients, or those that match."""
    patients = find_patients(site, q)
    pages = max(1, -(-len(patients) // _PER_PAGE))
    page = min(max(1, page), pages)
    shown = patients[(page - 1) * _PER_PAGE : page * _PER_PAGE]
    return site.pages.page(
        request,
        "patients.html",
        active="patients",
        q=q,
        page=page,
        pages=pages,
        total=len(patients),
        patients=[_row(site, patient) for patient in shown],
    )


def folded(text: str) -> str:
    """As people mean it: full-width and half-width forms are the same (NFKC), blanks around it mean nothing."""
    return unicodedata.normalize("NFKC", text).strip()


def find_patients(site: Site, text: str) -> list[Patient]:
    """The patients whose key, name or ID contains what was typed, whichever width it was typed or registered in."""
    wanted = folded(text).casefold()
    patients = site.parts.patients.list()
    return [patient for patient in patients if not wanted or any(wanted in one for one in _searched(patient))]


def _searched(patient: Patient) -> list[str]:
    """Where a search looks; names also without the blanks that some put between family and given name."""
    texts = [patient.key, patient.name, *(link.patient_id for link in patient.links)]
    folds = [folded(text).casefold() for text in texts]
    return [*folds, folds[1].replace(" ", "").replace("^", "")]


def _row(site: Site, patient: Patient) -> PatientRow:
    table = table_of(site, patient)
    moments = [column.searched_at for column in table.columns if column.searched_at]
    failed = tuple(column.remote for column in table.columns if column.failure)
    return PatientRow(patient, patient_address(patient.key), table.summary, max(moments, default=None), failed)


def table_of(site: Site, patient: Patient) -> Table:
    """The truth table of a patient, as of now."""
    parts = site.parts
    views = parts.linkage.noted(patient.key)
    listed = {one.study.study_instance_uid for view in views for one in view.studies}
    held = {study.study_instance_uid: study for study in parts.holdings.studies(patient_key=patient.key)}
    if others := listed - held.keys():
        # Fetched by an operator's override before the patient was registered.
        for study in parts.holdings.studies(study_instance_uids=others):
            if not study.patient_key:
                held[study.study_instance_uid] = study
    retrievals = [
        one for one in parts.retrievals.of_studies(listed | held.keys()) if one.patient_key in ("", patient.key)
    ]
    counts = parts.retrievals.counts([one.id for one in retrievals if not one.state.final])
    searches = site.searches
    return make_table(
        patient,
        views,
        held.values(),
        retrievals,
        counts,
        searches.running(patient.key),
        searches.failures(patient.key),
    )


@router.post("/patients/{key:path}/search")
async def search_remotes(request: Request, site: TheSite, visitor: Operator, key: str) -> Response:
    """Ask all remotes of the patient; their answers come in one by one."""
    patient = await run_in_threadpool(site.patient, key)
    site.searches.start(patient, visitor.name)
    return await run_in_threadpool(_after, request, site, patient)


@router.post("/patients/{key:path}/fetch")
def fetch(
    request: Request,
    site: TheSite,
    visitor: Operator,
    key: str,
    remote: Annotated[str, Form(max_length=256)] = "",
    study: Annotated[str, Form(max_length=64)] = "",
) -> Response:
    """Ask for one study from one remote; without them, for everything that is missing."""
    patient = site.patient(key)
    if remote or study:
        site.parts.linkage.request_study(remote, study, patient.key, visitor.name)
    else:
        site.parts.linkage.request_missing(patient.key, visitor.name)
    return _after(request, site, patient)


def _after(request: Request, site: Site, patient: Patient) -> Response:
    """What follows a button: the table anew, or the page where no script runs."""
    if asks_for_part(request):
        return _table_part(request, site, patient)
    return RedirectResponse(patient_address(patient.key), 303)


@router.get("/patients/{key:path}/table")
def table_part(request: Request, site: TheSite, visitor: Viewer, key: str) -> Response:
    """The table alone."""
    return _table_part(request, site, site.patient(key))


def _table_part(request: Request, site: Site, patient: Patient) -> Response:
    table = table_of(site, patient)
    return site.pages.page(request, "table.html", table=table, address=patient_address(patient.key))


@router.get("/patients/{key:path}")
def patient_page(request: Request, site: TheSite, visitor: Viewer, key: str) -> Response:
    """One patient's studies over all remotes."""
    patient = site.patient(key)
    site.views.patient(visitor, patient.key)
    return site.pages.page(
        request,
        "patient.html",
        active="patients",
        person=person_of(request, patient),
        address=patient_address(patient.key),
        table=table_of(site, patient),
    )
