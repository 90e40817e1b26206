"""What netty does as its catalogue grows: a plan, a batch registered, a patient's page, a thousand images verified."""

import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from starlette.testclient import TestClient

from bench.contest import MILLISECONDS, Contestant, Result, Table, compete
from bench.goals import Bound, goal
from bench.growth_catalogue import (
    ASKED_FOR,
    IMAGES_OF_STUDY,
    PICTURE,
    REMOTE,
    asked_for,
    make,
    patient_key,
    sqlite_catalogue,
)
from bench.scope import Scope
from netty.archive.set_aside import SetAside
from netty.archive.tables import receipts, retrievals
from netty.archive.users import Role
from netty.archive.verify import Part
from netty.config import settings_from
from netty.gateway.desk import Desk, open_desk
from netty.model.difference import studies_to_fetch
from netty.model.remote import Remote
from netty.web.app import create_app
from netty.web.parts import WebParts
from support import catalogue, postgres

_KEPT: Final = Path(__file__).parent.parent / ".setup" / "growth"
_SMALLEST, _USUAL, _LARGEST = 10_000, 1_000_000, 10_000_000
_FACTOR: Final = 1.5
_BATCH: Final = 100
_VERIFIED: Final = 1000
_USER: Final = "viewer"
_PASSWORD: Final = "of a user who looks at pages"
_WARM_UP: Final = 3


def tables(scope: Scope) -> Iterator[Table]:
    """Four questions to catalogues of each size, on SQLite and on PostgreSQL where that is installed."""
    sizes = [_SMALLEST, 100_000, _USUAL, *([_LARGEST] if scope.full else [])]
    with ExitStack() as stack:
        yield from _asked("SQLite", {size: stack.enter_context(on_sqlite(scope, size)) for size in sizes}, scope)
    if postgres.programs() is None:
        return
    if not scope.full:
        sizes.remove(_USUAL)  # made anew each time, in a minute
    with ExitStack() as stack:
        server = stack.enter_context(postgres.server())
        yield from _asked("PostgreSQL", {size: stack.enter_context(on_postgres(server, size)) for size in sizes}, scope)


@dataclass(slots=True)
class Catalogue:
    """One catalogue, opened, with the pages over it."""

    images: int
    desk: Desk
    pages: TestClient
    turn: int = 0

    def next_patient(self) -> str:
        """Another one at each turn, so that not one and the same page of the database answers."""
        self.turn += 1
        return patient_key([*asked_for(self.images, ASKED_FOR)][self.turn % ASKED_FOR])


def _asked(database: str, catalogues: dict[int, Catalogue], scope: Scope) -> Iterator[Table]:
    for title, ask in QUESTIONS.items():
        contestants = [
            Contestant(_name(size), f"{size:,} images", lambda one=one, ask=ask: _median(one, ask))  # type: ignore[misc]
            for size, one in sorted(catalogues.items(), reverse=True)
        ]
        smallest, largest = _name(min(catalogues)), _name(max(catalogues))
        goals = [goal(largest, Bound(_FACTOR, smallest))]
        yield compete(f"growth, {title}, {database}", contestants, scope.rounds, MILLISECONDS, goals)


def _name(size: int) -> str:
    return f"netty, 10^{len(str(size)) - 1}"


