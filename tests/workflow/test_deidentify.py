"""Whole files without the patient, as pydicom reads them."""

import io
import os
import shutil
import threading
from collections import Counter
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.data import get_testdata_file
from pydicom.uid import ExplicitVRLittleEndian

from netty.dicom.deidentify_pixels import Region
from netty.dicom.part10 import HEAD_SIZE, MEDIA_STORAGE_SOP_CLASS_UID, MEDIA_STORAGE_SOP_INSTANCE_UID, split_part10
from netty.dicom.splice_policy import New, encoded
from netty.dicom.uids import STORAGE_CLASSES
from netty.errors import LocalError, SettingsError
from netty.model.deidentification_burned_in import BurnedIn, Mask, Shown, may_show_identity, regions_of
from netty.model.deidentification_options import RetainDates
from netty.model.deidentification_values import even
from netty.simulator.studies_objects import CT, GSPS, SC, US, US_MULTIFRAME, VL, XA
from netty.simulator.studies_small import write_study
from netty.workflow.deidentify import DataSet, Pixels
from netty.workflow.deidentify_files import FileFate, deidentify_file, deidentify_folder
from netty.workflow.deidentify_key import KEY_FILE, site_key
from netty.workflow.deidentify_masks import load_masks
from netty.workflow.settings import Keep
from support.deidentified import deidentifier

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # pydicom's, about other people's files
PATIENT_ID = "SECRET-77"


def write(path: Path, target: Path, **settings: Any) -> Dataset:
    outcome = deidentify_file(deidentifier(**settings), path, target)
    assert outcome.target == target
    return dcmread(target)


def small(folder: Path, sop_class_uid: str, **options: Any) -> Path:
    written = write_study(folder, sop_class_uid, patient_id=PATIENT_ID, name="SECRET^NAME", instances=1, **options)
    return written.files[-1]  # a presentation state stands behind its image


def changed(path: Path, target: Path, **attributes: Any) -> Path:
    """A copy with other attributes."""
    dataset = dcmread(path)
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    dataset.save_as(target)
    return target


# --- whole files ---


@pytest.mark.parametrize("sop_class_uid", sorted(STORAGE_CLASSES))
def test_a_file_of_each_class_loses_the_patient_and_keeps_its_picture(tmp_path: Path, sop_class_uid: str) -> None:
    source = small(tmp_path / "in", sop_class_uid)
    before = dcmread(source)

    after = write(source, tmp_path / "out.dcm", burned_in=BurnedIn.KEEP)

    assert b"SECRET" not in (tmp_path / "out.dcm").read_bytes()
    assert before.SOPInstanceUID.encode() not in (tmp_path / "out.dcm").read_bytes()
    assert before.StudyInstanceUID.encode() not in (tmp_path / "out.dcm").read_bytes()
    assert after.file_meta.MediaStorageSOPInstanceUID == after.SOPInstanceUID
    assert after.file_meta.TransferSyntaxUID == before.file_meta.TransferSyntaxUID
    assert after.preamble == bytes(128)
    assert after.SOPClassUID == sop_class_uid
    assert after.get("PixelData") == before.get("PixelData")
    assert [item.CodeValue for item in after.DeidentificationMethodCodeSequence] == ["113100"]


def test_two_processes_agree_on_what_belongs_together(tmp_path: Path) -> None:
    image = small(tmp_path / "in", CT)
    before = dcmread(image)
    referring = changed(image, tmp_path / "b.dcm", SOPInstanceUID="1.2.3.4", FrameOfReferenceUID="1.2.3.5")

    first, second = write(image, tmp_path / "1.dcm"), write(referring, tmp_path / "2.dcm")

    assert first.StudyInstanceUID == second.StudyInstanceUID != before.StudyInstanceUID
    assert first.SOPInstanceUID != second.SOPInstanceUID
    assert write(image, tmp_path / "3.dcm", retain_uids=True).SOPInstanceUID == before.SOPInstanceUID


