"""Deflated and big endian from DCMTK's storescu, where the settings take them: kept and seen like plain images."""

import asyncio
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.filebase import DicomBytesIO

from netty.archive.held import HeldInstance, RenderState
from netty.dicom import uids
from netty.model.retrieval import Retrieval, RetrievalState
from netty.simulator.studies_objects import CT, GSPS, PET, SC, US_MULTIFRAME, XA
from netty.simulator.studies_small import WrittenStudy, write_study
from netty.workflow.data_set_place import locate_data_set
from netty.workflow.render_job import render_job
from netty.workflow.settings import Keep, KeepSettings, ReceiveSettings
from support import peers
from support.catalogue import NOON
from support.linked import PATIENT_ID, TITLE, Linked, hospital, linked
from support.waiting import wait_until

pytestmark = pytest.mark.skipif(
    peers.program("storescu") is None, reason="storescu is not installed (apt install dcmtk)"
)

DEFLATED = (uids.DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN, "--propose-deflated")
BIG_ENDIAN = (uids.EXPLICIT_VR_BIG_ENDIAN, "--propose-big")


async def stored(netty: Linked, written: WrittenStudy, option: str) -> list[HeldInstance]:
    """Stored by DCMTK under an open lease; the instances, once all have their end."""
    netty.register()
    retrieval = Retrieval(
        "r1", "central", written.study_instance_uid, "hanako", PATIENT_ID, RetrievalState.MOVING, "test", NOON
    )
    netty.retrievals.create(retrieval, ())
    netty.leases.open(retrieval, 2e9)
    said = await asyncio.to_thread(
        peers.storescu, netty.ae.port, written.files, called=TITLE, calling="CENTRAL", options=["-v", option]
    )
    assert said.code == 0, said.output

    def ended() -> list[HeldInstance]:
        study = netty.holdings.study(written.study_instance_uid)
        found = list(study.instances) if study else []
        whole = len(found) == len(written.files) and all(one.state is not RenderState.WAITING for one in found)
        return found if whole else []

    return await asyncio.to_thread(wait_until, ended, 30, "every image has its end")


def drawn_plain(path: Path) -> list[bytes]:
    """The pictures of the plain file."""
    offset, syntax = locate_data_set(path)
    job = {"path": str(path), "offset": offset, "transfer_syntax": syntax, "format": "jpeg", "quality": 90}
    return [data for header, data in render_job(job) if header["kind"] == "rendition"]


@pytest.mark.parametrize(("syntax", "option"), [DEFLATED, BIG_ENDIAN], ids=["deflated", "big endian"])
@pytest.mark.parametrize("sop_class_uid", [CT, PET, US_MULTIFRAME, SC, XA, GSPS])
async def test_what_comes_so_looks_like_the_plain_image(
    tmp_path: Path, sop_class_uid: str, syntax: str, option: str
) -> None:
    written = write_study(tmp_path / "pacs", sop_class_uid, patient_id=PATIENT_ID, instances=1)
    receive = ReceiveSettings(quiet_time=2, transfer_syntaxes=(syntax, uids.IMPLICIT_VR_LITTLE_ENDIAN))
    async with linked(tmp_path, receive=receive) as netty, hospital(netty, written.files[0].parent):
        instances = await stored(netty, written, option)

        for one in instances:
            plain = drawn_plain(written.instances[one.sop_instance_uid])
            kinds = {RenderState.RENDERED if plain else RenderState.NO_PICTURE}
            assert {one.state} == kinds, one.reason
            shown = [each for each in one.pictures if not each.presentation_state]
            assert [netty.blobs.get(each.blob_key) for each in shown] == plain
        assert {one.transfer_syntax for one in netty.registration.unrendered(1)} == set()
        assert netty.verify().ok


@pytest.mark.parametrize("level", [Keep.STATEMENT, Keep.BASIC])
async def test_a_deflated_image_is_kept_inflated_and_without_the_patient(tmp_path: Path, level: Keep) -> None:
    written = write_study(tmp_path / "pacs", CT, patient_id=PATIENT_ID, name="SECRET^NAME", instances=1)
    receive = ReceiveSettings(quiet_time=2, transfer_syntaxes=(DEFLATED[0], uids.IMPLICIT_VR_LITTLE_ENDIAN))
    async with (
        linked(tmp_path, receive=receive, keep=KeepSettings(level)) as netty,
        hospital(netty, written.files[0].parent),
    ):
        (one,) = await stored(netty, written, DEFLATED[1])

        assert one.kept_blob is not None
        data = netty.blobs.get(one.kept_blob)
        kept, sent = dcmread(DicomBytesIO(data)), dcmread(written.files[0])
        assert kept.file_meta.TransferSyntaxUID == uids.EXPLICIT_VR_LITTLE_ENDIAN
        assert b"SECRET" not in data and PATIENT_ID.encode() not in data
        assert kept.PixelData == sent.PixelData


async def test_without_the_setting_the_context_is_refused_and_storescu_falls_back_to_implicit(tmp_path: Path) -> None:
    written = write_study(tmp_path / "pacs", CT, patient_id=PATIENT_ID, instances=1)
    async with linked(tmp_path) as netty, hospital(netty, written.files[0].parent):
        (one,) = await stored(netty, written, DEFLATED[1])

        assert one.state is RenderState.RENDERED
