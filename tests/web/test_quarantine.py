"""The pages of the quarantine: a mix-up is plain to see, and only a decision that was meant is carried out."""

import json

import pytest
from starlette.testclient import TestClient

from netty.archive.audit import AuditKind
from netty.model import reasons
from support.pages import Town, browsing, fresh_token, token_in


def test_the_list_names_both_patients_of_a_mix_up(operator: TestClient) -> None:
    page = operator.get("/quarantine").text

    assert "another Patient ID" in page
    assert "田中 花子" in page and "0099999" in page
    assert "山田 太郎" in page and "0012345" in page


def test_the_case_says_what_differs_and_what_a_release_would_do(operator: TestClient) -> None:
    page = operator.get("/quarantine/q1").text

    assert "The image carries another Patient ID than the one searched for." in page
    assert page.count("differs") >= 2  # Patient ID and birth date
    assert "shown to the patient who was asked for" in page
    assert "Release 2 images" in page and "Discard 2 images" in page


def test_the_case_is_told_in_japanese(own_town: Town) -> None:
    with browsing(own_town.app(), "operator", "ja") as client:
        page = client.get("/quarantine/q1").text

    assert "検索した患者IDと異なる患者IDの画像です。" in page
    assert "2 枚を解放" in page and "Release" not in page


def test_a_release_takes_what_was_seen_and_nothing_that_came_since(own_town: Town, operator: TestClient) -> None:
    token = token_in(operator.get("/quarantine/q1").text)

    answer = operator.post(
        "/quarantine/release", data={"csrf_token": token, "ids": "q1,q2", "sure": "true"}, follow_redirects=False
    )

    assert answer.headers["location"] == "/quarantine"
    assert own_town.quarantine.waiting() == []
    (event, _) = own_town.audit.list([AuditKind.QUARANTINE_RELEASED])
    assert (event.event.who, event.event.patient_key) == ("operator", "P001")
    waiting = own_town.registration.unrendered(10)
    assert len(waiting) == 2
    assert own_town.holdings.study(waiting[0].study_instance_uid).patient_key == "P001"  # type: ignore[union-attr]


@pytest.mark.parametrize("verb", ["release", "discard"])
def test_without_the_tick_nothing_is_decided(own_town: Town, operator: TestClient, verb: str) -> None:
    answer = operator.post(f"/quarantine/{verb}", data={"csrf_token": fresh_token(operator), "ids": "q1"})

    assert answer.status_code == 400
    assert len(own_town.quarantine.waiting()) == 2


def test_a_second_decision_on_the_same_images_is_refused_in_words(own_town: Town, operator: TestClient) -> None:
    fields = {"csrf_token": fresh_token(operator), "ids": "q1", "sure": "true"}
    operator.post("/quarantine/discard", data=fields)

    answer = operator.post("/quarantine/release", data=fields)

    assert answer.status_code == 400
    assert "names nothing in the quarantine" in answer.text
    assert [one.id for one in own_town.quarantine.waiting()] == ["q2"]


def test_looking_is_audited_and_the_picture_is_kept_by_no_cache(own_town: Town, operator: TestClient) -> None:
    operator.get("/quarantine/q1")
    answer = operator.get("/quarantine/q1/picture")

    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["cache-control"] == "no-store"
    events = own_town.audit.list([AuditKind.QUARANTINE_LOOKED_AT])
    assert [(one.event.who, one.event.detail["patient_id"]) for one in events] == [("operator", "0099999")] * 2


@pytest.mark.parametrize("address", ["/quarantine/q99", "/quarantine/x", "/quarantine/q99/picture", "/quarantine/t1"])
def test_what_is_not_there_is_not_found(operator: TestClient, address: str) -> None:
    assert operator.get(address).status_code == 404


def test_programs_decide_over_the_rest_interface(own_town: Town, operator: TestClient) -> None:
    token = {"x-csrf-token": fresh_token(operator)}
    found = operator.get("/api/v1/quarantine").json()
    assert [(one["id"], one["why"], one["another_patient"]) for one in found] == [
        ("q1", "other_patient_id", True),
        ("q2", "other_patient_id", True),
    ]
    assert found[0]["asked"]["patient_id"] == "0012345"
    assert found[0]["reason"] == reasons.OTHER_PATIENT_ID

    assert operator.post("/api/v1/quarantine/release", data={"ids": "q1"}, headers=token).json() == {"released": ["q1"]}
    answer = operator.post("/api/v1/quarantine/discard", data={"ids": "q2"}, headers=token)
    assert json.loads(answer.text) == {"discarded": ["q2"]}
    assert operator.get("/api/v1/quarantine").json() == []
    assert {one.attempts for one in own_town.registration.unrendered(10)} == {0}
