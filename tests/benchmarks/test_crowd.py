"""A small crowd before a real service: what is measured is there, and nobody in it is cut off."""

from pathlib import Path

from bench.crowd import Crowd
from bench.hostile_targets import netty_target

from support.waiting import wait_until


def connections(port: int) -> int:
    """How many are established with a port of this machine (proc(5), /proc/net/tcp)."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(row[1].endswith(f":{port:04X}") and row[3] == "01" for row in rows)


def test_what_a_crowd_costs_is_measured_and_a_good_sender_beside_it_loses_nothing(tmp_path: Path) -> None:
    with netty_target(tmp_path) as target, Crowd(target.port, target.process.pid) as crowd:
        assert len(crowd.gather(50, usual=5)) == 1  # how much is only to be told where nobody starts programs beside it
        crowd.slow_down(target, 5)

        assert connections(target.port) == 55
        assert crowd.good_sender(target, 3).lost == 0
        assert crowd.slow_echo(5) > 0
        wait_until(lambda: not target.missing(target.acknowledged), 30, "what was acknowledged is registered")
        assert len(target.acknowledged) == 3
