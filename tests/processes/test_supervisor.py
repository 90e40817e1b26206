"""The supervisor: hands connections over, restarts the dead, drains on SIGTERM, and takes its children with it."""

import os
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from netty.errors import LocalError
from netty.processes.listening import FolderInUse, bind, folder_in_use, folder_lock
from support.netty_process import descendants
from support.waiting import wait_until

DEADLINE = 20

COMMON = """
    import asyncio, contextlib, os, resource, signal, sys
    from pathlib import Path
    from netty.processes.listening import bind, folder_lock
    from netty.processes.supervisor import ChildSpec, Supervisor

    async def answer_all(child):
        def answer(connection):
            with connection:
                connection.setblocking(True)
                request = connection.recv(10)
                connection.sendall(str(ANSWERS[request]()).encode())
                if request == b"die":
                    os._exit(3)
            child.connection_closed()

        child.listen(answer)
        child.ready()
        await child.stopping.wait()

    def files():
        return [os.path.realpath(entry) for entry in Path("/proc/self/fd").iterdir()]

    ANSWERS = {b"who": os.getpid, b"die": os.getpid, b"files": files, b"group": os.getpgrp}
    listener = bind("127.0.0.1", 0, "DICOM")
    spec = ChildSpec("answerer", lambda child: asyncio.run(answer_all(child)), takes_connections=True)
"""

PROGRAM = """
    with folder_lock(Path(sys.argv[1])):
        Supervisor([spec], listener, lambda: print(listener.getsockname()[1], flush=True)).run()
    print("drained", flush=True)
"""


FULL_PROGRAM = """
    taken = []

    def fill():
        if not taken:
            resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
            with contextlib.suppress(OSError):
                while True:
                    taken.append(os.dup(0))
        print(listener.getsockname()[1], flush=True)

    def give_back(*_):
        while taken:
            os.close(taken.pop())

    signal.signal(signal.SIGUSR1, give_back)
    Supervisor([spec], listener, fill, no_room=b"no room").run()
"""


@contextmanager
def supervised(tmp_path: Path, program: str = "") -> Iterator[tuple[subprocess.Popen[str], int]]:
    (tmp_path / "program.py").write_text(textwrap.dedent(COMMON) + textwrap.dedent(program or PROGRAM))
    command = [sys.executable, str(tmp_path / "program.py"), str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process, int(process.stdout.readline())
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(DEADLINE)
        process.stdout.close()


def tell(port: int, word: bytes) -> str:
    with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE) as connection:
        connection.sendall(word)
        return connection.recv(10_000).decode()


def ask(port: int, word: bytes = b"who") -> int:
    return int(tell(port, word))


def wait_until_dead(pid: int) -> None:
    """A process that is no child of ours can be waited for by its pidfd."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    import select

    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    assert poll.poll(DEADLINE * 1000), f"process {pid} still lives"
    os.close(descriptor)


def test_a_connection_is_answered_by_the_child_and_not_by_the_supervisor(tmp_path: Path) -> None:
    with supervised(tmp_path) as (process, port):
        assert ask(port) != process.pid


def test_a_child_that_dies_is_started_again_and_connections_wait_for_it(tmp_path: Path) -> None:
    with supervised(tmp_path) as (_process, port):
        first = ask(port, b"die")
        wait_until_dead(first)

        assert ask(port) != first


def test_sigterm_drains_and_ends_in_order(tmp_path: Path) -> None:
    with supervised(tmp_path) as (process, port):
        child = ask(port)
        process.send_signal(signal.SIGTERM)

        assert process.wait(DEADLINE) == 0
        assert process.stdout is not None
        assert process.stdout.read() == "drained\n"
        wait_until_dead(child)


def test_a_killed_supervisor_takes_its_children_with_it(tmp_path: Path) -> None:
    with supervised(tmp_path) as (process, port):
        child = ask(port)
        process.kill()

        wait_until_dead(child)


def answered(port: int) -> bytes:
    """All that a connection is answered."""
    with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE) as connection:
        connection.sendall(b"who")
        answer = b""
        while data := connection.recv(100):
            answer += data
        return answer


def test_without_a_descriptor_left_connections_are_told_so_until_there_is_one(tmp_path: Path) -> None:
    with supervised(tmp_path, FULL_PROGRAM) as (process, port):
        assert [answered(port) for _ in range(3)] == [b"no room"] * 3

        with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE):  # says nothing
            assert answered(port) == b"no room"
        process.send_signal(signal.SIGUSR1)

        wait_until(lambda: answered(port) != b"no room", DEADLINE, "connections are handed over again")
        assert ask(port) != process.pid


def test_a_child_that_dies_while_no_descriptor_is_left_is_started_when_there_is_one(tmp_path: Path) -> None:
    with supervised(tmp_path, FULL_PROGRAM) as (process, port):
        [child] = descendants(process.pid)
        os.kill(child, signal.SIGKILL)
        wait_until_dead(child)
        process.send_signal(signal.SIGUSR1)

        assert ask(port) != child
        assert process.poll() is None


def test_no_child_holds_the_folder_for_its_supervisor(tmp_path: Path) -> None:
    with supervised(tmp_path) as (_process, port):
        assert folder_in_use(tmp_path)
        assert str(tmp_path) not in tell(port, b"files")


def test_a_child_has_a_process_group_of_its_own(tmp_path: Path) -> None:
    with supervised(tmp_path) as (process, port):
        assert ask(port, b"group") not in (os.getpgid(process.pid), os.getpgrp())


def test_the_supervisor_has_one_thread_so_that_it_may_fork(tmp_path: Path) -> None:
    with supervised(tmp_path) as (process, port):
        wait_until_dead(ask(port, b"die"))
        ask(port)

        assert len(list(Path(f"/proc/{process.pid}/task").iterdir())) == 1


def test_a_port_in_use_is_named_in_the_error() -> None:
    with bind("127.0.0.1", 0, "DICOM") as holder:
        port = holder.getsockname()[1]
        with pytest.raises(LocalError, match=f"The port {port} for DICOM is in use"):
            bind("127.0.0.1", port, "DICOM")


def test_a_foreign_address_is_named_in_the_error() -> None:
    with pytest.raises(LocalError, match=r"This machine has no address 192\.0\.2\.1"):
        bind("192.0.2.1", 0, "DICOM")


def test_only_one_netty_works_on_a_folder(tmp_path: Path) -> None:
    assert not folder_in_use(tmp_path)
    with folder_lock(tmp_path):
        assert folder_in_use(tmp_path)
        with pytest.raises(FolderInUse, match=str(os.getpid())), folder_lock(tmp_path):
            pass
    assert not folder_in_use(tmp_path)


def test_a_folder_that_cannot_be_written_is_named_in_the_error(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match="cannot be written"), folder_lock(tmp_path / "absent"):
        pass
