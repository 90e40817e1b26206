"""DICOM images made for tests: a data set, its pixel data, and the file of both."""

import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset

from netty.dicom.part10 import file_meta
from netty.dicom.uids import (
    EXPLICIT_VR_LITTLE_ENDIAN,
    GRAYSCALE_SOFTCOPY_PRESENTATION_STATE,
    IMPLICIT_VR_LITTLE_ENDIAN,
)

SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
CT = "1.2.840.10008.5.1.4.1.1.2"


def image_attributes(pixels: NDArray[Any], **attributes: Any) -> Dataset:
    """The Image Pixel Module for an array of (frames,) rows, columns (, samples); `attributes` go over it.

    Samples are the last axis where the Photometric Interpretation given is a colour's.
    """
    colour = str(attributes.get("PhotometricInterpretation", "")).startswith(("RGB", "YBR")) and pixels.ndim > 2
    rows, columns = pixels.shape[-3:-1] if colour else pixels.shape[-2:]
    bits = pixels.dtype.itemsize * 8
    stored = attributes.get("BitsStored", bits)
    stated = {
        "SOPClassUID": SECONDARY_CAPTURE,
        "SOPInstanceUID": "2.25.1",
        "SamplesPerPixel": 3 if colour else 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "Rows": rows,
        "Columns": columns,
        "BitsAllocated": bits,
        "BitsStored": stored,
        "HighBit": stored - 1,
        "PixelRepresentation": int(pixels.dtype.kind == "i"),
    }
    if colour:
        stated["PlanarConfiguration"] = 0
    dataset = Dataset()
    for keyword, value in (stated | attributes).items():
        if value is not None:
            setattr(dataset, keyword, value)
    return dataset


def encoded(dataset: Dataset, explicit: bool = False) -> bytes:
    """A data set in Implicit or Explicit VR Little Endian."""
    file = DicomBytesIO()
    file.is_little_endian, file.is_implicit_VR = True, not explicit
    write_dataset(file, dataset)
    return file.getvalue()


def write_image(path: Path, dataset: Dataset, frames: Iterable[bytes], length: int | None = None) -> Path:
    """The file of an image, its pixel data written frame by frame; `length` overrides what the element states."""
    head = file_meta(
        dataset.SOPClassUID, dataset.SOPInstanceUID, IMPLICIT_VR_LITTLE_ENDIAN, implementation_class_uid="2.25.2"
    )
    with path.open("wb") as file:
        file.write(head + encoded(dataset))
        file.write(struct.pack("<HHI", 0x7FE0, 0x0010, 0))
        length_at, written = file.tell() - 4, 0
        for frame in frames:
            written += file.write(frame)
        if written % 2:
            written += file.write(b"\0")
        file.seek(length_at)
        file.write(struct.pack("<I", written if length is None else length))
    return path


def made_image(path: Path, pixels: NDArray[Any], **attributes: Any) -> Path:
    """The file of an image with these pixels."""
    return write_image(path, image_attributes(pixels, **attributes), [np.ascontiguousarray(pixels).tobytes()])


def add_overlay(dataset: Dataset, plane: NDArray[Any], group: int = 0x6000, **elements: Any) -> None:
    """An overlay plane of zeros and ones; `elements` go over `type`, `origin`, `frames` and `first_frame`."""
    stated = {"type": "G", "origin": [1, 1]} | elements
    dataset.add_new(group << 16 | 0x0010, "US", plane.shape[-2])
    dataset.add_new(group << 16 | 0x0011, "US", plane.shape[-1])
    dataset.add_new(group << 16 | 0x0040, "CS", stated["type"])
    dataset.add_new(group << 16 | 0x0050, "SS", stated["origin"])
    if "frames" in stated:
        dataset.add_new(group << 16 | 0x0015, "IS", stated["frames"])
        dataset.add_new(group << 16 | 0x0051, "US", stated.get("first_frame", 1))
    dataset.add_new(group << 16 | 0x0100, "US", 1)
    dataset.add_new(group << 16 | 0x0102, "US", 0)
    packed = np.packbits(plane.astype(np.uint8).ravel(), bitorder="little").tobytes()
    dataset.add_new(group << 16 | 0x3000, "OW", packed + bytes(len(packed) % 2))


def item(**attributes: Any) -> Dataset:
    """An item of a sequence."""
    made = Dataset()
    for keyword, value in attributes.items():
        setattr(made, keyword, value)
    return made


def referring(sop_instance_uid: str = "2.25.1", frames: Any = None) -> Dataset:
    """An item of a Referenced Image Sequence; `made_image` gives its images the UID 2.25.1."""
    made = item(ReferencedSOPClassUID=SECONDARY_CAPTURE, ReferencedSOPInstanceUID=sop_instance_uid)
    if frames is not None:
        made.ReferencedFrameNumber = frames
    return made


def state_attributes(*images: Dataset, **attributes: Any) -> Dataset:
    """A Grayscale Softcopy Presentation State that refers to `images`, or to the image that `made_image` makes."""
    series = item(SeriesInstanceUID="2.25.3", ReferencedImageSequence=list(images) or [referring()])
    stated = {
        "SOPClassUID": GRAYSCALE_SOFTCOPY_PRESENTATION_STATE,
        "SOPInstanceUID": "2.25.9",
        "ReferencedSeriesSequence": [series],
        "ContentLabel": "TEST",
        "PresentationLUTShape": "IDENTITY",
    }
    return item(**(stated | attributes))


def write_state(path: Path, dataset: Dataset, explicit: bool = False) -> Path:
    """The file of a presentation state."""
    uids = dataset.SOPClassUID, dataset.SOPInstanceUID
    syntax = EXPLICIT_VR_LITTLE_ENDIAN if explicit else IMPLICIT_VR_LITTLE_ENDIAN
    path.write_bytes(file_meta(*uids, syntax, implementation_class_uid="2.25.2") + encoded(dataset, explicit))
    return path
