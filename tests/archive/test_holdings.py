"""What is held, as people see it; and the audit trail."""

from datetime import timedelta

import pytest
from sqlalchemy import delete, exc, update

from netty.archive import tables
from netty.archive.audit import Audit, AuditEvent, AuditKind
from netty.archive.database import Database
from netty.archive.holdings import Holdings
from netty.archive.patients import Patients
from netty.archive.received import KeptBlob, Rendered
from netty.archive.registration import Registration
from netty.archive.remotes import Remotes
from netty.model.difference import StudyState
from support.catalogue import CT, NOON, patient, received, remote, rendition


@pytest.fixture
def holdings(database: Database) -> Holdings:
    """Two studies of hanako from two remotes, one of taro."""
    for name in ("central", "north"):
        Remotes(database).add(remote(name))
    Patients(database).add(patient("hanako", ("central", "12345"), ("north", "777")))
    Patients(database).add(patient("taro", ("central", "777")))
    registration = Registration(database)
    registration.register(
        [
            received("1.2.3.2.10", series_instance_uid="1.2.3.2", facts={"modality": "SR", "series_number": "10"}),
            received("1.2.3.1.10", facts={"series_number": "2"}),
            received("1.2.3.1.9", facts={"series_number": "2"}, received_at=NOON + timedelta(minutes=1)),
            received("1.2.3.1.x", facts={"series_number": "2", "instance_number": ""}),
            received(
                "1.4.1", study_instance_uid="1.4", remote="north", facts={"patient_id": "777", "study_date": "20270101"}
            ),
            received(
                "1.5.1", study_instance_uid="1.5", patient_key="taro",
                facts={"patient_id": "777", "study_date": "20200101"},
            ),
        ]
    )  # fmt: skip
    return Holdings(database)


def test_studies_are_listed_newest_first_with_their_counts(holdings: Holdings) -> None:
    studies = holdings.studies()

    assert [one.study_instance_uid for one in studies] == ["1.4", "1.2.3", "1.5"]
    study = studies[1]
    assert (study.series_count, study.instance_count, study.waiting, study.rendered, study.failed) == (2, 4, 4, 0, 0)
    assert (study.modalities, study.remote, study.state) == (("CT", "SR"), "central", StudyState.HELD)
    assert (study.patient_name, study.patient_id, study.description) == ("NETTY^HANAKO", "12345", "Chest")
    assert study.received_at == NOON + timedelta(minutes=1)
    assert study.series == ()


def test_studies_of_a_patient_are_those_of_the_person_not_of_a_number(holdings: Holdings) -> None:
    assert [one.study_instance_uid for one in holdings.studies(patient_key="hanako")] == ["1.4", "1.2.3"]
    assert [one.study_instance_uid for one in holdings.studies(patient_key="taro")] == ["1.5"]
    assert [one.study_instance_uid for one in holdings.studies(["777 "])] == ["1.4", "1.5"]
    assert [one.study_instance_uid for one in holdings.studies([])] == []
    assert [one.study_instance_uid for one in holdings.studies(study_instance_uids=["1.5"])] == ["1.5"]
    assert [one.study_instance_uid for one in holdings.studies(limit=1)] == ["1.4"]


def test_a_study_fetched_for_nobody_registered_belongs_to_whoever_is_linked_later(
    database: Database, holdings: Holdings
) -> None:
    Registration(database).register(
        [received("1.6.1", study_instance_uid="1.6", patient_key="", facts={"patient_id": "J"})]
    )
    Patients(database).add(patient("jiro", ("central", "J")))

    assert [one.study_instance_uid for one in holdings.studies(patient_key="jiro")] == ["1.6"]


def test_series_and_images_come_in_the_order_of_their_numbers(holdings: Holdings) -> None:
    study = holdings.study("1.2.3")

    assert study is not None
    assert [one.series_instance_uid for one in study.series] == ["1.2.3.1", "1.2.3.2"]
    assert [one.sop_instance_uid for one in study.instances] == ["1.2.3.1.9", "1.2.3.1.10", "1.2.3.1.x", "1.2.3.2.10"]
    image = next(study.instances)
    assert (image.sop_class_uid, image.rows, image.columns, image.frames) == (CT, 512, 256, 1)
    assert holdings.study("1.9") is None


