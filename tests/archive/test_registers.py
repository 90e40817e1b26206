"""Remotes, patients, the remotes' answers, and what cannot be obtained."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from netty.archive.audit import Audit, AuditEvent, AuditKind
from netty.archive.database import Database
from netty.archive.found import FoundStudies, Noted
from netty.archive.patients import ImportCount, Patients
from netty.archive.remotes import Remotes
from netty.archive.unobtainable import Unobtainables
from netty.errors import UsageError
from netty.model.found import FoundInstance, FoundSeries, FoundStudy
from netty.model.patient import PatientLink
from netty.model.remote import RestartsOn, RetrieveLevel
from support.catalogue import NOON, patient, remote


@pytest.fixture
def remotes(database: Database) -> Remotes:
    """Two remotes."""
    remotes = Remotes(database)
    remotes.add(remote("north"))
    remotes.add(remote("central"))
    return remotes


@pytest.fixture
def patients(database: Database, remotes: Remotes) -> Patients:
    """Two patients."""
    patients = Patients(database)
    patients.add(patient("taro", ("central", "777"), name="太郎"))
    patients.add(patient("hanako", ("central", "12345"), ("north", "N_1")))
    return patients


def test_a_remote_comes_back_as_it_was_given(remotes: Remotes) -> None:
    whole = remote(
        "west",
        addresses=("10.0.0.1", "pacs.example"),
        called_from=("A", "B"),
        max_moves=3,
        hours=("22:00-06:00",),
        paused=True,
        response_restarts_on=RestartsOn.STORE,
        levels=(RetrieveLevel.STUDY, RetrieveLevel.IMAGE),
    )
    remotes.add(whole)

    assert remotes.get("west") == whole
    assert [one.name for one in remotes.list()] == ["central", "north", "west"]


def test_an_unknown_remote_is_answered_with_the_nearest(remotes: Remotes) -> None:
    asks: list[Callable[[str], object]] = [remotes.get, remotes.remove, lambda name: remotes.edit(remote(name))]
    for ask in asks:
        with pytest.raises(UsageError, match="Did you mean central"):
            ask("centrall")
    with pytest.raises(UsageError, match="central, north"):
        remotes.get("xyz")


def test_a_remote_can_be_changed_paused_and_removed(remotes: Remotes) -> None:
    remotes.edit(remote("north", port=104))
    remotes.pause("north", True)

    assert remotes.get("north") == remote("north", port=104, paused=True)
    remotes.remove("north")
    assert [one.name for one in remotes.list()] == ["central"]


def test_a_name_is_taken_once(remotes: Remotes) -> None:
    with pytest.raises(UsageError, match="already"):
        remotes.add(remote("north"))


def test_the_settings_rule_over_what_they_name_and_nothing_else(remotes: Remotes) -> None:
    remotes.pause("north", True)
    remotes.replace_managed([remote("north", port=104), remote("south")])

    assert remotes.get("north") == remote("north", port=104, managed=True, paused=True)
    changes: list[Callable[[], None]] = [lambda: remotes.edit(remote("south")), lambda: remotes.remove("south")]
    for change in changes:
        with pytest.raises(UsageError, match="settings file"):
            change()

    remotes.replace_managed([remote("south", port=105)])
    assert [(one.name, one.port, one.managed) for one in remotes.list()] == [
        ("central", 11113, False),
        ("south", 105, True),
    ]


def test_a_patient_comes_back_as_given(patients: Patients) -> None:
    assert patients.get("hanako") == patient("hanako", ("central", "12345"), ("north", "N_1"))
    assert [one.key for one in patients.list()] == ["hanako", "taro"]


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("", ["hanako", "taro"]),
        ("HANA", ["hanako"]),
        ("太", ["taro"]),
        ("234", ["hanako"]),
        ("_", ["hanako"]),
        ("%", []),
        ("!", []),
    ],
)
def test_patients_are_found_by_part_of_key_name_or_number(patients: Patients, text: str, keys: list[str]) -> None:
    found = patients.list(text)

    assert [one.key for one in found] == keys
    assert all(one == patients.get(one.key) for one in found)  # with all links, not only those that match


def test_who_is_linked(patients: Patients) -> None:
    assert patients.linked("central", " 12345 ") == patients.get("hanako")
    assert patients.linked("central", "0012345") is None
    assert patients.linked("north", "12345") is None


def test_a_number_at_a_remote_belongs_to_one_person(patients: Patients) -> None:
    with pytest.raises(UsageError, match="belongs to the patient hanako"):
        patients.add(patient("jiro", ("central", "12345")))

    assert [one.key for one in patients.list()] == ["hanako", "taro"]
    patients.add(patient("jiro", ("north", "777")))  # another hospital's number is another number


@pytest.mark.parametrize(
    ("links", "words"),
    [
        ([("central", "")], "empty"),
        ([("central", "1*")], "matches other patients"),
        ([("nowhere", "1")], "no remote named nowhere"),
        ([("central", "1"), ("central", "2")], "two patient IDs"),
    ],
)
def test_links_that_cannot_be(patients: Patients, links: list[tuple[str, str]], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        patients.add(patient("jiro", *links))

    with pytest.raises(UsageError, match="no patient jiro"):
        patients.get("jiro")


def test_a_patient_can_be_changed_and_removed(patients: Patients) -> None:
    patients.edit(patient("hanako", ("north", "N2"), name="Hanako"))

    assert patients.get("hanako") == patient("hanako", ("north", "N2"), name="Hanako")
    patients.remove("hanako")
    assert patients.linked("north", "N2") is None
    asks: list[Callable[[str], object]] = [patients.get, patients.remove, lambda key: patients.edit(patient(key))]
    for ask in asks:
        with pytest.raises(UsageError, match="Did you mean taro"):
            ask("taroo")


def test_an_import_adds_and_completes(patients: Patients) -> None:
    count = patients.import_all(
        [
            patient("hanako", ("north", "N2"), name="", birth_date=""),
            patient("taro", ("central", "777 "), name="太郎"),
            patient("jiro", ("north", "J")),
        ]
    )

    assert count == ImportCount(added=1, changed=1, unchanged=1)
    assert patients.get("hanako") == patient("hanako", ("central", "12345"), ("north", "N2"))


def test_an_import_with_a_fault_changes_nothing(patients: Patients) -> None:
    before = patients.list()

    with pytest.raises(UsageError):
        patients.import_all([patient("jiro", ("north", "J")), patient("saburo", ("central", "12345"))])

    assert patients.list() == before


def test_an_import_may_move_a_number_that_its_patient_gives_up_first(patients: Patients) -> None:
    patients.import_all([patient("taro", ("central", "888")), patient("jiro", ("central", "777"))])

    assert patients.get("jiro").links == (PatientLink("central", "777"),)


STUDY = FoundStudy(
    "1.2.3",
    "12345",
    "20261123",
    "120000",
    "A1",
    (
        FoundSeries("1.2.3.1", "CT", (FoundInstance("1.2.3.1.1", "1.2.840", "1"), FoundInstance("1.2.3.1.2"))),
        FoundSeries("1.2.3.2"),
    ),
)


def test_the_last_answer_replaces_the_one_before_and_keeps_its_order(database: Database) -> None:
    found = FoundStudies(database)
    other, more = replace(STUDY, study_instance_uid="1.9"), replace(STUDY, series=STUDY.series[:1])
    found.note("central", "12345", [STUDY, other], NOON)
    found.note("central", "12345 ", [replace(STUDY, study_instance_uid="1.1"), more], NOON + timedelta(hours=1))

    noted = found.of("central", "12345")

    studies = (replace(STUDY, study_instance_uid="1.1"), more)
    assert noted == Noted("central", "12345", NOON + timedelta(hours=1), "", studies)
    assert found.of("north", "12345") is None


def test_a_failure_keeps_the_last_answer_and_a_success_clears_it(database: Database) -> None:
    found = FoundStudies(database)
    found.note_failure("central", "12345", "It did not answer.", NOON)
    assert found.of("central", "12345") == Noted("central", "12345", None, "It did not answer.", (), NOON)

    found.note("central", "12345", [STUDY], NOON)
    found.note_failure("central", "12345", "again", NOON + timedelta(hours=1))
    later = NOON + timedelta(hours=1)
    assert found.of("central", "12345") == Noted("central", "12345", NOON, "again", (STUDY,), later)

    found.note("central", "12345", [STUDY], NOON)
    assert found.of("central", "12345") == Noted("central", "12345", NOON, "", (STUDY,))


def test_an_answer_and_what_the_audit_trail_is_told_of_it_are_noted_together(database: Database) -> None:
    found, audit = FoundStudies(database), Audit(database)
    found.note("central", "12345", [STUDY], NOON, AuditEvent(AuditKind.SEARCH, outcome="1 studies"))
    found.note_failure("central", "12345", "No answer.", NOON, AuditEvent(AuditKind.SEARCH, outcome="failed"))

    assert [record.event.outcome for record in audit.list([AuditKind.SEARCH])] == ["failed", "1 studies"]


def test_what_is_unobtainable_is_known_per_remote_and_study_until_forgotten(database: Database) -> None:
    unobtainables = Unobtainables(database)
    unobtainables.note("central", "1.2.3", {"1.2.3.1.1": "first", "1.2.3.1.2": "second"})
    unobtainables.note("central", "1.2.3", {"1.2.3.1.1": "newer"})
    unobtainables.note("central", "1.9", {})

    assert unobtainables.of("central", "1.2.3") == {"1.2.3.1.1": "newer", "1.2.3.1.2": "second"}
    assert unobtainables.of("north", "1.2.3") == {}
    assert unobtainables.of_studies("central", ["1.9", "1.2.3"]) == {
        "1.9": {},
        "1.2.3": {"1.2.3.1.1": "newer", "1.2.3.1.2": "second"},
    }
    unobtainables.forget("central", "1.2.3")
    assert unobtainables.of("central", "1.2.3") == {}
