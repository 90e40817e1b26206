"""The quarantine of a running netty: pushed by DCMTK, looked at and decided on, with kill -9 in between."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest

from netty.archive.users import Role
from netty.config import load_settings
from netty.gateway import open_desk
from netty.simulator.studies_objects import CT
from netty.simulator.studies_small import WrittenStudy, write_study
from support import peers
from support.netty_process import TITLE, Netty, RemoteEntry
from support.pages import PASSWORD, token_in
from support.ports import free_port
from support.waiting import wait_until

pytestmark = pytest.mark.skipif(
    peers.program("storescu") is None, reason="storescu is not installed (apt install dcmtk)"
)

MODALITY = "MODALITY"


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Netty]:
    """A netty that sets aside what nobody asked for."""
    one = Netty(tmp_path / "netty")
    one.configure([RemoteEntry("ward", MODALITY, free_port())], receive='unsolicited = "quarantine"')
    one.start()
    try:
        yield one
    finally:
        one.stop()


@pytest.fixture
def pushed(running: Netty, tmp_path: Path) -> WrittenStudy:
    """A study of two images in the quarantine."""
    study = write_study(tmp_path / "pushed", CT, patient_id="WALK-IN-1", name="NETTY^JIRO", instances=2)
    said = peers.storescu(running.port, study.files, called=TITLE, calling=MODALITY)
    assert said.code == 0, said.output
    wait_until(lambda: len(running.read("quarantine", "list")["quarantine"]) == 2, 20, "both are set aside")
    return study


def browser(running: Netty) -> httpx2.Client:
    """An operator's session."""
    with open_desk(load_settings(running.settings)) as desk:
        desk.users.add("operator", PASSWORD, Role.OPERATOR, must_change=False)
        cookie, _ = desk.sessions.start(desk.users.get("operator"), datetime.now(UTC))
    address = f"http://127.0.0.1:{running.web_port}"
    return httpx2.Client(base_url=address, cookies={"netty_session": cookie}, headers={"accept-language": "en"})


def test_what_was_pushed_is_looked_at_released_and_shown(running: Netty, pushed: WrittenStudy) -> None:
    assert running.held() == {}
    with browser(running) as client:
        page = client.get("/quarantine/q1")
        assert page.status_code == 200 and "WALK-IN-1" in page.text and "nobody" in page.text
        picture = client.get("/quarantine/q1/picture", timeout=60)  # a render child starts for it
        assert picture.headers["content-type"] == "image/jpeg" and picture.content.startswith(b"\xff\xd8")
        fields = {"csrf_token": token_in(page.text), "ids": "q1,q2", "sure": "true"}
        assert client.post("/quarantine/release", data=fields).headers["location"] == "/quarantine"

    def shown() -> bool:
        return all(one["renditions"] for one in running.held().values()) and len(running.held()) == 2

    wait_until(shown, 30, "both are drawn")
    assert set(running.held()) == set(pushed.instances)
    assert {one["who"] for one in running.audit("quarantine_released")} == {"operator"}
    assert running.read("quarantine", "list") == {"quarantine": []}
    assert running.ok("verify")["ok"]


def test_a_release_that_kill_9_cut_short_waits_on_after_the_next_start(running: Netty, pushed: WrittenStudy) -> None:
    """The file has left the quarantine, its rows are not written: nothing is lost, and nothing is shown."""
    with open_desk(load_settings(running.settings)) as desk:
        one = desk.quarantine.waiting()[0]
        running.kill_supervisor()
        desk.spool.release(one.place.name)  # as far as the release came

    running.start()

    waiting = running.read("quarantine", "list")["quarantine"]
    assert [each["id"] for each in waiting] == ["q1", "q2"]
    assert {Path(each["path"]).parent.name for each in waiting} == {"quarantine"}
    assert running.held() == {}
    assert running.ok("quarantine", "release", "--study", pushed.study_instance_uid, "--yes")["released"] == [
        "q1",
        "q2",
    ]
    wait_until(lambda: len(running.held()) == 2, 20, "both are held")


def test_a_discard_that_kill_9_cut_short_is_finished_at_the_next_start(running: Netty, pushed: WrittenStudy) -> None:
    with open_desk(load_settings(running.settings)) as desk:
        running.kill_supervisor()
        desk.quarantine.quarantine.discard(["q1"], "operator")  # its rows, and not yet its file
    quarantine = running.folder / "data" / "quarantine"
    assert len(list(quarantine.glob("*.dcm"))) == 2

    running.start()

    assert len(list(quarantine.glob("*.dcm"))) == 1
    assert [each["id"] for each in running.read("quarantine", "list")["quarantine"]] == ["q2"]
    assert running.ok("verify")["ok"]