def test_intervals_between_dates_stay_with_modified_dates(tmp_path: Path) -> None:
    image = small(tmp_path / "in", CT)
    days = [date(2024, 2, 27), date(2024, 3, 5)]
    sources = [changed(image, tmp_path / f"{number}.dcm", StudyDate=f"{day:%Y%m%d}") for number, day in enumerate(days)]

    made = [
        write(source, tmp_path / f"out-{source.name}", retain_dates=RetainDates.MODIFIED).StudyDate
        for source in sources
    ]
    moved = [date(int(text[:4]), int(text[4:6]), int(text[6:])) for text in made]

    assert moved[1] - moved[0] == days[1] - days[0]
    assert moved[0] < days[0]


def test_embedded_overlay_bits_go_with_their_overlay(tmp_path: Path) -> None:
    """PS3.5 section 8.1.2 (retired): text may hide in bits above the stored ones."""
    dataset = dcmread(small(tmp_path / "in", CT))
    cells = np.frombuffer(dataset.PixelData, "<u2")
    dataset.PixelData = (cells | 0xF000).tobytes()
    dataset.add_new(0x60000100, "US", 16)
    dataset.add_new(0x60000102, "US", 15)
    dataset.save_as(tmp_path / "overlay.dcm")

    after = write(tmp_path / "overlay.dcm", tmp_path / "out.dcm")

    assert 0x60000102 not in after
    assert after.PixelData == cells.tobytes()


@dataclass
class Counted(io.RawIOBase):
    """A file of `size` bytes that holds a small data set and then pixels, and counts what is read at once."""

    head: bytes
    size: int
    largest: int = 0
    position: int = 0

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self.position = offset
        return offset

    def read(self, count: int = -1) -> bytes:
        self.largest = max(self.largest, count)
        count = min(count, self.size - self.position)
        part = self.head[self.position : self.position + count]
        self.position += count
        return part + bytes(count - len(part))


def test_a_gigabyte_streams_through_in_pieces() -> None:
    gigabyte = 1 << 30
    head = b"\x08\0\x16\0UI\x1a\0" + CT.encode().ljust(26, b"\0") + b"\x10\0\x10\0PN\x06\0SECRET"
    head += b"\xe0\x7f\x10\0OW\0\0" + gigabyte.to_bytes(4, "little")
    file = Counted(head, len(head) + gigabyte)

    made = deidentifier().deidentified(DataSet(file, 0, file.size, "1.2.840.10008.1.2.1"))  # type: ignore[arg-type]
    sizes = [len(piece) for piece in made.pieces]

    assert sum(sizes) > gigabyte
    assert max(sizes) <= 2 << 20 and file.largest <= 1 << 20


def test_a_folder_becomes_numbered_files_whose_names_tell_nothing(tmp_path: Path) -> None:
    small(tmp_path / "in" / "SECRET", CT)
    small(tmp_path / "in" / "US", US)
    (tmp_path / "in" / "notes.txt").write_text("SECRET")
    shutil.copy(str(get_testdata_file("DICOMDIR")), tmp_path / "in" / "DICOMDIR")
    image = dcmread(small(tmp_path / "cut", CT))
    image.save_as(tmp_path / "in" / "cut.dcm")
    os.truncate(tmp_path / "in" / "cut.dcm", 1500)

    outcomes = list(deidentify_folder(deidentifier(), tmp_path / "in", tmp_path / "out"))

    assert [path.name for path in sorted((tmp_path / "out").iterdir())] == ["000001.dcm"]
    assert Counter(one.fate for one in outcomes) == {
        FileFate.WRITTEN: 1,
        FileFate.HELD_BACK: 1,
        FileFate.SKIPPED: 2,
        FileFate.BROKEN: 1,
    }


# --- the head ---


