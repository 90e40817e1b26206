"""What nobody asked for, sent by DCMTK and by a hospital that mixes patients up: answered, and never shown."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from netty.simulator.studies_objects import CT, MR
from netty.simulator.studies_small import WrittenStudy, write_study
from support import peers
from support.netty_process import TITLE, Netty, RemoteEntry, netty, simulated
from support.ports import free_port

pytestmark = pytest.mark.skipif(
    peers.program("storescu") is None, reason="storescu is not installed (apt install dcmtk)"
)

MODALITY = "MODALITY"


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Netty]:
    """A netty to which a remote is registered that only ever pushes."""
    folder = Path(tmp_path_factory.mktemp("unsolicited"))
    with netty(folder / "netty", [RemoteEntry("ward", MODALITY, free_port())]) as running:
        yield running


@pytest.fixture(scope="module")
def pushed(one: Netty, tmp_path_factory: pytest.TempPathFactory) -> tuple[WrittenStudy, peers.Ran]:
    """A study that nobody asked for, and what storescu said of it."""
    study = write_study(Path(tmp_path_factory.mktemp("pushed")), CT, patient_id="NOBODY-1", instances=2)
    return study, peers.storescu(one.port, study.files, called=TITLE, calling=MODALITY, options=["-d"])


def test_what_nobody_asked_for_is_answered_with_c000_and_a_comment(pushed: tuple[WrittenStudy, peers.Ran]) -> None:
    _, said = pushed

    assert said.output.lower().count("0xc000") >= 2, said.output
    assert said.output.count("(0000,0902)") == 2, said.output  # Error Comment


def test_what_nobody_asked_for_is_not_kept(one: Netty, pushed: tuple[WrittenStudy, peers.Ran]) -> None:
    study, _ = pushed
    kept = [path for path in (one.folder / "data").rglob("*") if path.is_file() and path.parent.name != "data"]

    assert one.held() == {}
    assert one.cli("studies", "show", study.study_instance_uid).code == 1
    assert not [path for path in kept if b"NOBODY-1" in path.read_bytes()]
    assert not list((one.folder / "data" / "spool").glob("*.dcm"))


def test_an_audit_row_tells_of_it(one: Netty, pushed: tuple[WrittenStudy, peers.Ran]) -> None:
    study, _ = pushed
    events = one.audit("store_discarded")

    assert {study.study_instance_uid} == {event["study_instance_uid"] for event in events}
    assert {"ward"} == {event["remote"] for event in events}


def test_dcmsend_is_told_too(one: Netty, tmp_path: Path) -> None:
    study = write_study(tmp_path, MR, patient_id="NOBODY-2", instances=1)

    said = peers.dcmsend(one.port, study.files, called=TITLE, calling=MODALITY)

    assert re.search(r"with status ERROR +: 1", said.output), said.output
    assert one.held() == {}


def test_echoscu_gets_its_answer(one: Netty) -> None:
    said = peers.echoscu(one.port, called=TITLE, calling=MODALITY)

    assert said.code == 0
    assert "Received Echo Response (Success)" in said.output


@pytest.mark.parametrize(
    ("called", "calling", "reason"),
    [
        (TITLE, "STRANGER", "Calling AE Title Not Recognized"),
        ("SOMEBODY_ELSE", MODALITY, "Called AE Title Not Recognized"),
    ],
)
def test_a_wrong_title_is_rejected_with_its_reason(one: Netty, called: str, calling: str, reason: str) -> None:
    said = peers.echoscu(one.port, called=called, calling=calling)

    assert said.code != 0
    assert reason in said.output


def test_a_study_of_another_patient_under_our_lease_ends_on_hold_and_is_invisible(tmp_path: Path) -> None:
    """The hospital's first image of the C-MOVE carries another Patient ID; the others are held."""
    study = write_study(tmp_path / "hospital", CT, patient_id="RIGHT-1", instances=3)
    port = free_port()
    with (
        simulated(tmp_path / "hospital", title="MIXED_UP", netty_port=port, quirks=["wrong-patient"]) as hospital,
        netty(tmp_path / "netty", [RemoteEntry("mixed", "MIXED_UP", hospital)], port=port) as running,
    ):
        running.register("person", mixed="RIGHT-1")

        answer = running.cli("retrieve", "mixed", "--patient-id", "RIGHT-1", "--wait")

        [retrieval] = answer.document["retrievals"]
        assert retrieval["state"] == "on_hold", (answer, running.said())
        assert answer.code != 0
        [event] = running.audit("store_on_hold")
        assert study.study_instance_uid == event["study_instance_uid"]
        held = running.held()
        assert set(held) < set(study.instances)
        assert len(held) == 2
        quarantined = [path for path in (running.folder / "data" / "quarantine").rglob("*") if path.is_file()]
        assert len(quarantined) == 1
        found = running.ok("find", "mixed", "--patient-id", "RIGHT-1")
        assert [each["instances_held"] for each in found["studies"]] == [2]
        assert running.ok("verify")["ok"]
