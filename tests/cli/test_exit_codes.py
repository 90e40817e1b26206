"""The exit codes, which scripts rely on."""

import pytest

from netty.cli.exit_codes import exit_code
from netty.cli.problems import BadInput, Unusable
from netty.errors import LocalError, NettyError, PeerError, SettingsError, UsageError
from netty.network.errors import AssociationAborted, AssociationRejected, DimseFailure, RemoteUnreachable, TimedOut


class DiskFull(LocalError):
    """A class that is not in the table: the nearest one above it decides."""


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Unusable("x"), 1),
        (UsageError("x"), 2),
        (BadInput([UsageError("x")]), 2),
        (SettingsError("x"), 3),
        (RemoteUnreachable("x"), 4),
        (AssociationRejected("x"), 5),
        (AssociationAborted("x"), 5),
        (PeerError("x"), 5),
        (DimseFailure("x", 0xA801), 6),
        (TimedOut("west", "response", 60), 8),
        (LocalError("x"), 9),
        (DiskFull("x"), 9),
        (NettyError("x"), 9),
    ],
)
def test_each_kind_of_error_has_its_code(error: NettyError, code: int) -> None:
    assert exit_code(error) == code
