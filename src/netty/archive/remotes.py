"""The registered remotes."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, select

from netty.archive.database import Database, insert_or_replace
from netty.archive.tables import remotes
from netty.errors import UsageError
from netty.model.remote import Remote, RestartsOn, RetrieveLevel

_BY_NAME: Final = select(remotes).where(remotes.c.name == bindparam("of_name"))


class Remotes:
    """The registered remotes; those with `managed` come from the settings and cannot be changed here."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list(self) -> list[Remote]:
        """All remotes, by name."""
        with self._database.read() as connection:
            return [_remote(row) for row in connection.execute(select(remotes).order_by(remotes.c.name))]

    def get(self, name: str) -> Remote:
        """One remote; UsageError with the nearest name where there is none."""
        with self._database.read() as connection:
            row = connection.execute(_BY_NAME, {"of_name": name}).one_or_none()
            if row is None:
                raise unknown_remote(connection, name)
            return _remote(row)

    def add(self, remote: Remote) -> None:
        """Add a remote; UsageError where the name is taken."""
        with self._database.write() as connection:
            if connection.scalar(select(remotes.c.id).where(remotes.c.name == remote.name)) is not None:
                raise UsageError("There is already a remote named {name}.", name=remote.name)
            connection.execute(remotes.insert(), _row(remote))

    def edit(self, remote: Remote) -> None:
        """Replace the remote of this name; UsageError where there is none or it is managed by the settings."""
        with self._database.write() as connection:
            _require_ours(connection, remote.name)
            connection.execute(remotes.update().where(remotes.c.name == remote.name), _row(remote) | {"managed": False})

    def pause(self, name: str, paused: bool) -> None:
        """Stop or resume automatic work for a remote, managed or not."""
        with self._database.write() as connection:
            if not connection.execute(remotes.update().where(remotes.c.name == name).values(paused=paused)).rowcount:
                raise unknown_remote(connection, name)

    def remove(self, name: str) -> None:
        """Remove a remote; UsageError where there is none or it is managed by the settings."""
        with self._database.write() as connection:
            _require_ours(connection, name)
            connection.execute(remotes.delete().where(remotes.c.name == name))

    def replace_managed(self, given: Iterable[Remote]) -> None:
        """Make the managed remotes exactly these; a remote added by hand under such a name becomes managed."""
        managed = {one.name: one for one in given}
        with self._database.write() as connection:
            known = {row.name: row for row in connection.execute(select(remotes))}
            gone = [name for name, row in known.items() if row.managed and name not in managed]
            if gone:
                connection.execute(remotes.delete().where(remotes.c.name.in_(gone)))
            for name, one in managed.items():
                # Whether it is paused was said by a person, here; the settings do not know.
                paused = known[name].paused if name in known else one.paused
                values = _row(one) | {"managed": True, "paused": paused}
                insert_or_replace(connection, remotes, [values], ["name"])


def unknown_remote(connection: Connection, name: str) -> UsageError:
    """The error for a name that no remote has, with the nearest that one has."""
    names = list(connection.scalars(select(remotes.c.name).order_by(remotes.c.name)))
    near = get_close_matches(name, names, 1, 0.5)
    if near:
        return UsageError("There is no remote named {name}. Did you mean {near}?", name=name, near=near[0])
    if names:
        return UsageError("There is no remote named {name}. Known are: {names}.", name=name, names=", ".join(names))
    return UsageError("There is no remote named {name}; none is registered yet: netty remotes add", name=name)


def _require_ours(connection: Connection, name: str) -> None:
    managed = connection.scalar(select(remotes.c.managed).where(remotes.c.name == name))
    if managed is None:
        raise unknown_remote(connection, name)
    if managed:
        raise UsageError("The remote {name} is given in the settings file; change it there.", name=name)


def _row(remote: Remote) -> dict[str, Any]:
    return {
        "name": remote.name,
        "title": remote.title,
        "host": remote.host,
        "port": remote.port,
        "addresses": list(remote.addresses),
        "called_from": list(remote.called_from),
        "max_moves": remote.max_moves,
        "hours": list(remote.hours),
        "managed": remote.managed,
        "paused": remote.paused,
        "response_restarts_on": remote.response_restarts_on,
        "levels": None if remote.levels is None else list(remote.levels),
    }


def _remote(row: Row[Any]) -> Remote:
    return Remote(
        name=row.name,
        title=row.title,
        host=row.host,
        port=row.port,
        addresses=tuple(row.addresses),
        called_from=tuple(row.called_from),
        max_moves=row.max_moves,
        hours=tuple(row.hours),
        managed=row.managed,
        paused=row.paused,
        response_restarts_on=row.response_restarts_on and RestartsOn(row.response_restarts_on),
        levels=None if row.levels is None else tuple(RetrieveLevel(level) for level in row.levels),
    )
