"""The registered patients and their Patient IDs."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, func, select

from netty.archive.database import Database, insert_or_replace
from netty.archive.remotes import unknown_remote
from netty.archive.tables import patient_links, patients, remotes
from netty.errors import UsageError
from netty.model.identity import searchable_patient_id, trimmed
from netty.model.patient import Patient, PatientLink


@dataclass(frozen=True, slots=True)
class ImportCount:
    """What an import did to patients."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0


_BY_KEY: Final = (
    select(patients, patient_links.c.remote, patient_links.c.patient_id)
    .outerjoin(patient_links)
    .where(patients.c.key == bindparam("of_key"))
    .order_by(patient_links.c.id)
)


class Patients:
    """The registered patients. A (remote, Patient ID) belongs to one patient only."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list(self, text: str = "") -> list[Patient]:
        """All patients whose key, name or a Patient ID contains `text`, by key."""
        query = select(patients, patient_links.c.remote, patient_links.c.patient_id).outerjoin(patient_links)
        if text:
            pattern = f"%{_escaped(text.lower())}%"
            linked = select(patient_links.c.patient).where(
                func.lower(patient_links.c.patient_id).like(pattern, escape="!")
            )
            query = query.where(
                func.lower(patients.c.key).like(pattern, escape="!")
                | func.lower(patients.c.name).like(pattern, escape="!")
                | patients.c.id.in_(linked)
            )
        with self._database.read() as connection:
            return _patients(connection.execute(query.order_by(patients.c.key, patient_links.c.id)))

    def get(self, key: str) -> Patient:
        """One patient; UsageError with the nearest key where there is none."""
        with self._database.read() as connection:
            patient = _stored(connection, key)
            if patient is None:
                raise _unknown(connection, key)
            return patient

    def add(self, patient: Patient) -> None:
        """Add a patient; UsageError where the key or one of the Patient IDs is taken."""
        with self._database.write() as connection:
            if _stored(connection, patient.key) is not None:
                raise UsageError("There is already a patient {key}.", key=patient.key)
            _write(connection, patient)

    def edit(self, patient: Patient) -> None:
        """Replace the patient of this key, links and all; UsageError as for `add`, or where there is none."""
        with self._database.write() as connection:
            if _stored(connection, patient.key) is None:
                raise _unknown(connection, patient.key)
            _write(connection, patient)

    def remove(self, key: str) -> None:
        """Remove a patient and the links; what is held of the person stays. UsageError where there is none."""
        with self._database.write() as connection:
            if not connection.execute(patients.delete().where(patients.c.key == key)).rowcount:
                raise _unknown(connection, key)

    def import_all(self, given: Iterable[Patient]) -> ImportCount:
        """Add new patients, and give known ones the name, birth date and links that are named; all or none."""
        added = changed = unchanged = 0
        with self._database.write() as connection:
            for one in given:
                known = _stored(connection, one.key)
                merged = one if known is None else _merged(known, one)
                if merged == known:
                    unchanged += 1
                    continue
                _write(connection, merged)
                added, changed = (added + 1, changed) if known is None else (added, changed + 1)
        return ImportCount(added, changed, unchanged)

    def linked(self, remote: str, patient_id: str) -> Patient | None:
        """The patient whom a remote knows under this Patient ID (compared trimmed)."""
        query = select(patients.c.key).join(patient_links)
        query = query.where(patient_links.c.remote == remote, patient_links.c.patient_id == trimmed(patient_id))
        with self._database.read() as connection:
            key = connection.scalar(query)
            return None if key is None else _stored(connection, key)


def _escaped(text: str) -> str:
    return text.replace("!", "!!").replace("%", "!%").replace("_", "!_")


def _stored(connection: Connection, key: str) -> Patient | None:
    return next(iter(_patients(connection.execute(_BY_KEY, {"of_key": key}))), None)


def _patients(rows: Iterable[Row[Any]]) -> list[Patient]:
    """Patients from rows of patients with their links, those of one patient together."""
    found: dict[int, Row[Any]] = {}
    links: dict[int, list[PatientLink]] = {}
    for row in rows:
        found[row.id] = row
        links.setdefault(row.id, []).extend([PatientLink(row.remote, row.patient_id)] if row.remote else [])
    return [Patient(row.key, row.name, row.birth_date, tuple(links[number])) for number, row in found.items()]


def _merged(known: Patient, given: Patient) -> Patient:
    """What is given replaces what was known; links to remotes that are not named stay."""
    named = {link.remote: PatientLink(link.remote, trimmed(link.patient_id)) for link in given.links}
    kept = [named.pop(link.remote, link) for link in known.links]
    return Patient(known.key, given.name or known.name, given.birth_date or known.birth_date, (*kept, *named.values()))


def _write(connection: Connection, patient: Patient) -> None:
    values = {"key": patient.key, "name": patient.name, "birth_date": patient.birth_date}
    insert_or_replace(connection, patients, [values | {"created_at": datetime.now(UTC)}], ["key"])
    number = connection.scalar(select(patients.c.id).where(patients.c.key == patient.key))
    connection.execute(patient_links.delete().where(patient_links.c.patient == number))
    remotes_named: set[str] = set()
    for link in patient.links:
        patient_id = searchable_patient_id(link.patient_id)
        if link.remote in remotes_named:
            raise UsageError(
                "The patient {key} has two patient IDs at {remote}; there can be one.",
                key=patient.key,
                remote=link.remote,
            )
        remotes_named.add(link.remote)
        _require_free(connection, patient.key, link.remote, patient_id)
        connection.execute(patient_links.insert(), {"patient": number, "remote": link.remote, "patient_id": patient_id})


def _require_free(connection: Connection, key: str, remote: str, patient_id: str) -> None:
    if connection.scalar(select(remotes.c.id).where(remotes.c.name == remote)) is None:
        raise unknown_remote(connection, remote)
    query = select(patients.c.key).join(patient_links)
    other = connection.scalar(query.where(patient_links.c.remote == remote, patient_links.c.patient_id == patient_id))
    if other is not None:
        raise UsageError(
            "The patient ID {patient_id} at {remote} belongs to the patient {other} already; {key} cannot have it too.",
            patient_id=patient_id,
            remote=remote,
            other=other,
            key=key,
        )


def _unknown(connection: Connection, key: str) -> UsageError:
    near = get_close_matches(key, list(connection.scalars(select(patients.c.key))), 1)
    if near:
        return UsageError("There is no patient {key}. Did you mean {near}?", key=key, near=near[0])
    return UsageError("There is no patient {key}. See: netty patients list", key=key)
