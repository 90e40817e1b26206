"""The images that the benchmarks send are real ones."""

import io

import pydicom
import pytest
from bench.load import CT_IMAGE_STORAGE, made_images


def test_made_images_are_whole_ct_images_of_one_study_with_their_own_uids() -> None:
    data_sets = [pydicom.dcmread(io.BytesIO(image.data_set), force=True) for image in made_images("2.25.1", 3)]

    assert {each.SOPClassUID for each in data_sets} == {CT_IMAGE_STORAGE}
    assert {each.StudyInstanceUID for each in data_sets} == {"2.25.1"}
    assert len({each.SOPInstanceUID for each in data_sets}) == 3
    assert {len(each.PixelData) for each in data_sets} == {each.Rows * each.Columns * 2 for each in data_sets}


@pytest.mark.parametrize("count", [0, 5])
def test_as_many_images_are_made_as_were_asked_for(count: int) -> None:
    assert len(made_images("2.25.1", count)) == count
