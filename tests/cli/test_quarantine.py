"""``netty quarantine``: seen, released and discarded from the command line."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from netty.archive.received import Received
from netty.cli.exit_codes import ExitCode
from netty.config import load_settings
from netty.gateway import open_desk
from netty.model import reasons
from netty.model.patient import Patient, PatientLink
from netty.simulator.studies_objects import CT
from netty.simulator.studies_small import WrittenStudy, write_study
from netty.workflow.data_set_place import locate_data_set
from netty.workflow.register import register_batch
from support.catalogue import digest_of, received, remote
from support.commands import Netty

STRANGER = {"patient_id": "99999", "patient_name": "Tanaka^Hanako", "birth_date": "19801224"}


@pytest.fixture
def study(made: Netty, folder: Path) -> Iterator[WrittenStudy]:
    """A study of two images that name another patient than the one asked for."""
    written = write_study(folder / "sent", CT, patient_id="99999", instances=2)
    with open_desk(load_settings(None)) as desk:
        desk.remotes.add(remote())
        desk.patients.add(Patient("hanako", "花子", "1970-01-02", (PatientLink("central", "12345"),)))
        batch: list[Received] = []
        for uid, path in written.instances.items():
            offset, _ = locate_data_set(path)
            content = path.read_bytes()
            file = desk.spool.create()
            file.write(content)
            one = received(
                uid,
                content[offset:],
                spool_name=file.name,
                data_offset=offset,
                study_instance_uid=written.study_instance_uid,
                facts=STRANGER,
                on_hold_reason=reasons.OTHER_PATIENT_ID,
                retrieval_id="",
            )
            assert one.digest == digest_of(content[offset:])
            file.seal(one.receipt())
            batch.append(one)
        register_batch(desk.registration, desk.spool, batch)
    yield written


def test_the_list_and_one_of_it_name_both_patients(made: Netty, study: WrittenStudy) -> None:
    table = made("quarantine", "list")
    one = made("quarantine", "show", "q1")

    assert table.code == one.code == ExitCode.OK
    for text in ("q1", "q2", "another Patient ID", "99999", "12345"):
        assert text in table.stdout
    assert "two different patients" in one.stdout
    assert "quarantine" in one.stdout.split("file: ")[1]


def test_programs_read_the_same(made: Netty, study: WrittenStudy) -> None:
    found = made("quarantine", "list", "--json").document["quarantine"]

    assert [one["id"] for one in found] == ["q1", "q2"]
    assert found[0]["why"] == "other_patient_id"
    assert (found[0]["said"]["patient_id"], found[0]["asked"]["patient_id"]) == ("99999", "12345")
    assert Path(found[0]["path"]).is_file()
    assert made("quarantine", "show", "q1", "--json").document == found[0]


def test_a_whole_study_is_released(made: Netty, study: WrittenStudy) -> None:
    done = made("quarantine", "release", "--study", study.study_instance_uid, "--yes", "--json")

    assert (done.code, done.document) == (ExitCode.OK, {"released": ["q1", "q2"]})
    shown = made("studies", "show", study.study_instance_uid, "--json").document
    assert {one["sop_instance_uid"] for one in shown["series"][0]["instances"]} == set(study.instances)
    assert made("quarantine", "list", "--json").document == {"quarantine": []}
    assert made("verify").code == ExitCode.OK


def test_one_image_is_discarded_and_the_other_waits_on(made: Netty, study: WrittenStudy, folder: Path) -> None:
    done = made("quarantine", "discard", "q2", "--yes")

    assert done.code == ExitCode.OK
    assert "1 images were discarded." in done.stderr
    assert [one["id"] for one in made("quarantine", "list", "--json").document["quarantine"]] == ["q1"]
    assert len(list((folder / "data" / "quarantine").glob("*.dcm"))) == 1
    assert made("verify").code == ExitCode.OK


@pytest.mark.parametrize(
    "call",
    [
        ("release",),
        ("release", "q1", "--study", "1.2"),
        ("discard", "q99", "--yes"),
        ("discard", "nothing", "--yes"),
        ("release", "q1"),  # nobody can be asked
    ],
)
def test_a_decision_on_nothing_or_by_nobody_is_refused(made: Netty, study: WrittenStudy, call: tuple[str, ...]) -> None:
    assert made("quarantine", *call, code=None).code == ExitCode.USAGE
    assert len(made("quarantine", "list", "--json").document["quarantine"]) == 2


def test_a_study_of_which_nothing_waits_is_a_negative_answer(made: Netty, study: WrittenStudy) -> None:
    assert made("quarantine", "release", "--study", "1.2.3", "--yes", code=None).code == ExitCode.NEGATIVE
