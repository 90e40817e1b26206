"""What the benchmarks send are real images, and every receiver in them keeps each of them, whole; no times here."""

from collections.abc import Callable
from pathlib import Path

import pydicom
import pytest
from bench.contest import Contestant, compete, rate
from bench.images import CT_STUDY, KINDS, MR_STUDY, XA_STUDY, Image, Kind, made_study, write_study
from bench.kept import kept_whole
from bench.load import message
from bench.receive import Row, received
from bench.receivers import LIMIT, NETTY, ORTHANC, PYNETDICOM, STORESCP, Receiver, Setup
from bench.report import lines_of

_SMALL_XA = Kind("XA", XA_STUDY.sop_class_uid, XA_STUDY.attributes, 3, 64, 64, frames=5, different=1)
_SMALL = [CT_STUDY, MR_STUDY, _SMALL_XA]


@pytest.mark.parametrize("kind", _SMALL, ids=str)
def test_made_images_are_whole_images_of_one_study_with_their_own_uids(kind: Kind, tmp_path: Path) -> None:
    data_sets = [pydicom.dcmread(path) for path in write_study(kind, 3, tmp_path / "files")]

    assert {each.SOPClassUID for each in data_sets} == {kind.sop_class_uid}
    assert len({each.StudyInstanceUID for each in data_sets}) == 1
    assert len({each.SOPInstanceUID for each in data_sets}) == 3
    assert [each.InstanceNumber for each in data_sets] == [10001, 10002, 10003]
    assert {len(each.PixelData) for each in data_sets} == {each.pixel_array.nbytes for each in data_sets}
    assert all(len(list(each.iterall())) > 120 for each in data_sets)


def test_two_studies_have_no_uid_in_common() -> None:
    one, other = made_study(CT_STUDY, 2), made_study(CT_STUDY, 2)

    assert not {each.sop_instance_uid for each in one} & {each.sop_instance_uid for each in other}
    assert one[0].study_instance_uid != other[0].study_instance_uid


@pytest.mark.parametrize("count", [0, 5])
def test_as_many_images_are_made_as_were_asked_for(count: int) -> None:
    assert len(made_study(CT_STUDY, count)) == count


def test_the_kinds_have_the_sizes_that_are_spoken_of() -> None:
    assert [(str(kind), kind.count) for kind in KINDS] == [
        ("CT of 0.52 MB", 400),
        ("MR of 0.13 MB", 2000),
        ("mammograms of 28 MB", 20),
        ("multi-frames of 300 MB", 3),
    ]


@pytest.mark.parametrize("max_pdu", [4096, 16384, 131072])
def test_a_message_carries_the_whole_data_set_in_pdus_that_are_not_too_long(max_pdu: int) -> None:
    (image,) = made_study(CT_STUDY, 1)

    sent = b"".join(piece for pieces in message(image, 7, max_pdu) for piece in pieces)

    carried, pdus = bytearray(), []
    while sent:
        length = int.from_bytes(sent[2:6])
        pdus.append(length)
        if not sent[11] & 1:  # no command
            carried += sent[12 : 6 + length]
        sent = sent[6 + length :]
    assert carried == image.head + image.pixels
    assert max(pdus) == max_pdu


@pytest.mark.parametrize(("max_pdu", "associations", "sync"), [(16384, 1, True), (131072, 2, False)])
def test_netty_keeps_every_image_and_registers_it(max_pdu: int, associations: int, sync: bool, tmp_path: Path) -> None:
    assert _lost(NETTY, Row(CT_STUDY, max_pdu, associations, sync, False, ()), tmp_path) == 0


@pytest.mark.parametrize("receiver", [STORESCP, ORTHANC, PYNETDICOM, LIMIT], ids=lambda one: one.name)
def test_the_others_keep_every_image(receiver: Receiver, tmp_path: Path) -> None:
    if receiver.missing:
        pytest.skip(f"{receiver.program} is not installed")

    assert _lost(receiver, Row(MR_STUDY, 16384, 2, True, False, ()), tmp_path) == 0


def _lost(receiver: Receiver, row: Row, folder: Path) -> int:
    """Two rounds of eight images, the second after the first was removed."""
    with receiver.start(Setup(folder / "data", row.max_pdu, row.associations, row.sync)) as running:
        return sum(received(running, row, 8, folder).lost for _ in range(2))


@pytest.mark.parametrize(
    "damage",
    [lambda data: data[:-1], lambda data: data[:-9] + b"\xff" + data[-8:], lambda data: data[:4000], lambda data: b""],
    ids=["cut", "changed", "header only", "empty"],
)
def test_an_image_that_is_not_whole_counts_as_lost(damage: Callable[[bytes], bytes], tmp_path: Path) -> None:
    images = {each.sop_instance_uid: each for each in made_study(CT_STUDY, 2)}
    for image in images.values():
        image.write(tmp_path / image.sop_instance_uid)
    assert kept_whole(tmp_path.iterdir(), images) == set(images)

    damaged = tmp_path / next(iter(images))
    damaged.write_bytes(damage(damaged.read_bytes()))

    assert kept_whole(tmp_path.iterdir(), images) == set(images) - {damaged.name}


def test_images_of_another_study_do_not_count(tmp_path: Path) -> None:
    (image,) = made_study(CT_STUDY, 1)
    image.write(tmp_path / "one")
    others: list[Image] = made_study(CT_STUDY, 1)

    assert kept_whole(tmp_path.iterdir(), {each.sop_instance_uid: each for each in others}) == set()


def test_a_table_says_how_many_times_as_fast_netty_is_and_what_was_lost() -> None:
    fast, slow = rate(10, 1.0, cpu=0.5, done=10), rate(10, 4.0, done=9)
    contestants = [Contestant("netty", "", lambda: fast), Contestant("other", "", lambda: slow)]

    table = compete("a race", contestants, rounds=3)
    netty, other = lines_of(table)

    assert netty == ("netty", "10", "10-10", "", "50.00", "", "", "")
    assert other == ("other", "2.5", "2.5-2.5", "out: lost images", "", "", "3", "")
    assert table.lost_by_netty == 0
    assert table.ratio(table.measured[1]) == 4.0
