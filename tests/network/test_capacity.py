"""More associations than the machine bears: rejected (2,3,2) until there is room again, never left hanging."""

import asyncio
import resource
import socket
import subprocess
import sys

from netty.network.acceptor import AssociationServer, Callers
from netty.network.settings import AeSettings
from netty.processes.limits import DESCRIPTORS_OF_OUR_OWN, associations_at_once
from support.raw_peer import AC, RJ, RawPeer, Request, raw_peer

REJECTED_FOR_NOW = bytes((0, 2, 3, 2))


async def test_beyond_its_capacity_the_acceptor_rejects_until_there_is_room() -> None:
    server = AssociationServer(AeSettings(), Callers(lambda title, address: ("central",)), {}, capacity=2)
    port = await server.serve("127.0.0.1", 0)

    def answers() -> list[bytes]:
        with raw_peer(port) as first, raw_peer(port) as second:
            answered = [_answer(first), _answer(second)]
            with raw_peer(port) as third:
                answered.append(_answer(third))
            second.close()
        return answered

    first, second, third = await asyncio.to_thread(answers)
    with_room = await asyncio.to_thread(_answer_of, port)
    await server.stop()

    assert (first[0], second[0], third[0], with_room[0]) == (AC, AC, RJ, AC)
    assert third[6:] == REJECTED_FOR_NOW


def _answer(peer: RawPeer) -> bytes:
    peer.send(Request().encoded())
    return peer.pdu()


def _answer_of(port: int) -> bytes:
    with raw_peer(port) as peer:
        return _answer(peer)


def test_the_capacity_follows_the_descriptors_of_the_process() -> None:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)

    assert associations_at_once() == max(1, (soft - DESCRIPTORS_OF_OUR_OWN) // 2)


PROGRAM = """
import asyncio, contextlib, os, resource, socket, sys
from netty.processes.channel import Channel

async def main():
    channel = Channel(socket.socket(fileno=int(sys.argv[1])))
    heard = asyncio.get_running_loop().create_future()
    channel.listen(lambda message, passed: heard.set_result((message, passed)), lambda: None)
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    with contextlib.suppress(OSError):
        while True:
            os.dup(0)
    print("full", flush=True)
    print(await heard, flush=True)

asyncio.run(main())
"""


def test_a_connection_for_which_no_descriptor_is_free_is_told_of_without_it() -> None:
    """The kernel closes it then; the child must still say that one connection less is open."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs, socket.socket() as passed:
        child = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(theirs.fileno())], pass_fds=[theirs.fileno()], stdout=subprocess.PIPE
        )
        assert child.stdout is not None
        assert child.stdout.readline() == b"full\n"
        socket.send_fds(ours, [b'{"connection": true}'], [passed.fileno()])

        assert child.stdout.readline() == b"({'connection': True}, None)\n"
        child.stdout.close()
        child.wait(10)
