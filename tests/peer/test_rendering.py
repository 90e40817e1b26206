"""Our pictures beside those of other programs, before any compression: within one grey level."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.pixels.utils import pixel_array

from netty.image.voi import Voi
from netty.simulator.studies import write_demo_hospitals
from netty.workflow.data_set_place import locate_data_set
from netty.workflow.picture_file import PictureFile
from support import peers
from support.dcmtk_rendering import rendered_by_dcmtk
from support.dicom_files import DicomFile, facts_of

# dcmj2pnm takes Cb and Cr from 127.5 (the middle of 0 and 255); PS3.3 C.7.6.3.1.2 says 128.
_APART = {"YBR_FULL": 2, "YBR_FULL_422": 2}


_needs_dcmj2pnm = pytest.mark.skipif(
    peers.program("dcmj2pnm") is None, reason="dcmj2pnm is not installed (apt install dcmtk)"
)


def _ours(one: DicomFile) -> tuple[list[NDArray[np.uint8]], Voi | None, str]:
    """Every frame before its pixels are made square, the grey scale transform, and the kind of colour."""
    with PictureFile(one.path, *locate_data_set(one.path)) as source:
        pictures, voi = [], None
        for frame in range(1, one.frames + 1):
            picture = source.picture(frame)
            voi = picture.plan.voi if picture.plan else None
            pictures.append(np.array(picture.pixels))  # a copy: the next frame is read into the same memory
        return pictures, voi, source.image.pixels.photometric_interpretation.value


def _difference(ours: NDArray[np.uint8], theirs: NDArray[np.uint8], most: int) -> str:
    """In words, empty where no pixel is more than `most` away."""
    if ours.shape != theirs.shape:
        return f"{ours.shape} against {theirs.shape}"
    apart = np.abs(ours.astype(np.int16) - theirs.astype(np.int16))
    return f"{(apart > most).sum()} pixels differ, by up to {apart.max()}" if apart.max() > most else ""


def _apart_from_dcmtk(files: list[DicomFile], folder: Path) -> dict[str, str]:
    """What differs, by file and frame."""
    wrong = {}
    for one in (one for one in files if one.is_image):
        pictures, voi, colours = _ours(one)
        others = rendered_by_dcmtk(one.path, folder / one.sop_instance_uid, one.frames, voi)
        for number, (ours, theirs) in enumerate(zip(pictures, others, strict=True), start=1):
            if words := _difference(ours, theirs, _APART.get(colours, 1)):
                wrong[f"{one.path.name}#{number}"] = words
    return wrong


@_needs_dcmj2pnm
def test_pixels_agree_with_dcmtk_through_the_same_window(real_files: list[DicomFile], tmp_path: Path) -> None:
    assert _apart_from_dcmtk(real_files, tmp_path) == {}


@_needs_dcmj2pnm
def test_the_demo_studies_look_the_same_to_dcmtk(tmp_path: Path) -> None:
    """One image of every series, and every radiograph."""
    region = write_demo_hospitals(tmp_path / "region")
    files = [facts_of(path) for hospital in region.hospitals for path in sorted(hospital.folder.iterdir())]
    chosen = {(one.series_instance_uid, one.modality in ("CR", "DX") and one.sop_instance_uid): one for one in files}

    assert len(chosen) > 20
    assert _apart_from_dcmtk(list(chosen.values()), tmp_path / "dcmtk") == {}


def test_colours_agree_with_pydicom(real_files: list[DicomFile]) -> None:
    wrong = {}
    compared = set()
    for one in (one for one in real_files if one.is_image):
        pictures, _, colours = _ours(one)
        if not colours.startswith("YBR"):
            continue
        compared.add(colours)
        theirs = pixel_array(one.path)  # which turns YBR into RGB
        for number, ours in enumerate(pictures, start=1):
            frame = theirs if one.frames == 1 else theirs[number - 1]
            if words := _difference(ours, frame, 1):
                wrong[f"{one.path.name}#{number}"] = words

    assert wrong == {}
    assert "YBR_FULL_422" in compared
