"""A child for the tests of the pool: real work of every bad kind. Run as a program."""

import math
import os
import signal
import sys
import time
from collections.abc import Iterator
from typing import Any

from netty.errors import PeerError
from netty.processes.worker import serve_jobs

COMMAND = (sys.executable, __file__)


def handle(job: dict[str, Any]) -> Iterator[tuple[dict[str, Any], bytes]]:
    """Does what the job's `do` says."""
    match job["do"]:
        case "answer":
            for number in range(job["times"]):
                yield {"number": number, "pid": os.getpid()}, bytes([number % 256]) * job.get("size", 1)
        case "allocate":
            yield {"began": True}, b""
            yield {"sum": len(bytearray(job["bytes"]))}, b""
        case "loop":
            until = time.process_time() + job.get("seconds", math.inf)
            while time.process_time() < until:
                pass
            yield {}, b""
        case "sleep":
            time.sleep(3600)
        case "die":
            os.kill(os.getpid(), getattr(signal, job["signal"]))
        case "exit":
            os._exit(job["code"])
        case "refuse":
            raise PeerError("The picture {name} has no size.", name=job["name"])
        case "fail":
            raise ZeroDivisionError("by nothing")


if __name__ == "__main__":
    serve_jobs(handle)
