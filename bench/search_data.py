"""The hospital that searches are measured against: many patients, small images, everything known beforehand."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from netty.dicom.elements import encode_identifier
from netty.dicom.part10 import file_meta
from netty.dicom.uids import IMPLICIT_VR_LITTLE_ENDIAN

CT_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.2"
_ROOT = "2.25.5107"


@dataclass(frozen=True, slots=True)
class Size:
    """How much each level holds of the next one."""

    patients: int = 16
    studies: int = 2
    series: int = 2
    instances: int = 25

    def __str__(self) -> str:
        return f"{self.studies} studies of {self.series} series of {self.instances} images each"


@dataclass(frozen=True, slots=True)
class Listed:
    """One instance, and all that it belongs to."""

    patient_id: str
    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str
    number: int


def listed(size: Size) -> Iterator[Listed]:
    """Everything that the hospital holds, patient by patient."""
    for patient in range(1, size.patients + 1):
        for study in range(1, size.studies + 1):
            study_uid = f"{_ROOT}.{patient}.{study}"
            for series in range(1, size.series + 1):
                for number in range(1, size.instances + 1):
                    uid = f"{study_uid}.{series}"
                    yield Listed(f"BENCH-{patient:04}", study_uid, uid, f"{uid}.{number}", number)


def write_files(folder: Path, size: Size) -> list[Path]:
    """As files: headers and a picture of one pixel, for a search reads no pixels."""
    folder.mkdir(parents=True)
    files = []
    for one in listed(size):
        path = folder / f"{one.sop_instance_uid}.dcm"
        meta = file_meta(
            CT_IMAGE_STORAGE, one.sop_instance_uid, IMPLICIT_VR_LITTLE_ENDIAN, implementation_class_uid="2.25.1"
        )
        path.write_bytes(meta + _data_set(one))
        files.append(path)
    return files


def _data_set(one: Listed) -> bytes:
    short = (1).to_bytes(2, "little")
    return encode_identifier(
        {
            0x00080016: CT_IMAGE_STORAGE,
            0x00080018: one.sop_instance_uid,
            0x00080020: "20260401",
            0x00080030: "101500",
            0x00080050: f"A{one.study_instance_uid[-6:]}",
            0x00080060: "CT",
            0x00100010: "BENCH^MARK",
            0x00100020: one.patient_id,
            0x0020000D: one.study_instance_uid,
            0x0020000E: one.series_instance_uid,
            0x00200010: "1",
            0x00200011: one.series_instance_uid.rpartition(".")[2],
            0x00200013: str(one.number),
            0x00280002: short,
            0x00280004: "MONOCHROME2",
            0x00280010: short,
            0x00280011: short,
            0x00280100: (16).to_bytes(2, "little"),
            0x00280101: (16).to_bytes(2, "little"),
            0x00280102: (15).to_bytes(2, "little"),
            0x00280103: bytes(2),
            0x7FE00010: bytes(2),
        }
    )
