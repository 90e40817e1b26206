"""The disk does not take the image: the peer is told so, nothing half-written stays, and it goes on by itself.

A real `netty serve` whose spool lies on a small disk of its own.
"""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from bench.hostile_rows import connected, request, store, sync_fails
from bench.hostile_targets import Target, netty_target

from support.waiting import wait_until

NO_ROOM = "A700"
RECOVERED = 30.0
LARGE = {0x7FE00010: bytes(3 << 20)}


def mount(folder: Path, options: str) -> None:
    """A small disk of its own, or the same with other options."""
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"only root may mount a disk to fill: {done.stderr.decode().strip()}")


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A disk."""
    folder = Path(tmp_path_factory.mktemp("disk"))
    mount(folder, "size=32m")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture(scope="module")
def target(disk: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """The service; it may fill its disk to the last byte."""
    with netty_target(Path(tmp_path_factory.mktemp("netty")), disk) as one:
        yield one


def stored(target: Target, large: bool = False) -> str:
    """The status of an image of a study that is asked for; the association is usable afterwards."""
    image = target.new_image()
    with connected(target) as peer:
        peer.associate(request(target))
        status = store(target, peer, image, image.having(LARGE).data if large else None)
        assert peer.echo() == 0
        peer.release()
        return status


def check_recovered(target: Target) -> None:
    """Images are taken again, nothing half-written stayed, and all that was acknowledged is there."""
    wait_until(lambda: stored(target, large=True) == "0000", RECOVERED, "images are taken again")
    assert not target.unfinished()
    wait_until(lambda: not target.missing(target.acknowledged), RECOVERED, "all that was acknowledged is there")


def used(disk: Path) -> tuple[int, int]:
    """Bytes and inodes that are taken."""
    state = os.statvfs(disk)
    return (state.f_blocks - state.f_bfree) * state.f_frsize, state.f_files - state.f_ffree


def rested(target: Target) -> None:
    """It holds no files open for images to come any more: these would still find room, and a disk in use."""
    wait_until(lambda: not target.ahead(), RECOVERED, "files made ahead are gone")


def test_a_full_disk_is_told_of_and_used_again_when_there_is_room(target: Target, disk: Path) -> None:
    mount(disk, f"remount,size={used(disk)[0] + (1 << 20)}")

    assert stored(target, large=True) == NO_ROOM
    assert not target.unfinished()
    mount(disk, "remount,size=32m")
    check_recovered(target)


def test_a_disk_without_inodes_is_told_of_and_used_again_when_there_are_some(target: Target, disk: Path) -> None:
    rested(target)
    mount(disk, f"remount,nr_inodes={used(disk)[1]}")

    assert stored(target) == NO_ROOM
    assert not target.unfinished()
    mount(disk, "remount,nr_inodes=1000")
    check_recovered(target)


def test_a_disk_that_has_become_read_only_is_told_of_and_used_again_when_it_is_mended(
    target: Target, disk: Path
) -> None:
    assert stored(target) == "0000"
    rested(target)
    mount(disk, "remount,ro")

    assert stored(target) == NO_ROOM
    assert not target.unfinished()
    mount(disk, "remount,rw")
    check_recovered(target)


def test_a_sync_that_fails_is_told_of_and_the_next_image_is_safe(target: Target) -> None:
    status = sync_fails(target)
    if status == "-":
        pytest.skip("only root may trace a program, with strace")

    assert status == NO_ROOM
    assert not target.unfinished()
    check_recovered(target)
