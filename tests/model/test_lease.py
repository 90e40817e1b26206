"""A lease admits; everything else is on hold or unsolicited."""

from dataclasses import replace

import pytest

from netty.model import reasons
from netty.model.lease import Lease, Offered, Outcome, admit

LEASE = Lease(
    id=1, retrieval_id="r1", remote="central", message_id=7, study_instance_uid="1.2.3", patient_id="P1", expires_at=9.0
)
OFFERED = Offered(("central",), "1.2.3", "P1", "HAPPY_netty", 7)
US = "HAPPY_netty"


def test_the_study_of_an_open_lease_from_its_remote_is_admitted() -> None:
    admission = admit(OFFERED, [LEASE], US)

    assert (admission.outcome, admission.lease) == (Outcome.ADMITTED, LEASE)


@pytest.mark.parametrize(
    "originator",
    [(None, None), ("", None), ("OTHER", 3), ("OTHER", 7), (US, 99), (US, None)],
)
def test_move_originator_fields_never_decide_about_admission(originator: tuple[str | None, int | None]) -> None:
    title, message_id = originator
    offered = replace(OFFERED, move_originator_ae_title=title, move_originator_message_id=message_id)

    assert admit(offered, [LEASE], US).outcome is Outcome.ADMITTED


@pytest.mark.parametrize(
    "offered",
    [
        replace(OFFERED, remotes=()),
        replace(OFFERED, remotes=("east",)),
        replace(OFFERED, study_instance_uid="1.2.4"),
        replace(OFFERED, study_instance_uid=""),
    ],
    ids=["unknown caller", "another remote", "another study", "no study"],
)
def test_what_no_lease_names_is_unsolicited(offered: Offered) -> None:
    admission = admit(offered, [LEASE], US)

    assert (admission.outcome, admission.lease, admission.reason) == (Outcome.UNSOLICITED, None, reasons.UNSOLICITED)


def test_without_any_lease_everything_is_unsolicited() -> None:
    assert admit(OFFERED, [], US).outcome is Outcome.UNSOLICITED


@pytest.mark.parametrize("patient_id", ["P2", "", "p1"])
def test_another_patient_id_under_our_lease_goes_on_hold(patient_id: str) -> None:
    admission = admit(replace(OFFERED, patient_id=patient_id), [LEASE], US)

    assert (admission.outcome, admission.lease, admission.reason) == (
        Outcome.ON_HOLD,
        LEASE,
        reasons.OTHER_PATIENT_ID,
    )


def test_padding_of_the_patient_id_does_not_matter() -> None:
    assert admit(replace(OFFERED, patient_id=" P1 "), [LEASE], US).outcome is Outcome.ADMITTED


def test_the_message_id_chooses_between_two_leases_of_one_study() -> None:
    older, newer = LEASE, replace(LEASE, id=2, message_id=8)

    assert admit(OFFERED, [older, newer], US).lease == older
    assert admit(replace(OFFERED, move_originator_message_id=8), [older, newer], US).lease == newer
    assert admit(replace(OFFERED, move_originator_message_id=None), [older, newer], US).lease == newer


def test_without_a_message_id_the_lease_of_the_same_patient_is_chosen() -> None:
    mine, other = LEASE, replace(LEASE, id=2, message_id=8, patient_id="P2")
    offered = replace(OFFERED, move_originator_message_id=None)

    assert admit(offered, [mine, other], US).lease == mine
