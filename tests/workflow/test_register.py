"""Between file and row nothing is lost: what was sealed is registered, now or after the next start."""

import dataclasses
import itertools
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import Mock

import pytest

from netty.archive.database import Database
from netty.archive.holdings import Holdings
from netty.archive.received import Received
from netty.archive.registration import Registration
from netty.archive.remotes import Remotes
from netty.archive.retrievals import Retrievals
from netty.archive.spool import Spool
from netty.workflow.register import Registrar, awaits_rows, register_leftovers
from support.catalogue import entry, new_database, received, remote, retrieval

STUDY = "1.2.3"


@dataclass
class Intake:
    """What lies between the socket and the catalogue."""

    database: Database
    spool: Spool

    def __post_init__(self) -> None:
        self.registration = Registration(self.database)
        self.holdings = Holdings(self.database)

    def seal(self, sop_instance_uid: str, content: bytes = b"pixels") -> Received:
        """An image that was answered 0x0000: in the spool, with its receipt."""
        file = self.spool.create()
        file.write(b"head" + content)
        one = dataclasses.replace(received(sop_instance_uid, content), spool_name=file.name, data_offset=4)
        file.seal(one.receipt())
        return one


@pytest.fixture
def intake(tmp_path: Path) -> Iterator[Intake]:
    for name in ("spool", "quarantine"):
        (tmp_path / name).mkdir()
    with new_database(tmp_path) as database:
        Remotes(database).add(remote())
        Retrievals(database).create(retrieval(), [entry("1.2.3.1.1"), entry("1.2.3.1.2")])
        spool = Spool(tmp_path / "spool", tmp_path / "quarantine")
        yield Intake(database, spool)
        spool.close()


def test_an_image_without_its_row_is_known_to_be_on_its_way(intake: Intake) -> None:
    intake.seal("1.2.3.1.1")

    assert awaits_rows(intake.registration, intake.spool, "r1")
    assert not awaits_rows(intake.registration, intake.spool, "another")
    register_leftovers(intake.registration, intake.spool)
    assert not awaits_rows(intake.registration, intake.spool, "r1")


def test_what_a_dead_process_left_in_the_spool_is_registered_at_the_next_start(intake: Intake) -> None:
    intake.seal("1.2.3.1.1")
    intake.seal("1.2.3.1.2")

    assert register_leftovers(intake.registration, intake.spool) == 2
    assert intake.holdings.held(STUDY) == {"1.2.3.1.1", "1.2.3.1.2"}
    assert register_leftovers(intake.registration, intake.spool) == 0


def test_what_is_half_written_is_not_registered(intake: Intake) -> None:
    half = intake.spool.create()
    half.write(b"half of an image")

    assert register_leftovers(intake.registration, intake.spool) == 0
    half.discard()


def test_the_same_image_again_leaves_nothing_behind(intake: Intake) -> None:
    intake.seal("1.2.3.1.1")
    register_leftovers(intake.registration, intake.spool)
    intake.seal("1.2.3.1.1")
    register_leftovers(intake.registration, intake.spool)

    assert len(intake.spool.names()) == 1
    assert intake.spool.quarantined_names() == set()


def test_another_image_under_the_same_uid_goes_to_quarantine_and_the_first_stays(intake: Intake) -> None:
    first = intake.seal("1.2.3.1.1")
    register_leftovers(intake.registration, intake.spool)
    second = intake.seal("1.2.3.1.1", b"other pixels")
    register_leftovers(intake.registration, intake.spool)

    assert intake.spool.names() == {first.spool_name}
    assert intake.spool.quarantined_names() == {second.spool_name}


def test_the_registrar_writes_everything_it_was_given_before_it_ends(intake: Intake) -> None:
    registrar = Registrar(intake.registration, intake.spool)
    registrar.start()
    for number in (1, 2):
        registrar.put(intake.seal(f"1.2.3.1.{number}").spool_name)
    registrar.stop()

    assert len(intake.holdings.held(STUDY)) == 2


def test_images_that_come_in_a_stream_are_registered_in_few_batches(
    intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("netty.workflow.register._LARGEST_BATCH", 100)
    batches: list[int] = []
    register = intake.registration.register
    monkeypatch.setattr(
        intake.registration,
        "register",
        lambda batch: batches.append(len(batch)) or register(batch),  # type: ignore[func-returns-value]
    )
    names = [intake.seal(f"1.2.3.1.{number}").spool_name for number in range(120)]
    registrar = Registrar(intake.registration, intake.spool)
    for name in names:
        registrar.put(name)
    registrar.start()
    registrar.stop()

    assert batches == [100, 20]


@pytest.mark.parametrize(
    ("arrivals", "seconds"),
    [
        pytest.param([0], 0.02, id="none: what is there need not wait"),
        pytest.param([1, 3, 0], 0.06, id="a few, then a pause"),
        pytest.param([30] * 100, 0.1, id="one behind the other"),
        pytest.param([60] * 100, 0.5, id="a flood"),
        pytest.param([60] * 10 + [5] * 90, 0.22, id="a flood that is over"),
    ],
)
def test_rows_wait_while_more_comes(
    intake: Intake, monkeypatch: pytest.MonkeyPatch, arrivals: list[int], seconds: float
) -> None:
    """`arrivals`: how many come between two looks."""
    registrar = Registrar(intake.registration, intake.spool)
    looks = itertools.count()
    monkeypatch.setattr(registrar, "_giving_up", Mock(wait=lambda pause: clock.append(clock[-1] + pause)))
    monkeypatch.setattr(registrar, "_incoming", Mock(qsize=lambda: sum(arrivals[: next(looks)])))
    clock = [0.0]
    monkeypatch.setattr("netty.workflow.register.time", Mock(monotonic=lambda: clock[-1]))

    registrar._gather()

    assert clock[-1] == pytest.approx(seconds, abs=0.021)


def test_a_locked_database_costs_no_image(intake: Intake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = intake.seal("1.2.3.1.1")
    monkeypatch.setattr("netty.archive.database.BUSY_SECONDS", 0.05)
    impatient = Database(str(intake.database.url))
    registrar = Registrar(Registration(impatient), intake.spool)
    other = sqlite3.connect(tmp_path / "netty.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    registrar.put(one.spool_name)
    registrar.start()
    registrar.stop()  # it cannot write, and leaves the image to the next start
    other.execute("ROLLBACK")
    other.close()
    impatient.close()

    assert intake.holdings.held(STUDY) == frozenset()
    assert register_leftovers(intake.registration, intake.spool) == 1
