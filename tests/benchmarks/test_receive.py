"""The images that the benchmarks send are real ones."""

import io
from pathlib import Path

import pydicom
import pytest
from bench.contest import Contestant, compete, rate
from bench.load import CT_IMAGE_STORAGE, made_images
from bench.receive import measure
from bench.receivers import RECEIVERS
from bench.report import lines_of


def test_made_images_are_whole_ct_images_of_one_study_with_their_own_uids() -> None:
    data_sets = [pydicom.dcmread(io.BytesIO(image.data_set), force=True) for image in made_images("2.25.1", 3)]

    assert {each.SOPClassUID for each in data_sets} == {CT_IMAGE_STORAGE}
    assert {each.StudyInstanceUID for each in data_sets} == {"2.25.1"}
    assert len({each.SOPInstanceUID for each in data_sets}) == 3
    assert {len(each.PixelData) for each in data_sets} == {each.Rows * each.Columns * 2 for each in data_sets}


@pytest.mark.parametrize("count", [0, 5])
def test_as_many_images_are_made_as_were_asked_for(count: int) -> None:
    assert len(made_images("2.25.1", count)) == count


@pytest.mark.parametrize("durability", ["netty", "netty, os"])
@pytest.mark.parametrize(("max_pdu", "associations"), [(16384, 1), (131072, 2)])
def test_the_measured_receiver_keeps_every_image_and_registers_it(
    durability: str, max_pdu: int, associations: int, tmp_path: Path
) -> None:
    receiver = next(one for one in RECEIVERS if one.name == durability)

    result = measure(receiver, 8, tmp_path, max_pdu, associations)

    assert result.lost == 0


def test_a_table_says_how_many_times_as_fast_netty_is_and_what_was_lost() -> None:
    fast, slow = rate(10, 1.0, cpu=0.5, done=10), rate(10, 4.0, done=9)
    contestants = [Contestant("netty", "", lambda: fast), Contestant("other", "", lambda: slow)]

    table = compete("a race", contestants, rounds=3)
    netty, other = lines_of(table)

    assert netty == ("netty", "10", "10-10", "", "50.00", "", "", "")
    assert other == ("other", "2.5", "2.5-2.5", "out: lost images", "", "", "3", "")
    assert table.lost_by_netty == 0
    assert table.ratio(table.measured[1]) == 4.0
