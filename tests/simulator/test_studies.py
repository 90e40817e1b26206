"""The demo region and the small studies: what is said to be there is there, and every picture can be read."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import Dataset, dcmread

from netty.dicom.uids import IMPLICIT_VR_LITTLE_ENDIAN, STORAGE_CLASSES
from netty.simulator.studies import DemoRegion, write_demo_hospitals
from netty.simulator.studies_large import write_large_multiframe
from netty.simulator.studies_objects import CT, GSPS, PET, SC, US_MULTIFRAME
from netty.simulator.studies_small import write_study


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> DemoRegion:
    return write_demo_hospitals(tmp_path_factory.mktemp("region"))


@pytest.fixture(scope="module")
def objects(region: DemoRegion) -> dict[str, list[Dataset]]:
    return {
        hospital.name: [dcmread(path) for path in sorted(hospital.folder.iterdir())] for hospital in region.hospitals
    }


def test_the_region_holds_all_thirteen_classes(region: DemoRegion) -> None:
    assert set(STORAGE_CLASSES) == set().union(*(study.sop_class_uids for study in region.studies))


def test_the_counts_are_those_of_the_files(region: DemoRegion, objects: dict[str, list[Dataset]]) -> None:
    for study in region.studies:
        there = [one for one in objects[study.hospital] if one.StudyInstanceUID == study.study_instance_uid]
        assert study.instances == len(there)
    assert region.total_instances == sum(map(len, objects.values()))
    assert region.total_instances == sum(region.instances.values())


def test_each_patient_has_another_id_in_each_hospital(region: DemoRegion, objects: dict[str, list[Dataset]]) -> None:
    for hospital in region.hospitals:
        known = {patient.patient_ids[hospital.name] for patient in region.patients}
        assert known == {str(one.PatientID) for one in objects[hospital.name]}
    every = [one for patient in region.patients for one in patient.patient_ids.values()]
    assert len(every) == len(set(every))


def test_every_instance_has_a_uid_of_its_own(objects: dict[str, list[Dataset]]) -> None:
    uids = [one.SOPInstanceUID for all_of_it in objects.values() for one in all_of_it]

    assert len(uids) == len(set(uids))


def test_the_files_are_implicit_little_endian_and_small_in_all(region: DemoRegion) -> None:
    files = [path for hospital in region.hospitals for path in hospital.folder.iterdir()]

    assert sum(path.stat().st_size for path in files) < 60_000_000
    assert {dcmread(path, stop_before_pixels=True).file_meta.TransferSyntaxUID for path in files} == {
        IMPLICIT_VR_LITTLE_ENDIAN
    }


def test_a_name_is_shown_as_people_write_it(region: DemoRegion) -> None:
    assert [patient.display_name for patient in region.patients] == ["佐藤 花子", "鈴木 一郎", "高橋 美咲", "田中 健"]


def test_names_are_readable_in_both_character_sets(objects: dict[str, list[Dataset]]) -> None:
    for hospital, charset in (("central", "ISO_IR 192"), ("east", ["", "ISO 2022 IR 87"])):
        one = next(one for one in objects[hospital] if one.PatientID in ("00012345", "E-7781"))
        assert charset == one.SpecificCharacterSet
        assert (one.PatientName.ideographic, one.PatientName.phonetic) == ("佐藤^花子", "さとう^はなこ")


def test_every_picture_can_be_read_and_is_not_flat(objects: dict[str, list[Dataset]]) -> None:
    for one in (one for all_of_it in objects.values() for one in all_of_it if one.SOPClassUID != GSPS):
        pixels = one.pixel_array
        assert pixels.min() < pixels.max()
        assert int(pixels.max()).bit_length() <= one.BitsStored


def test_slices_of_pet_have_slopes_of_their_own(objects: dict[str, list[Dataset]]) -> None:
    slopes = {float(one.RescaleSlope) for one in objects["east"] if one.SOPClassUID == PET}

    assert len(slopes) > 10


def test_the_presentation_state_refers_to_an_image_that_is_there(objects: dict[str, list[Dataset]]) -> None:
    [state] = [one for one in objects["central"] if one.SOPClassUID == GSPS]
    [series] = state.ReferencedSeriesSequence
    [reference] = series.ReferencedImageSequence

    assert reference.ReferencedSOPInstanceUID in {
        one.SOPInstanceUID for one in objects["central"] if one.SOPClassUID == CT
    }


def test_the_region_is_the_same_every_time(region: DemoRegion, tmp_path: Path) -> None:
    again = write_demo_hospitals(tmp_path)

    for hospital, repeated in zip(region.hospitals, again.hospitals, strict=True):
        for path in hospital.folder.iterdir():
            assert path.read_bytes() == (repeated.folder / path.name).read_bytes()


@pytest.mark.parametrize("sop_class_uid", STORAGE_CLASSES)
def test_a_small_study_of_each_class_can_be_read(sop_class_uid: str, tmp_path: Path) -> None:
    study = write_study(tmp_path, sop_class_uid, series=2, instances=3, patient_id="P 1")
    read = [dcmread(path) for path in study.files]

    assert sorted(study.instances) == sorted(one.SOPInstanceUID for one in read)
    assert len(read) == (4 if sop_class_uid == GSPS else 6)
    assert {one.PatientID for one in read} == {"P 1"}
    assert sop_class_uid in {one.SOPClassUID for one in read}
    arrays = [one.pixel_array.tobytes() for one in read if "PixelData" in one]
    assert len(arrays) == len(set(arrays))


@pytest.mark.parametrize(
    ("sop_class_uid", "shape"),
    [
        (SC, {"photometric": "PALETTE COLOR"}),
        (SC, {"photometric": "RGB", "planar": 1, "frames": 4}),
        (SC, {"photometric": "MONOCHROME1", "bits_stored": 16}),
        (US_MULTIFRAME, {"photometric": "YBR_FULL", "frames": 5}),
        (CT, {"bits_stored": 16, "rows": 31, "columns": 33}),
    ],
)
def test_small_images_take_any_shape(sop_class_uid: str, shape: dict[str, Any], tmp_path: Path) -> None:
    [path] = write_study(tmp_path, sop_class_uid, instances=1, **shape).files
    read = dcmread(path)

    assert read.pixel_array.shape[0] == shape.get("frames", read.Rows)
    assert shape.get("photometric", "MONOCHROME2") == read.PhotometricInterpretation


def test_a_large_image_has_the_size_asked_for_and_frames_that_differ(tmp_path: Path) -> None:
    path = tmp_path / "large.dcm"

    frames = write_large_multiframe(path, 8, rows=512, columns=512)

    read = dcmread(path)
    assert frames == read.NumberOfFrames == 16
    assert 8 * 2**20 < path.stat().st_size < 8 * 2**20 + 4096
    assert len({frame.tobytes() for frame in np.asarray(read.pixel_array)}) == 16
