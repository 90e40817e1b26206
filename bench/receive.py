"""How fast images are received: rounds in turn, so that what the machine does meanwhile befalls all alike."""

import secrets
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.load import made_images, send
from bench.receivers import CALLING, RECEIVERS, Receiver, running


@dataclass(slots=True)
class Measured:
    """The speeds of one receiver, in MB/s, one for each round; and how many images it did not keep."""

    speeds: list[float] = field(default_factory=list)
    lost: int = 0

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.speeds)


def compare(rounds: int, count: int, folder: Path | None) -> bool:
    """Measure all and print the table; whether netty was as fast as DCMTK and everybody kept everything."""
    present = [receiver for receiver in RECEIVERS if not receiver.missing()]
    measured = {receiver.name: Measured() for receiver in present}
    for number in range(1, rounds + 1):
        for receiver in present:
            print(f"round {number} of {rounds}: {receiver.name}", file=sys.stderr)
            _measure(receiver, count, folder, measured[receiver.name])
    _print_table(present, measured, count)
    return _summary(measured)


def _measure(receiver: Receiver, count: int, folder: Path | None, into: Measured) -> None:
    study = f"2.25.{secrets.randbits(64)}"
    images = made_images(study, count)
    with tempfile.TemporaryDirectory(prefix="netty-bench-", dir=folder) as place:
        kept = Path(place) / "received"
        kept.mkdir()
        with running(receiver, study, kept) as port:
            sent = send("127.0.0.1", port, receiver.title, CALLING, images)
        into.speeds.append(sent.megabytes_per_second)
        lost = count - min(receiver.kept(kept), count - sent.refused)
        into.lost += lost
        if lost:
            print(f"{receiver.name} kept {count - lost} of {count}; its log ends:", file=sys.stderr)
            print((Path(place) / f"{kept.name}.log").read_text(errors="replace")[-2000:], file=sys.stderr)


def _print_table(receivers: Sequence[Receiver], measured: dict[str, Measured], count: int) -> None:
    first = measured[receivers[0].name].median
    print(f"\n{count} CT of 0.5 MB over one association; MB/s, median and range\n")
    print(f"{'receiver':<16} {'median':>7} {'range':>13} {'netty is':>9}  before it says success")
    for receiver in receivers:
        result = measured[receiver.name]
        span = f"{min(result.speeds):.0f}-{max(result.speeds):.0f}"
        ratio = f"{first / result.median:.2f} x"
        print(f"{receiver.name:<16} {result.median:>7.0f} {span:>13} {ratio:>9}  {receiver.promise}")
    print()


def _summary(measured: dict[str, Measured]) -> bool:
    lost = sum(result.lost for result in measured.values())
    netty, dcmtk = measured["netty"], measured.get("DCMTK storescp")
    if lost:
        print(f"bench: FAILED: {lost} images were not kept")
        return False
    if dcmtk is None:
        print(f"bench: netty receives {netty.median:.0f} MB/s; DCMTK is not installed (apt-get install -y dcmtk)")
        return True
    ratio = netty.median / dcmtk.median
    verdict = "ok" if ratio >= 1 else "FELL SHORT"
    print(f"bench: {verdict}: netty receives {netty.median:.0f} MB/s, {ratio:.2f} times DCMTK's {dcmtk.median:.0f}")
    return ratio >= 1
