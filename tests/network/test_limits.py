"""What one peer may cost: the limits of the settings reach the engine, the messages and the walk."""

from pathlib import Path

import pytest

from netty.config import settings_from
from netty.config.problems import SettingsProblems
from netty.network.settings import LimitSettings, ReceiveLimits
from support.raw_peer import ABORT, COMMAND, DATA, IMPLICIT, Request, data_tf, raw_peer
from support.receiving import receiving

FILE = Path("/srv/netty/netty.toml")


def test_the_limits_of_the_settings_are_those_of_associations_and_data_sets() -> None:
    settings = settings_from("[limits]\nrequest = 5000\ndepth = 7\nminimum_rate = 9\ndata_set = 2000000\n", FILE)

    association, data_set = settings.limits.of_association(3), settings.limits.of_data_set

    assert (association.request, association.minimum_rate, association.idle) == (5000, 9, 3)
    assert (data_set.depth, data_set.size, association.data_set) == (7, 2_000_000, 2_000_000)


def test_the_defaults_are_those_of_the_parts() -> None:
    assert LimitSettings().of_association(0) == ReceiveLimits()


@pytest.mark.parametrize(
    "line", ["depth = 65", "depth = 0", "request = 10", "request_deadline = 0", "minimum_rate = -1", "data_set = 0"]
)
def test_a_limit_that_would_protect_nobody_is_refused(line: str) -> None:
    with pytest.raises(SettingsProblems, match=line.split()[0]):
        settings_from(f"[limits]\n{line}\n", FILE)


def test_a_request_longer_than_its_limit_is_an_abort(tmp_path: Path) -> None:
    long = Request(contexts=[(2 * number + 1, "1.2.3.4", (IMPLICIT,)) for number in range(128)])
    with receiving(tmp_path, limits=ReceiveLimits(request=4096)) as running, raw_peer(running.port) as peer:
        peer.send(long.encoded())

        assert peer.pdu()[:1] == bytes((ABORT,))


def test_a_command_set_longer_than_its_limit_is_an_abort(tmp_path: Path) -> None:
    with receiving(tmp_path, limits=ReceiveLimits(command_set=2000)) as running, raw_peer(running.port) as peer:
        peer.associate()
        peer.send(data_tf(1, COMMAND, bytes(1500)) * 2)

        assert peer.pdu()[:1] == bytes((ABORT,)) != bytes((DATA,))
