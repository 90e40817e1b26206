"""Made DICOM objects: data sets of the thirteen classes (PS3.3 Annex A) and their files (PS3.10, Implicit VR LE)."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.tag import Tag
from pydicom.uid import UID

from netty.dicom.uids import GRAYSCALE_SOFTCOPY_PRESENTATION_STATE, IMPLICIT_VR_LITTLE_ENDIAN

CR: Final = "1.2.840.10008.5.1.4.1.1.1"
DX: Final = "1.2.840.10008.5.1.4.1.1.1.1"
MG: Final = "1.2.840.10008.5.1.4.1.1.1.2"
CT: Final = "1.2.840.10008.5.1.4.1.1.2"
US_MULTIFRAME: Final = "1.2.840.10008.5.1.4.1.1.3.1"
MR: Final = "1.2.840.10008.5.1.4.1.1.4"
US: Final = "1.2.840.10008.5.1.4.1.1.6.1"
SC: Final = "1.2.840.10008.5.1.4.1.1.7"
GSPS: Final = GRAYSCALE_SOFTCOPY_PRESENTATION_STATE
XA: Final = "1.2.840.10008.5.1.4.1.1.12.1"
XRF: Final = "1.2.840.10008.5.1.4.1.1.12.2"
VL: Final = "1.2.840.10008.5.1.4.1.1.77.1.4"
PET: Final = "1.2.840.10008.5.1.4.1.1.128"

MODALITIES: Final[Mapping[str, str]] = {
    CR: "CR", DX: "DX", MG: "MG", CT: "CT", US_MULTIFRAME: "US", MR: "MR", US: "US", SC: "OT", GSPS: "PR", XA: "XA",
    XRF: "RF", VL: "XC", PET: "PT",
}  # fmt: skip

_PRESENTATION: Final = {
    "PresentationIntentType": "FOR PRESENTATION",
    "PixelIntensityRelationship": "LOG",
    "PixelIntensityRelationshipSign": -1,
    "RescaleSlope": 1,
    "RescaleIntercept": 0,
    "RescaleType": "US",
    "LossyImageCompression": "00",
    "BurnedInAnnotation": "YES",
}
_CINE: Final = {"FrameTime": 66.6, "FrameIncrementPointer": Tag(0x0018, 0x1063)}
_RUN: Final = {"KVP": 80, "XRayTubeCurrent": 200, "ExposureTime": 10, "RadiationSetting": "GR"}

CLASS_ATTRIBUTES: Final[Mapping[str, Mapping[str, Any]]] = {  # what PS3.3 Annex A requires of each class beyond pixels
    CR: {"BodyPartExamined": "CHEST", "ViewPosition": "PA", "ImageType": ["ORIGINAL", "PRIMARY"]},
    DX: _PRESENTATION | {"BodyPartExamined": "CHEST", "ImageLaterality": "U", "ImageType": ["ORIGINAL", "PRIMARY", ""]},
    MG: _PRESENTATION
    | {"BodyPartExamined": "BREAST", "OrganExposed": "BREAST", "ImageType": ["ORIGINAL", "PRIMARY", ""]},
    CT: {"KVP": 120, "RescaleType": "HU", "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"], "PatientPosition": "HFS"},
    US_MULTIFRAME: _CINE | {"ImageType": ["ORIGINAL", "PRIMARY"], "CineRate": 15},
    MR: {
        "ScanningSequence": "SE",
        "SequenceVariant": "SK",
        "ScanOptions": "",
        "MRAcquisitionType": "2D",
        "ImageType": ["ORIGINAL", "PRIMARY", "OTHER"],
        "PatientPosition": "HFS",
    },
    US: {"ImageType": ["ORIGINAL", "PRIMARY"]},
    SC: {"ConversionType": "WSD", "ImageType": ["DERIVED", "SECONDARY"]},
    XA: _RUN | {"ImageType": ["ORIGINAL", "PRIMARY", "SINGLE PLANE"], "PixelIntensityRelationship": "DISP"},
    XRF: _RUN | {"ImageType": ["ORIGINAL", "PRIMARY", "SINGLE PLANE"], "PixelIntensityRelationship": "DISP"},
    VL: {"ImageType": ["ORIGINAL", "PRIMARY"], "LossyImageCompression": "00"},
    PET: {
        "Units": "BQML",
        "CountsSource": "EMISSION",
        "SeriesType": ["WHOLE BODY", "IMAGE"],
        "DecayCorrection": "START",
        "CorrectedImage": ["DECY", "ATTN"],
        "ImageType": ["ORIGINAL", "PRIMARY"],
        "PatientPosition": "HFS",
    },
}
_MULTIFRAME: Final = frozenset({US_MULTIFRAME, XA, XRF})

Samples: TypeAlias = NDArray[np.integer[Any]]


def made_uid(*names: object) -> str:
    """A UID under 2.25 (PS3.5 B.2) that is always the same for the same names."""
    digest = hashlib.sha256("/".join(map(str, names)).encode()).digest()
    return f"2.25.{int.from_bytes(digest[:16], 'big')}"


@dataclass(frozen=True, slots=True)
class Person:
    """Whom the pictures show, as one hospital knows them."""

    patient_id: str
    name: str = "DEMO^PATIENT"
    birth_date: str = "19700101"
    sex: str = "O"
    character_set: Sequence[str] = ("ISO_IR 192",)


@dataclass(frozen=True, slots=True)
class Study:
    """One examination."""

    study_instance_uid: str
    date: str = "20260401"
    time: str = "093000"
    accession_number: str = ""
    description: str = ""
    institution: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an object stands in its study: series and instance."""

    series_number: int = 1
    instance_number: int = 1
    series_description: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """Stored samples, always (frames, rows, columns, samples per pixel), and how they are to be read."""

    samples: Samples
    photometric: str = "MONOCHROME2"
    bits_stored: int = 8
    planar: int = 0
    attributes: Mapping[str, Any] = field(default_factory=dict)


