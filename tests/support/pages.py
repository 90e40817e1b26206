"""A small town for tests of the pages: a real archive with remotes, patients, answers, images and users."""

import hashlib
import html
import io
import re
import shutil
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from fastapi import FastAPI
from PIL import Image
from starlette.testclient import TestClient

from netty.archive.audit import Audit
from netty.archive.blobs import Blobs
from netty.archive.database import Database, migrate, open_database
from netty.archive.found import FoundStudies
from netty.archive.held import Rendition
from netty.archive.holdings import Holdings
from netty.archive.patients import Patients
from netty.archive.quarantine import Quarantine
from netty.archive.received import Received, Rendered
from netty.archive.registration import Registration
from netty.archive.remotes import Remotes
from netty.archive.retrievals import Retrievals
from netty.archive.set_aside import SetAside
from netty.archive.spool import Spool
from netty.archive.unobtainable import Unobtainables
from netty.archive.users import Role, Sessions, Users
from netty.dicom.uids import STORAGE_CLASSES
from netty.image.rendition import RenditionKind
from netty.image.thumbnail import thumbnail
from netty.model import reasons
from netty.model.found import FoundInstance, FoundSeries, FoundStudy
from netty.model.patient import Patient, PatientLink
from netty.model.remote import Remote
from netty.network.settings import AeSettings, QuerySettings, Timers
from netty.processes.render_pool import Reply
from netty.simulator.studies_small import WrittenStudy, write_study
from netty.web.app import create_app
from netty.web.parts import Linkage, WebParts
from netty.web.settings import WebSettings
from netty.workflow.data_set_place import locate_data_set
from netty.workflow.linkage import Linkage as RealLinkage
from netty.workflow.quarantine import QuarantineDesk
from netty.workflow.quarantine_picture import picture_of
from netty.workflow.register import register_batch
from netty.workflow.render_job import render_job
from support.catalogue import digest_of
from support.leftovers import data_folder

CT = "1.2.840.10008.5.1.4.1.1.2"
US_MULTIFRAME = "1.2.840.10008.5.1.4.1.1.3.1"
PASSWORD = "correct horse battery staple"
XSS = "<script>alert('x')</script>\"'><img src=x onerror=alert(1)>"
ROOT = "1.2.826.0.1.3680043.10.1"


