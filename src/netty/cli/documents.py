"""The JSON documents, from values: English keys that programs rely on."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netty.model.difference import StudyDifference
from netty.model.patient import Patient
from netty.model.remote import Remote
from netty.model.retrieval import Claimed, LedgerCount, Retrieval

if TYPE_CHECKING:
    from netty.archive.held import HeldInstance, HeldRendition, HeldStudy

Document = dict[str, Any]
BlobPath = Callable[[str], Path | None]


def found_document(remote: str, patient_id: str, differences: Iterable[StudyDifference]) -> Document:
    """What ``find`` tells."""
    return {
        "remote": remote,
        "patient_id": patient_id,
        "studies": [_found_study(difference) for difference in differences],
    }


def _found_study(difference: StudyDifference) -> Document:
    study = difference.study
    return {
        "study_instance_uid": study.study_instance_uid,
        "study_date": study.study_date,
        "study_time": study.study_time,
        "accession_number": study.accession_number,
        "modalities": list(study.modalities),
        "instances_found": study.instance_count,
        "instances_held": len(difference.held),
        "state": difference.state.value,
        "series": [
            {
                "series_instance_uid": series.series_instance_uid,
                "modality": series.modality,
                "instances": [
                    {"sop_instance_uid": each.sop_instance_uid, "instance_number": each.instance_number}
                    for each in series.instances
                ],
            }
            for series in study.series
        ],
    }


def planned_study(remote: str, patient: str, patient_id: str, difference: StudyDifference) -> Document:
    """One study of ``plan``: what would be done about it, and why."""
    return {
        "remote": remote,
        "patient": patient,
        "patient_id": patient_id,
        "study_instance_uid": difference.study.study_instance_uid,
        "state": difference.state.value,
        "action": difference.action.value,
        "reason": difference.reason,
        "instances_found": difference.study.instance_count,
        "instances_held": len(difference.held),
        "missing": [each.sop_instance_uid for each in difference.missing],
        "unobtainable": [
            {"sop_instance_uid": each.instance.sop_instance_uid, "reason": each.reason}
            for each in difference.unobtainable
        ],
    }


def retrieval_document(retrieval: Retrieval, count: LedgerCount) -> Document:
    """One retrieval, as it stands."""
    return {
        "study_instance_uid": retrieval.study_instance_uid,
        "remote": retrieval.remote,
        "state": retrieval.state.value,
        "id": retrieval.id,
        "expected": count.expected,
        "received": count.received,
        "rendered": count.rendered,
        "claimed": claimed_document(retrieval.claimed),
        "reason": retrieval.reason,
        "seconds": seconds(retrieval),
    }


def claimed_document(claimed: Claimed) -> Document:
    """What the remote says it did."""
    return {
        "completed": claimed.completed,
        "failed": claimed.failed,
        "warning": claimed.warning,
        "status": claimed.status,
    }


def seconds(retrieval: Retrieval) -> float | None:
    """How long it took, or has taken so far; None before its start, 0 where nothing was to be done."""
    if retrieval.started_at is None:
        return 0.0 if retrieval.state.final else None
    end = retrieval.ended_at or datetime.now(UTC)
    return round((end - retrieval.started_at).total_seconds(), 1)


def remote_document(remote: Remote) -> Document:
    """One remote, with what holds where nothing was given."""
    return {
        "name": remote.name,
        "title": remote.title,
        "host": remote.host,
        "port": remote.port,
        "addresses": list(remote.calling_addresses),
        "called_from": list(remote.calling_titles),
        "max_moves": remote.max_moves,
        "hours": list(remote.hours),
        "managed": remote.managed,
        "paused": remote.paused,
        "response_restarts_on": remote.response_restarts_on.value if remote.response_restarts_on else None,
        "levels": None if remote.levels is None else [level.value for level in remote.levels],
    }


def patient_document(patient: Patient) -> Document:
    """One registered patient."""
    return {
        "patient": patient.key,
        "name": patient.name,
        "birth_date": patient.birth_date,
        "links": [{"remote": link.remote, "patient_id": link.patient_id} for link in patient.links],
    }


def study_row(study: "HeldStudy") -> Document:
    """A held study in a list."""
    return {
        "study_instance_uid": study.study_instance_uid,
        "patient": study.patient_key,
        "patient_id": study.patient_id,
        "study_date": study.study_date,
        "study_time": study.study_time,
        "accession_number": study.accession_number,
        "modalities": list(study.modalities),
        "remote": study.remote,
        "state": study.state.value,
        "series": study.series_count,
        "instances": study.instance_count,
        "rendered": study.rendered,
        "failed": study.failed,
    }


def study_document(study: "HeldStudy", blob_path: BlobPath) -> Document:
    """What ``studies show`` tells: everything down to the renditions."""
    return {
        "study_instance_uid": study.study_instance_uid,
        "patient_id": study.patient_id,
        "state": study.state.value,
        "series": [
            {
                "series_instance_uid": series.series_instance_uid,
                "modality": series.modality,
                "instances": [_instance(each, blob_path) for each in series.instances],
            }
            for series in study.series
        ],
    }


def _instance(instance: "HeldInstance", blob_path: BlobPath) -> Document:
    kept = blob_path(instance.kept_blob) if instance.kept_blob else None
    return {
        "sop_instance_uid": instance.sop_instance_uid,
        "sop_class_uid": instance.sop_class_uid,
        "instance_number": instance.instance_number,
        "frames": instance.frames,
        "state": instance.state.value,
        "reason": instance.reason,
        "renditions": [_rendition(each, blob_path) for each in instance.renditions],
        "not_presented": [
            {"presentation_state": state, "reason": reason} for state, reason in instance.not_presented.items()
        ],
        "kept_dicom": str(kept) if kept else instance.kept_blob,
    }


def _rendition(rendition: "HeldRendition", blob_path: BlobPath) -> Document:
    path = blob_path(rendition.blob_key)
    place = {"path": str(path)} if path else {"url": f"/renditions/{rendition.id}"}
    return {
        "kind": rendition.kind.value,
        "format": rendition.format,
        "frame": rendition.frame,
        **place,
        "width": rendition.width,
        "height": rendition.height,
        "bytes": rendition.bytes,
        "recipe": dict(rendition.recipe),
        "window": rendition.window,
        "view": rendition.view,
        "presentation_state": rendition.presentation_state,
        "flags": list(rendition.flags),
    }
