"""The child's side: take jobs from a socket until nobody gives any."""

import signal
import socket
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final, TypeAlias

from netty.errors import NettyError
from netty.processes.job_channel import Answer, AnswerKind, Bytes, Channel, Kind, Message, answers_message
from netty.processes.limits import ChildLimits, allow_cpu, confine
from netty.processes.nursery import run_nursery

Handler: TypeAlias = Callable[[dict[str, Any]], Iterator[tuple[Mapping[str, Any], Bytes]]]

OUT_OF_MEMORY = "out of memory"
_AT_ONCE: Final = 1 << 20  # bytes of replies that may wait for others to be sent with them


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
            if not _serve(channel, handler, message.header["jobs"], limits):
                return
    except ConnectionError:  # nobody wants the answer any more
        return


class _Answers:
    """What is said of the jobs of one message, several answers at a time."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._waiting: list[Answer] = []
        self._bytes = 0

    def add(self, answer: Answer) -> None:
        """Says this, now or with what comes next."""
        self._waiting.append(answer)
        self._bytes += len(answer.payload)
        if self._bytes >= _AT_ONCE:
            self.send()

    def send(self) -> None:
        """Says now what waits."""
        if self._waiting:
            waiting, self._waiting, self._bytes = self._waiting, [], 0
            self._channel.send(answers_message(waiting))


def _serve(channel: Channel, handler: Handler, jobs: Sequence[dict[str, Any]], limits: ChildLimits) -> bool:
    """Some jobs, one after the other; whether this process is fit for more."""
    answers = _Answers(channel)
    for number, job in enumerate(jobs):
        allow_cpu(limits.cpu_seconds)
        try:
            for header, payload in handler(job):
                answers.add(Answer(number, AnswerKind.REPLY, header, payload))
            answers.add(Answer(number, AnswerKind.END))
        except ConnectionError:
            raise
        except MemoryError:
            # What is left of the heap may be in pieces: the next job gets a new process.
            answers.add(Answer(number, AnswerKind.FAILED, {"fault": OUT_OF_MEMORY}))
            answers.send()
            return False
        except NettyError as error:
            said = {"template": error.template, "values": _plain(error.values)}
            answers.add(Answer(number, AnswerKind.FAILED, said))
        except Exception as error:  # a defect of ours must cost one job, not the service; the log has its place
            traceback.print_exc(file=sys.stderr)
            values = {"cause": f"{type(error).__name__}: {error}"[:500]}
            said = {"template": "The renderer failed: {cause}", "values": values}
            answers.add(Answer(number, AnswerKind.FAILED, said))
    answers.send()
    return True


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value if isinstance(value, int | float | str) else str(value) for name, value in values.items()}
