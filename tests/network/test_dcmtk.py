"""DCMTK on the other side: its tools against our acceptor and hospital, our SCUs against its PACS."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pydicom
import pytest

from netty.model.remote import Remote
from netty.network.errors import AssociationRejected
from netty.network.move_scu import move_study
from netty.network.query_scu import find_instances, find_series, find_studies
from netty.network.settings import AeSettings
from netty.network.verification_scu import echo
from netty.simulator.hospital import Destination, Hospital, running
from netty.simulator.quirks import Quirk
from netty.simulator.studies_small import WrittenStudy, write_study
from support import peers
from support.association import OUR_TITLE, QUICK, Shelf, serving
from support.ports import free_port

CT = "1.2.840.10008.5.1.4.1.1.2"
OURS = AeSettings(title=OUR_TITLE)

pytestmark = pytest.mark.skipif(peers.program("dcmqrscp") is None, reason="DCMTK is not installed (apt install dcmtk)")


@pytest.fixture
def study(tmp_path: Path) -> WrittenStudy:
    """Two series of three CT images."""
    return write_study(tmp_path / "pacs", CT, patient_id="P1", series=2, instances=3)


async def run(name: str, *arguments: object) -> peers.Ran:
    return await asyncio.to_thread(peers.run, name, *arguments)


async def test_echoscu_is_answered() -> None:
    async with serving() as served:
        ran = await run("echoscu", "-aec", OUR_TITLE, "127.0.0.1", served.port)

    assert ran.code == 0, ran.output


@pytest.mark.parametrize("max_pdu", [4096, 16384, 131072])
async def test_storescu_stores_every_byte(study: WrittenStudy, max_pdu: int) -> None:
    shelf = Shelf()
    async with serving(shelf, ae=AeSettings(title=OUR_TITLE, max_pdu=max_pdu)) as served:
        ran = await run("storescu", "-xi", "-aec", OUR_TITLE, "127.0.0.1", served.port, *study.files)

    assert ran.code == 0, ran.output
    assert {request.affected_sop_instance_uid for request in shelf.requests} == set(study.instances)
    assert all(len(data) > 6000 for data in shelf.stored)


async def test_storescu_is_told_when_its_class_is_not_taken() -> None:
    report = Path(pydicom.__file__).parent / "data" / "test_files" / "reportsi.dcm"
    async with serving() as served:
        ran = await run("storescu", "-xi", "-aec", OUR_TITLE, "127.0.0.1", served.port, report)

    assert ran.code != 0
    assert "No valid Presentation Context ID" in ran.output


async def test_findscu_finds_what_a_hospital_has(study: WrittenStudy) -> None:
    hospital = Hospital("PACS", study.files[0].parent)
    async with running(hospital):
        ran = await run(
            "findscu", "-S", "-aec", "PACS", "-k", "0008,0052=STUDY", "-k", "0010,0020=P1", "-k", "0020,000D",
            "-k", "0010,0010", "127.0.0.1", hospital.port,
        )  # fmt: skip

    assert ran.code == 0, ran.output
    assert study.study_instance_uid in ran.output
    assert "TEST^PATIENT" in ran.output


async def test_movescu_moves_between_a_hospital_and_storescp(study: WrittenStudy, tmp_path: Path) -> None:
    received = tmp_path / "received"
    received.mkdir()
    port = free_port()
    destinations = [Destination("MOVESCU", "127.0.0.1", port)]
    hospital = Hospital("PACS", study.files[0].parent, 0, destinations)
    async with running(hospital):
        ran = await run(
            "movescu", "-v", "-S", "-aec", "PACS", "-aem", "MOVESCU", "+P", port, "-od", received,
            "-k", "0008,0052=STUDY", "-k", f"0020,000D={study.study_instance_uid}", "127.0.0.1", hospital.port,
        )  # fmt: skip

    assert ran.code == 0, ran.output
    assert len(list(received.iterdir())) == 6


async def test_movescu_is_told_what_failed(study: WrittenStudy, tmp_path: Path) -> None:
    port = free_port()
    destinations = [Destination("MOVESCU", "127.0.0.1", port)]
    hospital = Hospital("PACS", study.files[0].parent, 0, destinations, [Quirk.DROP_ONE])
    async with running(hospital):
        ran = await run(
            "movescu", "-d", "-S", "-aec", "PACS", "-aem", "MOVESCU", "+P", port, "-od", tmp_path,
            "-k", "0008,0052=STUDY", "-k", f"0020,000D={study.study_instance_uid}", "127.0.0.1", hospital.port,
        )  # fmt: skip

    assert "0xb000" in ran.output
    assert "Failed Suboperations          : 1" in ran.output


@pytest.fixture
def qrscp(study: WrittenStudy, tmp_path: Path) -> Iterator[tuple[peers.Peer, int]]:
    """DCMTK's PACS with the study, and the port where it will look for us."""
    ours = free_port()
    with peers.dcmqrscp(tmp_path / "qr", study.files, netty_title=OUR_TITLE, netty_port=ours) as peer:
        yield peer, ours


async def test_our_scus_empty_dcmqrscp(study: WrittenStudy, qrscp: tuple[peers.Peer, int]) -> None:
    peer, ours = qrscp
    remote = Remote("dcmtk", peer.title, "127.0.0.1", peer.port)
    async with serving(ae=OURS, port=ours) as served:
        await echo(remote, OURS, QUICK)
        (one,) = await find_studies(remote, OURS, QUICK, "P1")
        series = await find_series(remote, OURS, QUICK, one.study_instance_uid)
        instances = [
            instance.sop_instance_uid
            for each in series
            for instance in await find_instances(remote, OURS, QUICK, one.study_instance_uid, each.series_instance_uid)
        ]
        outcome = await move_study(remote, OURS, QUICK, one.study_instance_uid, 77)
        missing = await move_study(remote, OURS, QUICK, "1.2.3", 78)

    assert set(instances) == set(study.instances)
    assert (outcome.status, outcome.completed, outcome.failed) == (0x0000, 6, 0)
    assert {request.affected_sop_instance_uid for request in served.shelf.requests} == set(study.instances)
    assert {request.move_originator_message_id for request in served.shelf.requests} == {77}
    assert (missing.status, missing.completed) == (0x0000, 0)


async def test_dcmqrscp_lists_what_we_did_not_take(study: WrittenStudy, qrscp: tuple[peers.Peer, int]) -> None:
    peer, _ = qrscp
    remote = Remote("dcmtk", peer.title, "127.0.0.1", peer.port)

    outcome = await move_study(remote, OURS, QUICK, study.study_instance_uid, 77)

    assert (outcome.status, outcome.failed) == (0xA702, 6)
    assert set(outcome.failed_instances) == set(study.instances)
    assert outcome.failure is not None


async def test_dcmqrscp_rejects_a_title_that_it_does_not_have(qrscp: tuple[peers.Peer, int]) -> None:
    peer, _ = qrscp

    with pytest.raises(AssociationRejected, match="check the title of this remote"):
        await echo(Remote("dcmtk", "NOBODY", "127.0.0.1", peer.port), OURS, QUICK)
