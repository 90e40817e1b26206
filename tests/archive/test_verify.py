"""Verification finds whatever does not fit together, and repair puts right what can be."""

import os
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from netty.archive.audit import Audit, AuditKind
from netty.archive.blobs import BlobEntry, Blobs
from netty.archive.database import Database
from netty.archive.held import RenderState
from netty.archive.holdings import Holdings
from netty.archive.received import KeptBlob, Received, Rendered
from netty.archive.registration import Registration
from netty.archive.spool import Spool
from netty.archive.verify import IN_FLIGHT, Part, ProblemKind, Verification, verify
from support.catalogue import NOON, digest_of, received, rendition

HEAD = b"H" * 340


@dataclass
class Archive:
    """All parts of an archive in a folder."""

    database: Database
    spool: Spool
    blobs: Blobs

    def verify(self, repair: bool = False) -> Verification:
        """Verify, and once more where something was repaired: then nothing may be left."""
        found = verify(self.database, self.spool, self.blobs, repair)
        if repair and found.ok:
            assert verify(self.database, self.spool, self.blobs).problems == ()
        return found

    def store(self, one: Received, content: bytes = b"pixels") -> Received:
        """A sealed file for a receipt, in the spool."""
        file = self.spool.create()
        file.write(HEAD + content)
        one = replace(one, spool_name=file.name, digest=digest_of(content), data_length=len(content))
        file.seal(one.receipt())
        return one

    def receive(self, sop_instance_uid: str = "1.2.3.1.1", content: bytes = b"pixels", **changes: object) -> Received:
        """A registered image."""
        one = self.store(received(sop_instance_uid, content, **changes), content)
        Registration(self.database).register([one])
        return one

    def render(self, kept: bytes = b"", spool_file_gone: bool = True) -> None:
        """Pictures for all that waits."""
        registration = Registration(self.database)
        for one in registration.unrendered(100):
            data = one.sop_instance_uid.encode()
            keys = [f"renditions/{one.key}/{frame}.jpg" for frame in (1, 2)]
            for key in keys:
                self.blobs.put(key, data)
            kept_blob = None
            if kept:
                kept_blob = KeptBlob(f"kept/{one.key}.dcm", *self.blobs.put_file(f"kept/{one.key}.dcm", [kept]))
            new = [rendition(data=data, frame=frame, blob_key=key) for frame, key in enumerate(keys, 1)]
            registration.rendered([Rendered(one.instance_id, new, kept_blob)])
            if spool_file_gone:
                self.spool.remove(one.spool_name)
                registration.spool_files_removed([one.spool_name])

    def blob(self, prefix: str) -> Path:
        """The first blob under a prefix."""
        path = self.blobs.path(min(key for key, _ in self.blobs.list(prefix)))
        assert path is not None
        return path

    def state(self) -> RenderState | None:
        """Of the only image."""
        study = Holdings(self.database).study("1.2.3")
        return None if study is None else next(study.instances).state


@pytest.fixture
def archive(database: Database, tmp_path: Path) -> Iterator[Archive]:
    """An empty archive."""
    spool = Spool(tmp_path / "spool", tmp_path / "quarantine")
    yield Archive(database, spool, Blobs("file:blobs", tmp_path))
    spool.close()


def _old(path: Path) -> None:
    """As if written before anything now in flight."""
    long_ago = path.stat().st_mtime - 2 * IN_FLIGHT
    os.utime(path, (long_ago, long_ago))


def _kinds(found: Verification) -> list[ProblemKind]:
    return [one.kind for one in found.problems]


def test_an_archive_in_every_state_of_work_is_ok(archive: Archive) -> None:
    archive.receive("1.2.3.1.1")
    archive.render(kept=b"kept")
    archive.receive("1.2.3.1.2")
    archive.render(spool_file_gone=False)
    [failed, no_picture] = [archive.receive("1.2.3.1.3"), archive.receive("1.2.3.1.4")]
    states = {failed.spool_name: RenderState.FAILED, no_picture.spool_name: RenderState.NO_PICTURE}
    registration = Registration(archive.database)
    for one in registration.unrendered(9):
        registration.not_rendered(one.instance_id, states[one.spool_name], "why")
    archive.receive("1.2.3.1.5")
    held = archive.receive("1.2.3.1.6", on_hold_reason="why")
    archive.spool.quarantine(held.spool_name)
    registration.quarantined([held.spool_name])
    archive.receive("1.2.3.1.7", on_hold_reason="not moved yet")
    archive.store(received("1.2.3.1.8"))  # sealed, its rows are on their way
    receiving = archive.spool.create()
    archive.blobs.put("renditions/ff/1.jpg", b"on its way")

    found = archive.verify()

    assert (found.ok, found.problems) == (True, ())
    assert found.checked > 12
    receiving.discard()


def test_an_empty_archive_is_ok(archive: Archive) -> None:
    assert archive.verify() == Verification(True, 0, ())