@pytest.mark.parametrize(
    ("head", "level", "options", "named"),
    [
        ("1.2.3", Keep.STATEMENT, {}, "1.2.3"),
        ("1.2.3", Keep.BASIC, {"retain_uids": True}, "1.2.3"),
        ("", Keep.STATEMENT, {}, "1.2.999.09"),
        ("YAMADA^TARO", Keep.STATEMENT, {}, "1.2.999.09"),
    ],
)
def test_the_head_names_the_instance_as_before_where_uids_stay(
    tmp_path: Path, head: str, level: Keep, options: dict[str, Any], named: str
) -> None:
    dataset = dcmread(small(tmp_path / "in", CT))
    dataset.SOPInstanceUID = "1.2.999.09"
    dataset.file_meta.MediaStorageSOPInstanceUID = head
    dataset.save_as(tmp_path / "head.dcm", enforce_file_format=False)

    after = write(tmp_path / "head.dcm", tmp_path / "out.dcm", level=level, **options)

    assert after.file_meta.MediaStorageSOPInstanceUID == named
    assert after.SOPInstanceUID == "1.2.999.09"


@pytest.mark.parametrize("uid", ["", "YAMADA^TARO", "\xe9"])
@pytest.mark.parametrize("level", [Keep.STATEMENT, Keep.BASIC])
def test_what_is_no_uid_does_not_come_into_the_head(tmp_path: Path, uid: str, level: Keep) -> None:
    source = small(tmp_path / "in", CT)
    dataset = dcmread(source)
    data = source.read_bytes().replace(
        encoded(New(0x00080018, "UI", even(str(dataset.SOPInstanceUID).encode(), b"\0")), False),
        encoded(New(0x00080018, "UI", even(uid.encode("latin-1"))), False),
    )
    (tmp_path / "head.dcm").write_bytes(data[: data.index(b"\x02\0\x03\0UI")] + data[data.index(b"\x02\0\x10\0UI") :])

    outcome = deidentify_file(deidentifier(level, retain_uids=True), tmp_path / "head.dcm", tmp_path / "out.dcm")

    assert outcome.fate is FileFate.WRITTEN
    head = split_part10((tmp_path / "out.dcm").read_bytes())
    assert MEDIA_STORAGE_SOP_INSTANCE_UID not in head.meta
    assert head.uid(MEDIA_STORAGE_SOP_CLASS_UID) == CT


def test_nothing_of_the_former_head_is_repeated_where_uids_change(tmp_path: Path) -> None:
    dataset = dcmread(small(tmp_path / "in", CT))
    dataset.file_meta.MediaStorageSOPInstanceUID = "1.2.3.777"
    dataset.file_meta.MediaStorageSOPClassUID = "1.2.3.778"
    dataset.file_meta.SourceApplicationEntityTitle = "HOSPITAL"
    dataset.save_as(tmp_path / "head.dcm", enforce_file_format=False)

    after = write(tmp_path / "head.dcm", tmp_path / "out.dcm")

    assert after.file_meta.MediaStorageSOPInstanceUID == after.SOPInstanceUID
    assert not [
        text for text in (b"1.2.3.777", b"1.2.3.778", b"HOSPITAL") if text in (tmp_path / "out.dcm").read_bytes()
    ]


# --- text in pixels ---


@pytest.mark.parametrize(
    ("sop_class_uid", "annotation", "image_type", "risk"),
    [
        (CT, "", "ORIGINAL\\PRIMARY\\AXIAL", False),
        (CT, "NO", "", False),
        (CT, "YES", "", True),
        (CT, "", "DERIVED\\SECONDARY\\SCREEN SAVE", True),
        *((one, "", "", True) for one in (US, US_MULTIFRAME, SC, XA, VL, "1.2.3")),
        *((one, "NO", "", False) for one in (US, US_MULTIFRAME, SC, XA, VL, "1.2.3")),
    ],
)
def test_annotation_and_class_say_whether_pixels_may_show_the_patient(
    sop_class_uid: str, annotation: str, image_type: str, risk: bool
) -> None:
    assert may_show_identity(Shown(sop_class_uid, annotation, image_type)) is risk
    assert not may_show_identity(Shown(sop_class_uid, annotation, image_type, has_pixels=False))


