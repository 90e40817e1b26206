"""Patients in a CSV file: columns ``patient, remote, patient_id`` and, where wanted, ``name`` and ``birth_date``."""

import csv
import io
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches

from netty.cli.problems import BadInput
from netty.errors import NettyError, UsageError
from netty.model.identity import searchable_patient_id
from netty.model.patient import Patient, PatientLink

COLUMNS = ("patient", "remote", "patient_id", "name", "birth_date")
_NEEDED = COLUMNS[:3]
_ENCODINGS = ("utf-8-sig", "cp932")  # cp932: what Excel on a Japanese Windows writes


def patients_from_csv(data: bytes, remotes: Collection[str]) -> list[Patient]:
    """The patients of a file, in its order; several lines with one key are one patient.

    Raises:
        BadInput: every line that is wrong, by number.
    """
    reader = csv.DictReader(io.StringIO(_decoded(data), newline=""), strict=True)
    _check_columns(reader.fieldnames or ())
    collected = _Collected(remotes)
    try:
        for row in reader:
            collected.take(row, reader.line_num)
    except csv.Error as error:
        collected.problems.append(UsageError("Line {line}: {detail}.", line=reader.reader.line_num, detail=error))
    if collected.problems:
        raise BadInput(collected.problems)
    return list(collected.patients())


def patients_to_csv(patients: Iterable[Patient]) -> str:
    """The same patients as text that `patients_from_csv` reads back; one line for each link."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    for patient in patients:
        for link in patient.links:
            writer.writerow((patient.key, link.remote, link.patient_id, patient.name, patient.birth_date))
    return stream.getvalue()


def birth_date_from(text: str) -> str:
    """``YYYY-MM-DD`` of that form, or of DICOM's and Japan's usual ones (``19640107``, ``1964/1/7``); empty stays."""
    if not text:
        return ""
    parts = (text[:4], text[4:6], text[6:]) if len(text) == 8 and text.isascii() and text.isdigit() else ()
    try:
        year, month, day = parts or text.replace("/", "-").split("-")
        return date(int(year), int(month), int(day)).isoformat()
    except ValueError:
        raise UsageError("The birth date {text} is not of the form YYYY-MM-DD.", text=repr(text)) from None


def _decoded(data: bytes) -> str:
    for encoding in _ENCODINGS:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise UsageError("The file is neither UTF-8 nor Shift JIS (cp932). Save it as UTF-8.")


def _check_columns(names: Collection[str]) -> None:
    plain = [name.strip() for name in names]
    lacking = [name for name in _NEEDED if name not in plain]
    if lacking:
        raise UsageError(
            "Line 1: the column {lacking} is missing. The first line names the columns: {columns}.",
            lacking=", ".join(lacking),
            columns=", ".join(COLUMNS),
        )
    strange = [name for name in plain if name not in COLUMNS]
    if strange or len(set(plain)) < len(plain):
        raise UsageError(
            "Line 1: {strange} is no column, or stands there twice. The columns are: {columns}.",
            strange=", ".join(strange or plain),
            columns=", ".join(COLUMNS),
        )


@dataclass(slots=True)
class _Person:
    line: int
    name: str
    birth_date: str
    links: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Collected:
    """The file as far as it was read. Problems never repeat a patient's name: they go to terminals and logs."""

    remotes: Collection[str]
    problems: list[NettyError] = field(default_factory=list)
    people: dict[str, _Person] = field(default_factory=dict)
    owners: dict[tuple[str, str], tuple[str, int]] = field(default_factory=dict)

    def take(self, row: dict[str | None, str | list[str] | None], line: int) -> None:
        """One line, or the reason why it cannot be taken."""
        if None in row or None in row.values():
            self._wrong(line, UsageError("it has not as many fields as the first line"))
            return
        values = {str(key).strip(): str(value).strip() for key, value in row.items()}
        try:
            self._add(values, line)
        except UsageError as error:
            self._wrong(line, error)

    def patients(self) -> Iterator[Patient]:
        """What was collected."""
        for key, person in self.people.items():
            links = tuple(PatientLink(remote, patient_id) for remote, patient_id in person.links.items())
            yield Patient(key, person.name, person.birth_date, links)

    def _add(self, values: dict[str, str], line: int) -> None:
        key, remote = values["patient"], values["remote"]
        if not key:
            raise UsageError("The column {column} is empty.", column="patient")
        _check_remote(remote, self.remotes)
        patient_id = searchable_patient_id(values["patient_id"])
        birth_date = birth_date_from(values.get("birth_date", ""))
        owner, first = self.owners.setdefault((remote, patient_id), (key, line))
        if owner != key:
            raise UsageError(
                "{patient_id} at {remote} stands in line {first} already.",
                patient_id=repr(patient_id),
                remote=remote,
                first=first,
            )
        person = self.people.setdefault(key, _Person(line, values.get("name", ""), birth_date))
        _check_same(person, values.get("name", ""), birth_date)
        if person.links.setdefault(remote, patient_id) != patient_id:
            raise UsageError("The patient has another ID at {remote} already.", remote=remote)
        person.name = person.name or values.get("name", "")
        person.birth_date = person.birth_date or birth_date

    def _wrong(self, line: int, why: NettyError) -> None:
        self.problems.append(UsageError("Line {line}: {why}", line=line, why=why))


def _check_remote(remote: str, known: Collection[str]) -> None:
    if remote in known:
        return
    near = get_close_matches(remote, known, n=1)
    if near:
        raise UsageError("There is no remote {remote}. Did you mean {nearest}?", remote=repr(remote), nearest=near[0])
    raise UsageError("There is no remote {remote}.", remote=repr(remote))


def _check_same(person: _Person, name: str, birth_date: str) -> None:
    """Lines of one patient may leave out name and birth date, but not contradict each other."""
    if name and person.name and name != person.name:
        raise UsageError("The name is another one than in line {line}.", line=person.line)
    if birth_date and person.birth_date and birth_date != person.birth_date:
        raise UsageError("The birth date is another one than in line {line}.", line=person.line)
