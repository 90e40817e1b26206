"""Our greys and colours beside DCMTK's dcmj2pnm with the same window: within one step of 255, before JPEG compression.

Runs over the native images that pydicom bundles, and over those of ../shared/data/dicom where that folder is present.
"""

import io
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pydicom.data
import pytest
from numpy.typing import NDArray
from PIL import Image

from netty.dicom.dataset import NATIVE_SYNTAXES
from netty.dicom.part10 import HEAD_SIZE, NotPart10, split_part10
from netty.errors import NettyError
from netty.image.grayscale import GrayscalePlan
from netty.image.lookup_table import LookupTable
from netty.image.padding import is_padding
from netty.image.pixel_data import stored_values
from netty.image.voi import ValueRange, VoiLutFunction, Window
from netty.workflow.render_image import FramePicture, PictureFile, locate_data_set

DCMJ2PNM = shutil.which("dcmj2pnm")
FOLDERS = (
    Path(pydicom.data.__file__).parent / "test_files",
    Path(__file__).parents[3] / "shared" / "data" / "dicom",
)
LARGEST = 4_000_000

# Where DCMTK departs from us further: how far it may (None: no comparison), and why.
EXCEPTIONS: dict[str, tuple[int | None, str]] = {
    "SC_ybr_full_uncompressed.dcm": (
        2,
        "PS3.3 C.7.6.3.1.2: (192, 128, 128) is grey, as chrominance is neutral at 128; DCMTK makes it (192, 191, 192)",
    ),
    "MR_truncated.dcm": (None, "DCMTK refuses pixel data that is too short; we show what there is, and say so"),
    "rtdose_expb.dcm": (None, "32 bits in words of the retired big endian syntax: DCMTK swaps within 16 bits"),
    "rtdose_expb_1frame.dcm": (None, "as rtdose_expb.dcm; our picture is that of the little endian rtdose_1frame.dcm"),
}

pytestmark = pytest.mark.skipif(DCMJ2PNM is None, reason="dcmj2pnm is not installed (apt install dcmtk)")


def native_images() -> list[Path]:
    """The files with a native picture that we render."""
    found = []
    for folder in FOLDERS:
        for path in sorted(folder.rglob("*.dcm")):
            if path.stat().st_size > LARGEST:
                continue
            with path.open("rb") as file:
                try:
                    head = split_part10(file.read(HEAD_SIZE))
                except NotPart10:
                    continue
            if head.transfer_syntax in NATIVE_SYNTAXES:
                try:
                    PictureFile(path, head.data_set_offset, head.transfer_syntax).close()
                except NettyError:
                    continue
                found.append(path)
    return found


def window_options(plan: GrayscalePlan | None) -> list[str] | None:
    """How dcmj2pnm is told our VOI transform; None where it has no word for it."""
    match plan.voi if plan else None:
        case None:
            return []
        case Window(center, width, VoiLutFunction.LINEAR):
            return ["+Wfl", "+Ww", repr(center), repr(width)]
        case Window(center, width, VoiLutFunction.SIGMOID):
            return ["+Wfs", "+Ww", repr(center), repr(width)]
        case Window():  # LINEAR_EXACT: dimoimg.cc knows LINEAR and SIGMOID only
            return None
        case LookupTable():
            return ["+Wl", "1"]
        case ValueRange(low, high, "bits"):
            return ["+Wfl", "+Ww", repr((low + high + 1) / 2), repr(high - low + 1)]
        case ValueRange(low, high):  # LINEAR's own edges (C.11.2.1.2.1): c - 0.5 -+ (w - 1) / 2
            return ["+Wfl", "+Ww", repr((low + high + 1) / 2), repr(high - low + 1)]


def dcmtk_picture(path: Path, frame: int, options: list[str]) -> NDArray[np.int_]:
    """What dcmj2pnm makes of a frame, without overlays and without scaling."""
    assert DCMJ2PNM is not None
    command = [DCMJ2PNM, "-q", "-O", "-S", "+F", str(frame), *options, "+on", "-il", str(path)]
    done = subprocess.run(command, capture_output=True, check=True, timeout=60)
    return np.asarray(Image.open(io.BytesIO(done.stdout))).astype(int)


def not_padding(file: PictureFile, picture: FramePicture, frame: int) -> NDArray[np.bool_]:
    """The pixels that belong to the image: DCMTK sends padding through the window like any value."""
    pad = picture.plan.padding if picture.plan else None
    if pad is None:
        return np.ones(picture.pixels.shape[:2], bool)
    stored = stored_values(file.cells(frame)[0], file.image.pixels)
    return ~is_padding(stored, pad).reshape(picture.pixels.shape[:2])


@pytest.mark.parametrize("path", [pytest.param(path, id=f"{path.parent.name}/{path.name}") for path in native_images()])
def test_pixels_agree_within_one_step(path: Path) -> None:
    tolerance, reason = EXCEPTIONS.get(path.name, (1, ""))
    if tolerance is None:
        pytest.skip(reason)
    with PictureFile(path, *locate_data_set(path)) as file:
        for frame in range(1, min(file.image.pixels.frames, 3) + 1):
            ours = file.picture(frame)
            options = window_options(ours.plan)
            if options is None:
                pytest.skip("dcmj2pnm does not know LINEAR_EXACT")
            theirs = dcmtk_picture(path, frame, options)

            difference = np.abs(ours.pixels.astype(int) - theirs)[not_padding(file, ours, frame)]

            assert difference.max(initial=0) <= tolerance
