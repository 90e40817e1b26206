"""The words of states, kinds and roles, as people read them: JSON keeps the values, tables show these."""

from typing import Final

from netty.cli.words import say
from netty.language import mark

# By value, so that no command loads an enum's module for its words. A value means the same in every enum.
_TERMS: Final[dict[str, str]] = {
    # Studies, retrievals, ledgers, instances.
    "held": mark("held"),
    "partial": mark("partial"),
    "missing": mark("missing"),
    "fetch": mark("fetch"),
    "skip": mark("leave"),
    "queued": mark("queued"),
    "moving": mark("moving"),
    "settling": mark("settling"),
    "complete": mark("complete"),
    "unobtainable": mark("unobtainable"),
    "on_hold": mark("on hold"),
    "failed": mark("failed"),
    "cancelled": mark("cancelled"),
    "expected": mark("expected"),
    "received": mark("received"),
    "rendered": mark("rendered"),
    "waiting": mark("waiting"),
    "no_picture": mark("no picture"),
    # Users.
    "viewer": mark("viewer"),
    "operator": mark("operator"),
    "admin": mark("administrator"),
    # Why something is in the quarantine.
    "other_patient_id": mark("another Patient ID"),
    "two_patients": mark("UID of another patient"),
    "other_bytes": mark("UID known, other content"),
    "unsolicited": mark("not asked for"),
    "text_in_pixels": mark("text in its pixels"),
    # netty check.
    "settings": mark("settings"),
    "data folder": mark("data folder"),
    "disk space": mark("disk space"),
    "database": mark("database"),
    "DICOM port": mark("DICOM port"),
    "web port": mark("web port"),
    "clock": mark("clock"),
    "remotes": mark("remotes"),
    "masks": mark("masks"),
    "native parts": mark("native parts"),
    # netty verify.
    "rendition_missing": mark("picture missing"),
    "rendition_damaged": mark("picture damaged"),
    "kept_missing": mark("kept file missing"),
    "kept_damaged": mark("kept file damaged"),
    "spool_missing": mark("received file missing"),
    "spool_damaged": mark("received file damaged"),
    "quarantine_missing": mark("quarantined file missing"),
    "quarantine_damaged": mark("quarantined file damaged"),
    "not_quarantined": mark("not in quarantine"),
    "orphan_blob": mark("picture without a row"),
    "orphan_spool": mark("received file without a row"),
    "orphan_quarantine": mark("quarantined file without a row"),
    # The audit trail.
    "search": mark("search"),
    "retrieval_requested": mark("retrieval asked for"),
    "retrieval_ended": mark("retrieval ended"),
    "retrieval_cancelled": mark("retrieval cancelled"),
    "store_discarded": mark("image discarded"),
    "store_on_hold": mark("image put on hold"),
    "quarantine_looked_at": mark("quarantine looked at"),
    "quarantine_released": mark("released from quarantine"),
    "quarantine_discarded": mark("discarded from quarantine"),
    "duplicate_differs": mark("same UID, other content"),
    "association": mark("association"),
    "login": mark("login"),
    "login_failed": mark("login refused"),
    "logout": mark("logout"),
    "viewed_patient": mark("patient viewed"),
    "viewed_study": mark("study viewed"),
    "viewed_image": mark("image viewed"),
    "exported": mark("exported"),
    "patients_changed": mark("patients changed"),
    "remotes_changed": mark("remotes changed"),
    "users_changed": mark("users changed"),
    "settings_changed": mark("settings changed"),
    "override": mark("fetched by override"),
    "deleted": mark("deleted"),
    "lost": mark("lost"),
    "repaired": mark("repaired"),
    "rendered_again": mark("rendered again"),
    "audit_read": mark("audit trail read"),
}


def term(value: str) -> str:
    """The word for a value, in the reader's language; the value itself where it has none."""
    return say(_TERMS.get(value, value))
