"""Leases: what may be stored here because we asked for it, and the decision on one C-STORE."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from netty.model import reasons
from netty.model.identity import same_patient_id


@dataclass(frozen=True, slots=True)
class Lease:
    """One open retrieval as the Storage SCP sees it.

    Attributes:
        message_id: of the C-MOVE-RQ, 1 to 65535, unique among open leases.
        patient_id: the Patient ID that was searched for.
        patient_key: the registered patient; empty with an operator's override.
        expires_at: seconds since the epoch; it outlives its C-MOVE by the quiet time.
    """

    id: int
    retrieval_id: str
    remote: str
    message_id: int
    study_instance_uid: str
    patient_id: str
    expires_at: float
    patient_key: str = ""


@dataclass(frozen=True, slots=True)
class Offered:
    """One C-STORE as it stands after the walk: who calls, what the command says, what the data set says."""

    remotes: tuple[str, ...]  # that calling AE title and address together name
    study_instance_uid: str
    patient_id: str
    move_originator_ae_title: str | None
    move_originator_message_id: int | None


class Outcome(StrEnum):
    """What becomes of a stored instance."""

    ADMITTED = "admitted"
    ON_HOLD = "on_hold"
    UNSOLICITED = "unsolicited"


@dataclass(frozen=True, slots=True)
class Admission:
    """The decision on one C-STORE; `lease` is None exactly where it is unsolicited."""

    outcome: Outcome
    lease: Lease | None
    reason: str = ""


def admit(offered: Offered, leases: Sequence[Lease], our_ae_title: str) -> Admission:
    """Decide on a C-STORE against the leases that are open for its study.

    Admission always needs the data set's study in an open lease of a remote that calling AE title *and* address
    name. Move Originator fields are optional (PS3.7 9.1.1.1) and often wrong; they only choose between leases.
    """
    candidates = [
        lease
        for lease in leases
        if lease.study_instance_uid == offered.study_instance_uid and lease.remote in offered.remotes
    ]
    if not candidates:
        return Admission(Outcome.UNSOLICITED, None, reasons.UNSOLICITED)
    lease = _chosen(offered, candidates, our_ae_title)
    if not same_patient_id(offered.patient_id, lease.patient_id):
        return Admission(Outcome.ON_HOLD, lease, reasons.OTHER_PATIENT_ID)
    return Admission(Outcome.ADMITTED, lease)


def _chosen(offered: Offered, candidates: Sequence[Lease], our_ae_title: str) -> Lease:
    """The lease whose C-MOVE the sender names, else one of the same patient, else the newest."""
    originated_by_us = offered.move_originator_ae_title in (None, "", our_ae_title)
    if originated_by_us and offered.move_originator_message_id is not None:
        for lease in candidates:
            if lease.message_id == offered.move_originator_message_id:
                return lease
    same = [lease for lease in candidates if same_patient_id(lease.patient_id, offered.patient_id)]
    return max(same or candidates, key=lambda lease: lease.id)
