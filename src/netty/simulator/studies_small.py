"""Small studies of any class for tests: a few kilobytes each, valid, native, with UIDs of their own."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset

from netty.simulator.phantoms_colour import heat_palette
from netty.simulator.studies_objects import (
    CR,
    CT,
    DX,
    GSPS,
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
    Study,
    image,
    made_uid,
    presentation_state,
    write_file,
)


@dataclass(frozen=True, slots=True)
class Shape:
    """What a class's pixels usually look like: photometric interpretation, bits, frames, and attributes."""

    photometric: str
    bits_stored: int
    frames: int
    attributes: dict[str, Any]
    signed: bool = False


def _window(center: float, width: float, **others: Any) -> dict[str, Any]:
    return {"WindowCenter": center, "WindowWidth": width, **others}


_SHAPES = {
    CR: Shape("MONOCHROME1", 10, 1, _window(512, 1024)),
    DX: Shape("MONOCHROME2", 12, 1, _window(2048, 4096, PresentationLUTShape="IDENTITY")),
    MG: Shape("MONOCHROME2", 12, 1, _window(2048, 4000, PresentationLUTShape="IDENTITY")),
    CT: Shape("MONOCHROME2", 12, 1, _window(1000, 3000, RescaleSlope=1, RescaleIntercept=-1024)),
    US_MULTIFRAME: Shape("RGB", 8, 3, {}),
    MR: Shape("MONOCHROME2", 12, 1, _window(2000, 4000)),
    US: Shape("RGB", 8, 1, {}),
    SC: Shape("RGB", 8, 1, {}),
    XA: Shape("MONOCHROME2", 8, 3, _window(128, 256)),
    XRF: Shape("MONOCHROME2", 10, 3, _window(512, 1024)),
    VL: Shape("RGB", 8, 1, {}),
    PET: Shape("MONOCHROME2", 15, 1, _window(4000, 8000, RescaleSlope=0.5, RescaleIntercept=0), signed=True),
}


@dataclass(frozen=True, slots=True)
class WrittenStudy:
    """A study as it lies on disk; `instances` maps SOP Instance UIDs to files."""

    patient_id: str
    study_instance_uid: str
    instances: dict[str, Path]

    @property
    def files(self) -> list[Path]:
        """Its files in the order of their making."""
        return list(self.instances.values())


def small_image(
    sop_class_uid: str,
    person: Person,
    study: Study,
    place: Place,
    *,
    rows: int = 64,
    columns: int = 48,
    frames: int | None = None,
    bits_stored: int | None = None,
    photometric: str | None = None,
    planar: int = 0,
    **attributes: Any,
) -> Dataset:
    """A small image of a class with its usual shape, except for what is given. Frames and instances all differ."""
    usual = _SHAPES[sop_class_uid]
    bits = bits_stored or usual.bits_stored
    colours = photometric or usual.photometric
    count = frames or usual.frames
    kind = np.uint8 if bits <= 8 else np.int16 if usual.signed else np.uint16
    samples = 3 if colours in ("RGB", "YBR_FULL") else 1
    most = (1 << bits) - 1
    frame, y, x, sample = np.ogrid[0:count, 0:rows, 0:columns, 0:samples]
    number = place.instance_number + 7 * place.series_number
    ramp = (x * (most // max(1, columns - 1)) + y * (most // (2 * rows)) * (1 + sample)) % (most + 1)
    stored = (ramp + (frame * 11 + number * 5) * (1 + most // 256)) % (most + 1)
    extra = {**usual.attributes, **attributes}
    if colours == "PALETTE COLOR":
        extra |= palette_attributes()
    elif bits != usual.bits_stored and "WindowCenter" in usual.attributes and "WindowCenter" not in attributes:
        extra |= _window((most + 1) / 2, most + 1)
    if colours == "MONOCHROME1" and "PresentationLUTShape" in extra:
        extra["PresentationLUTShape"] = "INVERSE"
    return image(sop_class_uid, person, study, place, Picture(stored.astype(kind), colours, bits, planar, extra))


def palette_attributes() -> dict[str, Any]:
    """A palette of 256 colours in 16 bits (PS3.3 C.7.6.3.1.5)."""
    names = ("Red", "Green", "Blue")
    tables = dict(zip(names, heat_palette(), strict=True))
    return {
        **{f"{name}PaletteColorLookupTableDescriptor": [256, 0, 16] for name in names},
        **{f"{name}PaletteColorLookupTableData": table.astype("<u2").tobytes() for name, table in tables.items()},
    }


def write_study(
    folder: Path,
    sop_class_uid: str,
    *,
    patient_id: str = "TEST-1",
    name: str = "TEST^PATIENT",
    series: int = 1,
    instances: int = 2,
    seed: object = 0,
    study_date: str = "20260401",
    accession_number: str = "",
    character_set: tuple[str, ...] = ("ISO_IR 192",),
    **shape: Any,
) -> WrittenStudy:
    """Write a study of `series` times `instances` images of one class; `shape` goes to `small_image`.

    A study of presentation states holds one CT image, and the states that refer to it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    uid = made_uid("small", sop_class_uid, patient_id, seed)
    person = Person(patient_id, name, character_set=character_set)
    study = Study(uid, date=study_date, accession_number=accession_number, description="TEST")
    written = {}
    for number, dataset in enumerate(_objects(sop_class_uid, person, study, series, instances, shape), start=1):
        path = folder / f"{uid[5:17]}-{number:04}.dcm"
        written[str(dataset.SOPInstanceUID)] = write_file(path, dataset)
    return WrittenStudy(patient_id, uid, written)


def _objects(
    sop_class_uid: str, person: Person, study: Study, series: int, instances: int, shape: dict[str, Any]
) -> Iterator[Dataset]:
    if sop_class_uid == GSPS:
        shown = small_image(CT, person, study, Place(1, 1), **shape)
        yield shown
        for number in range(1, instances + 1):
            yield presentation_state(person, study, Place(2, number), [shown], (900 + number, 1500), "NOTE")
        return
    for one in range(1, series + 1):
        for number in range(1, instances + 1):
            yield small_image(sop_class_uid, person, study, Place(one, number), **shape)
