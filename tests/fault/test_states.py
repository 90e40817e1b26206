"""A peer that goes away, or goes to sleep, at every state: the association ends, nothing is left, and others go on."""

import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from netty.network.settings import ReceiveLimits
from support.raw_peer import (
    ABORT,
    CT,
    RELEASE_RQ,
    RawPeer,
    Request,
    data_tf,
    images,
    pdu,
    raw_peer,
    store_command,
)
from support.receiving import Receiving, receiving
from support.waiting import wait_until

# An association that rests may do so for ever (statement 4.2.2), so here it may for a moment.
LIMITS = ReceiveLimits(request_deadline=0.2, closing_deadline=0.2, rate_window=0.2, answer_deadline=0.2, idle=0.2)
GONE = 4.0
IMAGE = images("states", 1)[0].having({0x7FE00010: bytes(60_000)})
CONTEXT = 3


def _half_a_request(peer: RawPeer) -> None:
    data = Request().encoded()
    peer.send(data[: len(data) // 2])


def _rejected(peer: RawPeer) -> None:
    peer.send(Request(called="NOBODY").encoded())
    peer.pdu()


def _aborted(peer: RawPeer) -> None:
    peer.send(data_tf(1, 3, b"data"))
    peer.pdu()


def _established(peer: RawPeer) -> None:
    peer.associate()


def _half_a_header(peer: RawPeer) -> None:
    peer.associate()
    peer.send(b"\x04\0\0")


def _half_a_command(peer: RawPeer) -> None:
    peer.associate()
    peer.send(data_tf(CONTEXT, 1, store_command(IMAGE)[:40]))


def _command_only(peer: RawPeer) -> None:
    peer.associate()
    peer.send(data_tf(CONTEXT, 3, store_command(IMAGE)))


def _half_a_data_set(peer: RawPeer) -> None:
    _command_only(peer)
    peer.send(data_tf(CONTEXT, 0, IMAGE.data[:16_000]))


def _half_a_pdu_of_data(peer: RawPeer) -> None:
    _command_only(peer)
    peer.send(data_tf(CONTEXT, 0, IMAGE.data[:16_000])[:9000])


def _answer_unread(peer: RawPeer) -> None:
    _command_only(peer)
    peer.fragments(CONTEXT, 0, IMAGE.data)


def _released(peer: RawPeer) -> None:
    peer.associate()
    peer.send(pdu(RELEASE_RQ, bytes(4)))
    peer.pdu()


STATES: dict[str, Callable[[RawPeer], None]] = {
    "connected (Sta2)": lambda peer: None,
    "half a request (Sta2)": _half_a_request,
    "rejected (Sta13)": _rejected,
    "aborted by us (Sta13)": _aborted,
    "established (Sta6)": _established,
    "half a PDU header": _half_a_header,
    "half a command": _half_a_command,
    "a command without its data set": _command_only,
    "half a data set": _half_a_data_set,
    "half a PDU of data": _half_a_pdu_of_data,
    "a whole message": _answer_unread,
    "released (Sta13)": _released,
}


def _half_close(peer: RawPeer) -> None:
    peer.socket.shutdown(socket.SHUT_WR)


def _reset(peer: RawPeer) -> None:
    peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()


def _abort(peer: RawPeer) -> None:
    peer.send(pdu(ABORT, bytes(4)))


def _silence(peer: RawPeer) -> None:
    """Nothing."""


def _trickle(peer: RawPeer) -> None:
    """A byte now and then, until nobody listens any more."""
    deadline = time.monotonic() + GONE
    with suppress(OSError):
        while time.monotonic() < deadline:
            peer.send(b"\0")
            time.sleep(0.05)


FAULTS: dict[str, Callable[[RawPeer], None]] = {
    "half-close": _half_close,
    "RST": _reset,
    "A-ABORT": _abort,
    "silence": _silence,
    "trickle": _trickle,
}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiving]:
    """One receiver for all of them: what one leaves behind, the next would find."""
    with receiving(Path(tmp_path_factory.mktemp("states")) / "netty", limits=LIMITS) as one:
        one.open_lease(IMAGE)
        yield one


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("state", STATES.values(), ids=STATES)
def test_an_association_ends_whatever_its_peer_does(
    running: Receiving, state: Callable[[RawPeer], None], fault: Callable[[RawPeer], None]
) -> None:
    sealed = len(list(running.spool.sealed()))
    with raw_peer(running.port) as peer:
        state(peer)
        with suppress(OSError):
            fault(peer)
        wait_until(lambda: running.server.associations == 0, GONE, "the association is over")

    assert len(running.spooled()) == len(list(running.spool.sealed())) <= sealed + 1
    with raw_peer(running.port) as good:
        good.associate(
            Request(contexts=[(1, "1.2.840.10008.1.1", ("1.2.840.10008.1.2",)), (3, CT, ("1.2.840.10008.1.2",))])
        )
        assert good.echo() == 0
        good.release()