@dataclass
class Town:
    """The archive and what the pages are made of."""

    folder: Path
    settings: WebSettings = field(default_factory=lambda: WebSettings(refresh=0.02))

    def __post_init__(self) -> None:
        url = f"sqlite:///{self.folder / 'netty.db'}"
        migrate(url, self.folder / "backup")
        self.database: Database = open_database(url)
        self.remotes = Remotes(self.database)
        self.patients = Patients(self.database)
        self.found = FoundStudies(self.database)
        self.holdings = Holdings(self.database)
        self.retrievals = Retrievals(self.database)
        self.registration = Registration(self.database)
        self.users = Users(self.database)
        self.sessions = Sessions(self.database)
        self.audit = Audit(self.database)
        self.blobs = Blobs("file:blobs", self.folder)
        self.spool = Spool(self.folder / "spool", self.folder / "quarantine")
        self.quarantine = QuarantineDesk(
            Quarantine(self.database), self.registration, self.spool, self.blobs, self.audit
        )
        self.linkage = RealLinkage(
            remotes=self.remotes,
            patients=self.patients,
            found=self.found,
            holdings=self.holdings,
            retrievals=self.retrievals,
            unobtainables=Unobtainables(self.database),
            audit=self.audit,
            together=self.database.together,
            ae=AeSettings(host="127.0.0.1", port=0),
            timers=Timers(association=2, response=2, total=5),
            query=QuerySettings(),
            accepted_classes=frozenset(STORAGE_CLASSES),
        )

    def parts(self, linkage: Linkage | None = None) -> WebParts:
        """What the gateway would hand down."""
        return WebParts(
            settings=self.settings,
            linkage=linkage or self.linkage,
            remotes=self.remotes,
            patients=self.patients,
            holdings=self.holdings,
            retrievals=self.retrievals,
            users=self.users,
            sessions=self.sessions,
            audit=self.audit,
            blobs=self.blobs,
            quarantine=self.quarantine,
            preview=self.preview,
        )

    def preview(self, one: SetAside, frame: int) -> bytes:
        """A frame of what is in quarantine; the render child's work is done here."""
        return picture_of(
            self.quarantine, one, frame, lambda job: (Reply(header, data) for header, data in render_job(job))
        )

    def app(self, linkage: Linkage | None = None) -> FastAPI:
        """The pages."""
        return create_app(self.parts(linkage))

    def add_remote(self, name: str, port: int = 1) -> None:
        """A remote; nobody listens on port 1."""
        self.remotes.add(Remote(name, "PACS", "127.0.0.1", port))

    def add_patient(self, key: str, name: str = "", birth_date: str = "", **links: str) -> None:
        """A patient with Patient IDs by remote."""
        self.patients.add(Patient(key, name, birth_date, tuple(PatientLink(*link) for link in links.items())))

    def add_user(self, name: str, role: Role, must_change: bool = False) -> None:
        """A user with `PASSWORD`."""
        self.users.add(name, PASSWORD, role, must_change)

    def answer(self, remote: str, patient_id: str, *studies: FoundStudy, at: datetime | None = None) -> None:
        """The last answer of a remote."""
        self.found.note(remote, patient_id, studies, at or datetime.now(UTC))

    def hold(
        self,
        study: FoundStudy,
        patient_key: str,
        remote: str,
        *,
        count: int | None = None,
        frames: int = 1,
        pictures: Sequence[bytes] = (),
        sop_class_uid: str = CT,
        retrieval_id: str = "",
        **facts: str,
    ) -> None:
        """Receive and render the first `count` images of a study."""
        wanted = [(one, series) for series in study.series for one in series.instances][:count]
        batch = [
            self._received(study, series, one, patient_key, remote, facts, frames, sop_class_uid, retrieval_id)
            for one, series in wanted
        ]
        registered = self.registration.register(batch)
        for number, one in enumerate(registered):
            assert one.instance_id is not None, one
            key = uuid.uuid4().hex
            renditions = []
            for frame in range(1, frames + 1):
                data = pictures[(number * frames + frame - 1) % len(pictures)] if pictures else phantom(number, frame)
                renditions.append(self._rendition(f"renditions/{key}/{frame}.jpg", data, frame))
            small = thumbnail(np.asarray(Image.open(io.BytesIO(data))))
            renditions.append(self._rendition(f"renditions/{key}/1-small.jpg", small, 1, kind=RenditionKind.THUMBNAIL))
            self.blobs.sync([rendition.blob_key for rendition in renditions])
            self.registration.rendered([Rendered(one.instance_id, renditions)])

    def set_aside(
        self,
        reason: str,
        remote: str = "central",
        *,
        patient_id: str,
        name: str,
        birth_date: str = "",
        asked: str = "",
        sop_class_uid: str = CT,
        instances: int = 2,
        seed: object = 0,
    ) -> WrittenStudy:
        """Receive a study that names one patient and was asked for another; it goes to the quarantine."""
        folder = self.folder / "sent"
        written = write_study(
            folder,
            sop_class_uid,
            patient_id=patient_id,
            name=name,
            instances=instances,
            seed=seed,
            rows=128,
            columns=128,
        )
        batch = []
        for number, (uid, path) in enumerate(written.instances.items(), 1):
            offset, syntax = locate_data_set(path)
            content = path.read_bytes()
            file = self.spool.create()
            file.write(content)
            facts = {
                "patient_id": patient_id,
                "patient_name": name,
                "birth_date": birth_date,
                "study_date": "20260401",
                "study_description": "胸部 CT",
                "modality": "CT",
                "instance_number": str(number),
            }
            one = Received(
                spool_name=file.name,
                size=len(content) - offset,
                digest=digest_of(content[offset:]),
                data_offset=offset,
                data_length=len(content) - offset,
                transfer_syntax=syntax,
                sop_class_uid=sop_class_uid,
                sop_instance_uid=uid,
                study_instance_uid=written.study_instance_uid,
                series_instance_uid=f"{written.study_instance_uid}.1",
                remote=remote,
                calling_ae_title="PACS",
                address="127.0.0.1",
                retrieval_id="",
                lease_id=1 if asked else 0,
                patient_key=asked,
                received_at=datetime.now(UTC),
                facts=facts,
                on_hold_reason=reason,
            )
            file.seal(one.receipt())
            batch.append(one)
        register_batch(self.registration, self.spool, batch)
        return written

    def _rendition(self, key: str, data: bytes, frame: int, **more: Any) -> Rendition:
        self.blobs.put(key, data)
        with Image.open(io.BytesIO(data)) as picture:
            width, height = picture.size
        digest = hashlib.sha256(data).hexdigest()
        return Rendition("jpeg", frame, key, width, height, len(data), digest, window="40/400", **more)

    @staticmethod
    def _received(
        study: FoundStudy,
        series: FoundSeries,
        one: FoundInstance,
        patient_key: str,
        remote: str,
        facts: dict[str, str],
        frames: int,
        sop_class_uid: str,
        retrieval_id: str,
    ) -> Received:
        known = {
            "patient_id": study.patient_id,
            "study_date": study.study_date,
            "study_time": study.study_time,
            "accession_number": study.accession_number,
            "modality": series.modality,
            "series_number": series.series_instance_uid.rsplit(".", 1)[-1],
            "instance_number": one.instance_number,
            "number_of_frames": str(frames),
            "rows": "128",
            "columns": "128",
        }
        return Received(
            spool_name=uuid.uuid4().hex,
            size=1000,
            digest=digest_of(one.sop_instance_uid.encode()),
            data_offset=0,
            data_length=1000,
            transfer_syntax="1.2.840.10008.1.2",
            sop_class_uid=sop_class_uid,
            sop_instance_uid=one.sop_instance_uid,
            study_instance_uid=study.study_instance_uid,
            series_instance_uid=series.series_instance_uid,
            remote=remote,
            calling_ae_title="PACS",
            address="127.0.0.1",
            retrieval_id=retrieval_id,
            lease_id=1,
            patient_key=patient_key,
            received_at=datetime.now(UTC),
            facts=known | facts,
        )


