"""``netty quarantine``: what waits for a person's decision, and the decision."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from netty.cli.commands import Group
from netty.cli.exit_codes import ExitCode
from netty.cli.invocation import Invocation, pass_invocation
from netty.cli.output import note, write, write_json, write_table
from netty.cli.terms import term
from netty.cli.words import retold, say
from netty.errors import UsageError

if TYPE_CHECKING:
    from netty.archive.set_aside import Person, SetAside
    from netty.gateway.desk import Desk

_IDS = click.argument("ids", metavar="[ID]...", nargs=-1)
_STUDY = click.option("--study", "study_instance_uid", metavar="UID", help=say("everything of this study"))
_YES = click.option("--yes", is_flag=True, help=say("without asking"))


@click.group(cls=Group)
def quarantine() -> None:
    """What was set aside for a person to decide."""


@quarantine.command("list", help=say("everything that waits for a decision, the oldest first"))
@_STUDY
@pass_invocation
def list_quarantine(invocation: Invocation, study_instance_uid: str | None) -> None:
    with invocation.desk() as desk:
        found = desk.quarantine.waiting(study_instance_uid or "")
        if invocation.json:
            write_json({"quarantine": [_document(desk, one) for one in found]})
            return
    headings = (
        say("id"),
        say("why"),
        say("the data name"),
        say("asked for"),
        say("remote"),
        say("date"),
        say("modality"),
        say("number"),
        say("study"),
    )
    rows = [
        (
            one.id,
            term(one.why.value),
            _who(one.said),
            _who(one.asked),
            one.remote,
            one.study_date,
            one.modality,
            one.instance_number,
            one.study_instance_uid,
        )
        for one in found
    ]
    write_table(headings, rows)


@quarantine.command(help=say("one of them, with both patients and the place of its file"))
@click.argument("id", metavar="ID")
@pass_invocation
def show(invocation: Invocation, id: str) -> None:
    with invocation.desk() as desk:
        (one,) = desk.quarantine.quarantine.get([id])
        desk.quarantine.look([one], "cli")
        document = _document(desk, one)
    if invocation.json:
        write_json(document)
        return
    write(f"{one.id}: {retold(one.reason)}")
    if one.is_another_patient:
        write(say("These are two different patients, as far as the data say:"))
    people = ((say("the data name"), one.said), (say("asked for"), one.asked), (say("shown for"), one.shown))
    headings = ("", say("patient ID"), say("name"), say("birth date"), say("patient"))
    rows = [(what, p.patient_id, p.name, p.birth_date, p.patient_key) for what, p in people if p.is_known]
    write_table(headings, rows)
    if one.replaces:
        write(say("An image with the same UID is shown. Released, this one takes its place, and that one is removed."))
    write(say("study: {study} ({date}, {modality})", study=one.study_instance_uid, **_brief(one)))
    write(say("image: {image}", image=one.sop_instance_uid))
    write(say("sent by {title} at {address} ({remote})", **_sender(one)))
    write(say("file: {path}", path=document["path"] or "-"))
    write(say("To see it: netty render FILE -o OUT.jpg"))


@quarantine.command(help=say("admit these after all: they are rendered and shown to the patient asked for"))
@_IDS
@_STUDY
@_YES
@pass_invocation
def release(invocation: Invocation, ids: Sequence[str], study_instance_uid: str | None, yes: bool) -> int:
    with invocation.desk() as desk:
        chosen = _chosen(desk, ids, study_instance_uid)
        if not chosen:
            return _nothing(invocation, "released")
        if not yes:
            _confirm(say("Release {count} images?", count=len(chosen)), chosen)
        decided = desk.quarantine.release([one.id for one in chosen], "cli")
        running = desk.service_running()
    if invocation.json:
        write_json({"released": [one.id for one in chosen]})
    else:
        note(say("{count} images were released.", count=decided.count))
        if not running:
            note(say("netty serve renders them; it is not running now."))
    return ExitCode.OK


@quarantine.command(help=say("remove these for good; they are not fetched again"))
@_IDS
@_STUDY
@click.option("--fetch-again", is_flag=True, help=say("the next search may fetch them once more"))
@_YES
@pass_invocation
def discard(
    invocation: Invocation, ids: Sequence[str], study_instance_uid: str | None, fetch_again: bool, yes: bool
) -> int:
    with invocation.desk() as desk:
        chosen = _chosen(desk, ids, study_instance_uid)
        if not chosen:
            return _nothing(invocation, "discarded")
        if not yes:
            _confirm(say("Discard {count} images for good?", count=len(chosen)), chosen)
        decided = desk.quarantine.discard([one.id for one in chosen], "cli", fetch_again=fetch_again)
    if invocation.json:
        write_json({"discarded": [one.id for one in chosen]})
    else:
        note(say("{count} images were discarded.", count=decided.count))
    return ExitCode.OK


def _chosen(desk: "Desk", ids: Sequence[str], study_instance_uid: str | None) -> "list[SetAside]":
    if bool(ids) == bool(study_instance_uid):
        raise UsageError("Name what is to be decided on: either IDs, or --study UID. See: netty quarantine list")
    return desk.quarantine.quarantine.get(ids) if ids else desk.quarantine.waiting(study_instance_uid or "")


def _nothing(invocation: Invocation, what: str) -> int:
    if invocation.json:
        write_json({what: []})
    note(say("Nothing of this study is in the quarantine."))
    return ExitCode.NEGATIVE


def _confirm(question: str, chosen: "Sequence[SetAside]") -> None:
    """Ask, naming the patients: a decision on the wrong ones cannot be taken back."""
    if not sys.stdin.isatty():
        raise UsageError("A decision needs --yes where nobody can be asked.")
    for said, asked in dict.fromkeys((_who(one.said), _who(one.asked)) for one in chosen):
        note(say("The data name: {said}. Asked for: {asked}.", said=said, asked=asked))
    click.confirm(question, abort=True, err=True)


def _who(person: "Person") -> str:
    """A patient in a line."""
    parts = (person.patient_id, person.name, person.birth_date)
    return " ".join(part for part in parts if part) or "-"


def _brief(one: "SetAside") -> dict[str, str]:
    return {"date": one.study_date or "-", "modality": one.modality or "-"}


def _sender(one: "SetAside") -> dict[str, str]:
    return {"title": one.calling_ae_title or "-", "address": one.address or "-", "remote": one.remote or "-"}


def _document(desk: "Desk", one: "SetAside") -> dict[str, Any]:
    """One of them for programs."""
    return one.document() | {"path": _path(desk, one)}


def _path(desk: "Desk", one: "SetAside") -> str | None:
    """Where its file lies; none where it is gone, which is no reason not to tell of the rest."""
    try:
        return str(desk.quarantine.path(one.place))
    except UsageError:
        return None
