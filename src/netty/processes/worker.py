"""The child's side: take jobs from standard input, which is a socket, until the parent is gone."""

import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from netty.errors import NettyError
from netty.processes.job_channel import Channel, Kind, Message
from netty.processes.lifeline import die_with_parent
from netty.processes.limits import ChildLimits, allow_cpu, confine

Handler: TypeAlias = Callable[[dict[str, Any]], Iterator[tuple[Mapping[str, Any], bytes]]]

OUT_OF_MEMORY = "out of memory"


def serve_jobs(handler: Handler) -> None:
    """Runs `handler` for each job and sends each answer as it comes; returns when the parent is gone."""
    # Draining and Ctrl-C are the parent's business; it closes the socket, or kills.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    channel = _channel_of_standard_input()
    start = channel.receive()
    if start is None:
        return
    limits = ChildLimits(**start.header["limits"])
    die_with_parent(start.header["parent"])
    confine(limits)
    try:
        channel.send(Message(Kind.READY))
        while (message := channel.receive()) is not None:
            allow_cpu(limits.cpu_seconds)
            if not _serve(channel, handler, dict(message.header)):
                return
    except ConnectionError:  # nobody wants the answer any more
        return


def _serve(channel: Channel, handler: Handler, job: dict[str, Any]) -> bool:
    """One job; whether this process is fit for another."""
    try:
        for header, payload in handler(job):
            channel.send(Message(Kind.REPLY, header, payload))
    except ConnectionError:
        raise
    except MemoryError:
        # What is left of the heap may be in pieces: the next job gets a new process.
        channel.send(Message(Kind.FAILED, {"fault": OUT_OF_MEMORY}))
        return False
    except NettyError as error:
        channel.send(Message(Kind.FAILED, {"template": error.template, "values": _plain(error.values)}))
    except Exception as error:  # a defect of ours must cost one job, not the service; the log has its place
        traceback.print_exc(file=sys.stderr)
        values = {"cause": f"{type(error).__name__}: {error}"[:500]}
        channel.send(Message(Kind.FAILED, {"template": "The renderer failed: {cause}", "values": values}))
    else:
        channel.send(Message(Kind.END))
    return True


def _channel_of_standard_input() -> Channel:
    sock = socket.socket(fileno=os.dup(0))
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)  # no library shall read our messages
    os.close(null)
    return Channel(sock)


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value if isinstance(value, int | float | str) else str(value) for name, value in values.items()}
