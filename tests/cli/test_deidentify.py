"""``netty deidentify``: files without the patient, with settings or without."""

from pathlib import Path

import pytest
from pydicom import dcmread

from netty.simulator.studies_objects import CT, US
from netty.simulator.studies_small import write_study
from support.commands import Netty


def source(folder: Path, sop_class_uid: str = CT) -> Path:
    written = write_study(folder, sop_class_uid, patient_id="SECRET-1", name="SECRET^NAME", instances=1)
    return written.files[0]


def test_a_file_is_cleared_by_the_statement_level_without_settings(netty: Netty, folder: Path) -> None:
    path = source(folder / "in")

    document = netty("deidentify", path, "-o", "out.dcm", "--json").document

    assert document == {
        "level": "statement",
        "files": [{"source": str(path), "path": "out.dcm", "result": "written", "problem": ""}],
    }
    assert b"SECRET" not in (folder / "out.dcm").read_bytes()
    assert dcmread(folder / "out.dcm").SOPInstanceUID == dcmread(path).SOPInstanceUID


def test_without_settings_the_basic_level_says_that_its_key_is_for_one_call(netty: Netty, folder: Path) -> None:
    path = source(folder / "in")

    first = netty("deidentify", path, "-o", "1.dcm", "--level", "basic")
    netty("deidentify", path, "-o", "2.dcm", "--level", "basic")

    assert "no key of the site" in first.stderr
    assert dcmread(folder / "1.dcm").SOPInstanceUID != dcmread(folder / "2.dcm").SOPInstanceUID


def test_with_settings_calls_agree_by_the_key_of_the_site(made: Netty, folder: Path) -> None:
    path = source(folder / "in")

    made("deidentify", path, "-o", "1.dcm", "--level", "basic")
    made("deidentify", path, "-o", "2.dcm", "--level", "basic")

    assert dcmread(folder / "1.dcm").SOPInstanceUID == dcmread(folder / "2.dcm").SOPInstanceUID
    assert (folder / "data" / "deidentification.key").stat().st_mode & 0o777 == 0o600


def test_a_folder_is_told_file_by_file(netty: Netty, folder: Path) -> None:
    source(folder / "in" / "ct")
    held = source(folder / "in" / "us", US)
    (folder / "in" / "note.txt").write_text("SECRET")

    ended = netty("deidentify", "in", "-o", "out", "--level", "basic", code=1)

    assert [path.name for path in (folder / "out").iterdir()] == ["000001.dcm"]
    assert "1 of 3 files" in ended.stdout
    assert f"{held.name}: held back" in ended.stderr


def test_a_mask_of_the_call_is_applied(netty: Netty, folder: Path) -> None:
    (folder / "masks.toml").write_text("[[mask]]\nregions = [[0, 0, 9999, 9]]\n")

    options = ("--level", "basic", "--burned-in", "mask", "--masks", "masks.toml")
    netty("deidentify", source(folder / "in", US), "-o", "out.dcm", *options)

    assert not dcmread(folder / "out.dcm").pixel_array[:9].any()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("in", "-o", "in/out"), 2, "lies in"),
        (("in", "-o", "full"), 2, "not an empty folder"),
        (("full/note.txt", "-o", "full/note.txt"), 2, "overwritten"),
        (("full/note.txt", "-o", "new.dcm"), 1, "left out"),
        (("in", "-o", "out", "--burned-in", "mask", "--masks", "full/note.txt"), 3, "not valid TOML"),
    ],
)
def test_what_cannot_be_done_is_said(
    netty: Netty, folder: Path, arguments: tuple[str, ...], code: int, words: str
) -> None:
    source(folder / "in")
    (folder / "full").mkdir()
    (folder / "full" / "note.txt").write_text("= SECRET")

    ended = netty("deidentify", *arguments, code=code)

    assert words in ended.stderr
    assert not (folder / "out").exists() and not (folder / "new.dcm").exists()


def test_settings_that_are_wrong_are_not_passed_over(netty: Netty, folder: Path) -> None:
    (folder / "netty.toml").write_text("[keep]\nretain_dates = 'some'\n")

    netty("deidentify", source(folder / "in"), "-o", "out.dcm", code=3)

    assert not (folder / "out.dcm").exists()
