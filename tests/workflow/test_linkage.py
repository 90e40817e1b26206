"""Searching and asking: what is noted for the pages, what the audit trail is told, and who is told of a request."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from netty.archive.audit import Audit, AuditKind
from netty.archive.errors import DatabaseFault
from netty.archive.found import FoundStudies
from netty.model.difference import StudyState
from netty.model.remote import Remote
from netty.model.retrieval import RetrievalState
from netty.network.errors import RemoteUnreachable
from netty.simulator.studies_objects import CT
from netty.simulator.studies_small import write_study
from support.linked import PATIENT_ID, Linked, hospital, linked
from support.ports import free_port


def told(netty: Linked) -> list[str]:
    """The outcomes of the searches in the audit trail, the newest first."""
    return [record.event.outcome for record in netty.audit.list([AuditKind.SEARCH])]


async def test_a_search_is_noted_and_audited_and_says_what_is_missing(tmp_path: Path) -> None:
    written = write_study(tmp_path / "pacs", CT, patient_id=PATIENT_ID, series=2, instances=2)
    async with linked(tmp_path) as netty, hospital(netty, written.files[0].parent):
        netty.register()
        (found,) = await netty.linkage.search("central", "hanako", asked_by="test")

        (view,) = netty.linkage.noted("hanako")
        assert view.studies == (found,)
        assert (found.state, len(found.missing)) == (StudyState.MISSING, 4)
        assert told(netty) == ["1 studies"]


async def test_an_answer_that_cannot_be_noted_is_not_audited_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = write_study(tmp_path / "pacs", CT, patient_id=PATIENT_ID)
    async with linked(tmp_path) as netty, hospital(netty, written.files[0].parent):
        netty.register()
        write = FoundStudies.note

        def fail(*answer: Any) -> None:
            write(*answer)
            raise DatabaseFault("The disk has gone.")

        monkeypatch.setattr(FoundStudies, "note", fail)
        with pytest.raises(DatabaseFault):
            await netty.linkage.search("central", "hanako")

        (view,) = netty.linkage.noted("hanako")
        assert view.searched_at is None
        assert told(netty) == []


async def test_a_remote_that_is_not_there_is_noted_and_audited_and_the_last_answer_stays(tmp_path: Path) -> None:
    written = write_study(tmp_path / "pacs", CT, patient_id=PATIENT_ID)
    async with linked(tmp_path) as netty:
        async with hospital(netty, written.files[0].parent):
            netty.register()
            await netty.linkage.search("central", "hanako")
        netty.remotes.edit(Remote("central", "CENTRAL", "127.0.0.1", free_port()))

        with pytest.raises(RemoteUnreachable, match="refused"):
            await netty.linkage.search("central", "hanako")

        (view,) = netty.linkage.noted("hanako")
        assert "refused" in view.failure
        assert len(view.studies) == 1
        assert told(netty) == ["failed", "1 studies"]


async def test_a_search_that_is_given_up_is_audited_too(tmp_path: Path) -> None:
    written = write_study(tmp_path / "pacs", CT, patient_id=PATIENT_ID)
    asked = asyncio.Event()

    async def never() -> None:
        asked.set()
        await asyncio.Event().wait()

    async with linked(tmp_path) as netty, hospital(netty, written.files[0].parent):
        netty.register()
        searching = asyncio.create_task(netty.linkage.search("central", "hanako", turn=never))
        await asked.wait()
        searching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await searching

        assert told(netty) == ["failed"]
        assert netty.linkage.noted("hanako")[0].searched_at is None


async def test_what_nobody_registered_asks_for_is_audited_and_noted_nowhere(tmp_path: Path) -> None:
    written = write_study(tmp_path / "pacs", CT, patient_id=PATIENT_ID)
    async with linked(tmp_path) as netty, hospital(netty, written.files[0].parent) as simulated:
        remote = Remote("central", simulated.title, "127.0.0.1", simulated.port)
        (found,) = await netty.linkage.find(remote, PATIENT_ID, asked_by="somebody")

        assert found.state is StudyState.MISSING
        assert told(netty) == ["1 studies"]
        assert netty.found.of("central", PATIENT_ID) is None


async def test_who_fetches_is_told_when_all_about_a_request_is_written(tmp_path: Path) -> None:
    written = write_study(tmp_path / "pacs", CT, patient_id=PATIENT_ID)
    async with linked(tmp_path) as netty, hospital(netty, written.files[0].parent):
        patient = netty.register()
        (found,) = await netty.linkage.search("central", "hanako", asked_by="test")
        seen: list[tuple[int, int]] = []

        def look() -> None:
            requested = netty.audit.list([AuditKind.RETRIEVAL_REQUESTED])
            seen.append((len(netty.retrievals.list([RetrievalState.QUEUED])), len(requested)))

        replace(netty.linkage, asked=look).request("central", found, patient=patient, requested_by="test")

        assert seen == [(1, 1)]


async def test_a_request_that_cannot_be_audited_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise DatabaseFault("The disk has gone.")

    written = write_study(tmp_path / "pacs", CT, patient_id=PATIENT_ID)
    async with linked(tmp_path) as netty, hospital(netty, written.files[0].parent):
        patient = netty.register()
        (found,) = await netty.linkage.search("central", "hanako", asked_by="test")
        monkeypatch.setattr(Audit, "write", fail)
        with pytest.raises(DatabaseFault):
            netty.linkage.request("central", found, patient=patient, requested_by="test")

        assert netty.retrievals.list() == []
