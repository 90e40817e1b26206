"""A real catalogue in a folder, and values to put into it."""

import hashlib
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from netty.archive.database import Database, migrate, open_database
from netty.archive.digest import Digest
from netty.archive.held import Rendition
from netty.archive.received import Received
from netty.model.patient import Patient, PatientLink
from netty.model.remote import Remote
from netty.model.retrieval import LedgerEntry, Retrieval, RetrievalState
from support.leftovers import data_folder

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
CT = "1.2.840.10008.5.1.4.1.1.2"
_counter = itertools.count(1)


@cache
def _template() -> bytes:
    """A migrated, empty SQLite database, made once."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "netty.db"
        migrate(f"sqlite:///{file}", Path(folder))
        return file.read_bytes()


def new_database_url(folder: Path) -> str:
    """The address of a fresh, migrated database in `folder`."""
    file = folder / "netty.db"
    file.write_bytes(_template())
    file.chmod(0o600)
    return f"sqlite:///{file}"


@contextmanager
def new_database(folder: Path) -> Iterator[Database]:
    """A fresh database in `folder`, open."""
    database = open_database(new_database_url(folder))
    try:
        with data_folder(folder):
            yield database
    finally:
        database.close()


def remote(name: str = "central", **changes: Any) -> Remote:
    """A remote."""
    return replace(Remote(name, name.upper(), "127.0.0.1", 11113), **changes)


def patient(key: str = "hanako", *links: tuple[str, str], **changes: Any) -> Patient:
    """A patient with (remote, Patient ID) links."""
    pairs = links or (("central", "12345"),)
    return replace(Patient(key, "花子", "1970-01-02", tuple(PatientLink(*pair) for pair in pairs)), **changes)


def retrieval(id: str = "r1", **changes: Any) -> Retrieval:
    """A queued retrieval of study 1.2.3 for the patient of `patient()`."""
    usual = Retrieval(
        id=id,
        remote="central",
        study_instance_uid="1.2.3",
        patient_key="hanako",
        patient_id="12345",
        state=RetrievalState.QUEUED,
        requested_by="cli",
        requested_at=NOON,
    )
    return replace(usual, **changes)


def entry(sop_instance_uid: str, **changes: Any) -> LedgerEntry:
    """An expected CT image."""
    return replace(LedgerEntry(sop_instance_uid, CT, "1.2.3.1", "1"), **changes)


def received(sop_instance_uid: str = "1.2.3.1.1", content: bytes = b"pixels", **changes: Any) -> Received:
    """A received CT image of study 1.2.3; `content` stands for its bytes, every call for another spool file."""
    facts = {
        "patient_id": "12345",
        "patient_name": "NETTY^HANAKO",
        "study_date": "20261123",
        "study_time": "120000",
        "accession_number": "A1",
        "study_description": "Chest",
        "modality": "CT",
        "series_number": "1",
        "instance_number": sop_instance_uid.rpartition(".")[2],
        "rows": "512",
        "columns": "256",
    }
    usual = Received(
        spool_name=f"{next(_counter):032x}.dcm",
        size=len(content),
        digest=digest_of(content),
        data_offset=340,
        data_length=len(content),
        transfer_syntax="1.2.840.10008.1.2",
        sop_class_uid=CT,
        sop_instance_uid=sop_instance_uid,
        study_instance_uid="1.2.3",
        series_instance_uid="1.2.3.1",
        remote="central",
        calling_ae_title="CENTRAL",
        address="127.0.0.1",
        retrieval_id="r1",
        lease_id=1,
        patient_key="hanako",
        received_at=NOON,
        facts=facts | changes.pop("facts", {}),
    )
    return replace(usual, **changes)


def digest_of(content: bytes) -> str:
    """What a receipt says of a data set."""
    digest = Digest()
    digest.update(content)
    return digest.text


def rendition(key: str = "ab", data: bytes = b"jpeg", **changes: Any) -> Rendition:
    """One JPEG of frame 1."""
    usual = Rendition(
        "jpeg", 1, f"renditions/{key}/1.jpg", 512, 256, len(data), hashlib.sha256(data).hexdigest(), {"quality": 90}
    )
    return replace(usual, window="40/400", flags=("window from the image",), **changes)
