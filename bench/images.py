"""The images that the benchmarks use: made, seeded, with noise as scanners have it and headers of some 120 elements."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset

from bench.headers import OF_CT, OF_MG, OF_MR, OF_XA, PATIENT_ID, header
from netty.dicom.part10 import file_meta
from netty.dicom.uids import IMPLICIT_VR_LITTLE_ENDIAN
from netty.simulator.studies_objects import CT, MG, MR, XA

_NOISE: Final = 12  # standard deviation: in HU as in a CT of the abdomen
_DIFFERENT: Final = 8  # so many pictures of a kind, over and over
_UID_LENGTH: Final = 44  # 2.25. and 39 digits, so that one stands where another stood


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """A kind of study: `count` images of so many rows and columns; of grey, `bits` are used of each cell."""

    name: str
    sop_class_uid: str
    attributes: Mapping[str, Any]
    count: int
    rows: int
    columns: int
    frames: int = 1
    different: int = _DIFFERENT
    bits: int = 12
    photometric: str = "MONOCHROME2"

    @property
    def samples(self) -> int:
        """Of a pixel: one, or three of colour."""
        return 3 if self.photometric == "RGB" else 1

    @property
    def cell_bytes(self) -> int:
        """Bytes of a sample."""
        return 1 if self.bits <= 8 else 2

    @property
    def pixel_bytes(self) -> int:
        """The length of an image's pixel data."""
        return self.rows * self.columns * self.frames * self.samples * self.cell_bytes

    def __str__(self) -> str:
        size = self.pixel_bytes / 1e6
        return f"{self.name} of {size:.2g} MB" if size < 1 else f"{self.name} of {size:.0f} MB"


@dataclass(frozen=True, slots=True)
class Image:
    """One image as a data set in Implicit VR Little Endian: everything up to the pixels, and the pixels."""

    kind: Kind
    sop_instance_uid: str
    series_instance_uid: str
    study_instance_uid: str
    head: bytes
    pixels: bytes

    def __len__(self) -> int:
        return len(self.head) + len(self.pixels)

    def write(self, path: Path) -> None:
        """As a DICOM file."""
        meta = file_meta(
            self.kind.sop_class_uid, self.sop_instance_uid, IMPLICIT_VR_LITTLE_ENDIAN, implementation_class_uid="2.25.1"
        )
        with path.open("wb") as file:
            file.write(meta + self.head)
            file.write(self.pixels)


CT_STUDY = Kind("CT", CT, OF_CT, 400, 512, 512)
MR_STUDY = Kind("MR", MR, OF_MR, 2000, 256, 256)
MG_STUDY = Kind("mammograms", MG, OF_MG, 20, 4096, 3418, different=2)
XA_STUDY = Kind("multi-frames", XA, OF_XA, 3, 1024, 1024, frames=143, different=1)
KINDS = (CT_STUDY, MR_STUDY, MG_STUDY, XA_STUDY)


def made_study(kind: Kind, count: int, seed: int | None = None, patient_id: str = PATIENT_ID) -> list[Image]:
    """A study with UIDs that no other has (where no seed is given); its pixels are always the same.

    A `patient_id` must be as long as the usual one.
    """
    template, places = _template(kind)
    pixels = picture_bytes(kind)
    first = secrets.randbits(112) << 12 if seed is None else seed << 12
    study, series = _uid(first), _uid(first + 1)
    images = []
    for number in range(count):
        uid = _uid(first + 2 + number)
        made = bytearray(template)
        values = {
            "study": study,
            "series": series,
            "instance": uid,
            "number": str(10001 + number),
            "patient": patient_id,
        }
        for name, place in places.items():
            made[place : place + len(values[name])] = values[name].encode()
        images.append(Image(kind, uid, series, study, bytes(made), pixels[number % len(pixels)]))
    return images


