"""The clerk: a child of the service that carries out commands for this user's terminals, each in a fork of its own."""

import asyncio
import contextlib
import gc
import json
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TextIO, cast

from netty.processes.errand import DECLINED, LONGEST, is_own
from netty.processes.forking import Forked, name_process
from netty.processes.supervisor import wait_ended

log = logging.getLogger(__name__)

_BACKLOG: Final = 64
_PATIENCE: Final = 5.0  # seconds for a terminal to say what it wants
_LAST_WORDS: Final = 3.0  # seconds for the commands under way to end when the service does
_DESCRIPTORS: Final = 4  # standard input, output and error; the folder
_ERROR: Final = 2

CarryOut = Callable[[Sequence[str]], int]
"""Does a command, and gives its exit code."""


def listen_for_errands(address: str) -> socket.socket:
    """The socket that terminals ask for. OSError where its name is taken."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    listener.setblocking(False)
    return listener


@dataclass(frozen=True, slots=True)
class Clerk:
    """Takes commands on `listener`; `program` is what a terminal's own program must be, to the file."""

    listener: socket.socket
    program: str
    carry_out: CarryOut
    _under_way: "set[asyncio.Task[None]]" = field(default_factory=set)

    async def run(self, stopping: asyncio.Event) -> None:
        """Serve until `stopping`; commands that are under way then are interrupted, as by Ctrl-C."""
        accepting = asyncio.create_task(self._accept())
        await stopping.wait()
        accepting.cancel()
        for task in self._under_way:
            task.cancel()
        if self._under_way:
            await asyncio.wait(self._under_way)

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            terminal, _ = await loop.sock_accept(self.listener)
            task = asyncio.create_task(self._serve(terminal))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)

    async def _serve(self, terminal: socket.socket) -> None:
        """One terminal: who we are, what it wants, how it came out. It does its command itself until it has sent it."""
        with terminal, contextlib.suppress(OSError):  # gone, or silent
            if not is_own(terminal):
                return
            terminal.send(self.program.encode())
            async with asyncio.timeout(_PATIENCE):
                errand, descriptors = await _received(terminal)
            if errand is None:
                terminal.send(DECLINED)
                return
            gc.collect()  # a fork makes what is there immortal: no garbage may be among it
            try:
                process = Forked(lambda: _command(errand, descriptors, self.carry_out), descriptors)
            except OSError:  # no room for another process
                terminal.send(DECLINED)
                return
            finally:
                for descriptor in descriptors:
                    os.close(descriptor)
            code = await _ended(process, terminal)
            terminal.send(str(code).encode())


async def _received(terminal: socket.socket) -> tuple[dict[str, Any] | None, list[int]]:
    """The command, and the terminal's descriptors; None and no descriptors where it is not whole."""
    await _readable(terminal)
    data, descriptors, _flags, _address = socket.recv_fds(terminal, LONGEST, _DESCRIPTORS)
    if len(descriptors) == _DESCRIPTORS:
        with contextlib.suppress(ValueError):
            return json.loads(data), descriptors
    for descriptor in descriptors:
        os.close(descriptor)
    return None, []


async def _readable(terminal: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(terminal, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(terminal)


async def _ended(process: Forked, terminal: socket.socket) -> int:
    """Its exit code; meanwhile the terminal may interrupt it, and ends it where it goes away."""
    loop = asyncio.get_running_loop()

    def heard() -> None:
        with contextlib.suppress(OSError):
            if terminal.recv(LONGEST):
                process.send_signal(signal.SIGINT)
                return
        loop.remove_reader(terminal)
        process.send_signal(signal.SIGTERM)

    loop.add_reader(terminal, heard)
    try:
        return await wait_ended(process)
    except asyncio.CancelledError:
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LAST_WORDS):
                return await wait_ended(process)
        process.kill()
        process.wait()
        raise
    finally:
        loop.remove_reader(terminal)


# --- In the command's own process ------------------------------------------------------------------------------------


def _command(errand: dict[str, Any], descriptors: Sequence[int], carry_out: CarryOut) -> int:
    """Become what the terminal's own program would have been, and do what it was asked for."""
    name_process("netty command")
    os.fchdir(descriptors[3])
    for number, descriptor in enumerate(descriptors[:3]):
        os.dup2(descriptor, number)
    for descriptor in descriptors:
        os.close(descriptor)
    os.umask(errand["umask"])
    os.environ.clear()
    os.environ.update(errand["environment"])
    time.tzset()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    logging.getLogger().handlers.clear()
    sys.stdin, sys.stdout, sys.stderr = (
        _stream(number, mode, *named) for number, (mode, named) in enumerate(zip("rww", errand["streams"], strict=True))
    )
    try:
        return carry_out(errand["arguments"])
    finally:
        with contextlib.suppress(OSError):  # nobody reads it any more
            sys.stdout.flush()


def _stream(number: int, mode: str, encoding: str, errors: str) -> TextIO:
    """Standard input, output or error as Python opens them at its start."""
    by_lines = number == _ERROR or os.isatty(number)
    return cast(TextIO, open(number, mode, 1 if by_lines else -1, encoding, errors, closefd=False))
