"""``netty studies``: what is held."""

import sys
from typing import TYPE_CHECKING

import click

from netty.cli.commands import Group
from netty.cli.documents import study_document, study_row
from netty.cli.exit_codes import ExitCode
from netty.cli.invocation import Invocation, pass_invocation
from netty.cli.output import note, write_json, write_table
from netty.cli.terms import term
from netty.cli.words import retold, say
from netty.errors import UsageError

if TYPE_CHECKING:
    from netty.archive.held import HeldInstance

_STUDY = click.argument("study_instance_uid", metavar="UID")


@click.group(cls=Group)
def studies() -> None:
    """The studies held here."""


@studies.command("list", help=say("newest first"))
@click.option("--patient-id", metavar="ID", help=say("only of this patient ID"))
@click.option("--limit", type=click.IntRange(1), help=say("at most so many"))
@pass_invocation
def list_studies(invocation: Invocation, patient_id: str | None, limit: int | None) -> int:
    with invocation.desk() as desk:
        held = desk.holdings.studies([patient_id] if patient_id else None, limit=limit)
    if invocation.json:
        write_json({"studies": [study_row(study) for study in held]})
    else:
        headings = (
            say("date"),
            say("patient ID"),
            say("modality"),
            say("images"),
            say("rendered"),
            say("state"),
            say("study"),
        )
        rows = [
            (
                s.study_date,
                s.patient_id,
                " ".join(s.modalities),
                s.instance_count,
                s.rendered,
                term(s.state.value),
                s.study_instance_uid,
            )
            for s in held
        ]
        write_table(headings, rows)
    return ExitCode.OK if held or not patient_id else ExitCode.NEGATIVE


@studies.command(help=say("one study with its images and pictures"))
@_STUDY
@pass_invocation
def show(invocation: Invocation, study_instance_uid: str) -> int:
    with invocation.desk() as desk:
        study = desk.holdings.study(study_instance_uid)
        if study is None:
            return _not_held(invocation, study_instance_uid)
        document = study_document(study, desk.blobs.path)
    if invocation.json:
        write_json(document)
        return ExitCode.OK
    headings = (
        say("modality"),
        say("number"),
        say("frames"),
        say("pictures"),
        say("presentation state"),
        say("state"),
        say("reason"),
        say("image"),
    )
    rows = [
        (
            series.modality,
            each.instance_number,
            each.frames,
            len(each.pictures),
            " ".join(_state_labels(each)),
            term(each.state.value),
            " ".join(map(retold, dict.fromkeys(filter(None, (each.reason, *each.not_presented.values()))))),
            each.sop_instance_uid,
        )
        for series in study.series
        for each in series.instances
    ]
    write_table(headings, rows)
    return ExitCode.OK


@studies.command(help=say("make the pictures of a study anew, from kept DICOM"))
@_STUDY
@pass_invocation
def render(invocation: Invocation, study_instance_uid: str) -> int:
    with invocation.desk() as desk:
        if not desk.holdings.held(study_instance_uid):
            return _not_held(invocation, study_instance_uid)
        renewed = desk.renewal.render_again(study_instance_uid, "cli")
        running = desk.service_running()
    if invocation.json:
        document = {"study_instance_uid": study_instance_uid, "waiting": renewed.waiting, "gone": renewed.gone}
        write_json(document)
    else:
        note(say("{count} images are rendered anew; their old pictures are seen until then.", count=renewed.waiting))
        if renewed.gone:
            note(say("{count} images have no DICOM left and stay as they are.", count=renewed.gone))
        if renewed.waiting and not running:
            note(say("netty serve does it; it is not running now."))
    return ExitCode.OK if renewed.waiting else ExitCode.NEGATIVE


@studies.command(help=say("delete what is held of a study; the hospital keeps its own"))
@_STUDY
@click.option("--yes", is_flag=True, help=say("without asking"))
@pass_invocation
def delete(invocation: Invocation, study_instance_uid: str, yes: bool) -> int:
    with invocation.desk() as desk:
        study = desk.holdings.study(study_instance_uid)
        if study is None:
            return _not_held(invocation, study_instance_uid)
        if not yes:
            _confirm(study_instance_uid, study.instance_count)
        keys = desk.holdings.delete_study(study_instance_uid, "cli")
        desk.blobs.remove(keys)
    if invocation.json:
        write_json({"study_instance_uid": study_instance_uid, "instances": study.instance_count, "files": len(keys)})
    else:
        note(say("{count} images were deleted.", count=study.instance_count))
    return ExitCode.OK


def _state_labels(instance: "HeldInstance") -> list[str]:
    """What the presentation states call themselves through which an image is seen."""
    recipes = [one.recipe for one in instance.pictures if one.presentation_state]
    labels = [str((recipe.get("presentation_state") or {}).get("label") or "GSPS") for recipe in recipes]
    return list(dict.fromkeys(labels))


def _confirm(study_instance_uid: str, count: int) -> None:
    if not sys.stdin.isatty():
        raise UsageError("Deleting needs --yes where nobody can be asked.")
    question = say("Delete {count} images of the study {study}?", count=count, study=study_instance_uid)
    click.confirm(question, abort=True, err=True)


def _not_held(invocation: Invocation, study_instance_uid: str) -> int:
    if invocation.json:
        write_json({"study_instance_uid": study_instance_uid, "state": "missing", "series": []})
    note(say("The study {study} is not held here.", study=study_instance_uid))
    return ExitCode.NEGATIVE
