"""What is kept and shown of received images, through the real path: hospital, lease, spool, renderer."""

import asyncio
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.filebase import DicomBytesIO

from netty.archive.held import RenderState
from netty.model.deidentification_burned_in import BurnedIn
from netty.simulator.studies_objects import CT, GSPS, US
from netty.simulator.studies_small import write_study
from netty.workflow.deidentify import Deidentifier
from netty.workflow.keep import Keeper
from netty.workflow.settings import Keep, KeepSettings
from support.linked import PATIENT_ID, Linked, hospital, linked
from support.waiting import wait_until

MASKS = '[[mask]]\nclass = "US"\nregions = [[0, 0, 9999, 20]]\n'


async def fetched(netty: Linked, folder: Path, sop_class_uid: str) -> str:
    """One instance, fetched from a hospital; its Study Instance UID."""
    written = write_study(folder / "pacs", sop_class_uid, patient_id=PATIENT_ID, name="SECRET^NAME", instances=1)
    async with hospital(netty, written.files[0].parent):
        netty.register()
        await netty.fetch()
    return written.study_instance_uid


async def test_the_catalogue_keeps_the_uids_that_the_basic_file_has_not(tmp_path: Path) -> None:
    async with linked(tmp_path, keep=KeepSettings(Keep.BASIC)) as netty:
        uid = await fetched(netty, tmp_path, CT)
        study = netty.holdings.study(uid)
        assert study is not None
        (instance,) = study.instances
        assert instance.kept_blob is not None
        kept = netty.blobs.get(instance.kept_blob)
        dataset = dcmread(DicomBytesIO(kept))

        assert instance.sop_instance_uid in netty.holdings.held(uid)
        for secret in (b"SECRET", PATIENT_ID.encode(), uid.encode(), instance.sop_instance_uid.encode()):
            assert secret not in kept
        assert dataset.StudyInstanceUID.startswith("2.25.")
        assert dataset.file_meta.MediaStorageSOPInstanceUID == dataset.SOPInstanceUID
        assert instance.renditions
        assert netty.verify().ok


@pytest.mark.parametrize("level", [Keep.NONE, Keep.STATEMENT, Keep.BASIC])
async def test_what_may_show_the_patient_is_held_for_a_person(tmp_path: Path, level: Keep) -> None:
    async with linked(tmp_path, keep=KeepSettings(level, burned_in=BurnedIn.QUARANTINE)) as netty:
        uid = await fetched(netty, tmp_path, US)
        study = netty.holdings.study(uid)
        assert study is not None
        (instance,) = study.instances
        (held,) = (tmp_path / "quarantine" / "burned-in").iterdir()

        assert instance.state is RenderState.FAILED
        assert "held for a person" in instance.reason
        assert (instance.kept_blob, instance.renditions) == (None, ())
        assert b"SECRET" not in held.read_bytes()
        assert dcmread(held).pixel_array.any()
        assert held.stat().st_mode & 0o777 == 0o600
        assert netty.verify().ok


@pytest.mark.parametrize("level", [Keep.NONE, Keep.STATEMENT, Keep.BASIC])
async def test_a_rendition_shows_no_more_than_the_mask_leaves(tmp_path: Path, level: Keep) -> None:
    (tmp_path / "masks.toml").write_text(MASKS)
    keep = KeepSettings(level, burned_in=BurnedIn.MASK, masks="masks.toml")
    async with linked(tmp_path, keep=keep) as netty:
        uid = await fetched(netty, tmp_path, US)
        study = netty.holdings.study(uid)
        assert study is not None
        (instance,) = study.instances
        (rendition,) = instance.pictures
        picture = np.asarray(_opened(netty.blobs.get(rendition.blob_key)))

        assert picture[:16].max() < 16 < picture[24:].max()  # JPEG: about black
        assert (instance.kept_blob is None) is (level is Keep.NONE)
        if instance.kept_blob:
            kept = dcmread(DicomBytesIO(netty.blobs.get(instance.kept_blob)))
            assert not kept.pixel_array[:20].any() and kept.pixel_array[20:].any()
        assert not list((tmp_path / "spool").glob("*.masked"))


@pytest.mark.parametrize("burned_in", [BurnedIn.AUTO, BurnedIn.KEEP])
async def test_overlays_that_the_profile_removes_are_not_in_the_renditions_either(
    tmp_path: Path, burned_in: BurnedIn
) -> None:
    """PS3.15 E.1: overlays may name the patient; a rendition shows no more than what is kept."""
    written = write_study(tmp_path / "pacs", CT, patient_id=PATIENT_ID, instances=1)
    (file,) = written.files
    dataset = dcmread(file)
    bits = np.zeros((dataset.Rows, dataset.Columns), np.uint8)
    bits[:8] = 1
    for number, vr, value in (
        (0x10, "US", dataset.Rows),
        (0x11, "US", dataset.Columns),
        (0x40, "CS", "G"),
        (0x50, "SS", [1, 1]),
        (0x100, "US", 1),
        (0x102, "US", 0),
        (0x3000, "OW", np.packbits(bits, bitorder="little").tobytes()),
    ):
        dataset.add_new(0x60000000 | number, vr, value)
    dataset.save_as(file)
    async with linked(tmp_path, keep=KeepSettings(Keep.BASIC, burned_in=burned_in)) as netty:
        async with hospital(netty, file.parent):
            netty.register()
            await netty.fetch()
        study = netty.holdings.study(written.study_instance_uid)
        assert study is not None
        (instance,) = study.instances
        (rendition,) = instance.pictures
        picture = np.asarray(_opened(netty.blobs.get(rendition.blob_key)))

        assert bool(picture[:6].min() > 240) is (burned_in is BurnedIn.KEEP)
        assert instance.kept_blob is not None
        assert 0x60003000 not in dcmread(DicomBytesIO(netty.blobs.get(instance.kept_blob)))


async def test_annotations_that_the_profile_removes_are_not_drawn_and_the_state_is_seen_all_the_same(
    tmp_path: Path,
) -> None:
    written = write_study(tmp_path / "pacs", GSPS, patient_id=PATIENT_ID, instances=1)
    seen = {}
    for burned_in in (BurnedIn.AUTO, BurnedIn.KEEP):
        folder = tmp_path / burned_in.value
        folder.mkdir()
        async with linked(folder, keep=KeepSettings(Keep.BASIC, burned_in=burned_in)) as netty:
            async with hospital(netty, written.files[0].parent):
                netty.register()
                await netty.fetch()

            def through(netty: Linked = netty) -> list[bytes]:
                study = netty.holdings.study(written.study_instance_uid)
                pictures = [one for each in study.instances for one in each.pictures] if study else []
                return [netty.blobs.get(one.blob_key) for one in pictures if one.presentation_state]

            (seen[burned_in],) = await asyncio.to_thread(wait_until, through, 20, "the image through its state")

    assert seen[BurnedIn.AUTO] != seen[BurnedIn.KEEP]  # without and with its annotation


async def test_masked_copies_that_a_crash_left_are_removed_at_the_start(tmp_path: Path) -> None:
    async with linked(tmp_path) as netty:
        left = tmp_path / "spool" / "left.masked"
        left.write_bytes(b"pixels")

        Keeper(
            netty.spool, netty.blobs, Deidentifier.of(KeepSettings(), tmp_path, tmp_path, netty.ae)
        ).remove_remnants()

        assert not left.exists()


def _opened(data: bytes) -> object:
    import io

    from PIL import Image

    return Image.open(io.BytesIO(data))
