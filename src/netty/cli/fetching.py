"""Commands that have something fetched: ``retrieve`` and ``search``. The service does it; here it is asked for."""

import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import click

from netty.cli.asking import PATIENT_ID
from netty.cli.commands import Command
from netty.cli.documents import retrieval_document
from netty.cli.exit_codes import ExitCode, exit_code
from netty.cli.invocation import Invocation, need_service, pass_invocation, wait_for
from netty.cli.jobs import write_retrievals
from netty.cli.output import note, progress_writer, write_json
from netty.cli.words import language, say
from netty.dicom.uids import is_valid_uid
from netty.errors import PeerError, UsageError
from netty.language import render
from netty.model.difference import StudyDifference
from netty.model.hours import within_hours
from netty.model.patient import Patient
from netty.model.remote import Remote
from netty.model.retrieval import LedgerCount, Retrieval, RetrievalState

if TYPE_CHECKING:
    from netty.gateway.desk import Desk

_LOOK_SECONDS = 0.25
_SERVICE_LOOK_SECONDS = 3.0
_CLI = "cli"


@click.command(cls=Command)
@click.argument("name", metavar="REMOTE")
@PATIENT_ID
@click.option("--study", "study_instance_uid", metavar="UID", help=say("only this study"))
@click.option("--wait", is_flag=True, help=say("return when everything has ended"))
@click.option("--operator-override", is_flag=True, help=say("also for who is not registered; this is audited"))
@pass_invocation
def retrieve(
    invocation: Invocation,
    name: str,
    patient_id: str | None,
    study_instance_uid: str | None,
    wait: bool,
    operator_override: bool,
) -> int:
    """0 only if everything asked for is complete."""
    if not patient_id and not study_instance_uid:
        raise UsageError("Say what to fetch: --patient-id ID, or --study UID.")
    if study_instance_uid is not None and not is_valid_uid(study_instance_uid):
        raise UsageError("{uid} is not a UID: up to 64 digits and points.", uid=repr(study_instance_uid))
    with invocation.desk() as desk:
        remote = desk.remotes.get(name)
        need_service(desk)
        patient, differences = _wanted(desk, remote, patient_id, study_instance_uid)
        retrievals = [
            desk.linkage.request(remote.name, one, patient=patient, requested_by=_CLI, override=operator_override)
            for one in differences
        ]
        if wait:
            retrievals = _wait_finished(desk, retrievals)
        counts = desk.retrievals.counts([retrieval.id for retrieval in retrievals])
    _tell(invocation, retrievals, counts)
    if not retrievals:
        note(say("{remote} lists no such study.", remote=remote.name))
        return ExitCode.NEGATIVE
    return _verdict(retrievals) if wait else ExitCode.OK


def _wanted(
    desk: "Desk", remote: Remote, patient_id: str | None, study_instance_uid: str | None
) -> tuple[Patient | None, list[StudyDifference]]:
    """The patient and the remote's studies that are asked for, as the remote lists them now."""
    if patient_id:
        found = wait_for(desk.linkage.find(remote, patient_id, asked_by=_CLI))
        return desk.patients.linked(remote.name, patient_id), _only(found, study_instance_uid)
    for patient, linked_id in _likely_owners(desk, remote.name, study_instance_uid or ""):
        found = _only(wait_for(desk.linkage.find(remote, linked_id, asked_by=_CLI)), study_instance_uid)
        if found:
            return patient, found
    return None, []


def _only(found: list[StudyDifference], study_instance_uid: str | None) -> list[StudyDifference]:
    return [one for one in found if study_instance_uid in (None, one.study.study_instance_uid)]


def _likely_owners(desk: "Desk", remote: str, study_instance_uid: str) -> Iterator[tuple[Patient, str]]:
    """The registered patients of a remote: a study alone cannot be searched for, its patient can.

    First those in whose last answer it stood, so that mostly one search is enough.
    """
    others = []
    for patient in desk.patients.list():
        linked_id = patient.patient_id_at(remote)
        if linked_id is None:
            continue
        noted = desk.found.of(remote, linked_id)
        if noted and any(study.study_instance_uid == study_instance_uid for study in noted.studies):
            yield patient, linked_id
        else:
            others.append((patient, linked_id))
    yield from others


