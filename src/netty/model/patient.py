"""A patient: a linked person, with one Patient ID per facility."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PatientLink:
    """The Patient ID under which one remote knows the person."""

    remote: str
    patient_id: str


@dataclass(frozen=True, slots=True)
class Patient:
    """A registered patient.

    Attributes:
        key: our own name for the person, unique (the CSV's column ``patient``).
        name: as people write it; may be empty.
        birth_date: ``YYYY-MM-DD`` or empty.
    """

    key: str
    name: str = ""
    birth_date: str = ""
    links: tuple[PatientLink, ...] = ()

    def patient_id_at(self, remote: str) -> str | None:
        """The person's Patient ID at a remote, None where the person is not linked there."""
        return next((link.patient_id for link in self.links if link.remote == remote), None)
