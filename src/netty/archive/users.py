"""Users with their passwords as argon2 hashes, and their sessions."""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cache
from threading import BoundedSemaphore
from typing import Any, Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import ColumnElement, Connection, Row, or_, select

from netty.archive.database import Database
from netty.archive.tables import sessions, users
from netty.errors import UsageError

MINIMUM_LENGTH: Final = 13  # MHLW guideline v6.0 section 14: from 13 random characters on no rotation is asked for
FAILURES_BEFORE_LOCK: Final = 5
LOCKED_FOR: Final = timedelta(minutes=5)
IDLE_TIME: Final = timedelta(minutes=30)
LONGEST_SESSION: Final = timedelta(hours=12)
_SEEN_WITHIN: Final = timedelta(minutes=1)  # how exact `seen_at` is: not every request shall write


_LEGIBLE: Final = "abcdefghjkmnpqrstuvwxyz23456789"  # neither 0 and o nor 1, i and l
_HASHER: Final = PasswordHasher()  # argon2id with RFC 9106's low-memory parameters: 64 MiB each
_ONE_AT_A_TIME: Final = BoundedSemaphore(2)  # so that a hail of logins does not eat the memory


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
    return "-".join("".join(secrets.choice(_LEGIBLE) for _ in range(4)) for _ in range(4))


class Users:
    """Users with argon2 hashes and lock-out."""

    def __init__(self, database: Database, now: Callable[[], datetime] = utc_now) -> None:
        self._database = database
        self._now = now

    def add(self, name: str, password: str, role: Role, must_change: bool = False) -> User:
        """Add a user; UsageError where the name is taken or not usable, or the password is too short."""
        if not name or name != name.strip() or not name.isprintable() or len(name) > 64:
            raise UsageError("{name} cannot be a user's name. Use 1 to 64 printable characters.", name=repr(name))
        row = {
            "name": name,
            "password_hash": _hashed(password),
            "role": role,
            "must_change": must_change,
            "failures": 0,
            "created_at": self._now(),
        }
        with self._database.write() as connection:
            if _row(connection, name) is not None:
                raise UsageError("There is already a user {name}.", name=name)
            connection.execute(users.insert(), row)
        return self.get(name)

    def check(self, name: str, password: str) -> User | None:
        """The user, if the password is right and the user is not locked out. Takes ~0.2 s of CPU: use a thread."""
        with self._database.read() as connection:
            row = _row(connection, name)
        # An unknown name costs the same time as a known one, and so does a locked one.
        right = _is_right(row.password_hash if row is not None else _hash_of_nobody(), password)
        if row is None:
            return None
        with self._database.write() as connection:
            row = _row(connection, name)  # again: others may have guessed meanwhile
            now = self._now()
            if row is None or (row.locked_until is not None and row.locked_until > now):
                return None
            values = _after_success(now) if right else _after_failure(row, now)
            connection.execute(users.update().where(users.c.id == row.id).values(values))
            return _user(_row(connection, name)) if right else None

    def set_password(self, name: str, password: str, must_change: bool = False) -> None:
        """Set a password, lift the lock-out, and end all sessions of the user."""
        hashed = _hashed(password)
        with self._database.write() as connection:
            number = _required(connection, name).id
            connection.execute(
                users.update()
                .where(users.c.id == number)
                .values(password_hash=hashed, must_change=must_change, failures=0, locked_until=None)
            )
            connection.execute(sessions.delete().where(sessions.c.user == number))

    def get(self, name: str) -> User:
        """One user; UsageError where there is none."""
        with self._database.read() as connection:
            return _user(_required(connection, name))

    def remove(self, name: str) -> None:
        """Remove a user and the sessions; UsageError where there is none, or it is the last administrator."""
        with self._database.write() as connection:
            row = _required(connection, name)
            others = select(users.c.id).where(users.c.role == Role.ADMIN, users.c.id != row.id)
            if row.role == Role.ADMIN and connection.scalar(others.limit(1)) is None:
                raise UsageError("{name} is the only administrator. Add another one first.", name=name)
            connection.execute(users.delete().where(users.c.id == row.id))

    def list(self) -> list[User]:
        """All users, by name."""
        with self._database.read() as connection:
            return [_user(row) for row in connection.execute(select(users).order_by(users.c.name))]


def _hashed(password: str) -> str:
    if len(password) < MINIMUM_LENGTH:
        raise UsageError("The password is too short. It needs at least {count} characters.", count=MINIMUM_LENGTH)
    with _ONE_AT_A_TIME:
        return _HASHER.hash(password)


def _is_right(hashed: str, password: str) -> bool:
    try:
        with _ONE_AT_A_TIME:
            return _HASHER.verify(hashed, password)
    except (VerificationError, InvalidHashError):
        return False


@cache
def _hash_of_nobody() -> str:
    return _HASHER.hash(secrets.token_hex())


def _after_success(now: datetime) -> dict[str, Any]:
    return {"failures": 0, "locked_until": None, "last_login_at": now}


def _after_failure(row: Row[Any], now: datetime) -> dict[str, Any]:
    failures = row.failures + 1
    if failures < FAILURES_BEFORE_LOCK:
        return {"failures": failures}
    return {"failures": 0, "locked_until": now + LOCKED_FOR}


def _row(connection: Connection, name: str) -> Row[Any] | None:
    return connection.execute(select(users).where(users.c.name == name)).one_or_none()


def _required(connection: Connection, name: str) -> Row[Any]:
    row = _row(connection, name)
    if row is None:
        raise UsageError("There is no user {name}. See: netty users list", name=name)
    return row


def _user(row: Any) -> User:
    return User(row.id, row.name, Role(row.role), row.must_change, row.created_at, row.last_login_at, row.locked_until)


class Sessions:
    """Sessions; the database knows only the SHA-256 of a cookie, so that its reader cannot take one over."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def start(self, user: User, now: datetime) -> tuple[str, str]:
        """A new session: its cookie and its CSRF token."""
        cookie, csrf_token = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        row = {"cookie_sha256": _digest(cookie), "user": user.id, "csrf_token": csrf_token}
        with self._database.write() as connection:
            connection.execute(sessions.delete().where(_expired(now)))
            connection.execute(sessions.insert(), row | {"started_at": now, "seen_at": now})
        return cookie, csrf_token

    def find(self, cookie: str, now: datetime) -> Session | None:
        """The session of a cookie, unless it was idle or old for too long; says that it is in use."""
        query = select(sessions.c.csrf_token, sessions.c.started_at, sessions.c.seen_at, users).join(users)
        query = query.where(sessions.c.cookie_sha256 == _digest(cookie), ~_expired(now))
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            return None
        if now - row.seen_at > _SEEN_WITHIN:
            with self._database.write() as connection:
                this = sessions.c.cookie_sha256 == _digest(cookie)
                connection.execute(sessions.update().where(this).values(seen_at=now))
        return Session(_user(row), row.csrf_token, row.started_at)

    def end(self, cookie: str) -> None:
        """Log out."""
        with self._database.write() as connection:
            connection.execute(sessions.delete().where(sessions.c.cookie_sha256 == _digest(cookie)))

    def remove_expired(self, now: datetime) -> int:
        """Remove sessions that nobody can use any more."""
        with self._database.write() as connection:
            return connection.execute(sessions.delete().where(_expired(now))).rowcount


def _digest(cookie: str) -> str:
    return hashlib.sha256(cookie.encode("utf-8", "replace")).hexdigest()


def _expired(now: datetime) -> ColumnElement[bool]:
    return or_(sessions.c.seen_at <= now - IDLE_TIME, sessions.c.started_at <= now - LONGEST_SESSION)
