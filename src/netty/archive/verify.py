"""Verification: every row has its file, every file its row, and the checksums read back.

It may run beside the service: what is wrong is looked at twice before it is called wrong, and a file that was written
less than `IN_FLIGHT` ago may just be on its way to its row.
"""

import hashlib
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Row, Select, select

from netty.archive import reasons
from netty.archive.blobs import BlobEntry, Blobs
from netty.archive.database import Database
from netty.archive.digest import has_digest
from netty.archive.errors import BlobMissing
from netty.archive.held import RenderState
from netty.archive.mending import Mending
from netty.archive.received import Received, RegistrationOutcome
from netty.archive.registration import Registration, yet_to_be_rendered
from netty.archive.spool import Spool, read_receipt
from netty.archive.tables import instances, quarantined, receipts, renditions

IN_FLIGHT: Final = 120.0  # seconds: a sender that is silent for so long has been cut off
_AT_ONCE: Final = 500
_PIECE: Final = 1 << 20


class ProblemKind(StrEnum):
    """What does not fit together."""

    RENDITION_MISSING = "rendition_missing"
    RENDITION_DAMAGED = "rendition_damaged"
    KEPT_MISSING = "kept_missing"
    KEPT_DAMAGED = "kept_damaged"
    SPOOL_MISSING = "spool_missing"
    SPOOL_DAMAGED = "spool_damaged"
    QUARANTINE_MISSING = "quarantine_missing"
    QUARANTINE_DAMAGED = "quarantine_damaged"
    NOT_QUARANTINED = "not_quarantined"
    ORPHAN_BLOB = "orphan_blob"
    ORPHAN_SPOOL = "orphan_spool"
    ORPHAN_QUARANTINE = "orphan_quarantine"


ADVICE: Final = {
    ProblemKind.RENDITION_MISSING: reasons.PICTURE_GONE,
    ProblemKind.RENDITION_DAMAGED: reasons.PICTURE_DAMAGED,
    ProblemKind.KEPT_MISSING: reasons.KEPT_GONE,
    ProblemKind.KEPT_DAMAGED: reasons.KEPT_DAMAGED,
    ProblemKind.SPOOL_MISSING: reasons.RECEIVED_GONE,
    ProblemKind.SPOOL_DAMAGED: reasons.RECEIVED_DAMAGED,
    ProblemKind.QUARANTINE_MISSING: reasons.QUARANTINED_GONE,
    ProblemKind.QUARANTINE_DAMAGED: reasons.QUARANTINED_DAMAGED,
    ProblemKind.NOT_QUARANTINED: reasons.NOT_QUARANTINED,
    ProblemKind.ORPHAN_BLOB: reasons.NAMELESS_BLOB,
    ProblemKind.ORPHAN_SPOOL: reasons.NEVER_REGISTERED,
    ProblemKind.ORPHAN_QUARANTINE: reasons.NAMELESS_QUARANTINED,
}


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
class Part:
    """Some of the images, in the order of their numbers: at most `count` of those above the number `after`."""

    count: int
    after: int = 0


@dataclass(frozen=True, slots=True)
class Verification:
    """The result.

    Attributes:
        ok: whether no problem is left.
        checked: how many instances, blobs and files.
        next_after: of a part, where the next one goes on; None where no image is left.
    """

    ok: bool
    checked: int
    problems: tuple[Problem, ...]
    next_after: int | None = None


def verify(
    database: Database, spool: Spool, blobs: Blobs, repair: bool = False, part: Part | None = None
) -> Verification:
    """Compare rows with files, reading every file back; with `repair`, put right what can be.

    Of a `part`, its images and their files are looked at. What no row names is found only by looking at everything.
    """
    verifier = _Verifier(database, spool, blobs, repair)
    next_after = None
    if part is None:
        verifier.run()
    else:
        next_after = verifier.run_part(part)
    ok = all(one.repaired for one in verifier.problems)
    return Verification(ok, verifier.checked, tuple(verifier.problems), next_after)


_BETWEEN_PARTS: Final = re.compile(r"[/.-]")