def test_what_is_held_of_several_studies(holdings: Holdings) -> None:
    assert holdings.held_of(["1.4", "1.9"]) == {"1.4": {"1.4.1"}, "1.9": frozenset()}
    assert holdings.held_of([]) == {}


def test_what_is_held_for_another_registered_patient_is_not_here(database: Database, holdings: Holdings) -> None:
    hanakos = received("1.7.1", study_instance_uid="1.7", patient_key="hanako")
    nobodys = received("1.8.1", study_instance_uid="1.8", patient_key="", facts={"patient_id": "J"})
    Registration(database).register([hanakos, nobodys])

    assert holdings.held_of(["1.7", "1.8"], "hanako") == {"1.7": {"1.7.1"}, "1.8": {"1.8.1"}}
    assert holdings.held_of(["1.7", "1.8"], "taro") == {"1.7": frozenset(), "1.8": {"1.8.1"}}


def test_a_rendition_knows_where_it_belongs(database: Database, holdings: Holdings) -> None:
    one = next(each for each in Registration(database).unrendered(9) if each.study_instance_uid == "1.5")
    Registration(database).rendered([Rendered(one.instance_id, [rendition()])])
    study = holdings.study("1.5")
    assert study is not None
    [picture] = next(study.instances).renditions

    place = holdings.rendition(picture.id)

    assert place is not None
    assert place.rendition == picture
    assert (place.study_instance_uid, place.patient_key, place.patient_id) == ("1.5", "taro", "777")
    assert holdings.rendition(picture.id + 1) is None


def test_deleting_a_study_gives_its_blobs_and_is_audited(database: Database, holdings: Holdings) -> None:
    for one in Registration(database).unrendered(9):
        picture = rendition(one.key, blob_key=f"renditions/{one.key}/1.jpg")
        Registration(database).rendered([Rendered(one.instance_id, [picture], KeptBlob(f"kept/{one.key}.dcm", 1, ""))])

    keys = holdings.delete_study("1.2.3", "admin")

    assert len(keys) == len(set(keys)) == 2 * 4
    assert [one.study_instance_uid for one in holdings.studies()] == ["1.4", "1.5"]
    [record] = Audit(database).list()
    assert (record.event.kind, record.event.who, record.event.detail) == (AuditKind.DELETED, "admin", {"instances": 4})
    assert holdings.delete_study("1.2.3", "admin") == []


def test_audit_events_come_back_newest_first_and_by_what_they_tell_of(database: Database) -> None:
    audit = Audit(database)
    first = AuditEvent(AuditKind.LOGIN, "admin", at=NOON)
    second = AuditEvent(AuditKind.VIEWED_STUDY, "admin", "hanako", "1.2.3", "central", "ok", {"n": [1]}, NOON)
    audit.write(first, second)
    audit.write(AuditEvent(AuditKind.SEARCH, at=NOON - timedelta(days=1)))  # the clock was set back
    audit.write()

    records = audit.list()

    assert [one.seq for one in records] == [3, 2, 1]
    assert [one.event for one in records[1:]] == [second, first]
    assert [one.seq for one in audit.list([AuditKind.LOGIN, AuditKind.SEARCH])] == [3, 1]
    assert [one.seq for one in audit.list(patient_key="hanako", study_instance_uid="1.2.3")] == [2]
    assert [one.seq for one in audit.list(since=NOON)] == [2, 1]
    assert [one.seq for one in audit.list(after_seq=2)] == [3]
    assert [one.seq for one in audit.list(limit=1)] == [3]


def test_the_database_itself_refuses_to_change_the_audit_trail(database: Database) -> None:
    Audit(database).write(AuditEvent(AuditKind.LOGIN, "admin"))

    for change in (delete(tables.audit), update(tables.audit).values(who="nobody")):
        with pytest.raises(exc.DBAPIError, match="never changed"), database.write() as connection:
            connection.execute(change)

    assert [one.event.who for one in Audit(database).list()] == ["admin"]
