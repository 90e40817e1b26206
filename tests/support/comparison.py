"""Our pictures beside independent ones, before encoding: DCMTK's for greys and presentation states, pydicom's for
colour. Used by the golden tests, and by ``make compare-images``, which prints the table.
"""

import io
import subprocess
import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pydicom.data
from numpy.typing import NDArray
from PIL import Image, ImageFont
from pydicom.pixels import apply_color_lut
from pydicom.pixels.utils import pixel_array

from netty.dicom.part10 import HEAD_SIZE, NotPart10, Part10Head, split_part10
from netty.errors import NettyError
from netty.image.decode import SYNTAXES
from netty.image.frame_plan import FramePlan, finished
from netty.image.grayscale import GrayscalePlan
from netty.image.lookup_table import LookupTable
from netty.image.padding import is_padding
from netty.image.pixel_data import Array, stored_values
from netty.image.shutter import visible
from netty.image.spatial import Spatial, whole
from netty.image.voi import ValueRange, VoiLutFunction, Window
from netty.workflow.data_set_place import locate_data_set
from netty.workflow.image_file import NoPicture
from netty.workflow.picture_file import PictureFile
from netty.workflow.presentation_states import StateFile, open_state
from support.peers import program

FOLDERS = (
    Path(pydicom.data.__file__).parent / "test_files",
    Path(__file__).parents[3] / "shared" / "data" / "dicom",
)
FRAMES = 3  # of a file; a loop of a hundred shows no more
TOLERANCE = 1  # grey levels of 255: what rounding in two programs may cost

# Where others depart from us further: how far they may (None: no comparison), and which section shows who is right.
EXCEPTIONS: dict[str, tuple[int | None, str]] = {
    "SC_ybr_full_uncompressed.dcm": (
        2,
        "PS3.3 C.7.6.3.1.2: (192, 128, 128) is grey, as chrominance is neutral at 128; DCMTK makes it (192, 191, 192)",
    ),
    "MR_truncated.dcm": (None, "PS3.5 8.1.1: DCMTK refuses short pixel data; we show what there is, and say so"),
    "rtdose_expb.dcm": (None, "PS3.5 7.3: 32 bits in words of big endian; DCMTK swaps within 16 bits"),
    "rtdose_expb_1frame.dcm": (None, "PS3.5 7.3: as rtdose_expb.dcm; our picture is that of rtdose_1frame.dcm"),
}


@dataclass(frozen=True, slots=True)
class Comparison:
    """One row of the table. `largest` and `mean` are None where there is nothing to compare with."""

    file: str
    sop_class: str
    syntax: str
    largest: int | None = None
    mean: float | None = None
    verdict: str = ""
    ok: bool = True


def files() -> Iterator[Path]:
    """Every file of the folders that begins as PS3.10 says."""
    for folder in FOLDERS:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and _head(path):
                yield path


def _head(path: Path) -> Part10Head | None:
    with path.open("rb") as file:
        try:
            return split_part10(file.read(HEAD_SIZE))
        except NotPart10:
            return None


def compare_images(found: list[Path]) -> Iterator[Comparison]:
    """A row for each image, and one for each presentation state."""
    images: dict[str, Path] = {}
    states: list[Path] = []
    for path in found:
        row = Comparison(f"{path.parent.name}/{path.name}", *_named(path))
        try:
            with PictureFile(path, *locate_data_set(path)) as picture:
                images[picture.file.sop_instance_uid] = path
                yield _compared(row, path, picture)
        except NoPicture as error:
            if "presentation state" in str(error):
                states.append(path)
            else:
                yield replace(row, verdict=f"no picture: {error}")
        except NettyError as error:
            yield replace(row, verdict=f"not rendered: {error}")
    for path in states:
        yield _seen_through(Comparison(f"{path.parent.name}/{path.name}", *_named(path)), path, images)


def _named(path: Path) -> tuple[str, str]:
    head = _head(path)
    assert head is not None
    sop_class, syntax = pydicom.uid.UID(head.uid(0x00020002)), pydicom.uid.UID(head.transfer_syntax)
    return sop_class.name.removesuffix(" Storage"), syntax.name


