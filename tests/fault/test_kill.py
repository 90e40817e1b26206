"""kill -9: nothing outlives the supervisor, nothing is lost, what was begun ends by itself; children come back."""

import os
import signal
from pathlib import Path

from netty.simulator.studies_objects import CT
from netty.simulator.studies_small import write_study
from support.netty_process import Netty, RemoteEntry, is_alive, netty, simulated
from support.ports import free_port
from support.waiting import wait_until

PATIENT = "KILL-1"
IMAGES = 10


def _retrieval(one: Netty) -> dict[str, object]:
    [retrieval] = one.read("jobs", "list")["retrievals"]
    return dict(retrieval)


def test_a_retrieval_whose_supervisor_was_killed_ends_complete_after_the_next_start(tmp_path: Path) -> None:
    study = write_study(tmp_path / "hospital", CT, patient_id=PATIENT, instances=IMAGES)
    port = free_port()
    with (
        simulated(tmp_path / "hospital", title="SLOW_PACS", netty_port=port, quirks=["slow"]) as hospital,
        netty(tmp_path / "netty", [RemoteEntry("slow", "SLOW_PACS", hospital)], port=port) as one,
    ):
        one.register("person", slow=PATIENT)
        one.ok("retrieve", "slow", "--patient-id", PATIENT)
        wait_until(lambda: int(str(_retrieval(one)["received"])) >= 3, 60, "some images have arrived", one.process)

        children = one.kill_supervisor()

        assert len(children) >= 3
        wait_until(lambda: not [pid for pid in children if is_alive(pid)], 10, "no child lives on")
        one.start()
        at_start = _retrieval(one)
        assert int(str(at_start["received"])) < IMAGES or at_start["state"] == "complete"
        wait_until(lambda: _retrieval(one)["state"] == "complete", 90, "the retrieval is complete", one.process)
        wait_until(lambda: _retrieval(one)["rendered"] == IMAGES, 60, "everything is rendered", one.process)

        assert set(study.instances) == set(one.held())
        verification = one.ok("verify")
        assert (verification["ok"], verification["problems"]) == (True, [])


def test_a_second_service_on_the_same_folder_is_refused_in_words(tmp_path: Path) -> None:
    with netty(tmp_path / "netty", []) as one:
        second = one.cli("serve", seconds=30)

        assert second.code == 9
        assert "netty: " in second.errors


def test_an_orderly_end_leaves_no_process_and_exits_0(tmp_path: Path) -> None:
    with netty(tmp_path / "netty", []) as one:
        children = one.children()

        assert one.stop() == 0, one.said()

        assert [pid for pid in children if is_alive(pid)] == []


def test_every_kind_of_child_comes_back_after_kill_9_and_the_supervisor_keeps_its_one_thread(
    tmp_path: Path,
) -> None:
    with netty(tmp_path / "netty", []) as one:
        assert one.process is not None
        first = one.named_children()
        assert set(first) == {"netty receiver", "netty renderer", "netty worker", "netty clerk"}

        for pid in first.values():
            os.kill(pid, signal.SIGKILL)

        wait_until(lambda: set(one.named_children()) == set(first), 30, "they are there again", one.process)
        wait_until(one.ready, 30, "the pages are there again", one.process)
        assert not set(one.named_children().values()) & set(first.values())
        assert len(list(Path(f"/proc/{one.process.pid}/task").iterdir())) == 1
