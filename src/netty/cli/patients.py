"""``netty patients``: who is linked."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from netty.cli.commands import Group
from netty.cli.documents import patient_document
from netty.cli.invocation import Invocation, pass_invocation
from netty.cli.output import note, write, write_json, write_table
from netty.cli.patients_file import birth_date_from, patients_from_csv, patients_to_csv
from netty.cli.problems import BadInput
from netty.cli.words import say
from netty.errors import NettyError, UsageError
from netty.model.identity import searchable_patient_id
from netty.model.patient import Patient, PatientLink

if TYPE_CHECKING:
    from netty.gateway.desk import Desk


@click.group(cls=Group)
def patients() -> None:
    """The registered patients."""


@patients.command("list", help=say("all, or those in whose key, name or IDs the text stands"))
@click.argument("text", required=False, default="")
@pass_invocation
def list_patients(invocation: Invocation, text: str) -> None:
    with invocation.desk() as desk:
        known = desk.patients.list(text)
    if invocation.json:
        write_json({"patients": [patient_document(patient) for patient in known]})
        return
    rows = [(p.key, p.name, p.birth_date, ", ".join(f"{x.remote}:{x.patient_id}" for x in p.links)) for p in known]
    write_table((say("patient"), say("name"), say("birth date"), say("patient IDs")), rows)


@patients.command(help=say("one of them"))
@click.argument("key", metavar="PATIENT")
@pass_invocation
def show(invocation: Invocation, key: str) -> None:
    with invocation.desk() as desk:
        patient = desk.patients.get(key)
    if invocation.json:
        write_json(patient_document(patient))
        return
    write_table((say("name"), say("birth date")), [(patient.name, patient.birth_date)])
    write("")
    write_table((say("remote"), say("patient ID")), [(link.remote, link.patient_id) for link in patient.links])


@patients.command(help=say("register a patient"))
@click.argument("key", metavar="PATIENT")
@click.option("--link", "links", metavar="REMOTE=PATIENT_ID", multiple=True, required=True, help=say("once per remote"))
@click.option("--name", default="", help=say("as people write it"))
@click.option("--birth-date", default="", metavar="YYYY-MM-DD", help=say("for telling people apart"))
@pass_invocation
def add(invocation: Invocation, key: str, links: tuple[str, ...], name: str, birth_date: str) -> None:
    if not key.strip():
        raise UsageError("The column {column} is empty.", column="patient")
    with invocation.desk() as desk:
        patient = Patient(key.strip(), name.strip(), birth_date_from(birth_date.strip()), _links(desk, links))
        desk.patients.add(patient)
        _audit(desk, "added", patient.key)
    if invocation.json:
        write_json(patient_document(patient))
    else:
        note(say("{patient} was registered.", patient=patient.key))


@patients.command(help=say("forget a patient; what is held of the person stays"))
@click.argument("key", metavar="PATIENT")
@pass_invocation
def remove(invocation: Invocation, key: str) -> None:
    with invocation.desk() as desk:
        patient = desk.patients.get(key)
        desk.patients.remove(key)
        _audit(desk, "removed", key)
    if invocation.json:
        write_json(patient_document(patient))
    else:
        note(say("{patient} was removed.", patient=key))


@patients.command("import", help=say("add or change those of a CSV file; all or none"))
@click.argument("file", metavar="CSV", type=click.Path(path_type=Path, dir_okay=False, exists=True, allow_dash=True))
@pass_invocation
def import_patients(invocation: Invocation, file: Path) -> None:
    data = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    with invocation.desk() as desk:
        new = patients_from_csv(data, [remote.name for remote in desk.remotes.list()])
        _check_owners(desk, new)
        count = desk.patients.import_all(new)
        _audit(desk, "imported", *(patient.key for patient in new))
    if invocation.json:
        write_json({"added": count.added, "changed": count.changed, "unchanged": count.unchanged})
    else:
        write(
            say(
                "{added} patients added, {changed} changed, {unchanged} unchanged.",
                added=count.added,
                changed=count.changed,
                unchanged=count.unchanged,
            )
        )


@patients.command("export", help=say("write them as CSV, to the standard output or a file"))
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
@pass_invocation
def export_patients(invocation: Invocation, file: Path | None) -> None:
    with invocation.desk() as desk:
        known = desk.patients.list()
        _audit(desk, "exported")
    if file is not None:
        # With a byte order mark, so that Excel reads the names right.
        file.write_text(patients_to_csv(known), encoding="utf-8-sig", newline="")
    elif invocation.json:
        write_json({"patients": [patient_document(patient) for patient in known]})
    else:
        write(patients_to_csv(known).rstrip("\n"))


def _links(desk: "Desk", texts: tuple[str, ...]) -> tuple[PatientLink, ...]:
    links: dict[str, PatientLink] = {}
    for text in texts:
        name, separator, patient_id = text.partition("=")
        if not separator:
            raise UsageError("{text} is not of the form REMOTE=PATIENT_ID.", text=repr(text))
        remote = desk.remotes.get(name)
        if remote.name in links:
            raise UsageError("The patient has another ID at {remote} already.", remote=remote.name)
        links[remote.name] = PatientLink(remote.name, searchable_patient_id(patient_id))
    return tuple(links.values())


def _check_owners(desk: "Desk", new: list[Patient]) -> None:
    """All Patient IDs that belong to other registered patients, not only the first."""
    problems: list[NettyError] = []
    for patient in new:
        for link in patient.links:
            owner = desk.patients.linked(link.remote, link.patient_id)
            if owner is not None and owner.key != patient.key:
                problems.append(
                    UsageError(
                        "{patient}: the ID {patient_id} at {remote} belongs to {owner} already.",
                        patient=patient.key,
                        patient_id=repr(link.patient_id),
                        remote=link.remote,
                        owner=owner.key,
                    )
                )
    if problems:
        raise BadInput(problems)


def _audit(desk: "Desk", what: str, *keys: str) -> None:
    from netty.archive.audit import AuditEvent, AuditKind

    kind = AuditKind.EXPORTED if what == "exported" else AuditKind.PATIENTS_CHANGED
    desk.audit.write(*(AuditEvent(kind, who="cli", patient_key=key, detail={"what": what}) for key in keys or ("",)))
