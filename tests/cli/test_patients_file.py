"""Patients in CSV files."""

import pytest

from netty.cli.patients_file import birth_date_from, patients_from_csv, patients_to_csv
from netty.cli.problems import BadInput
from netty.errors import UsageError
from netty.model.patient import Patient, PatientLink

REMOTES = ("west", "east")
TEXT = """patient,remote,patient_id,name,birth_date
p1,west,0012,髙橋^花子,1964-01-07
p1,east,77,,
p2,east,78,,
"""
PATIENTS = [
    Patient("p1", "髙橋^花子", "1964-01-07", (PatientLink("west", "0012"), PatientLink("east", "77"))),
    Patient("p2", "", "", (PatientLink("east", "78"),)),
]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])
def test_the_usual_encodings_are_read(encoding: str) -> None:
    assert patients_from_csv(TEXT.encode(encoding), REMOTES) == PATIENTS


def test_windows_line_ends_and_blank_lines_do_no_harm() -> None:
    assert patients_from_csv(TEXT.replace("\n", "\r\n").encode() + b"\r\n\r\n", REMOTES) == PATIENTS


def test_columns_stand_in_any_order_and_optional_ones_may_lack() -> None:
    assert patients_from_csv(b"patient_id, patient ,remote\n1,p,west\n", REMOTES) == [
        Patient("p", "", "", (PatientLink("west", "1"),))
    ]


def test_what_is_written_is_read_back() -> None:
    assert patients_from_csv(patients_to_csv(PATIENTS).encode(), REMOTES) == PATIENTS


@pytest.mark.parametrize(
    ("text", "iso"),
    [("1964-01-07", "1964-01-07"), ("1964/1/7", "1964-01-07"), ("19640107", "1964-01-07"), ("", "")],
)
def test_usual_ways_of_writing_a_date_are_understood(text: str, iso: str) -> None:
    assert birth_date_from(text) == iso


@pytest.mark.parametrize("text", ["1964", "7.1.1964", "1964-13-01", "19640230", "yesterday"])
def test_other_dates_are_told(text: str) -> None:
    with pytest.raises(UsageError, match="YYYY-MM-DD"):
        birth_date_from(text)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("p,wst,1,,", "There is no remote 'wst'. Did you mean west?"),
        ("p,nowhere,1,,", "There is no remote 'nowhere'."),
        (",west,1,,", "The column patient is empty."),
        ("p,west,,,", "The patient ID is empty."),
        ("p,west,12*,,", "matches other patients too"),
        ("p,west,1", "it has not as many fields as the first line"),
        ("p,west,1,,,x", "it has not as many fields as the first line"),
        ("p,west,1,,soon", "The birth date 'soon' is not of the form YYYY-MM-DD."),
        ("p,east,77,,", "'77' at east stands in line 3 already."),
        ("p1,east,99,,", "The patient has another ID at east already."),
        ("p1,east,77,高橋^花子,", "The name is another one than in line 2."),
        ("p1,east,77,,1964-01-08", "The birth date is another one than in line 2."),
        ('p,"west,1,,', "Line 5:"),
    ],
)
def test_a_bad_line_is_told_by_its_number(line: str, words: str) -> None:
    with pytest.raises(BadInput) as caught:
        patients_from_csv((TEXT + line).encode(), REMOTES)

    (problem,) = caught.value.problems
    assert str(problem).startswith("Line 5: ")
    assert words in str(problem)


def test_all_bad_lines_are_told_and_no_name_is_repeated() -> None:
    with pytest.raises(BadInput) as caught:
        patients_from_csv((TEXT + "p1,west,1,秘密,\n,x,2,秘密,\n").encode(), REMOTES)

    sentences = [str(problem) for problem in caught.value.problems]
    assert [sentence.split(":")[0] for sentence in sentences] == ["Line 5", "Line 6"]
    assert "秘密" not in "".join(sentences)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "the column patient, remote, patient_id is missing"),
        (b"patient,remote\n", "the column patient_id is missing"),
        (b"patient,remote,patient_id,birthday\n", "birthday is no column"),
        (b"patient,remote,patient_id,name,name\n", "stands there twice"),
        (b"patient,remote,patient_id\n\x81\x20,west,1\n", "neither UTF-8 nor Shift JIS"),
    ],
)
def test_a_file_of_another_kind_is_told(data: bytes, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        patients_from_csv(data, REMOTES)
