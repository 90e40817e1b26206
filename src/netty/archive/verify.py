"""Verification: every row has its file, every file its row, and the checksums read back."""

from dataclasses import dataclass
from enum import StrEnum

from netty.archive.blobs import Blobs
from netty.archive.database import Database
from netty.archive.spool import Spool


class ProblemKind(StrEnum):
    """What does not fit together."""

    RENDITION_MISSING = "rendition_missing"
    RENDITION_DAMAGED = "rendition_damaged"
    KEPT_MISSING = "kept_missing"
    KEPT_DAMAGED = "kept_damaged"
    SPOOL_MISSING = "spool_missing"
    SPOOL_DAMAGED = "spool_damaged"
    QUARANTINE_MISSING = "quarantine_missing"
    NOT_QUARANTINED = "not_quarantined"
    ORPHAN_BLOB = "orphan_blob"
    ORPHAN_SPOOL = "orphan_spool"
    ORPHAN_QUARANTINE = "orphan_quarantine"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that does not fit.

    Attributes:
        what: the file, blob key or SOP Instance UID concerned.
        advice: what to do about it, a sentence.
        repaired: whether `repair` put it right.
    """

    kind: ProblemKind
    what: str
    advice: str
    repaired: bool = False


@dataclass(frozen=True, slots=True)
class Verification:
    """The result. `ok` where no problem is left; `checked` counts instances, blobs and files."""

    ok: bool
    checked: int
    problems: tuple[Problem, ...]


def verify(database: Database, spool: Spool, blobs: Blobs, repair: bool = False) -> Verification:
    """Compare rows with files, reading every file back; with `repair`, put right what can be."""
    raise NotImplementedError
