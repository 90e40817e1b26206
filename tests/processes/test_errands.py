"""Commands handed to a clerk are done there as the terminal's own program would do them, once or not at all."""

import os
import re
import signal
import socket
import stat
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from netty.processes import errand
from netty.processes.errand import address, hand_over, program_identity
from support.waiting import wait_until

DEADLINE = 20

CLERK = """
    import asyncio, os, select, signal, sys, time
    from pathlib import Path
    from netty.processes.clerk import Clerk, listen_for_errands
    from netty.processes.errand import address, program_identity

    def tell():
        print(os.getcwd(), os.environ.get("WORD"), time.strftime("%Z", time.gmtime(0)), time.tzname[0])

    def copy():
        print(sys.stdin.read().upper(), end="")
        print("beside", file=sys.stderr)

    def make():
        Path("made").touch()

    def wait():
        try:
            print("waiting", flush=True)
            while True:  # a signal that comes just before a call is seen by Python behind it only
                select.select([], [], [], 0.02)
        except KeyboardInterrupt:
            print("interrupted", flush=True)
            return 130

    def fail():
        raise RuntimeError("no such thing")

    def kill():
        os.kill(os.getpid(), signal.SIGKILL)

    def carry_out(arguments):
        name, *rest = arguments
        return int(rest[0]) if rest else {each.__name__: each for each in (tell, copy, make, wait, fail, kill)}[name]()

    async def main():
        stopping = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
        with listen_for_errands(address(sys.argv[1])) as listener:
            print("listening", flush=True)
            await Clerk(listener, sys.argv[2], carry_out).run(stopping)

    asyncio.run(main())
"""

TERMINAL = """
    import os, sys
    from netty.processes.errand import hand_over
    try:
        code = hand_over(sys.argv[2:], os.environ, sys.argv[1])
    except ConnectionError:
        code = 77
    sys.exit(99 if code is None else code)
"""


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """A settings file: what is in it does not matter here."""
    file = tmp_path / "netty.toml"
    file.touch()
    return file


@contextmanager
def clerk(settings: Path, program: str = "") -> Iterator["subprocess.Popen[str]"]:
    """A clerk for these settings, ended by its process id."""
    command = [sys.executable, "-c", textwrap.dedent(CLERK), str(settings), program or program_identity()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd="/") as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "listening\n"
            yield process
        finally:
            process.kill()


@contextmanager
def terminal(
    settings: Path, *arguments: str, folder: Path | None = None, more: Mapping[str, str] | None = None, umask: int = -1
) -> Iterator["subprocess.Popen[str]"]:
    """A program that hands a command over, with pipes to all its standard streams."""
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(TERMINAL), str(settings), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder or settings.parent,
        env={**os.environ, **(more or {})},
        umask=umask,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def ended(process: "subprocess.Popen[str]", text: str | None = None) -> tuple[int, str, str]:
    """Its exit code, and what it wrote."""
    out, errors = process.communicate(text, DEADLINE)
    return process.returncode, out, errors


@pytest.mark.parametrize("code", [0, 2, 9])
def test_the_exit_code_is_the_commands(settings: Path, code: int) -> None:
    with clerk(settings), terminal(settings, "exit", str(code)) as process:
        assert ended(process) == (code, "", "")


def test_a_command_has_the_folder_and_the_environment_of_its_terminal(settings: Path) -> None:
    folder = settings.parent / "日本"
    folder.mkdir()
    with clerk(settings), terminal(settings, "tell", folder=folder, more={"WORD": "語", "TZ": "JST-9"}) as process:
        assert ended(process) == (0, f"{folder} 語 GMT JST\n", "")


def test_a_command_reads_and_writes_the_streams_of_its_terminal(settings: Path) -> None:
    with clerk(settings), terminal(settings, "copy") as process:
        assert ended(process, "word\n") == (0, "WORD\n", "beside\n")


def test_what_a_command_makes_has_the_mode_that_its_terminal_would_give_it(settings: Path) -> None:
    with clerk(settings), terminal(settings, "make", umask=0o027) as process:
        assert ended(process)[0] == 0

    assert stat.S_IMODE((settings.parent / "made").stat().st_mode) == 0o640


def test_many_commands_at_once_each_come_to_their_own_terminal(settings: Path) -> None:
    words = [f"word {number}\n" for number in range(6)]
    commands = [terminal(settings, "copy") for _ in words]
    with clerk(settings):
        running = [command.__enter__() for command in commands]
        assert [ended(process, word)[1] for process, word in zip(running, words, strict=True)] == [
            word.upper() for word in words
        ]


def test_an_interrupt_at_the_terminal_is_for_the_command_to_take(settings: Path) -> None:
    with clerk(settings), terminal(settings, "wait") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "waiting\n"
        process.send_signal(signal.SIGINT)

        assert ended(process) == (130, "interrupted\n", "")


