"""The child's side: take jobs from a socket until nobody gives any."""

import signal
import socket
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, TypeAlias

from netty.errors import NettyError
from netty.processes.job_channel import Channel, Kind, Message
from netty.processes.limits import ChildLimits, allow_cpu, confine
from netty.processes.nursery import run_nursery

Handler: TypeAlias = Callable[[dict[str, Any]], Iterator[tuple[Mapping[str, Any], bytes]]]

OUT_OF_MEMORY = "out of memory"


def serve_jobs(handler: Handler) -> None:
    """A nursery of children that run `handler` for each job and send each answer as it comes."""
    run_nursery(partial(_serve_all, handler))


def _serve_all(handler: Handler, sock: socket.socket) -> None:
    # Draining and Ctrl-C are the business of who gives the jobs; it closes the socket, or kills.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    channel = Channel(sock)
    start = channel.receive()
    if start is None:
        return
    limits = ChildLimits(**start.header["limits"])
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


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value if isinstance(value, int | float | str) else str(value) for name, value in values.items()}
