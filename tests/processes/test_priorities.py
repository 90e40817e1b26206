"""Who waits for whom on a busy machine: pictures for images that come in, and for the pages."""

import os
from pathlib import Path

from netty.simulator.studies_objects import CT
from netty.simulator.studies_small import write_study
from support.netty_process import RemoteEntry, descendants, netty, simulated
from support.ports import free_port

PATIENT = "NICE-1"


def _niceness(pid: int) -> int:
    return os.getpriority(os.PRIO_PROCESS, pid)


def test_who_draws_steps_back_for_who_receives_and_for_the_pages(tmp_path: Path) -> None:
    write_study(tmp_path / "hospital", CT, patient_id=PATIENT, instances=1)
    port = free_port()
    with (
        simulated(tmp_path / "hospital", title="PACS", netty_port=port) as hospital,
        netty(tmp_path / "netty", [RemoteEntry("pacs", "PACS", hospital)], port=port) as one,
    ):
        one.register("person", pacs=PATIENT)
        one.ok("retrieve", "pacs", "--patient-id", PATIENT, "--wait")
        children = one.named_children()
        renderer = children["netty renderer"]
        drawing = [_niceness(pid) for pid in descendants(renderer) if not descendants(pid)]  # the others make these

        assert max(_niceness(children[name]) for name in ("netty receiver", "netty worker")) < _niceness(renderer)
        assert drawing
        assert _niceness(renderer) < min(drawing)
