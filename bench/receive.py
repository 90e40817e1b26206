"""How fast images are received, over one association and over several, on the disk and in memory."""

import multiprocessing
import secrets
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from bench.contest import Contestant, Result, Table, compete, rate
from bench.load import Image, made_images, send
from bench.machine import cpu_seconds
from bench.receivers import CALLING, RECEIVERS, Receiver, running
from bench.scope import Scope

_COUNT = 400
_MEMORY = Path("/dev/shm")


def tables(scope: Scope) -> Iterator[Table]:
    """One for each PDU length, number of associations and place."""
    places = [("disk", scope.folder), *([("memory", _MEMORY)] if _MEMORY.is_dir() else [])]
    for name, place in places:
        for max_pdu, associations in ((16384, 1), (131072, 1), (16384, 4)):
            title = f"receive {_COUNT} CT of 0.5 MB: {associations} association(s), PDU {max_pdu}, {name}"
            contestants = [
                Contestant(one.name, one.promise, partial(measure, one, _COUNT, place, max_pdu, associations))
                for one in RECEIVERS
                if not one.missing()
            ]
            yield compete(title, contestants, scope.rounds)


def measure(receiver: Receiver, count: int, folder: Path | None, max_pdu: int, associations: int) -> Result:
    """Send to a receiver that is started for it, and count what it has then."""
    study = f"2.25.{secrets.randbits(64)}"
    images = made_images(study, count)
    with tempfile.TemporaryDirectory(prefix="netty-bench-", dir=folder) as place:
        kept = Path(place) / "received"
        kept.mkdir()
        with running(receiver, study, kept, max_pdu) as (port, pid):
            before = cpu_seconds(pid)
            seconds, refused = _sent(port, receiver.title, images, associations)
            cpu = cpu_seconds(pid) - before
        done = min(receiver.kept(kept), count - refused)
        if done < count:
            print(f"{receiver.name} kept {done} of {count}; its log ends:", file=sys.stderr)
            print((Path(place) / f"{kept.name}.log").read_text(errors="replace")[-2000:], file=sys.stderr)
    return rate(count, seconds, cpu=cpu, done=done)


def _sent(port: int, title: str, images: list[Image], associations: int) -> tuple[float, int]:
    """Seconds from the first byte to the last response, and how many were refused; one process per association."""
    if associations == 1:
        sent = send("127.0.0.1", port, title, CALLING, images)
        return sent.seconds, sent.refused
    began = time.perf_counter()
    with multiprocessing.get_context("fork").Pool(associations) as pool:
        shares = [("127.0.0.1", port, title, CALLING, images[number::associations]) for number in range(associations)]
        results = pool.starmap(send, shares)
    return time.perf_counter() - began, sum(result.refused for result in results)
