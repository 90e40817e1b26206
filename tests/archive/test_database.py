"""The database: opened, migrated, refused, and written to by many."""

import sqlite3
import stat
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import closing
from multiprocessing import get_context
from multiprocessing.resource_tracker import ensure_running
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import exc, func, select

from netty.archive import migration, tables
from netty.archive.database import REVISION, Database, migrate, open_database
from netty.archive.errors import DatabaseFault, DiskFull
from netty.archive.remotes import Remotes
from netty.dicom.uids import GRAYSCALE_SOFTCOPY_PRESENTATION_STATE as GSPS
from support.catalogue import new_database, new_database_url, remote


def test_the_migrations_make_exactly_the_tables(database: Database) -> None:
    with database.read() as connection:
        options = {"compare_type": True, "target_metadata": tables.metadata}

        assert compare_metadata(MigrationContext.configure(connection, opts=options), tables.metadata) == []


def test_the_program_knows_the_newest_revision() -> None:
    config = Config()
    config.set_main_option("script_location", str(migration.FOLDER))
    script = ScriptDirectory.from_config(config)
    revisions = [one.revision for one in script.walk_revisions()]

    assert script.get_current_head() == REVISION
    assert sorted(revisions, reverse=True) == revisions  # what is newer is known by its name


def test_a_fresh_database_is_private_and_needs_no_copy(tmp_path: Path) -> None:
    copy = migrate(f"sqlite:///{tmp_path}/data/netty.db", tmp_path / "backup")

    assert copy is None
    assert not (tmp_path / "backup").exists()
    assert stat.S_IMODE((tmp_path / "data/netty.db").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700


def test_migrating_what_is_up_to_date_changes_nothing(tmp_path: Path) -> None:
    url = new_database_url(tmp_path)
    before = (tmp_path / "netty.db").read_bytes()

    assert migrate(url, tmp_path / "backup") is None
    assert (tmp_path / "netty.db").read_bytes() == before


def _set_revision(folder: Path, revision: str) -> None:
    with closing(sqlite3.connect(folder / "netty.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", [revision])


def test_a_database_newer_than_the_program_is_refused(tmp_path: Path) -> None:
    url = new_database_url(tmp_path)
    _set_revision(tmp_path, "9999")

    openings: list[Callable[[], object]] = [lambda: open_database(url), lambda: migrate(url, tmp_path)]
    for opening in openings:
        with pytest.raises(DatabaseFault, match=f"9999.*{REVISION}"):
            opening()


def test_an_older_database_is_copied_before_it_is_changed(tmp_path: Path) -> None:
    url = new_database_url(tmp_path)
    _set_revision(tmp_path, "0000")

    # No step leads on from this revision, so that the migration fails: the copy is there all the same.
    with pytest.raises(Exception, match="0000"):
        migrate(url, tmp_path / "backup")

    [copy] = (tmp_path / "backup").iterdir()
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [("0000",)]
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600


def test_opening_an_older_database_says_how_to_bring_it_up_to_date(tmp_path: Path) -> None:
    url = new_database_url(tmp_path)
    _set_revision(tmp_path, "0000")

    with pytest.raises(DatabaseFault, match="netty serve"):
        open_database(url)


def test_opening_what_is_not_there_makes_no_file(tmp_path: Path) -> None:
    with pytest.raises(DatabaseFault, match="netty init"):
        open_database(f"sqlite:///{tmp_path}/netty.db")

    assert list(tmp_path.iterdir()) == []


def _folder_in_its_place(folder: Path) -> None:
    (folder / "netty.db").mkdir()


def _no_database(folder: Path) -> None:
    (folder / "netty.db").write_bytes(b"something else " * 1000)


@pytest.mark.parametrize(
    ("prepare", "words"), [(_folder_in_its_place, "cannot be opened|cannot be made"), (_no_database, "no database")]
)
def test_what_cannot_be_opened_is_said_in_words(tmp_path: Path, prepare: Callable[[Path], None], words: str) -> None:
    prepare(tmp_path)
    url = f"sqlite:///{tmp_path}/netty.db"

    openings: list[Callable[[], object]] = [lambda: open_database(url), lambda: migrate(url, tmp_path)]
    for opening in openings:
        with pytest.raises(DatabaseFault, match=words):
            opening()


@pytest.mark.parametrize("url", ["netty.db", "mysql://host/netty"])
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(DatabaseFault):
        open_database(url)


def test_an_address_is_shown_without_its_password(tmp_path: Path) -> None:
    with pytest.raises(DatabaseFault) as caught:
        migrate("postgresql://netty:secret@127.0.0.1:1/netty?connect_timeout=2", tmp_path)

    assert "127.0.0.1" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_full_disk_is_said_in_words(tmp_path: Path) -> None:
    with new_database(tmp_path) as database, pytest.raises(DiskFull), database.write() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1")
        for number in range(5000):
            row = {"name": f"{number}", "key": f"{number}", "birth_date": "", "created_at": None}
            connection.execute(tables.patients.insert(), row | {"created_at": tables.EPOCH})


def test_an_error_undoes_the_whole_transaction(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.write() as connection:
        connection.execute(tables.patients.insert(), _patient("1"))
        raise ZeroDivisionError

    assert _count(database) == 0


def test_what_is_read_together_with_writing_sees_what_was_written_and_goes_with_it(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.together():
        with database.write() as connection:
            connection.execute(tables.patients.insert(), _patient("1"))
        assert _count(database) == 1
        raise ZeroDivisionError

    assert _count(database) == 0


def test_a_block_within_another_is_part_of_its_transaction(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.together():
        with database.together(), database.write() as connection:
            connection.execute(tables.patients.insert(), _patient("1"))
        with database.write() as connection:
            connection.execute(tables.patients.insert(), _patient("2"))
        raise ZeroDivisionError

    assert _count(database) == 0


def test_a_broken_constraint_is_our_own_mistake_and_no_fault_of_the_database(database: Database) -> None:
    with pytest.raises(exc.IntegrityError), database.write() as connection:
        connection.execute(tables.patients.insert(), [_patient("1"), _patient("1")])


def test_four_threads_write_without_a_locked_database(database: Database) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda writer: _write_often(database, writer), range(4)))

    assert _count(database) == 4 * 50


@pytest.fixture(scope="session")
def resource_tracker() -> None:
    """The process that multiprocessing starts once and for all."""
    ensure_running()


@pytest.mark.usefixtures("resource_tracker")
def test_four_processes_write_without_a_locked_database(database: Database) -> None:
    url = database.url.render_as_string(hide_password=False)
    with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as pool:
        list(pool.map(_write_in_process, [url] * 4, range(4)))

    assert _count(database) == 4 * 50


def _write_in_process(url: str, writer: int) -> None:
    database = open_database(url)
    _write_often(database, writer)
    database.close()


def _write_often(database: Database, writer: int) -> None:
    """Read, then write: what fails at once when a transaction begins as a reader."""
    for number in range(50):
        with database.write() as connection:
            connection.execute(select(func.count()).select_from(tables.patients)).all()
            connection.execute(tables.patients.insert(), _patient(f"{writer}-{number}"))


def _patient(key: str) -> dict[str, object]:
    return {"key": key, "name": "", "birth_date": "", "created_at": tables.EPOCH}


def _count(database: Database) -> int:
    with database.read() as connection:
        return connection.scalar(select(func.count()).select_from(tables.patients)) or 0


def _at_revision(folder: Path, revision: str) -> str:
    """A database of an older netty."""
    url = f"sqlite:///{folder}/netty.db"
    database = Database(url)
    config = Config()
    config.set_main_option("script_location", str(migration.FOLDER))
    with database.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    database.close()
    return url


def test_presentation_states_of_the_first_tables_are_read_once_more(tmp_path: Path) -> None:
    url = _at_revision(tmp_path, "0001")
    with closing(sqlite3.connect(tmp_path / "netty.db")) as connection, connection:
        names = [name for _, name, *_ in connection.execute("PRAGMA table_info(instances)")]
        usual: dict[str, object] = dict.fromkeys(names, "") | dict.fromkeys(
            ("frames", "rows", "columns", "data_offset"), 0
        )
        for number, (sop_class, spool_name) in enumerate([(GSPS, "a.dcm"), (GSPS, None), ("1.2", "b.dcm")], 1):
            row = usual | {"id": number, "key": str(number), "sop_instance_uid": str(number), "attempts": 1}
            row |= {"sop_class_uid": sop_class, "spool_name": spool_name, "state": "no_picture"}
            places = ", ".join("?" * len(names))
            connection.execute(f"INSERT INTO instances VALUES ({places})", [row[name] for name in names])
        picture = (7, 1, "jpeg", 1, "renditions/1.jpg", 1, 1, 1, "", "{}", "", "", "[]")
        connection.execute(f"INSERT INTO renditions VALUES ({', '.join('?' * len(picture))})", picture)

    copy = migrate(url, tmp_path / "backup")

    assert copy is not None
    with closing(sqlite3.connect(tmp_path / "netty.db")) as connection:
        states = [state for (state,) in connection.execute("SELECT state FROM instances ORDER BY id")]
        assert states == ["waiting", "no_picture", "no_picture"]
        assert connection.execute("SELECT id, blob_key FROM renditions").fetchall() == [(7, "renditions/1.jpg")]
        assert connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'renditions'").fetchall() == [(7,)]


def test_who_watches_is_told_once_of_what_any_connection_has_committed(tmp_path: Path) -> None:
    with new_database(tmp_path) as database, closing(Database(database.url.render_as_string())) as other:
        changed = database.watch()
        assert [changed(), changed()] == [True, False]

        remotes = Remotes(database)
        remotes.add(remote("north"))
        assert [changed(), changed()] == [True, False]

        Remotes(other).add(remote("south"))
        remotes.list()
        assert [changed(), changed()] == [True, False]


def test_who_watches_on_postgresql_is_told_to_look_each_time(postgres_database: Database) -> None:
    changed = postgres_database.watch()

    assert [changed(), changed()] == [True, True]


def test_a_thread_waits_for_the_writing_of_another_one_and_says_if_it_takes_too_long(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("netty.archive.database.BUSY_SECONDS", 0.05)
    with ThreadPoolExecutor(1) as threads, database.write(), pytest.raises(DatabaseFault, match="locked"):
        threads.submit(Remotes(database).add, remote("north")).result()

    Remotes(database).add(remote("north"))