def _common(sop_class_uid: str, person: Person, study: Study, place: Place) -> Dataset:
    """Patient, study, series, equipment and SOP common modules (PS3.3 C.7.1 to C.7.5, C.12.1)."""
    dataset = Dataset()
    dataset.SpecificCharacterSet = (
        list(person.character_set) if len(person.character_set) > 1 else person.character_set[0]
    )
    dataset.SOPClassUID = sop_class_uid
    dataset.SOPInstanceUID = made_uid(study.study_instance_uid, place.series_number, place.instance_number)
    dataset.StudyInstanceUID = study.study_instance_uid
    dataset.SeriesInstanceUID = made_uid(study.study_instance_uid, place.series_number)
    dataset.StudyDate = dataset.SeriesDate = dataset.ContentDate = study.date
    dataset.StudyTime = dataset.SeriesTime = dataset.ContentTime = study.time
    dataset.AccessionNumber = study.accession_number
    dataset.Modality = MODALITIES[sop_class_uid]
    dataset.Manufacturer = "netty"
    dataset.InstitutionName = study.institution
    dataset.ReferringPhysicianName = ""
    dataset.StudyDescription = study.description
    dataset.SeriesDescription = place.series_description
    dataset.ManufacturerModelName = "simulator"
    dataset.PatientName = person.name
    dataset.PatientID = person.patient_id
    dataset.PatientBirthDate = person.birth_date
    dataset.PatientSex = person.sex
    dataset.StudyID = study.accession_number
    dataset.SeriesNumber = place.series_number
    dataset.InstanceNumber = place.instance_number
    return dataset


