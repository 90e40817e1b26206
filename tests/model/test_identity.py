"""Patient IDs: only what names one person is ever searched for."""

import pytest

from netty.errors import UsageError
from netty.model.identity import same_patient_id, searchable_patient_id


@pytest.mark.parametrize("value", ["12345", " 12345 ", "12345\0", "0012345", "A-1/2^3", "患者1"])
def test_an_exact_id_is_searchable_without_its_padding(value: str) -> None:
    assert searchable_patient_id(value) == value.strip(" \0")


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("\0", "empty"),
        ("*", "matches other patients too"),
        ("123?5", "matches other patients too"),
        ("1\\2", "matches other patients too"),
        ("1" * 65, "65 characters"),
        ("12\n34", "control characters"),
    ],
)
def test_an_id_that_could_match_several_patients_is_refused_in_words(value: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        searchable_patient_id(value)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [("12345", " 12345 ", True), ("12345", "0012345", False), ("abc", "ABC", False), ("", "", True)],
)
def test_padding_does_not_tell_ids_apart_but_zeros_and_case_do(one: str, other: str, same: bool) -> None:
    assert same_patient_id(one, other) is same