class _Verifier:
    def __init__(self, database: Database, spool: Spool, blobs: Blobs, repair: bool) -> None:
        self._database, self._spool, self._blobs, self._repair = database, spool, blobs, repair
        self._mending = Mending(database)
        self._registration = Registration(database)
        self.problems: list[Problem] = []
        self.checked = 0

    def run(self) -> None:
        """Everything."""
        # Files first, rows after: what gets its row meanwhile is no orphan.
        spooled, in_quarantine = self._spool.names(), self._spool.quarantined_names()
        for rows in self._pages(select(instances), instances.c.id):
            self._instances(rows)
        for rows in self._pages(_quarantined(), quarantined.c.id):
            for row in rows:
                self.checked += 1
                self._quarantined(row)
        self._orphan_blobs()
        self._orphans_in_spool(spooled)
        self._orphans_in_quarantine(in_quarantine)

    def run_part(self, part: Part) -> int | None:
        """The images of a part; gives where the next part begins."""
        after, left = part.after, part.count
        while left:
            rows = self._page(select(instances), instances.c.id, after, min(left, _AT_ONCE))
            self._instances(rows)
            if len(rows) < min(left, _AT_ONCE):
                return None
            after, left = rows[-1].id, left - len(rows)
        return after

    # --- rows ---

    def _instances(self, rows: Sequence[Row[Any]]) -> None:
        self.checked += len(rows)
        pictures = self._pictures([row.id for row in rows])
        for row in rows:
            if self._wrong_with(row, pictures[row.id], count=True):
                self._look_again(row.id)

    def _pictures(self, numbers: Sequence[int]) -> dict[int, list[Row[Any]]]:
        """The renditions of instances: of a whole page at once, since asking takes longer than reading a file."""
        found: dict[int, list[Row[Any]]] = {number: [] for number in numbers}
        with self._database.read() as connection:
            for one in connection.execute(select(renditions).where(renditions.c.instance.in_(numbers))):
                found[one.instance].append(one)
        return found

    def _look_again(self, number: int) -> None:
        """It may have been rendered or deleted meanwhile."""
        with self._database.read() as connection:
            now = connection.execute(select(instances).where(instances.c.id == number)).one_or_none()
        if now is None:
            return
        wrong = self._wrong_with(now, self._pictures([number])[number])
        if wrong and self._repair:
            self._mend(now, {kind for kind, _ in wrong})
        for kind, what in wrong:
            self._report(kind, what, self._repair)

    def _wrong_with(
        self, row: Row[Any], pictures: Sequence[Row[Any]], count: bool = False
    ) -> list[tuple[ProblemKind, str]]:
        wrong: list[tuple[ProblemKind, str]] = []
        if row.state == RenderState.RENDERED:
            self.checked += len(pictures) * count
            for one in pictures:
                wrong += self._blob(one.blob_key, one.bytes, one.sha256, "rendition")
            if not pictures:
                wrong.append((ProblemKind.RENDITION_MISSING, row.sop_instance_uid))
        elif row.kept_blob is None:
            self.checked += count
            if (state := self._spooled(row)) is not None:
                wrong.append((state, row.spool_name or row.sop_instance_uid))
        if row.kept_blob is not None:
            self.checked += count
            wrong += self._blob(row.kept_blob, row.kept_bytes, row.kept_sha256, "kept")
        return wrong

    def _blob(self, key: str, size: int, sha256: str, name: str) -> list[tuple[ProblemKind, str]]:
        try:
            found = _digest(self._blobs.read(key))
        except BlobMissing:
            return [(ProblemKind(f"{name}_missing"), key)]
        return [] if found == (size, sha256) else [(ProblemKind(f"{name}_damaged"), key)]

    def _spooled(self, row: Row[Any]) -> ProblemKind | None:
        """What is wrong with the spool file of an instance, None where it is whole."""
        path = self._spool.path(row.spool_name or "-")
        if row.spool_name is None or not path.exists():
            return ProblemKind.SPOOL_MISSING
        return None if _is_whole(path, row.data_offset, row.data_length, row.digest) else ProblemKind.SPOOL_DAMAGED

    def _mend(self, row: Row[Any], wrong: set[ProblemKind]) -> None:
        from_kept = row.kept_blob is not None and not wrong & {ProblemKind.KEPT_MISSING, ProblemKind.KEPT_DAMAGED}
        if row.kept_blob is not None and not from_kept:
            self._mending.forget_kept(row.id)
        from_spool = self._spooled(row) is None
        pictures_gone = wrong & {ProblemKind.RENDITION_MISSING, ProblemKind.RENDITION_DAMAGED}
        without_pictures = row.state != RenderState.RENDERED
        if from_kept or from_spool:
            self._mending.render_again(row.id)
        elif pictures_gone or without_pictures:
            self._blobs.remove(self._mending.lose(row.id))

    def _quarantined(self, row: Row[Any]) -> None:
        name = row.spool_name
        place = self._spool.quarantined_path(name)
        if place.exists():
            if not _is_whole(place, row.received["data_offset"], row.received["data_length"], row.digest):
                self._report(ProblemKind.QUARANTINE_DAMAGED, name)
            elif not row.moved:  # the move was done, and not yet written down
                self._registration.quarantined([name])
            return
        path = self._spool.path(name)
        if path.exists():
            if _age(path) > IN_FLIGHT:
                if self._repair:
                    self._spool.quarantine(name)
                    self._registration.quarantined([name])
                self._report(ProblemKind.NOT_QUARANTINED, name, self._repair)
        elif not place.exists():  # again: it may have been moved between the two questions
            if self._repair:
                self._mending.forget_quarantined(name)
            self._report(ProblemKind.QUARANTINE_MISSING, name, self._repair)

    # --- files ---

    def _orphan_blobs(self) -> None:
        orphans: list[str] = []
        for listed in _some_at_once(self._blobs.entries()):
            self.checked += len(listed)
            orphans += self._nameless(listed)
        if orphans and self._repair:
            self._blobs.remove(orphans)
            self._mending.removed_orphans(orphans)
        for key in sorted(orphans):
            self._report(ProblemKind.ORPHAN_BLOB, key, self._repair)

    def _nameless(self, listed: Sequence[BlobEntry]) -> list[str]:
        """Of some blobs, listed before their rows are asked for: those that no row names."""
        keys = [one.key for one in listed]
        settled = time.time() - IN_FLIGHT
        with self._database.read() as connection:
            pictures = set(connection.scalars(select(renditions.c.blob_key).where(renditions.c.blob_key.in_(keys))))
            others = [one.key for one in listed if one.key not in pictures and one.modified.timestamp() < settled]
            if not others:
                return []
            # By the stems, which have an index; the keys of kept files have none.
            owners = instances.c.key.in_(set().union(*map(_stems, others)))
            kept = set(connection.scalars(select(instances.c.kept_blob).where(owners)))
            # What waits may be rendered just now: its blobs come before its rows.
            waiting = set(connection.scalars(select(instances.c.key).where(owners, yet_to_be_rendered())))
        return [key for key in others if key not in kept and not _stems(key) & waiting]

    def _orphans_in_spool(self, names: Iterable[str]) -> None:
        known = self._registration.spool_names()
        for name in sorted(set(names) - known):
            path = self._spool.path(name)
            if not path.exists() or _age(path) < IN_FLIGHT:
                continue
            self.checked += 1
            if self._repair:
                receipt = self._spool.receipt(name)
                if receipt is None:  # nobody was ever told that it is safe
                    self._spool.remove(name)
                    self._mending.removed_orphans([name])
                else:
                    self._registration.register([Received.from_receipt(name, receipt)])
            self._report(ProblemKind.ORPHAN_SPOOL, name, self._repair)

    def _orphans_in_quarantine(self, names: Iterable[str]) -> None:
        with self._database.read() as connection:
            set_aside = receipts.c.outcome.in_([RegistrationOutcome.ON_HOLD, RegistrationOutcome.DIFFERENT])
            known = set(connection.scalars(select(receipts.c.spool_name).where(set_aside)))
            by_a_person = receipts.c.outcome == RegistrationOutcome.DISCARDED
            discarded = set(connection.scalars(select(receipts.c.spool_name).where(by_a_person)))
        for name in sorted(set(names) - known):
            self.checked += 1
            if name in discarded and not self._spool.quarantined_path(name).exists():
                continue  # it was discarded just now
            if name in discarded and self._repair:
                self._spool.remove_quarantined(name)
                self._mending.removed_orphans([name])
            self._report(ProblemKind.ORPHAN_QUARANTINE, name, name in discarded and self._repair)

    # --- both ---

    def _report(self, kind: ProblemKind, what: str, repaired: bool = False) -> None:
        self.problems.append(Problem(kind, what, ADVICE[kind], repaired))

    def _pages(self, query: Select[Any], number: Any) -> Iterator[Sequence[Row[Any]]]:
        """All rows, a few hundred at a time: no transaction stays open while files are read."""
        last = 0
        while True:
            rows = self._page(query, number, last, _AT_ONCE)
            yield rows
            if len(rows) < _AT_ONCE:
                return
            last = rows[-1].id

    def _page(self, query: Select[Any], number: Any, after: int, count: int) -> Sequence[Row[Any]]:
        with self._database.read() as connection:
            return connection.execute(query.where(number > after).order_by(number).limit(count)).all()


