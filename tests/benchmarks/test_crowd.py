"""A small crowd before a real service: what is measured is there, and nobody in it is cut off."""

from pathlib import Path

from bench.crowd import Crowd
from bench.hostile_targets import netty_target

from support.waiting import wait_until


def test_what_a_crowd_costs_is_measured_and_a_good_sender_beside_it_loses_nothing(tmp_path: Path) -> None:
    with netty_target(tmp_path) as target, Crowd(target.port, target.process.pid) as crowd:
        (each,) = crowd.gather(50, usual=5)
        crowd.slow_down(target, 5)

        assert each != 0  # below it where others start the same programs meanwhile: shared pages count less then
        assert crowd.good_sender(target, 3).lost == 0
        assert crowd.slow_echo(5) > 0
        wait_until(lambda: not target.missing(target.acknowledged), 30, "what was acknowledged is registered")
        assert len(target.acknowledged) == 3
