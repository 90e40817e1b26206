"""Who a page is about: name, IDs, birth date, always shown, from the register or from the images."""

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from starlette.requests import Request

from netty.archive.held import HeldStudy
from netty.model.patient import Patient, PatientLink
from netty.web.reader import Reader, reader_of


@dataclass(frozen=True, slots=True)
class Person:
    """What stands on the screen about a person. `key` and `address` are empty where nobody registered the patient."""

    key: str
    address: str
    name: str
    birth_date: str
    age: str
    patient_ids: tuple[PatientLink, ...]


def patient_address(key: str) -> str:
    """Where a patient is seen."""
    return f"/patients/{quote(key, safe='')}"


def person_of(request: Request, patient: Patient) -> Person:
    """A registered patient."""
    reader = reader_of(request.scope)
    return Person(
        patient.key,
        patient_address(patient.key),
        patient.name,
        patient.birth_date,
        _age(reader, patient.birth_date),
        patient.links,
    )


def person_in(request: Request, study: HeldStudy) -> Person:
    """The person whom the images themselves name: what is on the screen belongs to what is seen."""
    reader = reader_of(request.scope)
    return Person(
        study.patient_key,
        patient_address(study.patient_key) if study.patient_key else "",
        readable_name(study.patient_name) or study.patient_id,
        study.birth_date,
        _age(reader, study.birth_date),
        (PatientLink(study.remote, study.patient_id),),
    )


def _age(reader: Reader, birth_date: str) -> str:
    return reader.age(birth_date, datetime.now().astimezone().date()) if birth_date else ""


def readable_name(person_name: str) -> str:
    """A DICOM person name (PS3.5 6.2.1) as people read it: ideographic first, then how it sounds, then letters.

    ``Yamada^Tarou=山田^太郎=やまだ^たろう`` is 山田 太郎 (やまだ たろう, Yamada Tarou).
    """
    groups = [" ".join(part for part in group.split("^") if part.strip()) for group in person_name.split("=")]
    alphabetic, ideographic, phonetic = [*groups, "", "", ""][:3]
    names = [name.strip() for name in (ideographic, phonetic, alphabetic) if name.strip()]
    if len(names) < 2:
        return "".join(names)
    return f"{names[0]} ({', '.join(names[1:])})"


def differs(patient: Patient, study: HeldStudy) -> bool:
    """Whether the register and the images give different birth dates: perhaps it is the wrong person."""
    ours, theirs = (value.replace("-", "").strip() for value in (patient.birth_date, study.birth_date))
    return bool(ours and theirs) and ours != theirs
