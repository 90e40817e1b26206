"""What is received, as rows of the catalogue: pure, and without what a database refuses."""

import dataclasses
import secrets
from operator import attrgetter
from typing import Any, Final

from netty.archive.audit import AuditEvent, AuditKind
from netty.archive.held import RenderState
from netty.archive.received import Received, RegistrationOutcome
from netty.archive.tables import microseconds

_LARGEST: Final = 2**31 - 1
_TEXTS: Final = tuple(each.name for each in dataclasses.fields(Received) if each.type is str)
_texts_of: Final = attrgetter(*_TEXTS)


def instance_row(one: Received, series: int) -> dict[str, Any]:
    """A new instance of a series, which waits for the renderer."""
    rows, columns = _number(one.fact("rows")), _number(one.fact("columns"))
    return {
        "series": series,
        "sop_instance_uid": one.sop_instance_uid,
        "sop_class_uid": one.sop_class_uid,
        "instance_number": one.fact("instance_number").strip(),
        "frames": _number(one.fact("number_of_frames")) or (1 if rows else 0),
        "rows": rows,
        "columns": columns,
        "burned_in": one.fact("burned_in").strip(),
        "key": secrets.token_hex(16),
        "digest": one.digest,
        "transfer_syntax": one.transfer_syntax,
        "spool_name": one.spool_name,
        "data_offset": one.data_offset,
        "data_length": one.data_length,
        "state": RenderState.WAITING,
        "reason": "",
        "attempts": 0,
        "received_at": one.received_at,
    }


def receipt_row(one: Received, outcome: RegistrationOutcome, reason: str, instance: int | None) -> dict[str, Any]:
    """The receipt, with what became of the file, in the words of the driver."""
    return {
        "spool_name": one.spool_name,
        "in_spool": True,
        "outcome": outcome.value,
        "reason": reason,
        "instance": instance,
        "sop_instance_uid": one.sop_instance_uid,
        "study_instance_uid": one.study_instance_uid,
        "size": one.size,
        "digest": one.digest,
        "remote": one.remote,
        "calling_ae_title": one.calling_ae_title,
        "address": one.address,
        "retrieval": one.retrieval_id,
        "lease": one.lease_id,
        "received_at": microseconds(one.received_at),
    }


def set_aside_event(one: Received, outcome: RegistrationOutcome, reason: str) -> AuditEvent:
    """What the audit trail says of a file that goes to the quarantine."""
    on_hold = outcome is RegistrationOutcome.ON_HOLD
    return AuditEvent(
        AuditKind.STORE_ON_HOLD if on_hold else AuditKind.DUPLICATE_DIFFERS,
        patient_key=one.patient_key,
        study_instance_uid=one.study_instance_uid,
        remote=one.remote,
        outcome=outcome,
        detail={
            "reason": reason,
            "sop_instance_uid": one.sop_instance_uid,
            "spool_name": one.spool_name,
            "digest": one.digest,
            "calling_ae_title": one.calling_ae_title,
            "address": one.address,
            "retrieval": one.retrieval_id,
        },
    )


def cleaned(one: Received) -> Received:
    """The same receipt without what a database refuses (NUL, lone surrogates): one bad text must not stop a batch."""
    if _is_clean("".join((*_texts_of(one), *one.facts.values()))):  # one look at all costs less than twenty
        return one
    texts = {name: value for name in _TEXTS if not _is_clean(value := getattr(one, name))}
    facts = {name: value for name, value in one.facts.items() if not _is_clean(value)}
    changed: dict[str, Any] = {name: _clean(value) for name, value in texts.items()}
    return dataclasses.replace(
        one, **changed, facts={**one.facts, **{name: _clean(value) for name, value in facts.items()}}
    )


def _is_clean(text: str) -> bool:
    if "\0" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _clean(text: str) -> str:
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


def _number(text: str) -> int:
    """A number of an IS or US value; 0 for what is none."""
    digits = text.strip().lstrip("+")
    number = int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 10 else 0
    return number if number <= _LARGEST else 0
