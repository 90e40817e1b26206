"""The exit codes, which scripts rely on, and the error that leads to each."""

from enum import IntEnum
from functools import cache

from netty.cli.problems import Unusable
from netty.errors import LocalError, NettyError, PeerError, SettingsError, UsageError


class ExitCode(IntEnum):
    """What the command's end says. The lower-case name is the ``code`` of an error in JSON."""

    OK = 0
    NEGATIVE = 1  # nothing matched, a difference, problems found
    USAGE = 2
    SETTINGS = 3
    UNREACHABLE = 4
    ASSOCIATION = 5  # rejected or aborted
    DIMSE = 6  # a failure status
    PARTLY = 7
    TIMEOUT = 8
    LOCAL = 9  # disk, database, no service running
    INTERRUPTED = 130

    @property
    def word(self) -> str:
        """The code's name for programs."""
        return self.name.lower()


@cache
def _codes() -> dict[type[NettyError], ExitCode]:
    # Here, not above: only a command that has failed needs the network's errors.
    from netty.network.errors import AssociationAborted, AssociationRejected, DimseFailure, RemoteUnreachable, TimedOut

    return {
        Unusable: ExitCode.NEGATIVE,
        UsageError: ExitCode.USAGE,
        SettingsError: ExitCode.SETTINGS,
        RemoteUnreachable: ExitCode.UNREACHABLE,
        AssociationRejected: ExitCode.ASSOCIATION,
        AssociationAborted: ExitCode.ASSOCIATION,
        DimseFailure: ExitCode.DIMSE,
        TimedOut: ExitCode.TIMEOUT,
        PeerError: ExitCode.ASSOCIATION,  # it broke the protocol: we aborted
        LocalError: ExitCode.LOCAL,
        NettyError: ExitCode.LOCAL,
    }


def exit_code(error: NettyError) -> ExitCode:
    """The code of the nearest class above `error` that stands in the table."""
    codes = _codes()
    return next(codes[kind] for kind in type(error).__mro__ if kind in codes)
