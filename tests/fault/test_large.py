"""One image of a gigabyte: received, rendered and registered without ever being held in memory."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from netty.simulator.studies_large import write_large_multiframe
from support.netty_process import Netty, RemoteEntry, netty, simulated
from support.ports import free_port

PATIENT = "LARGE-1"
MEGABYTES = 1024
MOST = 150 * 10**6
ROOM = 4 * 2**30  # the file, its spool file, and some to spare


@contextmanager
def watched(one: Netty) -> Iterator[dict[int, int]]:
    """The most memory that each process of netty had, looked at every tenth of a second."""
    most: dict[int, int] = {}
    stop = threading.Event()

    def look() -> None:
        while not stop.wait(0.1):
            for pid, size in one.memory().items():
                most[pid] = max(most.get(pid, 0), size)

    watcher = threading.Thread(target=look, name="memory")
    watcher.start()
    try:
        yield most
    finally:
        stop.set()
        watcher.join()


def test_a_gigabyte_is_received_in_less_than_150_mb_of_additional_memory(tmp_path: Path) -> None:
    """Frames of 8 MB, so that there are 128 pictures to make and not 2048."""
    if shutil.disk_usage(tmp_path).free < ROOM:
        pytest.skip(f"less than {ROOM >> 30} GiB are free in {tmp_path}")
    hospital_folder = tmp_path / "hospital"
    hospital_folder.mkdir()
    frames = write_large_multiframe(
        hospital_folder / "large.dcm", MEGABYTES, patient_id=PATIENT, rows=2048, columns=2048
    )
    port = free_port()
    try:
        with (
            simulated(hospital_folder, title="LARGE_PACS", netty_port=port) as hospital,
            netty(tmp_path / "netty", [RemoteEntry("large", "LARGE_PACS", hospital)], port=port) as one,
        ):
            one.register("person", large=PATIENT)
            before = one.memory()
            with watched(one) as most:
                document = one.ok("retrieve", "large", "--patient-id", PATIENT, "--wait", seconds=180)

            [retrieval] = document["retrievals"]
            assert (retrieval["state"], retrieval["received"], retrieval["rendered"]) == ("complete", 1, 1), one.said()
            # A child that started meanwhile counts whole: it has all that it has because of this image.
            added = {pid: size - before.get(pid, 0) for pid, size in most.items()}
            assert max(added.values()) < MOST, {pid: f"{size / 1e6:.0f} MB" for pid, size in added.items()}
            [instance] = one.held().values()
            assert frames == sum(one["kind"] == "picture" for one in instance["renditions"]) == instance["frames"]
    finally:
        shutil.rmtree(tmp_path, ignore_errors=True)
