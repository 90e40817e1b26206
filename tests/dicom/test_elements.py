"""Identifiers (PS3.5 section 7.1)."""

from contextlib import suppress
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import Dataset, dcmwrite
from pydicom.filereader import read_dataset
from pydicom.sequence import Sequence

from netty.dicom import tags
from netty.dicom.elements import IdentifierError, decode_identifier, encode_identifier, text_value, text_values
from netty.errors import LocalError

STUDY_QUERY: dict[int, bytes | str] = {
    tags.QUERY_RETRIEVE_LEVEL: "STUDY",
    tags.PATIENT_ID: "12345",
    tags.STUDY_INSTANCE_UID: "",
    tags.STUDY_DATE: "",
}


def encoded(data_set: Dataset, explicit: bool) -> bytes:
    buffer = BytesIO()
    dcmwrite(buffer, data_set, implicit_vr=not explicit, little_endian=True, enforce_file_format=False)
    return buffer.getvalue()


def test_an_identifier_is_written_byte_by_byte_as_the_standard_says() -> None:
    assert encode_identifier(STUDY_QUERY) == bytes.fromhex(
        "08002000000000000800520006000000535455445920100020000600000031323334352020000d0000000000"
    )


@pytest.mark.parametrize("explicit", [False, True])
def test_pydicom_reads_what_is_written(explicit: bool) -> None:
    values = STUDY_QUERY | {tags.STUDY_INSTANCE_UID: "1.2.3"}

    data_set = read_dataset(BytesIO(encode_identifier(values, explicit)), not explicit, True)

    assert data_set.QueryRetrieveLevel == "STUDY"
    assert data_set.PatientID == "12345"
    assert data_set.StudyInstanceUID == "1.2.3"
    assert data_set.StudyDate == ""


@pytest.mark.parametrize("explicit", [False, True])
@pytest.mark.parametrize("undefined_length", [False, True])
def test_what_pydicom_writes_is_read_and_sequences_are_stepped_over(explicit: bool, undefined_length: bool) -> None:
    inner = Dataset()
    inner.PatientID = "other"
    inner.ReferencedSOPSequence = Sequence([Dataset()])
    inner.ReferencedSOPSequence.is_undefined_length = undefined_length
    data_set = Dataset()
    data_set.ReferencedStudySequence = Sequence([inner])
    data_set.ReferencedStudySequence.is_undefined_length = undefined_length
    inner.is_undefined_length_sequence_item = undefined_length
    data_set.PatientID = "12345"
    data_set.ModalitiesInStudy = ["CT", "PR"]

    values = decode_identifier(encoded(data_set, explicit), explicit)

    assert text_value(values[tags.PATIENT_ID]) == "12345"
    assert text_values(values[tags.MODALITIES_IN_STUDY]) == ("CT", "PR")


def test_the_names_and_representations_are_those_of_the_dictionary() -> None:
    from pydicom.datadict import dictionary_VR, keyword_for_tag

    for name, tag in vars(tags).items():
        if isinstance(tag, int) and name.isupper() and tag >> 16 != 0xFFFE:
            snake = keyword_for_tag(tag).replace("UID", "Uid").replace("ID", "Id").replace("SOP", "Sop")
            assert snake.replace("AETitle", "AeTitle").lower() == name.replace("_", "").lower()
            assert tags.VALUE_REPRESENTATIONS.get(tag, dictionary_VR(tag)) == dictionary_VR(tag)


def test_text_that_is_not_ascii_is_refused() -> None:
    with pytest.raises(LocalError):
        encode_identifier({tags.PATIENT_ID: "患者"})


def test_absent_values_are_empty() -> None:
    assert text_value(None) == ""
    assert text_values(None) == ()


def test_every_truncation_is_an_error_or_lacks_whole_elements() -> None:
    data = encode_identifier(STUDY_QUERY)

    for end in range(len(data)):
        try:
            values = decode_identifier(data[:end])
        except IdentifierError:
            continue
        assert len(values) < len(STUDY_QUERY)
        assert encode_identifier(dict(values)) == data[:end]


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_give_values_or_an_identifier_error(data: bytes, explicit: bool) -> None:
    with suppress(IdentifierError):
        decode_identifier(data, explicit)


def test_endless_nesting_is_an_error() -> None:
    nested = bytes.fromhex("08001111fffffffffeff00e0ffffffff") * 100_000

    with pytest.raises(IdentifierError):
        decode_identifier(nested)