def test_an_interrupt_that_the_terminal_ignores_it_goes_on_to_ignore(settings: Path) -> None:
    """So a shell has it for what a script runs in the background."""
    with clerk(settings):
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            with terminal(settings, "wait") as process:
                signal.signal(signal.SIGINT, before)
                assert process.stdout is not None
                assert process.stdout.readline() == "waiting\n"
                status = Path(f"/proc/{process.pid}/status").read_text()

                (ignored,) = re.findall(r"SigIgn:\s*([0-9a-f]+)", status)
                assert int(ignored, 16) >> (signal.SIGINT - 1) & 1
        finally:
            signal.signal(signal.SIGINT, before)


def test_a_terminal_that_is_killed_takes_its_command_with_it(settings: Path) -> None:
    with clerk(settings) as service, terminal(settings, "wait") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "waiting\n"
        (command,) = children(service.pid)
        process.kill()

        wait_until(lambda: command not in children(service.pid), DEADLINE, "the command ends")


def test_a_clerk_that_stops_interrupts_its_commands(settings: Path) -> None:
    with clerk(settings) as service, terminal(settings, "wait") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "waiting\n"
        service.terminate()

        assert ended(process)[1] == "interrupted\n"
        assert service.wait(DEADLINE) == 0


def test_the_terminal_learns_that_the_clerk_died_with_its_command(settings: Path) -> None:
    with clerk(settings) as service, terminal(settings, "wait") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "waiting\n"
        service.kill()

        assert ended(process)[0] == 77


@pytest.mark.parametrize(("command", "code"), [("fail", 1), ("kill", 128 + signal.SIGKILL)])
def test_a_command_that_breaks_does_not_break_the_clerk(settings: Path, command: str, code: int) -> None:
    with clerk(settings):
        with terminal(settings, command) as broken:
            assert ended(broken)[0] == code
        with terminal(settings, "exit", "3") as process:
            assert ended(process)[0] == 3


def test_a_terminal_of_another_program_does_its_command_itself(settings: Path) -> None:
    with clerk(settings, program="an older netty"), terminal(settings, "make") as process:
        assert ended(process)[0] == 99

    assert not (settings.parent / "made").exists()


def test_without_a_clerk_a_terminal_does_its_command_itself(settings: Path) -> None:
    assert hand_over(["make"], {}, str(settings)) is None


def test_without_a_settings_file_a_terminal_does_its_command_itself(tmp_path: Path) -> None:
    assert hand_over(["make"], {}, str(tmp_path / "none")) is None


@pytest.mark.parametrize("length", [errand.LONGEST, 1 << 20], ids=["for the clerk", "for the socket"])
def test_a_command_too_long_to_be_handed_over_is_done_by_the_terminal(settings: Path, length: int) -> None:
    with clerk(settings):
        assert hand_over(["make"], {"LONG": "x" * length}, str(settings)) is None


def test_a_name_that_another_user_has_taken_is_told_nothing(settings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = address(settings)
    monkeypatch.setattr(errand, "address", lambda _: taken)
    monkeypatch.setattr(os, "geteuid", lambda: 4_000_000)
    with clerk(settings):
        assert hand_over(["make"], {}, str(settings)) is None


@pytest.mark.parametrize("descriptors", [1, 4])
def test_who_asks_for_nothing_whole_is_told_so_and_leaves_nothing_behind(settings: Path, descriptors: int) -> None:
    with clerk(settings) as service:
        before = descriptors_of(service.pid)
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as peer:
            peer.settimeout(DEADLINE)
            peer.connect(address(settings))
            assert peer.recv(4096).decode() == program_identity()
            socket.send_fds(peer, [b"{"], [0] * descriptors)
            assert peer.recv(4096) == errand.DECLINED
            assert peer.recv(4096) == b""
        wait_until(lambda: descriptors_of(service.pid) == before, DEADLINE, "all are closed")
        with terminal(settings, "exit", "3") as process:
            assert ended(process)[0] == 3


def test_a_changed_module_makes_another_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = tmp_path / "inner" / "module.py"
    module.parent.mkdir()
    module.touch()
    monkeypatch.setattr(errand.netty, "__file__", str(tmp_path / "__init__.py"))
    before = program_identity()
    os.utime(module, ns=(module.stat().st_atime_ns, module.stat().st_mtime_ns + 1))

    assert program_identity() != before


def descriptors_of(pid: int) -> set[str]:
    """The numbers of what a process holds open."""
    return {each.name for each in Path(f"/proc/{pid}/fd").iterdir()}


def children(pid: int) -> list[int]:
    """The processes that this one has started and that still run."""
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