def _quarantined() -> Select[Any]:
    return select(quarantined, receipts.c.spool_name, receipts.c.digest).join(receipts)


def _some_at_once(entries: Iterator[BlobEntry]) -> Iterator[list[BlobEntry]]:
    """A few hundred at a time: an archive has tens of millions of blobs."""
    while some := list(islice(entries, _AT_ONCE)):
        yield some


def _stems(key: str) -> set[str]:
    """The parts of a blob key without suffixes, among them the key of its instance."""
    return set(_BETWEEN_PARTS.split(key))


def _digest(pieces: Iterable[bytes]) -> tuple[int, str]:
    size, checksum = 0, hashlib.sha256()
    for piece in pieces:
        size += len(piece)
        checksum.update(piece)
    return size, checksum.hexdigest()


def _is_whole(path: Path, offset: int, length: int, digest: str) -> bool:
    """Whether a spool file has its trailer, and its data set the digest."""
    try:
        return read_receipt(path) is not None and has_digest(_part(path, offset, length), digest)
    except OSError:
        return False


def _part(path: Path, offset: int, length: int) -> Iterator[bytes]:
    with path.open("rb", buffering=0) as file:
        file.seek(offset)
        while length and (piece := file.read(min(length, _PIECE))):
            length -= len(piece)
            yield piece


def _age(path: Path) -> float:
    """Seconds since a file was last written; 0 where it is gone."""
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
