"""Crowds before a real `netty serve`: silent, idle and slow peers cost little, and good ones do not notice them.

FAULTS=long makes the crowds as large as they may be: 5,000 idle associations beside the silent connections.
"""

import os
import resource
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from bench.hostile_rows import CONTEXTS, connected, store
from bench.hostile_targets import CALLING, PROBING, Target, netty_target

from support.leftovers import descriptors
from support.raw_peer import RawPeer, Request, data_tf, raw_peer, store_command
from support.waiting import wait_until

IS_LONG = os.environ.get("FAULTS") == "long"
SILENT = 1000
IDLE = 5000 if IS_LONG else 300
SLOW = 200
LONGEST_ECHO = 2.0  # a second is what netty promises; this machine may have other things to do
MOST_MEMORY = 100 << 20
WINDOW = 3


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """One that cuts slow senders off after a few seconds instead of a minute."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    folder = Path(tmp_path_factory.mktemp("crowds"))
    with netty_target(folder, more=f"[limits]\nrate_window = {WINDOW}\n") as one:
        warm_up(one)
        yield one


def warm_up(target: Target) -> None:
    """What starts with the first images, the render children above all, is not for the crowd to answer for."""
    store_some(target, 20)
    wait_until(lambda: not target.missing(target.acknowledged), 30, "the first images are registered")
    looks: list[int] = []

    def is_steady() -> bool:
        looks.append(target.memory())
        return len(looks) > 1 and abs(looks[-1] - looks[-2]) < 1 << 20

    wait_until(is_steady, 60, "its memory grows no more", pause=2)


def open_connections(target: Target) -> int:
    """The sockets of all its processes."""
    return sum(place.startswith("socket:") for pid in target.processes() for place in _descriptors(pid).values())


def _descriptors(pid: int) -> dict[str, str]:
    with suppress(OSError):
        return descriptors(pid)
    return {}


def slowest_echo(target: Target, seconds: float) -> float:
    """The longest that C-ECHO took within some seconds, the association included."""
    longest, end = 0.0, time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.monotonic()
        with raw_peer(target.port) as peer:
            peer.associate(Request(called=target.called, calling=PROBING))
            assert peer.echo() == 0
            peer.release()
        longest = max(longest, time.monotonic() - began)
    return longest


def store_some(target: Target, count: int) -> list[str]:
    """A good sender's statuses."""
    with connected(target) as peer:
        peer.associate(Request(called=target.called, calling=CALLING, contexts=CONTEXTS))
        statuses = [store(target, peer, target.new_image()) for _ in range(count)]
        peer.release()
        return statuses


def check_service_beside(target: Target, memory_before: int) -> None:
    """Good peers are served as if they were alone."""
    assert slowest_echo(target, 1.5) < LONGEST_ECHO
    assert store_some(target, 20) == ["0000"] * 20
    assert target.memory() - memory_before < MOST_MEMORY


def test_silent_connections_and_idle_associations_do_not_keep_good_peers_waiting(target: Target) -> None:
    memory, sockets = target.memory(), open_connections(target)
    with ExitStack() as stack:
        for _ in range(SILENT):
            stack.enter_context(socket.create_connection(("127.0.0.1", target.port), 10))
        for _ in range(IDLE):
            stack.enter_context(connected(target)).associate(Request(called=target.called, calling=CALLING))

        check_service_beside(target, memory)

    wait_until(lambda: open_connections(target) <= sockets + 4, 10, "their sockets are closed")
    assert slowest_echo(target, 0.5) < LONGEST_ECHO


def test_slow_senders_are_cut_off_and_do_not_keep_good_peers_waiting(target: Target) -> None:
    memory, sockets = target.memory(), open_connections(target)
    stopping = threading.Event()
    peers: list[RawPeer] = []

    def trickle() -> None:
        while not stopping.wait(1.0):
            for peer in peers:
                with suppress(OSError):
                    peer.send(b"\0")

    with ExitStack() as stack:
        for _ in range(SLOW):
            peer = stack.enter_context(connected(target))
            peer.associate(Request(called=target.called, calling=CALLING, contexts=CONTEXTS))
            image = target.new_image()
            peer.send(data_tf(3, 3, store_command(image, 1)))
            peer.send(data_tf(3, 0, image.data)[:100])
            peers.append(peer)
        thread = threading.Thread(target=trickle)
        thread.start()
        stack.callback(thread.join)
        stack.callback(stopping.set)

        check_service_beside(target, memory)
        wait_until(lambda: open_connections(target) <= sockets + 4, 4 * WINDOW + 10, "slow senders are cut off")

    wait_until(lambda: not target.unfinished(), 5, "nothing half-written is left")


def test_what_was_stored_beside_the_crowds_is_there_and_whole(target: Target) -> None:
    wait_until(lambda: not target.missing(target.acknowledged), 30, "all that was acknowledged is registered")
    assert target.acknowledged