def _compared(row: Comparison, path: Path, picture: PictureFile) -> Comparison:
    tolerance, reason = EXCEPTIONS.get(path.name, (TOLERANCE, ""))
    if tolerance is None:
        return replace(row, verdict=f"not compared. {reason}")
    differences = []
    for frame in picture.frames[:FRAMES]:
        plan, ours = drawn_by_us(picture, frame)
        theirs, by = independent(path, frame, plan)
        if theirs is None:
            return replace(row, verdict=f"not compared. {by}")
        if theirs.shape != ours.shape:
            return replace(row, verdict=f"DIFFERS in size: {ours.shape}, {by} {theirs.shape}", ok=False)
        differences.append(np.abs(ours.astype(int) - theirs)[comparable(picture, plan)])
    return judged(row, np.concatenate([each.ravel() for each in differences]), by, tolerance, reason)


def judged(row: Comparison, difference: NDArray[np.int_], by: str, tolerance: int, reason: str) -> Comparison:
    """The row with what was found."""
    largest, mean = int(difference.max(initial=0)), float(difference.mean()) if difference.size else 0.0
    if largest <= TOLERANCE:
        verdict = f"agrees with {by}"
    elif largest <= tolerance:
        verdict = f"explained ({by}). {reason}"
    else:
        verdict = f"DIFFERS from {by}: {np.count_nonzero(difference > tolerance)} samples by more than {tolerance}"
    return replace(row, largest=largest, mean=mean, verdict=verdict, ok=largest <= tolerance)


def drawn_by_us(picture: PictureFile, frame: int) -> tuple[FramePlan, Array]:
    """A frame with its overlays, but with all its pixels in their places: no shutter, not stretched, no annotation."""
    plan = picture.drawn(frame).plan
    pixels = plan.pixels
    upright = Spatial(whole(pixels.rows, pixels.columns), pixels.rows, pixels.columns)
    greys = np.array(picture.picture(frame).pixels)
    bare = replace(plan, shutter=None, spatial=upright, annotations=())
    drawn, _ = finished(greys, partial(picture.file.cells, frame), bare, ImageFont.load_default)
    return plan, drawn


def comparable(picture: PictureFile, plan: FramePlan) -> NDArray[np.bool_]:
    """The pixels that both programs show by the same rule.

    DCMTK sends padding through the window like any value (C.7.5.1.1.2), and draws no shutter (C.7.6.11).
    """
    pixels, padding = plan.pixels, plan.grayscale.padding if plan.grayscale else None
    shown = np.ones((pixels.rows, pixels.columns), bool)
    if plan.shutter is not None:
        shown &= visible(plan.shutter, pixels.rows, pixels.columns)
    if padding is not None:
        stored = stored_values(picture.file.cells(plan.frame), pixels)
        shown &= ~is_padding(stored, padding).reshape(pixels.rows, pixels.columns)
    return shown


def independent(path: Path, frame: int, plan: FramePlan) -> tuple[NDArray[np.int_] | None, str]:
    """The same frame by another program, and by which; None and why, where none can."""
    if plan.grayscale is None:
        return _or_decompressed(path, lambda file: by_pydicom(file, frame))
    if plan.subtraction is not None:
        return None, "No other program here subtracts."
    options = window_options(plan.grayscale)
    if options is None:
        return None, "PS3.3 C.11.2.1.3.2: dcmj2pnm does not know LINEAR_EXACT."
    return _or_decompressed(path, lambda file: by_dcmtk(file, frame, options))


Independent = tuple[NDArray[np.int_] | None, str]


def _or_decompressed(path: Path, picture: Callable[[Path], Independent]) -> Independent:
    """Another program's picture; where it has no decoder for the file, of what GDCM decompressed it to."""
    theirs, by = picture(path)
    gdcmconv = program("gdcmconv")
    if theirs is not None or gdcmconv is None or locate_data_set(path)[1] not in SYNTAXES:
        return theirs, by
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder) / "raw.dcm"
        done = subprocess.run([gdcmconv, "--raw", str(path), str(raw)], capture_output=True, check=False, timeout=120)
        if done.returncode or not raw.is_file():
            return None, f"{by}; gdcmconv cannot either"
        theirs, also = picture(raw)
    return theirs, f"gdcmconv and {also}"


