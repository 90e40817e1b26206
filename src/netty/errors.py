"""The errors of netty: one small tree that says whose fault it is.

An error carries its sentence as a template with named values, so that the edges (command line, pages) can say it
in the reader's language: ``language.translate(error.template).format(**error.values)``.
"""

from typing import Any


class NettyError(Exception):
    """Any failure that netty foresees. `template` is an English sentence with ``{names}``; `values` fills it."""

    def __init__(self, template: str, /, **values: Any) -> None:
        self.template = template
        self.values = values
        super().__init__(template, values)

    def __str__(self) -> str:
        return self.template.format(**self.values)


class PeerError(NettyError):
    """The other side broke the protocol, refused, or went away: abort, and perhaps try again later."""


class LocalError(NettyError):
    """Our own side cannot go on: a setting, the disk, the database, a wrong call."""


class UsageError(LocalError):
    """What the user asked for cannot be asked for like this; the message says how to ask."""


class SettingsError(LocalError):
    """The settings are not valid; the message names the key, the place and the nearest right one."""
