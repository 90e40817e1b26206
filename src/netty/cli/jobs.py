"""``netty jobs``: the retrievals, and the pauses of the automatic work."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from netty.cli.commands import Group
from netty.cli.documents import retrieval_document, seconds
from netty.cli.exit_codes import ExitCode
from netty.cli.invocation import Invocation, need_service, pass_invocation, wait_for
from netty.cli.output import note, write, write_json, write_table
from netty.cli.terms import term
from netty.cli.words import retold, say
from netty.errors import UsageError
from netty.model.retrieval import LedgerCount, Retrieval, RetrievalState

if TYPE_CHECKING:
    from netty.gateway.desk import Desk

_ID = click.argument("retrieval_id", metavar="ID")


@click.group(cls=Group)
def jobs() -> None:
    """The retrievals."""


@jobs.command("list", help=say("the newest ones"))
@click.option(
    "--state", "states", type=click.Choice([s.value for s in RetrievalState]), multiple=True, help=say("only these")
)
@click.option("--limit", type=click.IntRange(1), default=100, help=say("at most so many"))
@pass_invocation
def list_jobs(invocation: Invocation, states: tuple[str, ...], limit: int) -> None:
    with invocation.desk() as desk:
        known = desk.retrievals.list([RetrievalState(state) for state in states] or None, limit)
        counts = desk.retrievals.counts([retrieval.id for retrieval in known])
    _tell(invocation, known, counts)


@jobs.command(help=say("one retrieval with its ledger"))
@_ID
@pass_invocation
def show(invocation: Invocation, retrieval_id: str) -> None:
    with invocation.desk() as desk:
        retrieval = desk.retrievals.get(retrieval_id)
        count = desk.retrievals.count(retrieval_id)
        ledger = desk.retrievals.ledger(retrieval_id)
    if invocation.json:
        entries = [{"sop_instance_uid": e.sop_instance_uid, "state": e.state.value, "reason": e.reason} for e in ledger]
        write_json({"retrievals": [retrieval_document(retrieval, count) | {"ledger": entries}]})
        return
    write_retrievals([retrieval], {retrieval.id: count})
    write("")
    headings = (say("number"), say("state"), say("reason"), say("image"))
    write_table(
        headings, [(e.instance_number, term(e.state.value), retold(e.reason), e.sop_instance_uid) for e in ledger]
    )


@jobs.command(help=say("fetch again what a retrieval did not bring"))
@_ID
@pass_invocation
def retry(invocation: Invocation, retrieval_id: str) -> int:
    with invocation.desk() as desk:
        old = desk.retrievals.get(retrieval_id)
        if not old.state.final:
            raise UsageError("The retrieval {id} has not ended yet.", id=retrieval_id)
        remote = desk.remotes.get(old.remote)
        need_service(desk)
        found = wait_for(desk.linkage.find(remote, old.patient_id, asked_by="cli"))
        patient = desk.patients.linked(remote.name, old.patient_id)
        # Who took the responsibility once, takes it for the same study again.
        override = not old.patient_key
        new = [
            desk.linkage.request(remote.name, one, patient=patient, requested_by="cli", override=override)
            for one in found
            if one.study.study_instance_uid == old.study_instance_uid
        ]
        counts = desk.retrievals.counts([retrieval.id for retrieval in new])
    _tell(invocation, new, counts)
    if not new:
        note(say("{remote} lists no such study.", remote=remote.name))
    return ExitCode.OK if new else ExitCode.NEGATIVE


@jobs.command(help=say("stop a retrieval; what has arrived stays"))
@_ID
@pass_invocation
def cancel(invocation: Invocation, retrieval_id: str) -> int:
    from netty.archive.audit import AuditEvent, AuditKind

    with invocation.desk() as desk:
        retrieval = desk.retrievals.get(retrieval_id)
        asked = desk.retrievals.request_cancel(retrieval_id)
        if asked:
            desk.audit.write(
                AuditEvent(
                    AuditKind.RETRIEVAL_CANCELLED,
                    who="cli",
                    patient_key=retrieval.patient_key,
                    study_instance_uid=retrieval.study_instance_uid,
                    remote=retrieval.remote,
                    detail={"retrieval": retrieval.id},
                )
            )
        count = desk.retrievals.count(retrieval_id)
        retrieval = desk.retrievals.get(retrieval_id)
    if invocation.json:
        write_json({"retrievals": [retrieval_document(retrieval, count)], "cancel_requested": asked})
    else:
        note(say("It will stop at once.") if asked else say("It has ended already."))
    return ExitCode.OK if asked else ExitCode.NEGATIVE


@jobs.command(help=say("no automatic work for a hospital, or for all, until resume"))
@click.argument("name", metavar="[REMOTE]", required=False)
@pass_invocation
def pause(invocation: Invocation, name: str | None) -> None:
    _set_paused(invocation, name, True)


@jobs.command(help=say("automatic work again"))
@click.argument("name", metavar="[REMOTE]", required=False)
@pass_invocation
def resume(invocation: Invocation, name: str | None) -> None:
    _set_paused(invocation, name, False)


def write_retrievals(retrievals: Sequence[Retrieval], counts: Mapping[str, LedgerCount]) -> None:
    """Retrievals as a table."""
    headings = (
        say("state"),
        say("remote"),
        say("received"),
        say("expected"),
        say("rendered"),
        say("seconds"),
        say("reason"),
        say("study"),
        say("id"),
    )
    rows = [
        (
            term(retrieval.state.value),
            retrieval.remote,
            counts[retrieval.id].received,
            counts[retrieval.id].expected,
            counts[retrieval.id].rendered,
            seconds(retrieval),
            retold(retrieval.reason),
            retrieval.study_instance_uid,
            retrieval.id,
        )
        for retrieval in retrievals
    ]
    write_table(headings, rows)


def _tell(invocation: Invocation, retrievals: Sequence[Retrieval], counts: Mapping[str, LedgerCount]) -> None:
    if invocation.json:
        write_json({"retrievals": [retrieval_document(each, counts[each.id]) for each in retrievals]})
    else:
        write_retrievals(retrievals, counts)


def _set_paused(invocation: Invocation, name: str | None, paused: bool) -> None:
    with invocation.desk() as desk:
        chosen = [desk.remotes.get(name)] if name else desk.remotes.list()
        for remote in chosen:
            desk.remotes.pause(remote.name, paused)
        _audit(desk, [remote.name for remote in chosen], "paused" if paused else "resumed")
    if invocation.json:
        write_json({"remotes": [{"name": remote.name, "paused": paused} for remote in chosen]})
    else:
        names = ", ".join(remote.name for remote in chosen)
        note(say("Paused: {names}.", names=names) if paused else say("Resumed: {names}.", names=names))


def _audit(desk: "Desk", names: Sequence[str], what: str) -> None:
    from netty.archive.audit import AuditEvent, AuditKind

    desk.audit.write(
        *(AuditEvent(AuditKind.REMOTES_CHANGED, who="cli", remote=name, detail={"what": what}) for name in names)
    )
