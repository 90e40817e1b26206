"""Finding and fetching by hand: a running netty beside a simulated hospital, each a program of its own."""

import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pydicom.data import get_testdata_file

from support.commands import Ended, program

FILES = ("CT_small.dcm", "MR_small_implicit.dcm")
CT, MR = "1CT1", "4MR1"  # their Patient IDs


@contextmanager
def running(folder: Path, *arguments: object, **variables: str) -> Iterator[str]:
    """A program that runs until the end of the block; gives the line in which it says that it is ready."""
    command = [sys.executable, "-m", "netty", *map(str, arguments)]
    environment = os.environ | {"LANG": "C.UTF-8"} | variables
    process = subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    said: list[str] = []
    for line in process.stderr:
        said.append(line)
        if "is ready" in line:
            break
    else:
        process.wait()
        pytest.fail("".join(said))
    drain = threading.Thread(target=process.stderr.read, daemon=True)
    drain.start()
    try:
        yield said[-1]
    finally:
        process.terminate()
        assert process.wait(30) == 0
        drain.join()
        process.stderr.close()


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder whose netty runs and knows one hospital, with one registered patient."""
    folder = tmp_path_factory.mktemp("region")
    (folder / "files").mkdir()
    for name in FILES:
        path = get_testdata_file(name)
        assert isinstance(path, str)
        shutil.copy(path, folder / "files")
    assert program("init", folder=folder).code == 0
    ours = {"NETTY_AE__HOST": "127.0.0.1", "NETTY_AE__PORT": "0", "NETTY_WEB__PORT": "0"}
    with running(folder, "serve", **ours) as ready:
        here = re.search(r"on (127\.0\.0\.1:\d+)", ready)
        assert here is not None
        destination = f"HAPPY_netty={here[1]}"
        with running(folder, "simulate", "files", "--title", "WEST", "--port", 0, "--destination", destination) as said:
            port = said.split()[-1]
            made = program(
                "remotes", "add", "west", "--title", "WEST", "--host", "127.0.0.1", "--port", port, folder=folder
            )
            assert made.code == 0, made
            assert program("patients", "add", "p1", "--link", f"west={CT}", folder=folder).code == 0
            yield folder


def ask(folder: Path, *arguments: object, code: int = 0) -> Any:
    ended: Ended = program(*arguments, "--json", folder=folder)
    assert ended.code == code, ended
    return ended.document


def test_echo_tells_that_it_answers(region: Path) -> None:
    assert ask(region, "echo", "west")["ok"] is True


def test_find_tells_what_is_there_for_anybody(region: Path) -> None:
    found = ask(region, "find", "west", "--patient-id", MR)

    (study,) = found["studies"]
    assert (found["remote"], found["patient_id"]) == ("west", MR)
    assert (study["modalities"], study["instances_found"]) == (["MR"], 1)
    assert len(study["series"][0]["instances"]) == 1


def test_find_of_nothing_is_a_negative_answer(region: Path) -> None:
    assert ask(region, "find", "west", "--patient-id", "NOBODY", code=1)["studies"] == []


def test_what_is_missing_is_planned_fetched_shown_and_then_left(region: Path) -> None:
    (planned,) = ask(region, "plan", code=1)["studies"]
    assert (planned["action"], planned["state"], len(planned["missing"])) == ("fetch", "missing", 1)

    (retrieval,) = ask(region, "retrieve", "west", "--patient-id", CT, "--wait")["retrievals"]
    assert (retrieval["state"], retrieval["expected"]) == ("complete", 1)
    assert (retrieval["received"], retrieval["rendered"]) == (1, 1)
    assert retrieval["claimed"] == {"completed": 1, "failed": 0, "warning": 0, "status": 0}
    assert ask(region, "jobs", "show", retrieval["id"])["retrievals"][0]["state"] == "complete"

    study = ask(region, "studies", "show", retrieval["study_instance_uid"])
    (instance,) = study["series"][0]["instances"]
    assert (study["patient_id"], study["state"]) == (CT, "held")
    assert Path(instance["renditions"][0]["path"]).stat().st_size == instance["renditions"][0]["bytes"]
    assert instance["kept_dicom"] is None

    assert ask(region, "plan")["studies"][0]["action"] == "skip"
    (again,) = ask(region, "retrieve", "west", "--study", retrieval["study_instance_uid"], "--wait")["retrievals"]
    assert (again["state"], again["received"]) == ("complete", 0)
    assert ask(region, "retrieve", "west", "--study", "1.2.3", "--wait", code=1)["retrievals"] == []


def test_who_is_not_registered_is_fetched_by_override_only(region: Path) -> None:
    refused = program("retrieve", "west", "--patient-id", MR, "--wait", folder=region)
    assert refused.code == 2
    assert "--operator-override" in refused.stderr

    fetched = ask(region, "retrieve", "west", "--patient-id", MR, "--wait", "--operator-override")

    assert [each["state"] for each in fetched["retrievals"]] == ["complete"]
    assert "override" in [event["kind"] for event in ask(region, "audit", "list")["events"]]


def test_the_running_service_is_seen(region: Path) -> None:
    assert ask(region, "status")["running"] is True


def test_a_round_by_hand_respects_a_pause(region: Path) -> None:
    ask(region, "jobs", "pause", "west")
    assert ask(region, "search")["asked"] == 0
    assert ask(region, "search", "--now")["asked"] == 1
    ask(region, "jobs", "resume", "west")
    assert ask(region, "search", "west")["asked"] == 1
