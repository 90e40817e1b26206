"""Compressed images from a remote's C-STORE to their renditions, in every syntax that the settings may accept."""

import io
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.encaps import encapsulate, encapsulate_extended
from pydicom.uid import UID

from netty.dicom.uids import EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN
from netty.errors import PeerError
from netty.image.decode import SYNTAXES
from netty.image.flags import Flag
from netty.image.settings import RenderSettings
from netty.model.retrieval import RetrievalState
from netty.simulator.studies_objects import CT
from netty.simulator.studies_small import write_study
from netty.workflow.data_set_place import locate_data_set
from netty.workflow.picture_file import PictureFile
from netty.workflow.render_job import render_job
from netty.workflow.settings import ReceiveSettings
from support.codestreams import BASELINE, J2K_LOSSLESS, LOSSLESS_ENCODERS, LOSSY_ENCODERS, RLE, SV1
from support.linked import PATIENT_ID, hospital, linked

ENCODERS = LOSSLESS_ENCODERS | LOSSY_ENCODERS


def compress(path: Path, syntax: str, frames: int = 1, fragments: int = 1, extended: bool = False) -> None:
    """The file again, in another transfer syntax; JPEG baseline has 8 bits."""
    dataset = pydicom.dcmread(path)
    pixels = dataset.pixel_array
    if syntax == BASELINE:
        pixels = (pixels >> 4).astype(np.uint8)
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8, 8, 7
        for keyword in ("WindowCenter", "WindowWidth", "RescaleIntercept", "RescaleSlope", "RescaleType"):
            delattr(dataset, keyword)
    codestreams = [bytes(ENCODERS[syntax](np.roll(pixels, number, 0))) for number in range(frames)]
    if frames > 1:
        dataset.NumberOfFrames = frames
    if extended:
        made = encapsulate_extended(codestreams)
        dataset.PixelData, dataset.ExtendedOffsetTable, dataset.ExtendedOffsetTableLengths = made
    else:
        dataset.PixelData = encapsulate(codestreams, fragments_per_frame=fragments)
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    dataset.save_as(path, implicit_vr=False, little_endian=True)


@pytest.fixture
def ct(tmp_path: Path) -> Path:
    return write_study(tmp_path / "made", CT, instances=1).files[0]


async def test_every_syntax_is_received_as_it_is_and_rendered(tmp_path: Path) -> None:
    written = write_study(tmp_path / "pacs", CT, patient_id=PATIENT_ID, instances=len(SYNTAXES))
    for path, syntax in zip(written.files, SYNTAXES, strict=True):
        compress(path, syntax)
    receive = ReceiveSettings(quiet_time=0.5, transfer_syntaxes=(*SYNTAXES, IMPLICIT_VR_LITTLE_ENDIAN))
    async with linked(tmp_path, receive=receive) as netty, hospital(netty, written.files[0].parent):
        netty.register()
        (retrieval,) = await netty.fetch()

        assert (retrieval.state, retrieval.reason) == (RetrievalState.COMPLETE, "")
        study = netty.holdings.study(written.study_instance_uid)
        assert study is not None
        syntaxes = set()
        for one in study.instances:
            (made,) = one.pictures
            rendition = netty.holdings.rendition(made.id)
            assert rendition is not None
            syntaxes.add(rendition.rendition.recipe["compression"]["transfer_syntax"])
            with Image.open(io.BytesIO(netty.blobs.get(rendition.rendition.blob_key))) as picture:
                assert picture.size == (48, 64)
        assert syntaxes == set(SYNTAXES)
        assert netty.verify().ok


@pytest.mark.parametrize("syntax", LOSSLESS_ENCODERS)
def test_a_lossless_syntax_gives_the_very_file_that_native_pixels_give(ct: Path, syntax: str) -> None:
    with PictureFile(ct, *locate_data_set(ct)) as picture:
        native = picture.rendered(1, RenderSettings())
    compress(ct, syntax)

    with PictureFile(ct, *locate_data_set(ct)) as picture:
        assert picture.rendered(1, RenderSettings()).data == native.data


@pytest.mark.parametrize(
    ("syntax", "fragments", "extended"), [(SV1, 1, False), (SV1, 3, False), (J2K_LOSSLESS, 1, True), (RLE, 1, False)]
)
def test_each_frame_is_its_own(ct: Path, syntax: str, fragments: int, extended: bool) -> None:
    pixels = pydicom.dcmread(ct).pixel_array
    compress(ct, syntax, 3, fragments, extended)

    with PictureFile(ct, *locate_data_set(ct)) as picture:
        assert picture.frames == (1, 2, 3)
        for frame in (3, 1, 2):
            cells = picture.file.cells(frame)
            assert picture.file.is_complete(frame)
            assert np.array_equal(cells.reshape(pixels.shape), np.roll(pixels, frame - 1, 0))


def test_a_lying_number_of_frames_costs_a_remark(ct: Path) -> None:
    compress(ct, SV1, 2)
    dataset = pydicom.dcmread(ct)
    dataset.NumberOfFrames = 2_000_000_000
    dataset.save_as(ct)

    with PictureFile(ct, *locate_data_set(ct)) as picture:
        assert picture.frames == (1, 2)
        assert Flag.FRAMES_MISSING in picture.rendered(2, RenderSettings()).flags


def test_a_frame_that_is_cut_off_is_no_failure_of_ours(ct: Path) -> None:
    compress(ct, SV1)
    ct.write_bytes(ct.read_bytes()[:-600])

    try:
        with PictureFile(ct, *locate_data_set(ct)) as picture:
            assert Flag.TRUNCATED in picture.rendered(1, RenderSettings()).flags
    except PeerError as error:
        assert "JPEG Lossless SV1" in str(error)


def test_a_baseline_frame_passes_through_and_its_recipe_makes_it_again(ct: Path) -> None:
    compress(ct, BASELINE)

    with PictureFile(ct, *locate_data_set(ct)) as picture:
        rendered = picture.rendered(1, RenderSettings())
        again = picture.followed(rendered.recipe)

    assert rendered.recipe["output"]["passed_through"] is True
    assert rendered.recipe["output"]["encoder"] is None
    assert again.data == rendered.data


@pytest.mark.parametrize(("syntax", "length"), [(EXPLICIT_VR_LITTLE_ENDIAN, None), (SV1, 6144)])
def test_a_syntax_that_does_not_fit_its_pixel_data_is_said(ct: Path, syntax: str, length: int | None) -> None:
    if length is None:
        compress(ct, SV1)
    else:
        dataset = pydicom.dcmread(ct)
        dataset.file_meta.TransferSyntaxUID = UID(EXPLICIT_VR_LITTLE_ENDIAN)
        dataset.save_as(ct, implicit_vr=False, little_endian=True)
    offset, _ = locate_data_set(ct)
    job = {"path": str(ct), "offset": offset, "transfer_syntax": syntax, "format": "jpeg", "quality": 90}

    ((reply, _),) = render_job(job)

    assert reply["kind"] == "cannot_render"
    assert "compressed" in reply["template"]
