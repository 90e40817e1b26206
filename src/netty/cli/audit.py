"""``netty audit``: who did what, and when."""

import csv
import io
import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from netty.cli.commands import Group
from netty.cli.invocation import Invocation, pass_invocation
from netty.cli.output import note, write, write_json, write_table
from netty.cli.terms import term
from netty.cli.words import say

if TYPE_CHECKING:
    from netty.archive.audit import AuditRecord

_ALL = 1_000_000_000
_SINCE = click.option("--since", type=click.DateTime(), metavar="YYYY-MM-DD", help=say("from this day on"))
_COLUMNS = ("seq", "at", "kind", "who", "patient", "study_instance_uid", "remote", "outcome", "detail")


@click.group(cls=Group)
def audit() -> None:
    """The audit trail."""


@audit.command("list", help=say("the newest events"))
@_SINCE
@click.option("--patient", default="", help=say("only of this patient"))
@click.option("--study", default="", metavar="UID", help=say("only of this study"))
@click.option("--limit", type=click.IntRange(1), default=100, help=say("at most so many"))
@pass_invocation
def list_events(invocation: Invocation, since: datetime | None, patient: str, study: str, limit: int) -> None:
    from netty.archive.audit import AuditEvent, AuditKind

    with invocation.desk() as desk:
        records = desk.audit.list(patient_key=patient, study_instance_uid=study, since=_local(since), limit=limit)
        desk.audit.write(AuditEvent(AuditKind.AUDIT_READ, who="cli", patient_key=patient, study_instance_uid=study))
    if invocation.json:
        write_json({"events": [_document(record) for record in records]})
        return
    headings = (say("time"), say("event"), say("who"), say("patient"), say("remote"), say("outcome"), say("study"))
    rows = [
        (
            f"{record.at.astimezone():%Y-%m-%d %H:%M:%S}",
            term(record.event.kind.value),
            record.event.who,
            record.event.patient_key,
            record.event.remote,
            record.event.outcome,
            record.event.study_instance_uid,
        )
        for record in records
    ]
    write_table(headings, rows)


@audit.command("export", help=say("all events, oldest first, as CSV or one JSON document"))
@_SINCE
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
@pass_invocation
def export_events(invocation: Invocation, since: datetime | None, file: Path | None) -> None:
    from netty.archive.audit import AuditEvent, AuditKind

    with invocation.desk() as desk:
        records = desk.audit.list(since=_local(since), limit=_ALL)[::-1]
        desk.audit.write(AuditEvent(AuditKind.EXPORTED, who="cli", detail={"what": "audit", "events": len(records)}))
    if invocation.json:
        text = json.dumps({"events": [_document(record) for record in records]}, ensure_ascii=False, indent=2)
    else:
        text = _csv(records).rstrip("\n")
    if file is None:
        write(text)
    else:
        file.write_text(text + "\n", encoding="utf-8")
        note(say("{count} events were written.", count=len(records)))


def _document(record: "AuditRecord") -> dict[str, Any]:
    event = record.event
    return {
        "seq": record.seq,
        "at": record.at.isoformat(),
        "kind": event.kind.value,
        "who": event.who,
        "patient": event.patient_key,
        "study_instance_uid": event.study_instance_uid,
        "remote": event.remote,
        "outcome": event.outcome,
        "detail": dict(event.detail),
    }


def _csv(records: list["AuditRecord"]) -> str:
    stream = io.StringIO(newline="")
    writer = csv.DictWriter(stream, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    for record in records:
        document = _document(record)
        writer.writerow(document | {"detail": json.dumps(document["detail"], ensure_ascii=False, default=str)})
    return stream.getvalue()


def _local(since: datetime | None) -> datetime | None:
    """A day that a person names is one of the machine's own zone."""
    return since.astimezone() if since else None