@pytest.mark.parametrize(
    ("level", "burned_in", "pixels"),
    [
        (Keep.STATEMENT, BurnedIn.AUTO, Pixels.KEPT),
        (Keep.STATEMENT, BurnedIn.QUARANTINE, Pixels.HELD),
        (Keep.NONE, BurnedIn.AUTO, Pixels.KEPT),
        (Keep.BASIC, BurnedIn.AUTO, Pixels.HELD),
        (Keep.BASIC, BurnedIn.KEEP, Pixels.KEPT),
        (Keep.BASIC, BurnedIn.MASK, Pixels.HELD),  # no mask fits
    ],
)
def test_the_policy_decides_for_an_ultrasound_image(
    tmp_path: Path, level: Keep, burned_in: BurnedIn, pixels: Pixels
) -> None:
    source = small(tmp_path, US)
    with source.open("rb") as file:
        head = split_part10(file.read(HEAD_SIZE))
        length = source.stat().st_size - head.data_set_offset
        data_set = DataSet(file, head.data_set_offset, length, head.transfer_syntax)

        assert deidentifier(level, burned_in=burned_in).pixels_of(data_set) is pixels


def test_pixels_that_stay_unseen_do_not_claim_that_the_identity_is_removed(tmp_path: Path) -> None:
    source = small(tmp_path / "in", US)

    assert write(source, tmp_path / "1.dcm", burned_in=BurnedIn.KEEP).PatientIdentityRemoved == "NO"
    harmless = changed(source, tmp_path / "no.dcm", BurnedInAnnotation="NO")
    assert write(harmless, tmp_path / "2.dcm").PatientIdentityRemoved == "YES"


@pytest.mark.parametrize("level", [Keep.BASIC, Keep.STATEMENT])
def test_a_mask_blanks_its_regions_in_every_frame(tmp_path: Path, level: Keep) -> None:
    source = changed(small(tmp_path / "in", US_MULTIFRAME), tmp_path / "us.dcm", Manufacturer="ACME Medical")
    before = dcmread(source).pixel_array
    masks = (Mask((Region(0, 0, 999, 9),), manufacturer="acme*", sop_classes=frozenset({US_MULTIFRAME})),)

    after = write(source, tmp_path / "out.dcm", level=level, masks=masks, burned_in=BurnedIn.MASK)

    assert not after.pixel_array[:, :9].any()
    assert np.array_equal(after.pixel_array[:, 9:], before[:, 9:])
    if level is Keep.BASIC:
        assert (after.BurnedInAnnotation, after.PatientIdentityRemoved) == ("NO", "YES")
        assert "113101" in [item.CodeValue for item in after.DeidentificationMethodCodeSequence]
    else:
        assert list(after.DeidentificationMethod)[-1] == "netty statement level: regions of the pixels blanked"


def test_compressed_images_are_held_rather_than_masked(tmp_path: Path) -> None:
    source = Path(str(get_testdata_file("SC_rgb_jpeg_gdcm.dcm")))
    masks = (Mask((Region(0, 0, 9, 9),)),)

    outcome = deidentify_file(deidentifier(masks=masks, burned_in=BurnedIn.MASK), source, tmp_path / "out.dcm")

    assert outcome.fate is FileFate.HELD_BACK and not (tmp_path / "out.dcm").exists()


