"""Users and sessions: who gets in, and for how long."""

from datetime import datetime, timedelta
from time import perf_counter

import pytest
from sqlalchemy import select

from netty.archive import tables
from netty.archive.database import Database
from netty.archive.users import (
    FAILURES_BEFORE_LOCK,
    IDLE_TIME,
    LOCKED_FOR,
    LONGEST_SESSION,
    MINIMUM_LENGTH,
    Role,
    Sessions,
    User,
    Users,
    one_time_password,
)
from netty.errors import UsageError
from support.catalogue import NOON

PASSWORD = "correct horse battery"


class Clock:
    """A clock that stands until it is set."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Noon."""
    return Clock()


@pytest.fixture
def users(database: Database, clock: Clock) -> Users:
    """The users: an administrator."""
    users = Users(database, clock)
    users.add("admin", PASSWORD, Role.ADMIN)
    return users


def test_the_right_password_lets_in_and_no_other(users: Users) -> None:
    user = users.check("admin", PASSWORD)

    assert user == User(1, "admin", Role.ADMIN, False, NOON, last_login_at=NOON)
    assert users.check("admin", PASSWORD + "!") is None
    assert users.check("nobody", PASSWORD) is None


def test_an_unknown_name_takes_as_long_as_a_wrong_password(users: Users) -> None:
    def seconds(name: str) -> float:
        start = perf_counter()
        users.check(name, "wrong")
        return perf_counter() - start

    seconds("nobody")

    assert min(seconds("nobody") for _ in range(3)) > min(seconds("admin") for _ in range(3)) / 4


def test_five_failures_lock_for_five_minutes(users: Users, clock: Clock) -> None:
    for _ in range(FAILURES_BEFORE_LOCK):
        users.check("admin", "wrong")

    assert users.get("admin").locked_until == NOON + LOCKED_FOR
    assert users.check("admin", PASSWORD) is None
    clock.now = NOON + LOCKED_FOR
    assert users.check("admin", PASSWORD) is not None


def test_a_success_forgets_earlier_failures(users: Users) -> None:
    for _ in range(2):
        for _ in range(FAILURES_BEFORE_LOCK - 1):
            users.check("admin", "wrong")
        assert users.check("admin", PASSWORD) is not None


def test_passwords_are_kept_as_argon2_hashes(users: Users, database: Database) -> None:
    with database.read() as connection:
        hashed = connection.execute(select(tables.users.c.password_hash)).scalar_one()

    assert hashed.startswith("$argon2id$")


def test_a_new_password_ends_the_sessions_and_the_lock(users: Users, database: Database) -> None:
    sessions = Sessions(database)
    cookie, _ = sessions.start(users.get("admin"), NOON)
    for _ in range(FAILURES_BEFORE_LOCK):
        users.check("admin", "wrong")

    users.set_password("admin", "another long password", must_change=True)

    assert sessions.find(cookie, NOON) is None
    user = users.check("admin", "another long password")
    assert user is not None
    assert user.must_change


@pytest.mark.parametrize("name", ["", " admin", "a\nb", "x" * 65])
def test_names_that_cannot_be_used(users: Users, name: str) -> None:
    with pytest.raises(UsageError, match="cannot be"):
        users.add(name, PASSWORD, Role.VIEWER)


def test_short_passwords_and_taken_names_are_refused(users: Users) -> None:
    with pytest.raises(UsageError, match=str(MINIMUM_LENGTH)):
        users.add("viewer", "x" * (MINIMUM_LENGTH - 1), Role.VIEWER)
    with pytest.raises(UsageError, match="already"):
        users.add("admin", PASSWORD, Role.VIEWER)
    with pytest.raises(UsageError, match="no user"):
        users.set_password("nobody", PASSWORD)


def test_the_last_administrator_stays(users: Users) -> None:
    with pytest.raises(UsageError, match="only administrator"):
        users.remove("admin")

    users.add("second", PASSWORD, Role.ADMIN)
    users.remove("admin")

    assert [one.name for one in users.list()] == ["second"]


def test_one_time_passwords_are_long_enough_and_differ() -> None:
    made = {one_time_password() for _ in range(100)}

    assert len(made) == 100
    assert all(len(one) >= MINIMUM_LENGTH and not set(one) & set("01oil") for one in made)


def test_a_session_is_found_by_its_cookie_alone(users: Users, database: Database) -> None:
    sessions = Sessions(database)
    cookie, csrf_token = sessions.start(users.get("admin"), NOON)

    session = sessions.find(cookie, NOON)

    assert session is not None
    assert (session.user.name, session.csrf_token, session.started_at) == ("admin", csrf_token, NOON)
    assert sessions.find(cookie + "x", NOON) is None
    with database.read() as connection:
        assert cookie not in str(connection.execute(select(tables.sessions)).all())


def test_an_idle_session_ends_and_a_used_one_goes_on_up_to_its_longest_time(users: Users, database: Database) -> None:
    sessions = Sessions(database)
    cookie, _ = sessions.start(users.get("admin"), NOON)
    step = IDLE_TIME - timedelta(minutes=1)

    now = NOON
    while now + step < NOON + LONGEST_SESSION:
        now += step
        assert sessions.find(cookie, now) is not None

    assert sessions.find(cookie, NOON + LONGEST_SESSION) is None
    idle, _ = sessions.start(users.get("admin"), NOON)
    assert sessions.find(idle, NOON + IDLE_TIME) is None


def test_logging_out_ends_a_session_and_expired_ones_are_removed(users: Users, database: Database) -> None:
    sessions = Sessions(database)
    first, _ = sessions.start(users.get("admin"), NOON)
    sessions.start(users.get("admin"), NOON)

    sessions.end(first)

    assert sessions.find(first, NOON) is None
    assert sessions.remove_expired(NOON) == 0
    assert sessions.remove_expired(NOON + IDLE_TIME) == 1


def test_a_removed_user_has_no_session(users: Users, database: Database) -> None:
    users.add("viewer", PASSWORD, Role.VIEWER)
    cookie, _ = Sessions(database).start(users.get("viewer"), NOON)

    users.remove("viewer")

    assert Sessions(database).find(cookie, NOON) is None