def _remove(path: Path) -> None:
    path.unlink()


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[1] ^= 0xFF
    path.write_bytes(content)


def _lengthen(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"!")


@pytest.mark.parametrize(
    ("spoil", "kind"),
    [
        (_remove, ProblemKind.RENDITION_MISSING),
        (_flip, ProblemKind.RENDITION_DAMAGED),
        (_lengthen, ProblemKind.RENDITION_DAMAGED),
    ],
)
@pytest.mark.parametrize("source", ["spool", "kept", "none"])
def test_a_spoilt_picture_is_made_again_or_fetched_again(
    archive: Archive, spoil: Callable[[Path], None], kind: ProblemKind, source: str
) -> None:
    archive.receive()
    archive.render(kept=b"kept" if source == "kept" else b"", spool_file_gone=source != "spool")
    spoil(archive.blob("renditions"))

    before = archive.verify()
    assert (before.ok, _kinds(before)) == (False, [kind])
    assert archive.state() is RenderState.RENDERED  # looking changes nothing

    assert archive.verify(repair=True).ok
    if source == "none":
        assert Holdings(archive.database).held("1.2.3") == frozenset()  # the next search finds it missing
        assert list(archive.blobs.list()) == []
        assert [one.event.kind for one in Audit(archive.database).list()] == [AuditKind.LOST]
    else:
        assert archive.state() is RenderState.WAITING
        archive.render(kept=b"kept" if source == "kept" else b"", spool_file_gone=False)
        assert archive.verify().ok
        assert [one.event.kind for one in Audit(archive.database).list()] == [AuditKind.REPAIRED]


@pytest.mark.parametrize(("spoil", "kind"), [(_remove, ProblemKind.KEPT_MISSING), (_flip, ProblemKind.KEPT_DAMAGED)])
def test_a_spoilt_kept_file_is_forgotten_and_the_pictures_stay(
    archive: Archive, spoil: Callable[[Path], None], kind: ProblemKind
) -> None:
    archive.receive()
    archive.render(kept=b"kept")
    spoil(archive.blob("kept"))
    if kind is ProblemKind.KEPT_DAMAGED:
        _old(archive.blob("kept"))

    found = archive.verify(repair=True)

    assert found.ok
    assert found.problems[0].kind is kind
    assert archive.state() is RenderState.RENDERED
    assert list(archive.blobs.list("kept")) == []


