"""Finding and fetching by hand: a running netty beside a simulated hospital, each a program of its own."""

import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pydicom.data import get_testdata_file

from netty.cli.main import run
from netty.processes.bell import hang, hear
from support.commands import Netty

FILES = ("CT_small.dcm", "MR_small_implicit.dcm")
Ask = Callable[..., Any]
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
def region(initialised: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The settings file of a netty that runs and knows one hospital, with one registered patient."""
    folder = tmp_path_factory.mktemp("region")
    shutil.copytree(initialised, folder, dirs_exist_ok=True)
    (folder / "files").mkdir()
    for name in FILES:
        path = get_testdata_file(name)
        assert isinstance(path, str)
        shutil.copy(path, folder / "files")
    settings = folder / "netty.toml"
    ours = {"NETTY_AE__HOST": "127.0.0.1", "NETTY_AE__PORT": "0", "NETTY_WEB__PORT": "0"}
    with running(folder, "serve", **ours) as ready:
        here = re.search(r"on (127\.0\.0\.1:\d+)", ready)
        assert here is not None
        destination = f"HAPPY_netty={here[1]}"
        with running(folder, "simulate", "files", "--title", "WEST", "--port", 0, "--destination", destination) as said:
            port = said.split()[-1]
            west = ["remotes", "add", "west", "--title", "WEST", "--host", "127.0.0.1", "--port", port]
            assert run(["--config", str(settings), *west]) == 0
            assert run(["--config", str(settings), "patients", "add", "p1", "--link", f"west={CT}"]) == 0
            yield settings


@pytest.fixture
def ask(region: Path, netty: Netty) -> Ask:
    """Calls beside the running netty; gives the JSON document."""
    return lambda *arguments, code=0: netty("--config", region, *arguments, "--json", code=code).document


def test_echo_tells_that_it_answers(ask: Ask) -> None:
    assert ask("echo", "west")["ok"] is True


def test_find_tells_what_is_there_for_anybody(ask: Ask) -> None:
    found = ask("find", "west", "--patient-id", MR)

    (study,) = found["studies"]
    assert (found["remote"], found["patient_id"]) == ("west", MR)
    assert (study["modalities"], study["instances_found"]) == (["MR"], 1)
    assert len(study["series"][0]["instances"]) == 1


def test_find_of_nothing_is_a_negative_answer(ask: Ask) -> None:
    assert ask("find", "west", "--patient-id", "NOBODY", code=1)["studies"] == []


def test_what_is_missing_is_planned_fetched_shown_and_then_left(ask: Ask) -> None:
    (planned,) = ask("plan", code=1)["studies"]
    assert (planned["action"], planned["state"], len(planned["missing"])) == ("fetch", "missing", 1)

    (retrieval,) = ask("retrieve", "west", "--patient-id", CT, "--wait")["retrievals"]
    assert (retrieval["state"], retrieval["expected"]) == ("complete", 1)
    assert (retrieval["received"], retrieval["rendered"]) == (1, 1)
    assert retrieval["claimed"] == {"completed": 1, "failed": 0, "warning": 0, "status": 0}
    assert ask("jobs", "show", retrieval["id"])["retrievals"][0]["state"] == "complete"

    study = ask("studies", "show", retrieval["study_instance_uid"])
    (instance,) = study["series"][0]["instances"]
    assert (study["patient_id"], study["state"]) == (CT, "held")
    assert Path(instance["renditions"][0]["path"]).stat().st_size == instance["renditions"][0]["bytes"]
    assert instance["kept_dicom"] is None

    assert ask("plan")["studies"][0]["action"] == "skip"
    (again,) = ask("retrieve", "west", "--study", retrieval["study_instance_uid"], "--wait")["retrievals"]
    assert (again["state"], again["received"]) == ("complete", 0)
    assert ask("retrieve", "west", "--study", "1.2.3", "--wait", code=1)["retrievals"] == []


def test_who_is_not_registered_is_fetched_by_override_only(ask: Ask) -> None:
    error = ask("retrieve", "west", "--patient-id", MR, "--wait", code=2)["error"]
    assert "--operator-override" in error["messages"][0]

    fetched = ask("retrieve", "west", "--patient-id", MR, "--wait", "--operator-override")

    assert [each["state"] for each in fetched["retrievals"]] == ["complete"]
    assert "override" in [event["kind"] for event in ask("audit", "list")["events"]]


def test_whoever_asks_rings_the_bell_that_the_service_has_hung(region: Path, ask: Ask) -> None:
    data = region.parent / "data"
    assert (data / "bell").is_socket()
    with hang(data) as bell:  # instead of the service, which looks by itself too
        ask("retrieve", "west", "--patient-id", CT)

        assert hear(bell)


def test_the_running_service_is_seen(ask: Ask) -> None:
    assert ask("status")["running"] is True


def test_a_round_by_hand_respects_a_pause(ask: Ask) -> None:
    ask("jobs", "pause", "west")
    assert ask("search")["asked"] == 0
    assert ask("search", "--now")["asked"] == 1
    ask("jobs", "resume", "west")
    assert ask("search", "west")["asked"] == 1
