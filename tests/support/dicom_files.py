"""Real DICOM files for tests: pydicom's bundled ones, those of ../shared where they are, and made ones for the rest.

All are native, written again in Implicit VR Little Endian, with UIDs of their own and one patient's identity.
"""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pydicom
from pydicom import Dataset, dcmread
from pydicom.data import get_testdata_file

from netty.dicom.uids import STORAGE_CLASSES
from netty.simulator.studies_objects import GSPS, made_uid, write_file
from netty.simulator.studies_small import write_study

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "dicom"  # optional test data beside the repository

_BUNDLED = (
    "CT_small.dcm",
    "MR_small.dcm",
    "MR_small_padded.dcm",
    "examples_overlay.dcm",
    "examples_palette.dcm",
    "examples_rgb_color.dcm",
    "SC_rgb_jpeg_dcmd.dcm",
    "SC_rgb_small_odd.dcm",
    "SC_ybr_full_422_uncompressed.dcm",
    "image_dfl.dcm",
    "dicomdirtests/77654033/CR1/6154",
    "dicomdirtests/77654033/CR2/6247",
    "dicomdirtests/77654033/CR3/6278",
    "dicomdirtests/77654033/CT2/17106",
    "dicomdirtests/77654033/CT2/17136",
    "dicomdirtests/77654033/CT2/17166",
    "dicomdirtests/77654033/CT2/17196",
)
_SHARED_FILES = (
    "CT/series_totalseg_derived/*.dcm",
    "MR/series_qin_prostate/00000?.dcm",
    "DX/*.dcm",
    "MG/derived_outofbounds_overlay_implicit.dcm",
    "GSPS/*.dcm",
    "PT/1.dcm",
    "RF/*.dcm",
    "SC/SC_rgb_16bit.dcm",
    "SC/SC_rgb_2frame.dcm",
    "SC/SC_ybr_full_uncompressed.dcm",
    "SC/TestPattern_Palette_16.dcm",
    "US/OBXXXX1A.dcm",
    "USMF/derived_us_rgb_3frames_implicit.dcm",
    "VL/derived_vl2_photographic_rgb_implicit.dcm",
    "XA/derived_rubo_3frames_implicit.dcm",
)


@dataclass(frozen=True, slots=True)
class DicomFile:
    """A file and what an archive would know of it."""

    path: Path
    patient_id: str
    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str
    sop_class_uid: str
    modality: str
    frames: int

    @property
    def is_image(self) -> bool:
        """Whether there are pixels to show."""
        return self.sop_class_uid != GSPS


def facts_of(path: Path) -> DicomFile:
    """Read what an archive would index."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = dcmread(path, stop_before_pixels=True)
        return DicomFile(
            path=path,
            patient_id=str(dataset.PatientID),
            study_instance_uid=str(dataset.StudyInstanceUID),
            series_instance_uid=str(dataset.SeriesInstanceUID),
            sop_instance_uid=str(dataset.SOPInstanceUID),
            sop_class_uid=str(dataset.SOPClassUID),
            modality=str(dataset.Modality),
            frames=int(dataset.get("NumberOfFrames") or 1),
        )


def thirteen_classes(folder: Path, *, patient_id: str = "PEER-0001", shared: bool = True) -> list[DicomFile]:
    """Files of all thirteen classes in `folder`: one study per class, whose series are those of the originals."""
    folder.mkdir(parents=True, exist_ok=True)
    sources = [Path(_bundled(name)) for name in _BUNDLED]
    if shared and SHARED.is_dir():
        sources += [path for pattern in _SHARED_FILES for path in sorted(SHARED.glob(pattern))]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # real files are not spotless, and that is what they are for
        written = list(_rewritten(folder, sources, patient_id))
    files = [facts_of(path) for path in written]
    lacking = set(STORAGE_CLASSES) - {one.sop_class_uid for one in files}
    for number, sop_class_uid in enumerate(sorted(lacking)):
        made = write_study(folder / f"made-{number}", sop_class_uid, patient_id=patient_id, seed="peer")
        files += [facts_of(path) for path in made.files]
    return files


def _bundled(name: str) -> str:
    path = get_testdata_file(name, download=False)
    if path is None:
        raise FileNotFoundError(f"pydicom {pydicom.__version__} brings no {name}")
    return str(path)


def _rewritten(folder: Path, sources: Sequence[Path], patient_id: str) -> Iterator[Path]:
    """The sources with an identity of ours; references among them still hold."""
    datasets = {f"{number:03}": dcmread(path) for number, path in enumerate(sources)}
    instances = {str(one.SOPInstanceUID): made_uid("peer", patient_id, key) for key, one in datasets.items()}
    studies = {str(one.SOPInstanceUID): made_uid("peer", patient_id, one.SOPClassUID) for one in datasets.values()}
    series = {
        str(one.SeriesInstanceUID): made_uid("peer", patient_id, one.SOPClassUID, one.SeriesInstanceUID)
        for one in datasets.values()
    }
    for key, dataset in datasets.items():
        study = studies[dataset.SOPInstanceUID]
        if dataset.SOPClassUID == GSPS:  # a presentation state belongs to the study of what it shows
            study = next((studies[one] for one in _shown(dataset) if one in studies), study)
        own_series = made_uid("peer", patient_id, dataset.SOPClassUID, dataset.SeriesInstanceUID)
        _refer(dataset, instances | series)
        _identify(dataset, patient_id, study, int(key))
        dataset.SeriesInstanceUID = own_series
        dataset.SOPInstanceUID = made_uid("peer", patient_id, key)
        yield write_file(folder / f"{key}.dcm", dataset)


def _shown(state: Dataset) -> list[str]:
    return [
        str(image.ReferencedSOPInstanceUID)
        for series in state.get("ReferencedSeriesSequence", [])
        for image in series.get("ReferencedImageSequence", [])
    ]


def _refer(dataset: Dataset, renamed: dict[str, str]) -> None:
    """Carry the new UIDs to wherever one object of ours refers to another."""
    for element in dataset.iterall():
        if element.VR == "UI" and isinstance(element.value, str) and element.value in renamed:
            element.value = renamed[element.value]


def _identify(dataset: Dataset, patient_id: str, study: str, number: int) -> None:
    dataset.PatientID, dataset.PatientName, dataset.PatientBirthDate = patient_id, "PEER^TEST", "19700101"
    dataset.PatientSex = "O"
    dataset.StudyInstanceUID = study
    dataset.StudyDate, dataset.StudyTime = "20260401", "101500"
    dataset.StudyID = dataset.AccessionNumber = f"P{int(study[-6:])}"
    dataset.StudyDescription = "PEER"
    dataset.InstanceNumber = number + 1
    dataset.SeriesNumber = dataset.get("SeriesNumber") or 1
    dataset.Modality = dataset.get("Modality") or "OT"