def make_study(
    number: int, patient_id: str, *series: tuple[str, int], date: str = "", accession: str = ""
) -> FoundStudy:
    """A found study with series of (modality, number of images)."""
    uid = f"{ROOT}.{number}"
    made = []
    for at, (modality, images) in enumerate(series, 1):
        instances = tuple(FoundInstance(f"{uid}.{at}.{image}", CT, str(image)) for image in range(1, images + 1))
        made.append(FoundSeries(f"{uid}.{at}", modality, instances))
    return FoundStudy(uid, patient_id, date or f"202611{number % 28 + 1:02}", "094100", accession, tuple(made))


def phantom(number: int = 0, frame: int = 1, side: int = 128) -> bytes:
    """A grey JPEG that looks a little like a slice, and differs from number to number."""
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    grown = 0.75 + 0.2 * np.sin((number + frame) / 6)
    picture = np.zeros((side, side))
    for weight, a, b, left, up in (
        (210, 0.72 * grown, 0.92 * grown, 0, 0),
        (-150, 0.66 * grown, 0.86 * grown, 0, 0),
        (60, 0.2, 0.35, -0.25, 0.1),
        (60, 0.2, 0.35, 0.25, 0.1),
        (90, 0.1, 0.1, 0, -0.45),
    ):
        picture[((x - left) / a) ** 2 + ((y - up) / b) ** 2 <= 1] += weight
    noise = np.random.default_rng(number * 1000 + frame).normal(0, 6, picture.shape)
    out = io.BytesIO()
    Image.fromarray(np.clip(picture + noise * (picture > 0), 0, 255).astype(np.uint8)).save(out, "JPEG", quality=90)
    return out.getvalue()