def image(sop_class_uid: str, person: Person, study: Study, place: Place, picture: Picture) -> Dataset:
    """An image object of one of the thirteen classes with its Image Pixel module (PS3.3 C.7.6.3)."""
    samples = picture.samples
    frames, rows, columns, per_pixel = samples.shape
    dataset = _common(sop_class_uid, person, study, place)
    if sop_class_uid in (CT, MR, PET):
        dataset.FrameOfReferenceUID = made_uid(study.study_instance_uid, "frame of reference")
        dataset.PositionReferenceIndicator = ""
    dataset.SamplesPerPixel = per_pixel
    dataset.PhotometricInterpretation = picture.photometric
    dataset.Rows, dataset.Columns = rows, columns
    dataset.BitsAllocated = samples.dtype.itemsize * 8
    dataset.BitsStored = picture.bits_stored
    dataset.HighBit = picture.bits_stored - 1
    dataset.PixelRepresentation = int(samples.dtype.kind == "i")
    if per_pixel > 1:
        dataset.PlanarConfiguration = picture.planar
    for keyword, value in {**CLASS_ATTRIBUTES[sop_class_uid], **picture.attributes}.items():
        setattr(dataset, keyword, value)
    if frames > 1 or sop_class_uid in _MULTIFRAME:
        dataset.NumberOfFrames = frames
        if "FrameIncrementPointer" not in dataset and sop_class_uid in _MULTIFRAME:
            dataset.FrameTime, dataset.FrameIncrementPointer = _CINE["FrameTime"], _CINE["FrameIncrementPointer"]
    if picture.planar:
        samples = samples.transpose(0, 3, 1, 2)
    raw = samples.astype(samples.dtype.newbyteorder("<"), copy=False).tobytes()
    dataset["PixelData"] = DataElement(0x7FE00010, "OW", raw + b"\0" * (len(raw) % 2))  # OW: PS3.5 A.1
    return dataset


def presentation_state(
    person: Person, study: Study, place: Place, images: Sequence[Dataset], window: tuple[float, float], label: str
) -> Dataset:
    """A softcopy presentation state (PS3.3 A.33.1) that shows `images` in `window`, with an arrow's text over them."""
    dataset = _common(GSPS, person, study, place)
    dataset.PresentationCreationDate, dataset.PresentationCreationTime = study.date, study.time
    dataset.ContentLabel, dataset.ContentDescription = label, "DEMO"
    dataset.ContentCreatorName = "NETTY^SIMULATOR"
    references = [_reference(one) for one in images]
    series = Dataset()
    series.SeriesInstanceUID = images[0].SeriesInstanceUID
    series.ReferencedImageSequence = references
    dataset.ReferencedSeriesSequence = [series]
    voi = Dataset()
    voi.WindowCenter, voi.WindowWidth = window
    dataset.SoftcopyVOILUTSequence = [voi]
    area = Dataset()
    area.DisplayedAreaTopLeftHandCorner = [1, 1]
    area.DisplayedAreaBottomRightHandCorner = [images[0].Columns, images[0].Rows]
    area.PresentationSizeMode = "SCALE TO FIT"
    area.PresentationPixelAspectRatio = [1, 1]
    dataset.DisplayedAreaSelectionSequence = [area]
    layer = Dataset()
    layer.GraphicLayer, layer.GraphicLayerOrder = "NOTES", 1
    dataset.GraphicLayerSequence = [layer]
    dataset.GraphicAnnotationSequence = [_note(references, images[0], label)]
    dataset.PresentationLUTShape = "IDENTITY"
    return dataset


def _reference(one: Dataset) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = one.SOPClassUID, one.SOPInstanceUID
    return item


def _note(references: Sequence[Dataset], shown: Dataset, text: str) -> Dataset:
    """A circle about the middle of the left half, and a text beside it."""
    columns, rows = int(shown.Columns), int(shown.Rows)
    circle = Dataset()
    circle.GraphicAnnotationUnits, circle.GraphicDimensions, circle.NumberOfGraphicPoints = "PIXEL", 2, 2
    circle.GraphicData = [columns * 0.24, rows * 0.43, columns * 0.30, rows * 0.43]
    circle.GraphicType, circle.GraphicFilled = "CIRCLE", "N"
    words = Dataset()
    words.BoundingBoxAnnotationUnits, words.AnchorPointAnnotationUnits = "PIXEL", "PIXEL"
    words.UnformattedTextValue = text
    words.AnchorPoint, words.AnchorPointVisibility = [columns * 0.3, rows * 0.36], "N"
    note = Dataset()
    note.ReferencedImageSequence = list(references)
    note.GraphicLayer = "NOTES"
    note.GraphicObjectSequence, note.TextObjectSequence = [circle], [words]
    return note


def write_file(path: Path, dataset: Dataset) -> Path:
    """Write a Part 10 file in Implicit VR Little Endian."""
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = UID(IMPLICIT_VR_LITTLE_ENDIAN)
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.save_as(path, implicit_vr=True, little_endian=True, enforce_file_format=True)
    return path