def window_options(plan: GrayscalePlan) -> list[str] | None:
    """How dcmj2pnm is told our VOI transform; None where it has no word for it."""
    match plan.voi:
        case Window(center, width, VoiLutFunction.LINEAR):
            return ["+Wfl", "+Ww", repr(center), repr(width)]
        case Window(center, width, VoiLutFunction.SIGMOID):
            return ["+Wfs", "+Ww", repr(center), repr(width)]
        case Window():  # LINEAR_EXACT: dimoimg.cc knows LINEAR and SIGMOID only
            return None
        case LookupTable():
            return ["+Wl", "1"]
        case ValueRange(low, high):  # LINEAR's own edges (C.11.2.1.2.1): c - 0.5 -+ (w - 1) / 2
            return ["+Wfl", "+Ww", repr((low + high + 1) / 2), repr(high - low + 1)]


def by_dcmtk(path: Path, frame: int, options: list[str]) -> tuple[NDArray[np.int_] | None, str]:
    """dcmj2pnm's picture of a frame, with overlays and without scaling."""
    dcmj2pnm = program("dcmj2pnm")
    if dcmj2pnm is None:
        return None, "dcmj2pnm is not installed (apt install dcmtk)."
    command = [dcmj2pnm, "-q", "-S", "+F", str(frame), *options, "+on", "-il", str(path)]
    done = subprocess.run(command, capture_output=True, check=False, timeout=120)
    if done.returncode or not done.stdout:
        return None, f"dcmj2pnm cannot: {done.stderr.decode(errors='replace').strip()[-80:]}"
    return np.asarray(Image.open(io.BytesIO(done.stdout))).astype(int), "dcmj2pnm"


def by_pydicom(path: Path, frame: int) -> tuple[NDArray[np.int_] | None, str]:
    """The colours of a frame as pydicom decodes them, in 8 bits."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset = pydicom.dcmread(path)
            values: NDArray[Any] = pixel_array(dataset, index=frame - 1)
            if dataset.PhotometricInterpretation == "PALETTE COLOR":
                values = apply_color_lut(values, dataset)
                bits = 16 if values.dtype.itemsize == 2 else 8
                return (values >> (bits - 8)).astype(int), "pydicom"
    except Exception as error:  # whatever its decoders have to say
        return None, f"pydicom cannot: {str(error).splitlines()[0][:80]}"
    return np.rint(values * (255 / ((1 << dataset.BitsStored) - 1))).astype(int), "pydicom"


def _seen_through(row: Comparison, path: Path, images: dict[str, Path]) -> Comparison:
    """A presentation state over the first of its images that is here, against dcmp2pgm."""
    state = open_state(path, *locate_data_set(path))
    uid = next((each.sop_instance_uid for each in state.references if each.sop_instance_uid in images), None)
    if uid is None:
        return replace(row, verdict="not compared. Its images are not here.")
    return compared_through(row, path, state, images[uid])


def compared_through(row: Comparison, path: Path, state: StateFile, image: Path) -> Comparison:
    """One state over one image against dcmp2pgm, whose picture is without overlays, graphics and text."""
    dcmp2pgm = program("dcmp2pgm")
    if dcmp2pgm is None:
        return replace(row, verdict="not compared. dcmp2pgm is not installed (apt install dcmtk).")
    with PictureFile(image, *locate_data_set(image), state=state) as picture:
        frame = picture.frames[0]
        plan = replace(picture.drawn(frame).plan, overlays=(), annotations=())
        greys = np.array(picture.picture(frame).pixels)
        ours, _ = finished(greys, partial(picture.file.cells, frame), plan, ImageFont.load_default)
    with tempfile.TemporaryDirectory() as folder:  # where it also leaves overlays
        command = [dcmp2pgm, "-q", "-f", str(frame), "-p", str(path.resolve()), str(image.resolve()), "made.pgm"]
        done = subprocess.run(command, capture_output=True, check=False, timeout=120, cwd=folder)
        made = Path(folder) / "made.pgm"
        if done.returncode or not made.is_file():
            return replace(row, verdict=f"not compared. dcmp2pgm cannot: {done.stderr.decode(errors='replace')[-80:]}")
        theirs = np.asarray(Image.open(made)).astype(int)
    if theirs.shape != ours.shape:
        return replace(row, verdict=f"DIFFERS in size: {ours.shape}, dcmp2pgm {theirs.shape}", ok=False)
    tolerance, reason = EXCEPTIONS.get(path.name, (TOLERANCE, ""))
    return judged(row, np.abs(ours.astype(int) - theirs), "dcmp2pgm", tolerance or TOLERANCE, reason)
