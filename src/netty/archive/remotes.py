"""The registered remotes."""

from collections.abc import Iterable

from netty.archive.database import Database
from netty.model.remote import Remote


class Remotes:
    """The registered remotes; those with `managed` come from the settings and cannot be changed here."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list(self) -> list[Remote]:
        """All remotes, by name."""
        raise NotImplementedError

    def get(self, name: str) -> Remote:
        """One remote; UsageError with the nearest name where there is none."""
        raise NotImplementedError

    def add(self, remote: Remote) -> None:
        """Add a remote; UsageError where the name is taken."""
        raise NotImplementedError

    def edit(self, remote: Remote) -> None:
        """Replace the remote of this name; UsageError where there is none or it is managed by the settings."""
        raise NotImplementedError

    def pause(self, name: str, paused: bool) -> None:
        """Stop or resume automatic work for a remote, managed or not."""
        raise NotImplementedError

    def remove(self, name: str) -> None:
        """Remove a remote; UsageError where there is none or it is managed by the settings."""
        raise NotImplementedError

    def replace_managed(self, remotes: Iterable[Remote]) -> None:
        """Make the managed remotes exactly these; a remote added by hand under such a name becomes managed."""
        raise NotImplementedError
