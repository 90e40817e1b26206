"""Users and their sessions."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from netty.archive.database import Database

MINIMUM_LENGTH = 13  # MHLW guideline v6.0 section 14: from 13 random characters on no rotation is asked for
FAILURES_BEFORE_LOCK = 5
LOCKED_FOR = timedelta(minutes=5)
IDLE_TIME = timedelta(minutes=30)
LONGEST_SESSION = timedelta(hours=12)


class Role(StrEnum):
    """What a user may do; each may do what those before it may."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class User:
    """A person who may log in. `must_change`: the password was given by somebody else."""

    id: int
    name: str
    role: Role
    must_change: bool
    created_at: datetime
    last_login_at: datetime | None = None
    locked_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """A logged-in browser; `csrf_token` is what its forms must bring along."""

    user: User
    csrf_token: str
    started_at: datetime


def utc_now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


def one_time_password() -> str:
    """A random password that people can type: letters and digits that look unlike each other, in groups."""
    raise NotImplementedError


class Users:
    """Users with argon2 hashes and lock-out."""

    def __init__(self, database: Database, now: Callable[[], datetime] = utc_now) -> None:
        self._database = database
        self._now = now

    def add(self, name: str, password: str, role: Role, must_change: bool = False) -> User:
        """Add a user; UsageError where the name is taken or not usable, or the password is too short."""
        raise NotImplementedError

    def check(self, name: str, password: str) -> User | None:
        """The user, if the password is right and the user is not locked out. Takes ~0.2 s of CPU: use a thread."""
        raise NotImplementedError

    def set_password(self, name: str, password: str, must_change: bool = False) -> None:
        """Set a password, lift the lock-out, and end all sessions of the user."""
        raise NotImplementedError

    def list(self) -> list[User]:
        """All users, by name."""
        raise NotImplementedError

    def get(self, name: str) -> User:
        """One user; UsageError where there is none."""
        raise NotImplementedError

    def remove(self, name: str) -> None:
        """Remove a user and the sessions; UsageError where there is none, or it is the last administrator."""
        raise NotImplementedError


class Sessions:
    """Sessions on the server; the database knows only the SHA-256 of a cookie."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def start(self, user: User, now: datetime) -> tuple[str, str]:
        """A new session: its cookie and its CSRF token."""
        raise NotImplementedError

    def find(self, cookie: str, now: datetime) -> Session | None:
        """The session of a cookie, unless it was idle or old for too long; says that it is in use."""
        raise NotImplementedError

    def end(self, cookie: str) -> None:
        """Log out."""
        raise NotImplementedError

    def remove_expired(self, now: datetime) -> int:
        """Remove sessions that nobody can use any more."""
        raise NotImplementedError
