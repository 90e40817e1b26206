"""De-identified files before other judges: dciodvfy finds no more wrong in them, and a second tool removes no more."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom import Dataset, Sequence, dcmread
from pydicom.data import get_testdata_file
from pydicom.datadict import dictionary_VR
from pydicom.uid import generate_uid

from netty.dicom.uids import STORAGE_CLASSES
from netty.model.deidentification import STATEMENT_LEVEL
from netty.model.deidentification_burned_in import BurnedIn
from netty.model.deidentification_options import RetainDates
from netty.simulator.studies_objects import CT
from netty.simulator.studies_small import write_study
from netty.workflow.deidentify import Deidentifier
from netty.workflow.deidentify_files import FileFate, deidentify_file
from netty.workflow.settings import Keep
from support.deidentified import deidentifier, errors, inflated, needs_dciodvfy, without_the_denied
from support.dicom_files import SHARED

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # pydicom's, about other people's files

BUNDLED = Path(pydicom.data.__file__).parent
COMPREHENSIVE_SR = "1.2.840.10008.5.1.4.1.1.88.33"

OPTIONS: dict[str, Any] = {
    "retain_uids": True,
    "retain_dates": RetainDates.FULL,
    "clean_descriptors": True,
    "retain_device_identity": True,
    "retain_patient_characteristics": True,
    "retain_safe_private": True,
}
SETTINGS = [
    pytest.param(Keep.STATEMENT, {}, id="statement"),
    pytest.param(Keep.BASIC, {}, id="basic"),
    pytest.param(Keep.BASIC, {"retain_dates": RetainDates.MODIFIED}, id="modified dates"),
    *(pytest.param(Keep.BASIC, {name: value}, id=name) for name, value in OPTIONS.items()),
    pytest.param(Keep.BASIC, OPTIONS, id="all options"),
]

# Where the original without its private elements and those of VR UN, which `basic` denies, is to be compared with.
DENIED = {
    "nested_priv_SQ.dcm": "PS3.5 7.8.1: no private elements in group 0001; dciodvfy reads no further, to the pixels",
    "rtdose_rle.dcm": "PS3.5 6.2.2: its SOP Class UID came as UN, like every element",
    "rtdose_rle_1frame.dcm": "PS3.5 6.2.2: as rtdose_rle.dcm",
}


def new_errors(made: Deidentifier, sources: Iterable[Path], folder: Path) -> dict[str, Counter[str]]:
    """What dciodvfy finds in the de-identified files and not in their originals, by the originals' names."""
    found = {}
    for number, source in enumerate(sources):
        target = folder / f"{number}.dcm"
        if deidentify_file(made, source, target).fate is not FileFate.WRITTEN:
            continue
        before = errors(inflated(source, folder))
        if made.level is Keep.BASIC and source.name in DENIED:
            before = before | errors(without_the_denied(source, folder))
        found[source.name] = errors(target) - before
    return found


@needs_dciodvfy
@pytest.mark.parametrize(("level", "options"), SETTINGS)
def test_dciodvfy_finds_no_new_error_in_the_files_of_the_classes(
    tmp_path: Path, level: Keep, options: dict[str, Any]
) -> None:
    made = deidentifier(level, burned_in=BurnedIn.KEEP, **options)
    sources = [
        write_study(tmp_path / one, one, patient_id="SECRET-77", name="SECRET^NAME", instances=1).files[-1]
        for one in sorted(STORAGE_CLASSES)
    ]

    found = new_errors(made, sources, tmp_path)

    assert len(found) == len(sources)
    assert {name: new for name, new in found.items() if new} == {}


@needs_dciodvfy
@pytest.mark.parametrize(("level", "options"), SETTINGS)
def test_dciodvfy_finds_no_new_error_in_the_bundled_files(tmp_path: Path, level: Keep, options: dict[str, Any]) -> None:
    sources = sorted(path for path in BUNDLED.rglob("*") if path.suffix in ("", ".dcm") and path.is_file())

    found = new_errors(deidentifier(level, burned_in=BurnedIn.KEEP, **options), sources, tmp_path)

    assert len(found) > 100
    assert {name: new for name, new in found.items() if new} == {}


