"""The registered patients and their Patient IDs."""

from collections.abc import Iterable
from dataclasses import dataclass

from netty.archive.database import Database
from netty.model.patient import Patient


@dataclass(frozen=True, slots=True)
class ImportCount:
    """What an import did to patients."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0


class Patients:
    """The registered patients. A (remote, Patient ID) belongs to one patient only."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list(self, text: str = "") -> list[Patient]:
        """All patients whose key, name or a Patient ID contains `text`, by key."""
        raise NotImplementedError

    def get(self, key: str) -> Patient:
        """One patient; UsageError with the nearest key where there is none."""
        raise NotImplementedError

    def add(self, patient: Patient) -> None:
        """Add a patient; UsageError where the key or one of the Patient IDs is taken."""
        raise NotImplementedError

    def edit(self, patient: Patient) -> None:
        """Replace the patient of this key, links and all; UsageError as for `add`, or where there is none."""
        raise NotImplementedError

    def remove(self, key: str) -> None:
        """Remove a patient and the links; what is held of the person stays. UsageError where there is none."""
        raise NotImplementedError

    def import_all(self, patients: Iterable[Patient]) -> ImportCount:
        """Add new patients, and give known ones the name, birth date and links that are named; all or none."""
        raise NotImplementedError

    def linked(self, remote: str, patient_id: str) -> Patient | None:
        """The patient whom a remote knows under this Patient ID (compared trimmed)."""
        raise NotImplementedError
