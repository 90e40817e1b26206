"""File meta information: PS3.10 section 7.1."""

from io import BytesIO

import pydicom
import pytest

from netty.dicom.part10 import SOURCE_APPLICATION_ENTITY_TITLE, NotPart10, file_meta, split_part10
from netty.dicom.uids import IMPLICIT_VR_LITTLE_ENDIAN

META = file_meta(
    "1.2.840.10008.5.1.4.1.1.2",
    "2.25.7",
    IMPLICIT_VR_LITTLE_ENDIAN,
    implementation_class_uid="2.25.42",
    implementation_version_name="NETTY",
    source_ae_title="PACS",
)


def test_pydicom_reads_what_we_write() -> None:
    meta = pydicom.dcmread(BytesIO(META)).file_meta

    assert meta.FileMetaInformationVersion == b"\x00\x01"
    assert meta.FileMetaInformationGroupLength == len(META) - 132 - 12
    assert (meta.MediaStorageSOPInstanceUID, meta.TransferSyntaxUID) == ("2.25.7", IMPLICIT_VR_LITTLE_ENDIAN)
    assert (meta.ImplementationVersionName, meta.SourceApplicationEntityTitle) == ("NETTY", "PACS")


def test_what_we_write_is_split_again() -> None:
    head = split_part10(META + b"\x08\x00data set")

    assert head.transfer_syntax == IMPLICIT_VR_LITTLE_ENDIAN
    assert head.data_set_offset == len(META)
    assert head.uid(SOURCE_APPLICATION_ENTITY_TITLE) == "PACS"


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        (b"", "DICM"),
        (b"\x08\x00\x05\x00" * 100, "DICM"),
        (META[:132], "transfer syntax"),
        (META[:150], "broken at byte"),
        (META[: len(META) - 1], "broken at byte"),
        (bytes(128) + b"DICM\x02\x00\x10\x00OB\x00\x00\xff\xff\xff\xff", "broken at byte 132"),
    ],
)
def test_a_file_that_does_not_begin_so_is_refused_in_words(head: bytes, reason: str) -> None:
    with pytest.raises(NotPart10) as refusal:
        split_part10(head)

    assert reason in str(refusal.value)


def test_any_cut_is_refused_or_split_and_never_anything_else() -> None:
    for size in range(len(META)):
        try:
            head = split_part10(META[:size])
        except NotPart10:
            continue
        assert head.transfer_syntax == IMPLICIT_VR_LITTLE_ENDIAN
