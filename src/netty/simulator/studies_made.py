"""What each demo study consists of: pictures drawn, stored as its modality stores them, and said so in attributes."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from netty.simulator import phantoms_colour, phantoms_projections, phantoms_sections
from netty.simulator.phantoms import Plane
from netty.simulator.studies_objects import (
    CR,
    CT,
    DX,
    MG,
    MR,
    PET,
    SC,
    US,
    US_MULTIFRAME,
    VL,
    XA,
    XRF,
    Person,
    Picture,
    Place,
    Samples,
    Study,
    image,
    presentation_state,
)
from netty.simulator.studies_small import palette_attributes

_Rng = np.random.Generator


def _grey(planes: Sequence[Plane], bits: int, *, scale: float = 1.0) -> Samples:
    """Planes as unsigned samples of `bits`, cut to their range."""
    stacked = np.stack(planes)[..., None] * np.float32(scale)
    whole: NDArray[np.float32] = np.clip(np.rint(stacked), 0, (1 << bits) - 1)
    return whole.astype(np.uint8) if bits <= 8 else whole.astype(np.uint16)


def _section(number: int, size: int, extent: float, thickness: float, series_at: float = 0.0) -> dict[str, Any]:
    """The Image Plane module (PS3.3 C.7.6.2) of an axial section."""
    spacing = extent / size
    z = series_at - thickness * number
    return {
        "PixelSpacing": [spacing, spacing],
        "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
        "ImagePositionPatient": [-extent / 2, -extent / 2, z],
        "SliceThickness": thickness,
        "SliceLocation": z,
    }


def chest_ct(person: Person, study: Study, rng: _Rng) -> Iterator[Dataset]:
    """32 sections with two windows each, and a presentation state of the one with the nodule."""
    size, count = 448, 32
    windows = {
        "WindowCenter": [40, -550],
        "WindowWidth": [400, 1500],
        "WindowCenterWidthExplanation": ["MEDIASTINUM", "LUNG"],
        "RescaleSlope": 1,
        "RescaleIntercept": -1024,
        "ContrastBolusAgent": "DEMO",
    }
    nodule = []
    for index in range(count):
        at = index / (count - 1)
        stored = _grey([phantoms_sections.chest_ct(size, at, rng) + np.float32(1024)], 12)
        attributes = windows | _section(index, size, 350, 8)
        dataset = image(
            CT, person, study, Place(1, index + 1, "CHEST 8mm CE"), Picture(stored, "MONOCHROME2", 12, 0, attributes)
        )
        if abs(at - 0.42) < 0.03:
            nodule.append(dataset)
        yield dataset
    yield presentation_state(person, study, Place(2, 1, "NOTE"), nodule[:1], (-600, 1200), "NODULE")


def abdomen_ct(person: Person, study: Study, rng: _Rng) -> Iterator[Dataset]:
    """30 sections in signed samples, which are Hounsfield units themselves."""
    size, count = 256, 30
    facts = {"WindowCenter": 50, "WindowWidth": 350, "RescaleSlope": 1, "RescaleIntercept": 0}
    for index in range(count):
        drawn = phantoms_sections.abdomen_ct(size, index / (count - 1), rng)
        stored = np.rint(drawn).astype(np.int16)[None, ..., None]
        picture = Picture(stored, "MONOCHROME2", 16, 0, facts | _section(index, size, 380, 8, -260))
        yield image(CT, person, study, Place(1, index + 1, "ABDOMEN 8mm"), picture)


def head_mr(person: Person, study: Study, rng: _Rng) -> Iterator[Dataset]:
    """20 sections weighted by T2, and 20 by T1."""
    size, count = 256, 20
    for series, (name, t2, window) in enumerate((("T2 TSE", True, (470, 940)), ("T1 SE", False, (400, 800))), start=1):
        times = {"EchoTime": 100 if t2 else 12, "RepetitionTime": 4000 if t2 else 500, "EchoTrainLength": 1}
        shown = {"WindowCenter": window[0], "WindowWidth": window[1], "MagneticFieldStrength": 1.5}
        for index in range(count):
            drawn = phantoms_sections.head_mr(size, index / (count - 1), rng, t2=t2)
            attributes = times | shown | _section(count - index, size, 230, 6)
            picture = Picture(_grey([drawn], 12), "MONOCHROME2", 12, 0, attributes)
            yield image(MR, person, study, Place(series, index + 1, name), picture)


def whole_body_pet(person: Person, study: Study, rng: _Rng) -> Iterator[Dataset]:
    """32 sections, each stored with a slope of its own (PS3.3 C.8.9.4)."""
    size, count = 128, 32
    for index in range(count):
        drawn = phantoms_sections.body_pet(size, index / (count - 1), rng)
        slope = round(float(drawn.max()) / 32767, 6)
        stored = np.clip(np.rint(drawn / np.float32(slope)), 0, 32767).astype(np.int16)[None, ..., None]
        facts = {
            "RescaleSlope": slope,
            "RescaleIntercept": 0,
            "WindowCenter": 7500,
            "WindowWidth": 15000,
            "NumberOfSlices": count,
            "ImageIndex": index + 1,
            "FrameReferenceTime": 0,
            "ActualFrameDuration": 120000,
            "DecayFactor": 1,
        }
        picture = Picture(stored, "MONOCHROME2", 16, 0, facts | _section(index, size, 600, 24))
        yield image(PET, person, study, Place(1, index + 1, "FDG AC"), picture)


def chest_cr(person: Person, study: Study, rng: _Rng) -> Iterator[Dataset]:
    """Two radiographs of 10 bits: MONOCHROME1 with a window, and MONOCHROME2 with none."""
    spacing = {"ImagerPixelSpacing": [0.4, 0.4], "PatientOrientation": ["L", "F"]}
    drawn = phantoms_projections.chest_radiograph(880, 720, rng)
    inverse = {"WindowCenter": 480, "WindowWidth": 900}
    yield image(
        CR,
        person,
        study,
        Place(1, 1, "PA"),
        Picture(_grey([1 - drawn], 10, scale=1000), "MONOCHROME1", 10, 0, spacing | inverse),
    )
    again = phantoms_projections.chest_radiograph(880, 720, rng)
    yield image(
        CR, person, study, Place(1, 2, "AP"), Picture(_grey([again], 10, scale=1000), "MONOCHROME2", 10, 0, spacing)
    )


def _curve(bits: int) -> Dataset:
    """A VOI LUT of sigmoid shape over samples of `bits` (PS3.3 C.11.2.1.1)."""
    at = np.linspace(-5, 5, 1 << bits)
    table = (65535 / (1 + np.exp(-at))).astype("<u2")
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [1 << bits, 0, 16])
    item.LUTExplanation = "STANDARD"
    item.add_new("LUTData", "OW", table.tobytes())
    return item


def chest_dx(person: Person, study: Study, rng: _Rng) -> Iterator[Dataset]:
    """Two radiographs of 12 bits: one through a VOI LUT, one MONOCHROME1 through a window."""
    common = {"ImagerPixelSpacing": [0.4, 0.4], "PatientOrientation": ["L", "F"]}
    with_table = common | {"VOILUTSequence": [_curve(12)], "PresentationLUTShape": "IDENTITY", "ViewPosition": "PA"}
    drawn = phantoms_projections.chest_radiograph(880, 720, rng)
    yield image(
        DX, person, study, Place(1, 1, "PA"), Picture(_grey([drawn], 12, scale=4095), "MONOCHROME2", 12, 0, with_table)
    )
    window = {"WindowCenter": 2000, "WindowWidth": 3900, "PresentationLUTShape": "INVERSE", "ViewPosition": "AP"}
    again = 1 - phantoms_projections.chest_radiograph(880, 720, rng)
    yield image(
        DX,
        person,
        study,
        Place(1, 2, "AP"),
        Picture(_grey([again], 12, scale=4095), "MONOCHROME1", 12, 0, common | window),
    )


def mammography(person: Person, study: Study, rng: _Rng) -> Iterator[Dataset]:
    """The four usual views."""
    facts = {
        "WindowCenter": 2000,
        "WindowWidth": 3600,
        "PresentationLUTShape": "IDENTITY",
        "ImagerPixelSpacing": [0.1, 0.1],
    }
    for number, (left, oblique) in enumerate(((False, False), (True, False), (False, True), (True, True)), start=1):
        drawn = phantoms_projections.mammogram(1200, 900, rng, left=left, oblique=oblique)
        side, view = "L" if left else "R", "MLO" if oblique else "CC"
        said = {"ImageLaterality": side, "ViewPosition": view, "PatientOrientation": ["A", "F"] if left else ["P", "F"]}
        picture = Picture(_grey([drawn], 12, scale=4000), "MONOCHROME2", 12, 0, facts | said)
        yield image(MG, person, study, Place(number, 1, f"{side} {view}"), picture)


def coronary_angiogram(person: Person, study: Study, rng: _Rng) -> Iterator[Dataset]:
    """Two runs of 14 frames in 8 bits."""
    for number in (1, 2):
        frames = phantoms_projections.angiogram(384, 14, rng)
        facts = {"WindowCenter": 128, "WindowWidth": 256, "PositionerPrimaryAngle": -30 + 60 * (number - 1)}
        picture = Picture(_grey(frames, 8, scale=255), "MONOCHROME2", 8, 0, facts)
        yield image(XA, person, study, Place(number, 1, f"LCA {number}"), picture)


def swallow(person: Person, study: Study, rng: _Rng) -> Iterator[Dataset]:
    """One run of 10 frames in 10 bits."""
    frames = phantoms_projections.swallow(384, 10, rng)
    facts = {"WindowCenter": 512, "WindowWidth": 1000}
    yield image(
        XRF, person, study, Place(1, 1, "LATERAL"), Picture(_grey(frames, 10, scale=1023), "MONOCHROME2", 10, 0, facts)
    )


def _colour(pictures: Sequence[phantoms_colour.Bytes]) -> Samples:
    return np.stack(pictures)


def echocardiogram(person: Person, study: Study, rng: _Rng) -> Iterator[Dataset]:
    """Two stills, and two loops of 16 frames: RGB by pixel and YBR_FULL by plane."""
    for number, planar in ((1, 0), (2, 1)):
        still = _colour([phantoms_colour.doppler_still(480, 640, rng)])
        yield image(US, person, study, Place(1, number, "4CH DOPPLER"), Picture(still, "RGB", 8, planar))
    loops: tuple[tuple[str, int, Callable[[Samples], Samples]], ...] = (
        ("RGB", 0, lambda rgb: rgb),
        ("YBR_FULL", 1, phantoms_colour.to_ybr_full),
    )
    for number, (photometric, planar, convert) in enumerate(loops, start=1):
        loop = convert(_colour(phantoms_colour.cine(240, 320, 16, rng)))
        picture = Picture(loop, photometric, 8, planar)
        yield image(US_MULTIFRAME, person, study, Place(2, number, "4CH CINE"), picture)


def report(person: Person, study: Study, rng: _Rng) -> Iterator[Dataset]:
    """A captured screen."""
    lines = ("LVEF     58 %", "LAD #6   50 %", "RCA #2   25 %")
    screen = phantoms_colour.report_capture(480, 640, "DEMO  CATH REPORT", lines)
    yield image(SC, person, study, Place(1, 1, "REPORT"), Picture(_colour([screen]), "RGB", 8))


def perfusion_map(person: Person, study: Study, rng: _Rng) -> Iterator[Dataset]:
    """A map in palette colours."""
    indices = phantoms_colour.uptake_map(384, 384, rng)[None, ..., None]
    yield image(
        SC, person, study, Place(1, 1, "POLAR MAP"), Picture(indices, "PALETTE COLOR", 8, 0, palette_attributes())
    )


def photographs(person: Person, study: Study, rng: _Rng) -> Iterator[Dataset]:
    """Two photographs."""
    for number in (1, 2):
        photo = _colour([phantoms_colour.skin_photograph(480, 640, rng)])
        yield image(VL, person, study, Place(1, number, "SKIN"), Picture(photo, "RGB", 8))
