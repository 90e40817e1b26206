"""Input with several things wrong in it: all are told, and nothing is done."""

from collections.abc import Iterable

from netty.errors import NettyError, UsageError


class BadInput(UsageError):
    """What a person handed in cannot be taken; each problem is a sentence with its place."""

    def __init__(self, problems: Iterable[NettyError]) -> None:
        self.problems = tuple(problems)
        super().__init__("Nothing was changed. {first}", first=self.problems[0])


class Unusable(NettyError):
    """A file that was looked at and is of no use: a negative answer, nobody's mistake in calling."""