@needs_dciodvfy
@pytest.mark.skipif(not SHARED.is_dir(), reason="the optional folder of real images is not there")
@pytest.mark.parametrize(("level", "options"), SETTINGS)
def test_dciodvfy_finds_no_new_error_in_real_files(tmp_path: Path, level: Keep, options: dict[str, Any]) -> None:
    sources = sorted(SHARED.rglob("*.dcm"))

    found = new_errors(deidentifier(level, burned_in=BurnedIn.KEEP, **options), sources, tmp_path)

    assert len(found) > 80
    assert {name: new for name, new in found.items() if new} == {}


@needs_dciodvfy
@pytest.mark.parametrize("sop_class_uid", [CT, COMPREHENSIVE_SR])
@pytest.mark.parametrize("level", [Keep.STATEMENT, Keep.BASIC])
def test_dciodvfy_misses_no_listed_sequence_and_finds_none_without_items(
    tmp_path: Path, sop_class_uid: str, level: Keep
) -> None:
    source = with_every_listed_sequence(tmp_path, sop_class_uid)
    assert len(errors(source)) > 0  # items that name a code only

    found = new_errors(deidentifier(level, burned_in=BurnedIn.KEEP), [source], tmp_path)

    assert found == {source.name: Counter()}


def with_every_listed_sequence(folder: Path, sop_class_uid: str) -> Path:
    """An image with an item in every sequence that level `statement` lists; or what is a verified report otherwise."""
    dataset = dcmread(write_study(folder / "made", CT, patient_id="SECRET-77", instances=1).files[0])
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "1", "99TEST", "SECRET"
    for tag in STATEMENT_LEVEL.rows:
        if dictionary_VR(tag) == "SQ":
            dataset.add_new(tag, "SQ", Sequence([code]))
    observer = Dataset()
    observer.VerifyingObserverName, observer.VerifyingOrganization = "SECRET", "SECRET"
    observer.VerificationDateTime, observer.VerifyingObserverIdentificationCodeSequence = "20240101", Sequence([code])
    dataset.VerifyingObserverSequence = Sequence([observer])
    dataset.VerificationFlag = "VERIFIED"
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = sop_class_uid
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset.save_as(folder / "sequences.dcm")
    return folder / "sequences.dcm"


def test_a_second_tool_has_the_same_table() -> None:
    """dicom-anonymizer (Kitware): its table of the same edition, action by action."""
    tables = pytest.importorskip("dicomanonymizer.dicom_anonymization_databases.dicomfields_2026c")
    from netty.model.deidentification_table import ROWS

    names = {"D": "D", "Z": "Z", "X": "X", "U": "U", "Z_D": "Z/D", "X_Z": "X/Z", "X_D": "X/D", "X_Z_D": "X/Z/D"}
    lists = {action: getattr(tables, f"{name}_TAGS") for name, action in names.items()}
    lists["X/Z/U*"] = tables.X_Z_U_STAR_TAGS
    theirs = {tag[0] << 16 | tag[1]: action for action, tags in lists.items() for tag in tags if len(tag) == 2}

    assert {tag: row.action for tag, row in ROWS.items()} == theirs


def test_whatever_a_second_tool_changes_has_changed_here_too(tmp_path: Path) -> None:
    anonymizer = pytest.importorskip("dicomanonymizer")
    source = Path(str(get_testdata_file("CT_small.dcm")))
    theirs, original = dcmread(source), pydicom.dcmread(source)
    anonymizer.anonymize_dataset(theirs)

    assert deidentify_file(deidentifier(), source, tmp_path / "out.dcm").fate is FileFate.WRITTEN
    ours = dcmread(tmp_path / "out.dcm")

    touched = [one.tag for one in original if not one.is_empty and theirs.get(one.tag) != one]
    assert len(touched) > 30
    assert [tag for tag in touched if tag in ours and ours[tag] == original[tag]] == []
