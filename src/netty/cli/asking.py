"""Commands that ask the hospitals and move nothing: ``echo``, ``find``, ``plan``."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from netty.cli.commands import Command
from netty.cli.documents import found_document, planned_study
from netty.cli.exit_codes import ExitCode, exit_code
from netty.cli.invocation import Invocation, pass_invocation, wait_for
from netty.cli.output import note, progress_writer, write, write_json, write_table
from netty.cli.terms import term
from netty.cli.words import language, retold, say
from netty.errors import PeerError, UsageError
from netty.language import render
from netty.model.difference import Action, StudyDifference

if TYPE_CHECKING:
    from netty.gateway.desk import Desk

PATIENT_ID = click.option("--patient-id", metavar="ID", help=say("the exact patient ID at that hospital"))


@click.command(cls=Command)
@click.argument("name", metavar="REMOTE")
@pass_invocation
def echo(invocation: Invocation, name: str) -> None:
    """C-ECHO."""
    from netty.network.verification_scu import echo as ask

    with invocation.desk() as desk:
        remote, settings = desk.remotes.get(name), desk.settings
    started = time.monotonic()
    wait_for(ask(remote, settings.ae, settings.timers))
    milliseconds = round((time.monotonic() - started) * 1000)
    if invocation.json:
        write_json({"remote": remote.name, "ok": True, "milliseconds": milliseconds})
    else:
        write(say("{name} answered in {milliseconds} ms.", name=remote.name, milliseconds=milliseconds))


@click.command(cls=Command)
@click.argument("name", metavar="REMOTE")
@click.option("--patient-id", metavar="ID", required=True, help=say("the exact patient ID at that hospital"))
@click.option("--accession-number", metavar="A", default="", help=say("where [query] accession_number allows it"))
@pass_invocation
def find(invocation: Invocation, name: str, patient_id: str, accession_number: str) -> int:
    """C-FIND at all three levels."""
    with invocation.desk() as desk:
        remote = desk.remotes.get(name)
        differences = wait_for(desk.linkage.find(remote, patient_id, accession_number, asked_by="cli"))
    if invocation.json:
        write_json(found_document(remote.name, patient_id, differences))
    elif differences:
        write_found(differences)
    else:
        note(say("{remote} holds no study with the patient ID {patient_id}.", remote=name, patient_id=patient_id))
    return ExitCode.OK if differences else ExitCode.NEGATIVE


def write_found(differences: Iterable[StudyDifference]) -> None:
    """Found studies against what is held, as a table."""
    headings = (say("date"), say("modality"), say("found"), say("held"), say("state"), say("accession"), say("study"))
    rows = [
        (
            one.study.study_date,
            " ".join(one.study.modalities),
            one.study.instance_count,
            len(one.held),
            term(one.state.value),
            one.study.accession_number,
            one.study.study_instance_uid,
        )
        for one in differences
    ]
    write_table(headings, rows)


@dataclass(frozen=True, slots=True)
class Question:
    """One Patient ID to be asked of one remote; `patient` is empty where nobody registered it."""

    remote: str
    patient: str
    patient_id: str


@click.command(cls=Command)
@click.argument("name", metavar="[REMOTE]", required=False)
@PATIENT_ID
@pass_invocation
def plan(invocation: Invocation, name: str | None, patient_id: str | None) -> int:
    """1 where something would be fetched."""
    planned: list[tuple[Question, StudyDifference]] = []
    failures: list[tuple[Question, PeerError]] = []
    progress = progress_writer()
    with invocation.desk() as desk:
        questions = list(_questions(desk, name, patient_id))
        for number, question in enumerate(questions, start=1):
            progress.show(say("{remote}: {number} of {all}", remote=question.remote, number=number, all=len(questions)))
            try:
                remote = desk.remotes.get(question.remote)
                answer = wait_for(desk.linkage.find(remote, question.patient_id, asked_by="cli"))
                planned += [(question, one) for one in answer]
            except PeerError as error:
                failures.append((question, error))
        progress.close()
    _tell_plan(invocation, planned, failures)
    if failures:
        return exit_code(failures[0][1]) if len(failures) == len(questions) else ExitCode.PARTLY
    return ExitCode.NEGATIVE if any(one.action is Action.FETCH for _, one in planned) else ExitCode.OK


def _questions(desk: "Desk", name: str | None, patient_id: str | None) -> Iterator[Question]:
    """All links of the registered patients, or those of one remote, or of one Patient ID."""
    only = desk.remotes.get(name).name if name else None
    matched = False
    for patient in desk.patients.list():
        for link in patient.links:
            if only in (None, link.remote) and patient_id in (None, link.patient_id):
                matched = True
                yield Question(link.remote, patient.key, link.patient_id)
    if matched:
        return
    if only and patient_id:
        yield Question(only, "", patient_id)
    elif patient_id:
        raise UsageError("No patient is registered with the ID {patient_id}.", patient_id=repr(patient_id))


def _tell_plan(
    invocation: Invocation,
    planned: list[tuple[Question, StudyDifference]],
    failures: list[tuple[Question, PeerError]],
) -> None:
    if invocation.json:
        write_json(
            {
                "studies": [planned_study(q.remote, q.patient, q.patient_id, one) for q, one in planned],
                "failures": [
                    {"remote": q.remote, "patient_id": q.patient_id, "code": exit_code(e).word, "reason": str(e)}
                    for q, e in failures
                ],
            }
        )
        return
    headings = (say("remote"), say("patient ID"), say("date"), say("would"), say("why"), say("study"))
    rows = [
        (
            question.remote,
            question.patient_id,
            one.study.study_date,
            term(one.action.value),
            retold(one.reason),
            one.study.study_instance_uid,
        )
        for question, one in planned
    ]
    write_table(headings, rows)
    for question, error in failures:
        note(f"{question.remote}: {render(error, language())}")