def write_study(kind: Kind, count: int, folder: Path, patient_id: str = PATIENT_ID) -> list[Path]:
    """The same as files."""
    folder.mkdir(parents=True)
    paths = [folder / f"{number:05}.dcm" for number in range(count)]
    for path, image in zip(paths, made_study(kind, count, patient_id=patient_id), strict=True):
        image.write(path)
    return paths


@cache
def picture_bytes(kind: Kind) -> list[bytes]:
    """The pixels of a few different images."""
    few = [cells(kind, seed).tobytes() for seed in range(_DIFFERENT if kind.frames > 1 else kind.different)]
    return few if kind.frames == 1 else [b"".join(few[frame % len(few)] for frame in range(kind.frames))]


def cells(kind: Kind, seed: int) -> NDArray[Any]:
    """One picture: rows x columns, or rows x columns x RGB."""
    values = _drawn(kind, seed)
    if kind.bits != 12:
        values >>= 12 - kind.bits
    if kind.samples == 3:  # a scale of yellowish greys, as ultrasound has it
        values = np.stack([values, values - values // 8, values - values // 4], axis=-1)
    return values.astype("<u2" if kind.cell_bytes == 2 else np.uint8)


def _drawn(kind: Kind, seed: int) -> NDArray[np.uint16]:
    """A body of water with a few organs in air, and noise; 12 bits from -1024 on, as CT has it."""
    random = np.random.default_rng(seed)
    y, x = np.ogrid[-1 : 1 : kind.rows * 1j, -1 : 1 : kind.columns * 1j]
    values = np.full((kind.rows, kind.columns), -1000, np.float32)
    values[(x / 0.8) ** 2 + (y / 0.6) ** 2 < 1] = 40
    for _ in range(12):
        center_x, center_y, size = random.uniform(-0.5, 0.5), random.uniform(-0.35, 0.35), random.uniform(0.04, 0.15)
        values[(x - center_x) ** 2 + (y - center_y) ** 2 < size**2] = random.uniform(-80, 300)
    values += _NOISE * random.standard_normal(values.shape, np.float32)
    return np.clip(values + 1024, 0, 4095).astype(np.uint16)


def _uid(number: int) -> str:
    return f"2.25.{10**38 + number}"


@cache
def _template(kind: Kind) -> tuple[bytes, dict[str, int]]:
    """The head of a data set up to the length of its pixel data, and where in it the values of each image stand."""
    made = header(kind.attributes)
    marks = {"study": _uid(1 << 40), "series": _uid(2 << 40), "instance": _uid(3 << 40)}
    made.SOPClassUID, made.SOPInstanceUID = kind.sop_class_uid, marks["instance"]
    made.StudyInstanceUID, made.SeriesInstanceUID = marks["study"], marks["series"]
    made.SamplesPerPixel, made.PhotometricInterpretation = kind.samples, kind.photometric
    made.Rows, made.Columns, made.PixelRepresentation = kind.rows, kind.columns, 0
    made.BitsAllocated, made.BitsStored, made.HighBit = 8 * kind.cell_bytes, kind.bits, kind.bits - 1
    if kind.samples == 3:
        made.PlanarConfiguration = 0
    if kind.frames > 1:
        made.NumberOfFrames, made.FrameIncrementPointer = kind.frames, 0x00181063
    file = DicomBytesIO()
    file.is_implicit_VR, file.is_little_endian = True, True
    write_dataset(file, made)
    head = file.getvalue() + b"\xe0\x7f\x10\x00" + kind.pixel_bytes.to_bytes(4, "little")
    places = {name: head.index(uid.encode()) for name, uid in marks.items()}
    number = b"\x20\x00\x13\x00\x06\x00\x00\x00"  # (0020,0013), of which the template has one: 10001 and a space
    places["number"] = head.index(number) + len(number)
    patient = b"\x10\x00\x20\x00" + (len(PATIENT_ID) + len(PATIENT_ID) % 2).to_bytes(4, "little")  # (0010,0020)
    places["patient"] = head.index(patient) + len(patient)
    return head, places
