"""Data sets of any kind through all that reads them without pydicom: a result or a PeerError, nothing else."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netty.dicom.part10 import file_meta, split_part10
from netty.errors import PeerError
from support.data_sets import data_sets
from support.fuzz_checks import check_data_set
from support.fuzzing import cases, corpus, spoilings, spoilt, tried
from support.raw_peer import CT, images

IMAGE = images("fuzz", 1)[0].data
META = file_meta(CT, "1.2.3", "1.2.840.10008.1.2", implementation_class_uid="1.2.3", source_ae_title="PACS")


@cases(250)
@given(data=st.data(), explicit=st.booleans(), cuts=st.lists(st.integers(0, 999), max_size=4), slice=st.integers(1, 9))
def test_a_data_set_of_any_structure_is_read_or_refused(
    data: st.DataObject, explicit: bool, cuts: list[int], slice: int
) -> None:
    tried["data set"] += 1
    check_data_set(data.draw(data_sets(explicit)), explicit, cuts, slice)


@cases(250)
@given(how=spoilings, explicit=st.sampled_from([False, False, True]), cuts=st.lists(st.integers(0, 999), max_size=4))
def test_a_spoilt_image_is_read_or_refused(how: list[tuple[str, int, int]], explicit: bool, cuts: list[int]) -> None:
    tried["data set"] += 1
    check_data_set(spoilt(IMAGE, how), explicit, cuts)


@cases(200)
@given(how=spoilings)
def test_a_spoilt_file_head_is_read_or_refused(how: list[tuple[str, int, int]]) -> None:
    tried["file head"] += 1
    data = spoilt(META + IMAGE, how, len(META))
    try:
        head = split_part10(data)
    except PeerError as error:
        assert str(error)
    else:
        assert head.data_set_offset <= len(data)


@pytest.mark.parametrize("path", corpus("data_set"), ids=lambda path: path.name)
@pytest.mark.parametrize("explicit", [False, True])
def test_a_data_set_of_the_corpus_is_read_or_refused(path: Path, explicit: bool) -> None:
    check_data_set(path.read_bytes(), explicit, [5, 9, 17], 1)