def _spoil_data(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[341] ^= 0xFF
    path.write_bytes(content)


def _cut_trailer(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 1)


@pytest.mark.parametrize(
    ("spoil", "kind"),
    [
        (_remove, ProblemKind.SPOOL_MISSING),
        (_spoil_data, ProblemKind.SPOOL_DAMAGED),
        pytest.param(_cut_trailer, ProblemKind.SPOOL_DAMAGED, marks=pytest.mark.leaves("half-written")),
    ],
)
def test_a_spoilt_spool_file_without_pictures_is_lost_and_fetched_again(
    archive: Archive, spoil: Callable[[Path], None], kind: ProblemKind
) -> None:
    one = archive.receive()
    spoil(archive.spool.path(one.spool_name))

    assert _kinds(archive.verify()) == [kind]
    assert archive.verify(repair=True).ok
    assert Holdings(archive.database).held("1.2.3") == frozenset()
    assert Holdings(archive.database).studies() == []

    again = archive.receive()
    assert Holdings(archive.database).held("1.2.3") == {again.sop_instance_uid}


def test_an_orphan_blob_is_removed_and_a_fresh_one_is_left(archive: Archive) -> None:
    archive.blobs.put("renditions/aa/1.jpg", b"old")
    archive.blobs.put("renditions/bb/1.jpg", b"fresh")
    _old(archive.blob("renditions/aa"))

    assert _kinds(archive.verify()) == [ProblemKind.ORPHAN_BLOB]
    assert archive.verify(repair=True).ok
    assert list(archive.blobs.list()) == [("renditions/bb/1.jpg", 5)]


def test_orphans_are_found_wherever_they_stand_in_the_listing(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("netty.archive.verify._AT_ONCE", 4)
    for number in range(7):
        archive.receive(f"1.2.3.1.{number}")
    archive.render(kept=b"kept")
    orphans = [f"renditions/{number}/1.jpg" for number in range(5)]
    for key in orphans:
        archive.blobs.put(key, b"old")
        _old(archive.blob(key.rpartition("/")[0]))

    assert [one.what for one in archive.verify().problems] == orphans
    assert archive.verify(repair=True).ok


def test_the_names_of_all_blobs_are_never_in_memory_at_once(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    count, now = 30_000, datetime.now(UTC)
    entries = (BlobEntry(f"renditions/{number:032x}/000000.jpg", 1, now) for number in range(count))
    monkeypatch.setattr(archive.blobs, "entries", lambda: entries)
    archive.verify()  # what is loaded once does not count

    entries = (BlobEntry(f"renditions/{number:032x}/000000.jpg", 1, now) for number in range(count))
    tracemalloc.start()
    found = archive.verify()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert (found.ok, found.checked) == (True, count)
    assert peak < 100 * count  # bytes; a name alone takes more


def test_the_blobs_of_what_is_being_rendered_are_no_orphans(archive: Archive) -> None:
    archive.receive()
    [one] = Registration(archive.database).unrendered(1)
    archive.blobs.put(f"renditions/{one.key}/1.jpg", b"of an attempt that died")
    _old(archive.blob("renditions"))

    assert archive.verify().ok


def test_a_sealed_file_without_a_row_is_registered(archive: Archive) -> None:
    one = archive.store(received())
    _old(archive.spool.path(one.spool_name))

    assert _kinds(archive.verify()) == [ProblemKind.ORPHAN_SPOOL]
    assert archive.verify(repair=True).ok
    assert Holdings(archive.database).held("1.2.3") == {"1.2.3.1.1"}


def test_an_unsealed_file_that_nobody_writes_is_removed(archive: Archive) -> None:
    file = archive.spool.create()
    _old(archive.spool.path(file.name))

    assert _kinds(archive.verify(repair=True)) == [ProblemKind.ORPHAN_SPOOL]
    assert archive.spool.names() == set()
    file.discard()


def test_a_removal_that_a_power_cut_undid_is_done_again(archive: Archive) -> None:
    one = archive.receive()
    content = archive.spool.path(one.spool_name).read_bytes()
    archive.render()
    archive.spool.path(one.spool_name).write_bytes(content)
    _old(archive.spool.path(one.spool_name))

    assert archive.verify(repair=True).ok
    assert Registration(archive.database).finished_spool_files(NOON) == [one.spool_name]


def test_a_file_on_hold_that_was_never_moved_is_moved(archive: Archive) -> None:
    one = archive.receive(on_hold_reason="why")
    _old(archive.spool.path(one.spool_name))

    assert _kinds(archive.verify()) == [ProblemKind.NOT_QUARANTINED]
    assert archive.verify(repair=True).ok
    assert archive.spool.quarantined_names() == {one.spool_name}


def test_a_move_that_was_done_but_not_written_down_is_no_problem(archive: Archive) -> None:
    one = archive.receive(on_hold_reason="why")
    archive.spool.quarantine(one.spool_name)

    assert archive.verify().ok
    assert Registration(archive.database).to_quarantine() == []


def test_a_quarantined_file_that_is_gone_is_forgotten_with_a_trace(archive: Archive) -> None:
    one = archive.receive(on_hold_reason="why")
    archive.spool.remove(one.spool_name)

    assert _kinds(archive.verify()) == [ProblemKind.QUARANTINE_MISSING]
    assert archive.verify(repair=True).ok
    assert Audit(archive.database).list([AuditKind.LOST])[0].event.detail["spool_name"] == one.spool_name


def test_the_same_bytes_on_hold_twice_are_no_problem_wherever_the_second_file_lies(archive: Archive) -> None:
    first, second = (archive.receive(on_hold_reason="why") for _ in range(2))
    archive.spool.quarantine(first.spool_name, second.spool_name)
    Registration(archive.database).quarantined([first.spool_name, second.spool_name])

    assert archive.verify().ok


def test_nothing_is_ever_removed_from_the_quarantine(archive: Archive) -> None:
    one = archive.store(received())
    archive.spool.quarantine(one.spool_name)
    _old(archive.spool.quarantined_path(one.spool_name))

    found = archive.verify(repair=True)

    assert (found.ok, _kinds(found)) == (False, [ProblemKind.ORPHAN_QUARANTINE])
    assert archive.spool.quarantined_names() == {one.spool_name}


def in_parts(archive: Archive, count: int) -> list[Verification]:
    """Part after part, until no image is left."""
    parts: list[Verification] = []
    after: int | None = 0
    while after is not None:
        parts.append(verify(archive.database, archive.spool, archive.blobs, part=Part(count, after)))
        after = parts[-1].next_after
    return parts


@pytest.mark.parametrize(("count", "of_each_part"), [(1, [3, 3, 3, 0]), (2, [6, 3]), (3, [9, 0]), (1000, [9])])
def test_parts_together_are_all_images_with_their_pictures(
    archive: Archive, count: int, of_each_part: list[int]
) -> None:
    for number in range(3):
        archive.receive(f"1.2.3.1.{number}")
    archive.render()

    parts = in_parts(archive, count)

    assert [part.checked for part in parts] == of_each_part
    assert all(part.ok for part in parts)


def test_a_part_finds_what_is_wrong_with_its_images_and_nothing_else(archive: Archive) -> None:
    for number in range(4):
        archive.receive(f"1.2.3.1.{number}")
    archive.render()
    archive.blob("renditions").unlink()
    archive.blobs.put("renditions/nobody/1.jpg", b"that no row names")

    found = [[problem.kind for problem in part.problems] for part in in_parts(archive, 2)]

    assert sorted(found) == [[], [], [ProblemKind.RENDITION_MISSING]]
