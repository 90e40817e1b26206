"""The pages of the quarantine: what waits for a person, whose it says it is and who was asked for, and the decision."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Form, Query
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from netty.archive.set_aside import Person, SetAside, Why
from netty.dicom.uids import STORAGE_CLASSES
from netty.errors import UsageError
from netty.language import mark
from netty.model.identity import same_patient_id
from netty.web.pages import asks_for_part
from netty.web.people import patient_address, readable_name
from netty.web.problems import NOT_HERE, NotFound
from netty.web.site import Site, TheSite
from netty.web.visitor import Operator
from netty.workflow.quarantine import same_case

router = APIRouter(include_in_schema=False)

_MOST_IDS: Final = 50_000
_SHOWN_PICTURES: Final = 12
_WHY_WORDS: Final = {
    Why.OTHER_PATIENT_ID: mark("another Patient ID"),
    Why.TWO_PATIENTS: mark("UID of another patient"),
    Why.OTHER_BYTES: mark("UID known, other content"),
    Why.UNSOLICITED: mark("not asked for"),
    Why.TEXT_IN_PIXELS: mark("text in its pixels"),
}
_WHAT_RELEASE_DOES: Final = {
    Why.OTHER_PATIENT_ID: mark(
        "Released, these images are shown to the patient who was asked for. Do it only if both are one person."
    ),
    Why.TWO_PATIENTS: mark(
        "Released, these images are shown with the study that is held already, to its patient. "
        "Do it only if both are one person."
    ),
    Why.OTHER_BYTES: mark("Released, these images take the place of those that are shown now; those are removed."),
    Why.UNSOLICITED: mark("Released, these images are shown to the patient whom the data name."),
    Why.TEXT_IN_PIXELS: mark(
        "Released, these pictures are shown as they are, and kept as the settings say. "
        "Look at every one: do it only if nothing in them tells who the patient is."
    ),
}


@dataclass(frozen=True, slots=True)
class Shown:
    """One patient on the page, beside another; `differs` names what is not as the data say."""

    person: Person
    name: str
    address: str
    differs: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Case:
    """Everything that a person would decide on at once."""

    items: tuple[SetAside, ...]
    said: Shown
    asked: Shown
    shown: Shown

    @property
    def first(self) -> SetAside:
        """The one by which the case is named."""
        return self.items[0]

    @property
    def address(self) -> str:
        """Where it is looked at."""
        return f"/quarantine/{self.first.id}"

    @property
    def word(self) -> str:
        """Why it waits, in a few words."""
        return _WHY_WORDS[self.first.why]

    @property
    def what_release_does(self) -> str:
        """What the reader has to know before releasing."""
        return _WHAT_RELEASE_DOES[self.first.why]

    @property
    def ids(self) -> str:
        """Of everything in it, for the form: what is decided on is what was seen."""
        return ",".join(one.id for one in self.items)

    @property
    def received_at(self) -> datetime:
        """When the first of it came."""
        return min(one.received_at for one in self.items)


def cases_of(items: Iterable[SetAside]) -> list[Case]:
    """The cases, in the order of their first items."""
    groups: list[list[SetAside]] = []
    for one in items:
        group = next((group for group in groups if same_case(group[0], one)), None)
        if group is None:
            groups.append([one])
        else:
            group.append(one)
    return [_case(group) for group in groups]


def _case(items: list[SetAside]) -> Case:
    first = items[0]
    return Case(tuple(items), _shown(first.said), _shown(first.asked, first.said), _shown(first.shown, first.said))


def _shown(person: Person, said: Person | None = None) -> Shown:
    address = patient_address(person.patient_key) if person.patient_key else ""
    return Shown(person, readable_name(person.name), address, _differences(person, said) if said else frozenset())


def _differences(person: Person, said: Person) -> frozenset[str]:
    """Where two that should be one person differ. Names are written in too many ways to be judged by a program."""
    found = set()
    if person.patient_id and not same_patient_id(person.patient_id, said.patient_id):
        found.add("patient_id")
    births = [one.birth_date.replace("-", "").strip() for one in (person, said)]
    if all(births) and births[0] != births[1]:
        found.add("birth_date")
    return frozenset(found)


@router.get("/quarantine")
def quarantine_page(request: Request, site: TheSite, visitor: Operator) -> Response:
    """Everything that waits."""
    cases = cases_of(site.parts.quarantine.waiting())
    return site.pages.page(request, "quarantine.html", active="quarantine", cases=cases)


@router.get("/quarantine/{id}")
def case_page(request: Request, site: TheSite, visitor: Operator, id: str) -> Response:
    """One case: the patients side by side, the pictures, the decision."""
    items = _found(site, id)
    site.parts.quarantine.look(items[:1], visitor.name)
    return site.pages.page(
        request,
        "quarantine_case.html",
        active="quarantine",
        case=_case(items),
        pictures=items[:_SHOWN_PICTURES],
        classes=STORAGE_CLASSES,
    )


def _found(site: Site, id: str) -> list[SetAside]:
    try:
        return site.parts.quarantine.case_of(id)
    except UsageError:
        raise NotFound(NOT_HERE) from None


@router.get("/quarantine/{id}/picture")
def picture(
    site: TheSite, visitor: Operator, id: str, frame: Annotated[int, Query(ge=1, le=1_000_000)] = 1
) -> Response:
    """One frame, drawn for this look and kept nowhere."""
    one = next(each for each in _found(site, id) if each.id == id)
    site.parts.quarantine.look([one], visitor.name)
    return Response(site.parts.preview(one, frame), media_type="image/jpeg")


Ids = Annotated[str, Form(max_length=_MOST_IDS)]
Sure = Annotated[bool, Form()]
_NOT_SURE: Final = "Say that you have looked at it: tick the box above the button."


@router.post("/quarantine/release")
def release(request: Request, site: TheSite, visitor: Operator, ids: Ids, sure: Sure = False) -> Response:
    """Admit these after all."""
    if not sure:
        raise UsageError(_NOT_SURE)
    site.parts.quarantine.release(ids.split(","), visitor.name)
    return _back(request)


@router.post("/quarantine/discard")
def discard(
    request: Request, site: TheSite, visitor: Operator, ids: Ids, sure: Sure = False, fetch_again: Sure = False
) -> Response:
    """Remove these for good."""
    if not sure:
        raise UsageError(_NOT_SURE)
    site.parts.quarantine.discard(ids.split(","), visitor.name, fetch_again=fetch_again)
    return _back(request)


def _back(request: Request) -> Response:
    if asks_for_part(request):
        return Response(status_code=204, headers={"HX-Redirect": "/quarantine"})
    return RedirectResponse("/quarantine", 303)
