"""Our greys and colours beside DCMTK's with the same window: within one step of 255, before compression.

Runs over the native images that pydicom bundles, and over those of ../shared/data/dicom where that folder is present.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset

from netty.dicom.dataset import NATIVE_SYNTAXES
from netty.errors import NettyError
from netty.workflow.data_set_place import locate_data_set
from netty.workflow.picture_file import PictureFile
from netty.workflow.presentation_states import open_state
from support.comparison import (
    EXCEPTIONS,
    FRAMES,
    TOLERANCE,
    Comparison,
    by_dcmtk,
    comparable,
    compared_through,
    drawn_by_us,
    files,
    window_options,
)
from support.images import add_overlay, image_attributes, item, referring, state_attributes, write_image, write_state
from support.peers import program

LARGEST = 4_000_000

pytestmark = pytest.mark.skipif(program("dcmj2pnm") is None, reason="dcmj2pnm is not installed (apt install dcmtk)")


def native_images() -> list[Path]:
    """The files with a native picture that we render."""
    found = []
    for path in files():
        place = locate_data_set(path)
        if path.stat().st_size <= LARGEST and place[1] in NATIVE_SYNTAXES:
            try:
                PictureFile(path, *place).close()
            except NettyError:
                continue
            found.append(path)
    return found


@pytest.mark.parametrize("path", [pytest.param(path, id=f"{path.parent.name}/{path.name}") for path in native_images()])
def test_pixels_agree_within_one_step(path: Path) -> None:
    tolerance, reason = EXCEPTIONS.get(path.name, (TOLERANCE, ""))
    if tolerance is None:
        pytest.skip(reason)
    with PictureFile(path, *locate_data_set(path)) as picture:
        for frame in picture.frames[:FRAMES]:
            plan, ours = drawn_by_us(picture, frame)
            options = window_options(plan.grayscale) if plan.grayscale else []
            if options is None:
                pytest.skip("dcmj2pnm does not know LINEAR_EXACT")
            theirs, reason = by_dcmtk(path, frame, options)
            assert theirs is not None, reason

            difference = np.abs(ours.astype(int) - theirs)[comparable(picture, plan)]

            assert difference.max(initial=0) <= tolerance


ROWS, COLUMNS = 24, 32
AREA = item(
    DisplayedAreaTopLeftHandCorner=[1, 1],
    DisplayedAreaBottomRightHandCorner=[COLUMNS, ROWS],
    PresentationSizeMode="SCALE TO FIT",
    PresentationPixelAspectRatio=[1, 1],
)


def lut(bits: int, entries: int = 256, first: int = 0) -> Dataset:
    made = item(LUTDescriptor=[entries, first, bits], ModalityLUTType="US")
    made.add_new("LUTData", "US", np.random.default_rng(bits).integers(0, 1 << bits, entries).tolist())
    return made


def with_presentation_lut() -> Dataset:
    """A smooth one: over noise, one step of rounding before it would be any number behind it."""
    table = item(LUTDescriptor=[1024, 0, 10])
    table.add_new("LUTData", "US", np.rint(1023 * np.linspace(1, 0, 1024) ** 2).astype(int).tolist())
    state = state_attributes(PresentationLUTSequence=[table])
    del state.PresentationLUTShape
    return state


def with_bitmap_shutter() -> Dataset:
    state = state_attributes(ShutterShape="BITMAP", ShutterOverlayGroup=0x6000, ShutterPresentationValue=0x4040)
    add_overlay(state, np.random.default_rng(0).integers(0, 2, (ROWS, COLUMNS)))
    return state


# What dcmp2pgm insists on, type 2 or not.
IDENTITY = {
    "StudyInstanceUID": "2.25.2",
    "SeriesInstanceUID": "2.25.4",
    "Modality": "PR",
    "InstanceNumber": 1,
    "SeriesNumber": 1,
    "PatientName": "TEST",
    "PatientID": "1",
    "PatientBirthDate": "",
    "PatientSex": "",
    "StudyDate": "20260101",
    "StudyTime": "120000",
    "StudyID": "1",
    "AccessionNumber": "",
    "ReferringPhysicianName": "",
    "Manufacturer": "",
    "ContentDescription": "",
    "ContentCreatorName": "",
}

STATES = {
    "identity": state_attributes(),
    "inverse": state_attributes(PresentationLUTShape="INVERSE"),
    "rescale": state_attributes(RescaleSlope="0.5", RescaleIntercept="-100", RescaleType="US"),
    "window": state_attributes(SoftcopyVOILUTSequence=[item(WindowCenter="1000", WindowWidth="1500")]),
    "VOI LUT": state_attributes(SoftcopyVOILUTSequence=[item(VOILUTSequence=[lut(12, 300, 700)])]),
    "modality LUT": state_attributes(ModalityLUTSequence=[lut(16, 2048, 100)]),
    "rotated": state_attributes(ImageRotation=270, ImageHorizontalFlip="N"),
    "rotated and flipped": state_attributes(ImageRotation=90, ImageHorizontalFlip="Y"),
    "presentation LUT": with_presentation_lut(),
    "bitmap shutter": with_bitmap_shutter(),
}


@pytest.mark.skipif(program("dcmp2pgm") is None, reason="dcmp2pgm is not installed (apt install dcmtk)")
@pytest.mark.parametrize("name", STATES)
def test_presentation_states_are_seen_as_dcmp2pgm_sees_them(tmp_path: Path, name: str) -> None:
    """PS3.4 N.2, the image's own transforms being there to be left out."""
    pixels = np.random.default_rng(5).integers(0, 4096, (ROWS, COLUMNS)).astype("<u2")
    image = image_attributes(
        pixels,
        BitsStored=12,
        StudyInstanceUID="2.25.2",
        SeriesInstanceUID="2.25.3",
        WindowCenter=40,
        WindowWidth=400,
        RescaleSlope=1,
        RescaleIntercept=-1024,
    )
    state = STATES[name]
    state.update(IDENTITY)
    state.DisplayedAreaSelectionSequence = [item(**{each.keyword: each.value for each in AREA})]
    state.DisplayedAreaSelectionSequence[0].ReferencedImageSequence = [referring()]
    state.PresentationCreationDate, state.PresentationCreationTime = "20260101", "120000"
    image_path = write_image(tmp_path / "i", image, [pixels.tobytes()])
    state_path = write_state(tmp_path / "s", state, explicit=True)  # DCMTK finds no LUT in implicit VR
    opened = open_state(state_path, *locate_data_set(state_path))

    row = compared_through(Comparison("s", "", ""), state_path, opened, image_path)

    assert replace(row, mean=None) == Comparison("s", "", "", row.largest, None, "agrees with dcmp2pgm")