def small_town(folder: Path, settings: WebSettings | None = None) -> Town:
    """Three remotes, two patients, five studies in every state that a cell may have, three users."""
    town = Town(folder, settings) if settings else Town(folder)
    for name in ("central", "east", "north"):
        town.add_remote(name)
    town.add_patient("P001", "山田 太郎", "1953-04-02", central="0012345", east="E-77", north="90001")
    town.add_patient("P002", "Tanaka Hanako", "1980-12-24", central="0099999")
    whole = make_study(1, "0012345", ("CT", 3), ("CT", 2), date="20261101", accession="A1001")
    part = make_study(2, "0012345", ("MR", 6), date="20261007", accession="A0907")
    absent = make_study(3, "0012345", ("CR", 2), date="20251224")
    elsewhere = make_study(4, "E-77", ("US", 4), date="20240305")
    now = datetime.now(UTC)
    town.answer("central", "0012345", whole, part, absent, at=now - timedelta(minutes=3))
    town.answer("east", "E-77", elsewhere, at=now - timedelta(hours=5))
    town.found.note_failure("north", "90001", "The remote north did not answer.", now)
    person: dict[str, Any] = {
        "patient_name": "Yamada^Tarou=山田^太郎=やまだ^たろう",
        "birth_date": "19530402",
        "sex": "M",
    }
    town.hold(whole, "P001", "central", study_description="胸部 CT 造影", series_description="体軸断", **person)
    town.hold(part, "P001", "central", count=2, study_description="頭部 MRI", **person)
    town.set_aside(
        reasons.OTHER_PATIENT_ID,
        patient_id="0099999",
        name="Tanaka^Hanako=田中^花子=たなか^はなこ",
        birth_date="19801224",
        asked="P001",
    )
    for name, role in (("viewer", Role.VIEWER), ("operator", Role.OPERATOR), ("admin", Role.ADMIN)):
        town.add_user(name, role)
    return town


def copy_of(town: Town, folder: Path) -> Town:
    """The same town again, for a test that changes it; quicker than a new one, whose passwords take time."""
    town.database.close()
    shutil.copytree(town.folder, folder, dirs_exist_ok=True)
    return Town(folder, town.settings)


@contextmanager
def opened(town: Town) -> Iterator[Town]:
    """A town for the length of a block; its database and its spool are closed at the end."""
    with data_folder(town.folder):
        try:
            yield town
        finally:
            town.spool.close()
            town.database.close()


@contextmanager
def browsing(app: FastAPI, user: str = "", language: str = "en") -> Iterator[TestClient]:
    """A client of the running pages, in the session of `user` where one is named."""
    with TestClient(app, base_url="http://localhost", headers={"accept-language": language}) as client:
        if user:
            parts = app.state.site.parts
            cookie, _ = parts.sessions.start(parts.users.get(user), datetime.now(UTC))
            client.cookies.set("netty_session", cookie)
        yield client


def log_in(client: TestClient, user: str, password: str = PASSWORD) -> None:
    """Log in as a person would."""
    token = token_in(client.get("/login").text)
    answer = client.post(
        "/login", data={"csrf_token": token, "name": user, "password": password}, follow_redirects=False
    )
    assert answer.status_code == 303, answer.text


def token_in(page: str) -> str:
    """The CSRF token that a page carries."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found, page
    return html.unescape(found[1])


def fresh_token(client: TestClient) -> str:
    """A token from a page that everybody may see."""
    return token_in(client.get("/no-such-page").text)