def test_annotations_of_a_presentation_state_count_where_they_would_stay(tmp_path: Path) -> None:
    dataset = dcmread(small(tmp_path, GSPS))
    text = Dataset()
    text.UnformattedTextValue = "SECRET"
    graphic = Dataset()
    graphic.TextObjectSequence = [text]
    dataset.GraphicAnnotationSequence = [graphic]
    dataset.save_as(tmp_path / "gsps.dcm")

    statement = deidentifier(Keep.STATEMENT, burned_in=BurnedIn.QUARANTINE)
    held = deidentify_file(statement, tmp_path / "gsps.dcm", tmp_path / "1.dcm")
    basic = deidentify_file(deidentifier(), tmp_path / "gsps.dcm", tmp_path / "2.dcm")

    assert held.fate is FileFate.HELD_BACK
    assert basic.fate is FileFate.WRITTEN
    assert b"SECRET" not in (tmp_path / "2.dcm").read_bytes()


def test_the_first_mask_that_fits_counts(tmp_path: Path) -> None:
    (tmp_path / "masks.toml").write_text(
        """
        [[mask]]
        manufacturer = "acme*"
        model = "Sono (5)*"
        class = "US"
        rows = 600
        columns = 800
        regions = [[0, 0, 800, 60], [1, 2, 3, 4]]

        [[mask]]
        class = "1.2.3"
        regions = []

        [[mask]]
        manufacturer = "ACME"
        regions = [[9, 9, 9, 9]]
        """
    )
    masks = load_masks(tmp_path / "masks.toml")

    def regions(*values: Any) -> Any:
        sop_class_uid, manufacturer, model, rows, columns = values
        return regions_of(masks, Shown(sop_class_uid, "", "", manufacturer, model, rows, columns))

    assert regions(US, "Acme Ltd", "Sono (5) X", 600, 800) == (Region(0, 0, 800, 60), Region(1, 2, 3, 4))
    assert regions("1.2.3", "Acme Ltd", "", 0, 0) == ()
    assert regions(US, "ACME", "Sono (5)", 601, 800) == (Region(9, 9, 9, 9),)
    assert regions(US, "Other", "Sono (5)", 600, 800) is None


@pytest.mark.parametrize(
    "text",
    [
        "mask = 1",
        "other = 1",
        "[[mask]]",
        "[[mask]]\nregions = [[1, 2, 3]]",
        "[[mask]]\nregions = [[1, 2, 3, -4]]",
        "[[mask]]\nregions = [[1, 2, 3, true]]",
        "[[mask]]\nregions = []\nclass = 'XX'",
        "[[mask]]\nregions = []\nmaker = 'ACME'",
        "[[mask]]\nregions = []\nrows = '600'",
        "[[mask",
    ],
)
def test_a_mask_that_is_wrong_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "masks.toml").write_text(text)

    with pytest.raises(SettingsError, match=r"masks\.toml"):
        load_masks(tmp_path / "masks.toml")


# --- the key ---


def test_the_key_is_made_once_for_all_and_for_nobody_else(tmp_path: Path) -> None:
    keys: list[bytes] = []
    threads = [threading.Thread(target=lambda: keys.append(site_key(tmp_path / "data"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(keys) == 8 and set(keys) == {site_key(tmp_path / "data")}
    assert [path.name for path in (tmp_path / "data").iterdir()] == [KEY_FILE]
    assert (tmp_path / "data" / KEY_FILE).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("text", ["", "abc", "zz" * 32, "00" * 31])
def test_a_key_that_is_none_is_not_replaced(tmp_path: Path, text: str) -> None:
    (tmp_path / KEY_FILE).write_text(text)

    with pytest.raises(LocalError, match="holds no key"):
        site_key(tmp_path)
    assert (tmp_path / KEY_FILE).read_text() == text


def test_a_deflated_file_is_written_inflated_and_without_the_patient(tmp_path: Path) -> None:
    source = Path(str(get_testdata_file("image_dfl.dcm")))
    sent = dcmread(source)

    assert deidentify_file(deidentifier(burned_in=BurnedIn.KEEP), source, tmp_path / "out.dcm").fate is FileFate.WRITTEN

    made = dcmread(tmp_path / "out.dcm")
    assert made.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert made.PixelData == sent.PixelData
    assert made.PatientName != sent.PatientName
