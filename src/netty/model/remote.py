"""A remote: one registered AE of another hospital, where it is reached and from where it may call (statement 7.1)."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

ALWAYS = ("00:00-24:00",)


class RestartsOn(StrEnum):
    """What restarts the response timer of a C-MOVE (statement 4.2.6: a response; `store` is netty's own offer)."""

    RESPONSE = "response"
    STORE = "store"


class RetrieveLevel(StrEnum):
    """The level at which a C-MOVE may ask. The statement knows only STUDY (table 3)."""

    STUDY = "study"
    SERIES = "series"
    IMAGE = "image"


@dataclass(frozen=True, slots=True)
class Remote:
    """A registered remote AE.

    Attributes:
        name: what people call it; unique, used in commands and settings.
        title: the AE title that we call.
        addresses: IP addresses or host names from which it may call us; `host` where none is given.
        called_from: AE titles with which it calls us; `title` where none is given.
        max_moves: C-MOVEs that may run at once.
        hours: time windows in which automatic work may run, ``HH:MM-HH:MM`` local time.
        managed: given in the settings file, hence read-only elsewhere.
        paused: no automatic work until a person says so.
        response_restarts_on, levels: the remote's own answer where it differs from the settings'.
    """

    name: str
    title: str
    host: str
    port: int
    addresses: tuple[str, ...] = ()
    called_from: tuple[str, ...] = ()
    max_moves: int = 1
    hours: tuple[str, ...] = ALWAYS
    managed: bool = False
    paused: bool = False
    response_restarts_on: RestartsOn | None = None
    levels: tuple[RetrieveLevel, ...] | None = None

    @property
    def calling_addresses(self) -> tuple[str, ...]:
        """From where it may call us."""
        return self.addresses or (self.host,)

    @property
    def calling_titles(self) -> tuple[str, ...]:
        """With which AE titles it may call us."""
        return self.called_from or (self.title,)


@dataclass(frozen=True, slots=True)
class KnownCaller:
    """A remote as the Storage SCP knows it: AE titles and *resolved* IP addresses."""

    remote: str
    titles: frozenset[str]
    addresses: frozenset[str]


def identify_caller(callers: Iterable[KnownCaller], calling_ae_title: str, address: str) -> tuple[str, ...]:
    """The names of the remotes that this AE title *and* this address together name; mostly one, empty if none."""
    return tuple(
        caller.remote for caller in callers if calling_ae_title in caller.titles and address in caller.addresses
    )
