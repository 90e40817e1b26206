"""What goes wrong on a page, in words; and as problem+json (RFC 9457) where a program asked."""

import logging
from dataclasses import dataclass
from typing import Final

from netty.archive.errors import BlobMissing
from netty.errors import LocalError, NettyError, PeerError, SettingsError, UsageError
from netty.language import mark

log = logging.getLogger(__name__)


class NotFound(NettyError):
    """Absent, or not for this reader: the answer is the same, so that it tells nothing."""


class Forbidden(NettyError):
    """The reader's role does not allow it."""


class LoginRequired(NettyError):
    """Nobody is logged in, or the session ended."""

    def __init__(self) -> None:
        super().__init__("Please log in; your session may have ended.")


class PasswordMustChange(NettyError):
    """The one-time password is still in use."""

    def __init__(self) -> None:
        super().__init__("Choose a password of your own before you go on.")


class StaleForm(NettyError):
    """The CSRF token lacks or is wrong."""

    def __init__(self) -> None:
        super().__init__("This page is too old, or was not opened from netty. Open it again and repeat.")


class Busy(NettyError):
    """Too much of it at once."""


NOT_HERE: Final = mark("There is nothing at this address, or it is not for you to see.")


@dataclass(frozen=True, slots=True)
class Kind:
    """How a problem is told: HTTP status, the word for programs, the heading for people."""

    status: int
    code: str
    title: str


_LOCAL: Final = Kind(503, "local", mark("netty has a problem of its own"))
_NOT_FOUND: Final = Kind(404, "not_found", mark("Not found"))
# The first class that fits decides.
_KINDS: Final[tuple[tuple[type[NettyError], Kind], ...]] = (
    (NotFound, _NOT_FOUND),
    (BlobMissing, _NOT_FOUND),
    (Forbidden, Kind(403, "forbidden", mark("Not allowed"))),
    (LoginRequired, Kind(401, "login_required", mark("Log in"))),
    (PasswordMustChange, Kind(403, "password_must_change", mark("Change the password"))),
    (StaleForm, Kind(403, "stale_form", mark("Please repeat"))),
    (Busy, Kind(503, "busy", mark("Too busy just now"))),
    (SettingsError, _LOCAL),
    (UsageError, Kind(400, "usage", mark("This cannot be done"))),
    (LocalError, _LOCAL),
    (PeerError, Kind(502, "peer", mark("The remote did not help"))),
)
_HTTP_TITLES: Final = {
    400: mark("The request cannot be understood"),
    404: _NOT_FOUND.title,
    405: mark("Not allowed"),
    408: mark("Too slow"),
    413: mark("Too large"),
}
UNFORESEEN: Final = Kind(500, "internal", mark("Something went wrong that nobody foresaw"))
UNFORESEEN_DETAIL: Final = mark("It stands in the log under the number {number}. Please tell your administrator.")


def kind_of(error: NettyError) -> Kind:
    """How this error is told."""
    return next((kind for kind_of_error, kind in _KINDS if isinstance(error, kind_of_error)), _LOCAL)


def http_kind(status: int) -> Kind:
    """How a bare HTTP status is told."""
    title = _HTTP_TITLES.get(status, _HTTP_TITLES[400])
    return Kind(status, "not_found" if status == 404 else "usage", title)