def _wait_finished(desk: "Desk", retrievals: Sequence[Retrieval]) -> list[Retrieval]:
    """Look until all have ended, or nobody is there any more who could end them."""
    progress = progress_writer()
    next_service_look = time.monotonic() + _SERVICE_LOOK_SECONDS
    try:
        while True:
            now = [
                retrieval if retrieval.state.final else desk.retrievals.get(retrieval.id) for retrieval in retrievals
            ]
            if all(retrieval.state.final for retrieval in now):
                return now
            retrievals = now
            if time.monotonic() >= next_service_look:
                need_service(desk)
                next_service_look = time.monotonic() + _SERVICE_LOOK_SECONDS
            progress.show(_standing(desk, now))
            time.sleep(_LOOK_SECONDS)
    finally:
        progress.close()


def _standing(desk: "Desk", retrievals: Sequence[Retrieval]) -> str:
    counts = desk.retrievals.counts([retrieval.id for retrieval in retrievals]).values()
    return say(
        "{ended} of {all} studies ended, {received} of {expected} images received",
        ended=sum(retrieval.state.final for retrieval in retrievals),
        all=len(retrievals),
        received=sum(count.received for count in counts),
        expected=sum(count.expected for count in counts),
    )


def _verdict(retrievals: Sequence[Retrieval]) -> ExitCode:
    """0 only if all are complete; 6 where every one failed by the remote's own status; else partly done."""
    states = {retrieval.state for retrieval in retrievals}
    if states == {RetrievalState.COMPLETE}:
        return ExitCode.OK
    failed = states == {RetrievalState.FAILED}
    return ExitCode.DIMSE if failed and all(retrieval.claimed.status for retrieval in retrievals) else ExitCode.PARTLY


def _tell(invocation: Invocation, retrievals: Sequence[Retrieval], counts: dict[str, LedgerCount]) -> None:
    if invocation.json:
        write_json({"retrievals": [retrieval_document(each, counts[each.id]) for each in retrievals]})
    elif retrievals:
        write_retrievals(retrievals, counts)


@click.command(cls=Command)
@click.argument("name", metavar="[REMOTE]", required=False)
@click.option("--now", is_flag=True, help=say("also outside of its hours, and where it is paused"))
@pass_invocation
def search(invocation: Invocation, name: str | None, now: bool) -> int:
    """All registered patients are searched for, and what is missing is asked for."""
    with invocation.desk() as desk:
        settings = desk.settings.search
        need_service(desk)
        remotes = [desk.remotes.get(name)] if name else desk.remotes.list()
        if not now:
            remotes = [remote for remote in remotes if _may_run(remote, settings.hours)]
        requested, failures, asked = wait_for(_round(desk, remotes, settings.pace))
        counts = desk.retrievals.counts([retrieval.id for retrieval in requested])
    if invocation.json:
        write_json(
            {
                "asked": asked,
                "retrievals": [retrieval_document(each, counts[each.id]) for each in requested],
                "failures": [
                    {"remote": remote, "code": exit_code(error).word, "reason": str(error)}
                    for remote, error in failures
                ],
            }
        )
    else:
        _tell(invocation, requested, counts)
        note(say("{asked} searches, {requested} studies asked for.", asked=asked, requested=len(requested)))
    for remote, error in failures:
        note(f"{remote}: {render(error, language())}")
    if failures:
        return exit_code(failures[0][1]) if len(failures) == asked else ExitCode.PARTLY
    return ExitCode.OK


def _may_run(remote: Remote, hours: tuple[str, ...]) -> bool:
    """Whether automatic work may run at a remote now; says why not."""
    local = datetime.now().astimezone().time()
    if remote.paused:
        note(say("{remote} is paused; --now asks it all the same.", remote=remote.name))
    elif not (within_hours(remote.hours, local) and within_hours(hours, local)):
        note(say("{remote} is not asked at this hour; --now asks it all the same.", remote=remote.name))
    else:
        return True
    return False


_Failures = list[tuple[str, PeerError]]


async def _round(desk: "Desk", remotes: Sequence[Remote], pace: float) -> tuple[list[Retrieval], _Failures, int]:
    """Ask all remotes side by side, each at its pace, for all their patients."""
    import asyncio

    from netty.workflow.pace import Pace

    patients = await asyncio.to_thread(desk.patients.list)
    failures: _Failures = []
    requested: list[Retrieval] = []
    asked = 0

    async def ask(remote: Remote) -> None:
        nonlocal asked
        turn = Pace(pace)
        for patient in patients:
            if patient.patient_id_at(remote.name) is None:
                continue
            asked += 1
            try:
                requested.extend(await desk.linkage.sweep(remote.name, patient.key, asked_by=_CLI, turn=turn))
            except PeerError as error:
                failures.append((remote.name, error))

    await asyncio.gather(*(ask(remote) for remote in remotes))
    return requested, failures, asked