def _median(one: Catalogue, ask: "Callable[[Catalogue], float]") -> Result:
    """Of several times in a row: the first ones find the caches as another catalogue has left them."""
    took = [ask(one) for _ in range(_WARM_UP + 5)][_WARM_UP:]
    return Result(1000 * sorted(took)[len(took) // 2])


# --- the questions ---------------------------------------------------------------------------------------------------


def _plan(one: Catalogue) -> float:
    key = one.next_patient()
    began = time.perf_counter()
    [view] = one.desk.linkage.noted(key)
    missing = studies_to_fetch(view.studies)
    took = time.perf_counter() - began
    assert len(missing) == 1, missing
    return took


def _register(one: Catalogue) -> float:
    """New images of a study that was asked for, as one transaction; what they leave is removed afterwards."""
    uid, person = f"1.2.8.{secrets.randbits(60)}", one.next_patient()
    retrieval = catalogue.retrieval(
        secrets.token_hex(16), remote=REMOTE, study_instance_uid=uid, patient_key=person, patient_id=person
    )
    uids = [f"{uid}.1.{number}" for number in range(_BATCH)]
    one.desk.retrievals.create(retrieval, [catalogue.entry(each) for each in uids])
    batch = [
        replace(
            catalogue.received(each, facts={"patient_id": person}),
            spool_name=f"{secrets.token_hex(16)}.dcm",
            study_instance_uid=uid,
            series_instance_uid=f"{uid}.1",
            retrieval_id=retrieval.id,
            patient_key=person,
        )
        for each in uids
    ]
    began = time.perf_counter()
    registered = one.desk.registration.register(batch)
    took = time.perf_counter() - began
    assert all(each.instance_id is not None for each in registered)
    one.desk.holdings.delete_study(uid, "bench")
    with one.desk.database.write() as connection:
        connection.execute(receipts.delete().where(receipts.c.retrieval == retrieval.id))
        connection.execute(retrievals.delete().where(retrievals.c.id == retrieval.id))
    return took


def _page(one: Catalogue) -> float:
    key = one.next_patient()
    began = time.perf_counter()
    answer = one.pages.get(f"/patients/{key}")
    took = time.perf_counter() - began
    assert answer.status_code == 200, answer.text[:500]
    assert f"NETTY^{key[1:]}" in answer.text or key in answer.text
    return took


def _verify(one: Catalogue) -> float:
    """A thousand images from the middle; their pictures are there, so that reading them back counts as well."""
    after = one.images // 2 // IMAGES_OF_STUDY * IMAGES_OF_STUDY
    began = time.perf_counter()
    result = one.desk.verify(part=Part(_VERIFIED, after))
    took = time.perf_counter() - began
    assert result.ok, result.problems[:3]
    assert result.checked == 2 * _VERIFIED
    return took


QUESTIONS: Final = {
    "plan for one patient": _plan,
    f"registering {_BATCH} images": _register,
    "a patient's page": _page,
    f"verify {_VERIFIED} images": _verify,
}


# --- the catalogues --------------------------------------------------------------------------------------------------


@contextmanager
def on_sqlite(scope: Scope, size: int) -> Iterator[Catalogue]:
    """A catalogue that is made once, and kept."""
    file = sqlite_catalogue((scope.folder or _KEPT.parent) / _KEPT.name, size)
    with _opened(f"sqlite:///{file}", size) as one:
        yield one


@contextmanager
def on_postgres(server: postgres.Server, size: int) -> Iterator[Catalogue]:
    """A catalogue of a server that is gone in the end."""
    name = f"images_{size}"
    server.run(f"CREATE DATABASE {name}")
    with tempfile.TemporaryDirectory() as folder:
        make(server.url(name), size, Path(folder))
    server.run("VACUUM ANALYZE", name)  # as its own housekeeping does within a minute
    with _opened(server.url(name), size) as one:
        yield one


@contextmanager
def _opened(url: str, size: int) -> Iterator[Catalogue]:
    folder = Path(tempfile.mkdtemp(prefix="netty-bench-"))
    try:
        settings = settings_from(f'data = "data"\n[database]\nurl = "{url}"\n', folder / "netty.toml")
        with open_desk(settings) as desk:
            _prepare(desk, size)
            with TestClient(create_app(_web_parts(desk)), base_url="http://localhost") as pages:
                pages.cookies.set("netty_session", _session(desk))
                yield Catalogue(size, desk, pages)
    finally:
        shutil.rmtree(folder)


def _prepare(desk: Desk, size: int) -> None:
    """The pictures of the images that are verified, and the remote."""
    for key in range(size // 2, size // 2 + _VERIFIED):
        desk.blobs.put(f"renditions/{key:032}/1.jpg", PICTURE)
    if all(remote.name != REMOTE for remote in desk.remotes.list()):
        desk.remotes.add(Remote(REMOTE, "CENTRAL", "127.0.0.1", 1))


def _session(desk: Desk) -> str:
    """The cookie of somebody who may look at pages."""
    if all(user.name != _USER for user in desk.users.list()):
        desk.users.add(_USER, _PASSWORD, Role.VIEWER)
    return desk.sessions.start(desk.users.get(_USER), datetime.now(UTC))[0]


def _web_parts(desk: Desk) -> WebParts:
    def preview(one: SetAside, frame: int) -> bytes:
        raise AssertionError("no page that is asked for shows the quarantine")

    return WebParts(
        settings=desk.settings.web,
        linkage=desk.linkage,
        remotes=desk.remotes,
        patients=desk.patients,
        holdings=desk.holdings,
        retrievals=desk.retrievals,
        users=desk.users,
        sessions=desk.sessions,
        audit=desk.audit,
        blobs=desk.blobs,
        quarantine=desk.quarantine,
        preview=preview,
    )
