"""Catalogues of any size, written by SQL: rows as netty writes them, of images that were never received.

A study has 100 images in two series, a patient five studies; each image has its receipt, its line in the ledger and its
picture, all of one small content that `PICTURE` is. The same numbers give the same rows everywhere.
"""

import hashlib
import shutil
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, text

from netty.archive.database import REVISION, migrate, open_database
from netty.archive.found import FoundStudies
from netty.model.found import FoundInstance, FoundSeries, FoundStudy

REMOTE: Final = "central"
PICTURE: Final = b"no picture, but as long as it is read back whole: " * 20
IMAGES_OF_STUDY: Final = 100
STUDIES_OF_PATIENT: Final = 5
CT: Final = "1.2.840.10008.5.1.4.1.1.2"
_ROOT: Final = "1.2.9"  # short, as what is written of the received bytes: ten million images are to fit on a disk
_NOON: Final = datetime(2026, 1, 1, 12, tzinfo=UTC)
_MICROSECONDS: Final = int(_NOON.timestamp()) * 1_000_000
ASKED_FOR: Final = 20  # patients of whom the remote's answer is noted
_AT_ONCE: Final = 200_000  # images in one transaction


def patient_key(number: int) -> str:
    """The key of a patient, who has it as Patient ID too."""
    return f"p{number}"


def patients_in(images: int) -> int:
    """How many patients a catalogue of so many images has."""
    return images // IMAGES_OF_STUDY // STUDIES_OF_PATIENT


def study_uid(number: int) -> str:
    """The Study Instance UID of a study."""
    return f"{_ROOT}.{number}"


# Each is run for a range of numbers; `{n}` is the table of them. Text that becomes JSON has to stand in the statement.
_N: Final = (
    "WITH RECURSIVE n(i) AS"
    " (SELECT CAST(:first AS INTEGER) UNION ALL SELECT i + 1 FROM n WHERE i < CAST(:last AS INTEGER))"
)
_I: Final = "CAST(i AS TEXT)"
_STUDY: Final = f"'{_ROOT}.' || CAST(i / {IMAGES_OF_STUDY} AS TEXT)"
_PERSON: Final = f"'p' || CAST(i / {STUDIES_OF_PATIENT} AS TEXT)"
_SOP: Final = f"{_STUDY} || '.' || CAST(i / 50 % 2 AS TEXT) || '.' || CAST(i % 50 AS TEXT)"
_KEY: Final = f"substr('{'0' * 32}', 1, 32 - length({_I})) || {_I}"
_DIGEST: Final = hashlib.sha256(PICTURE).hexdigest()

_OF_PATIENTS: Final = (
    f"INSERT INTO patients (id, key, name, birth_date, created_at) "
    f"{_N} SELECT i + 1, 'p' || {_I}, 'NETTY^' || {_I}, '19700101', {_MICROSECONDS} FROM n",
    f"INSERT INTO patient_links (id, patient, remote, patient_id) {_N}"
    f" SELECT i + 1, i + 1, '{REMOTE}', 'p' || {_I} FROM n",
    f"INSERT INTO searches (id, remote, patient_id, searched_at, failure) "
    f"{_N} SELECT i + 1, '{REMOTE}', 'p' || {_I}, {_MICROSECONDS}, '' FROM n",
)
_OF_STUDIES: Final = (
    f"INSERT INTO studies (id, study_instance_uid, patient_key, patient_id, patient_name, birth_date, sex, study_date,"
    f" study_time, accession_number, description, remote, created_at) {_N} SELECT i + 1, '{_ROOT}.' || {_I},"
    f" {_PERSON}, {_PERSON}, 'NETTY', '19700101',"
    f" 'O', '20260101', '120000', 'A' || {_I}, 'Chest', '{REMOTE}', {_MICROSECONDS} FROM n",
    f"INSERT INTO series (id, study, series_instance_uid, modality, number, description) {_N} SELECT 2 * i + 1, i + 1,"
    f" '{_ROOT}.' || {_I} || '.0', 'CT', '1', '' FROM n",
    f"INSERT INTO series (id, study, series_instance_uid, modality, number, description) {_N} SELECT 2 * i + 2, i + 1,"
    f" '{_ROOT}.' || {_I} || '.1', 'CT', '2', '' FROM n",
    f"INSERT INTO retrievals (id, remote, study_instance_uid, patient_key, patient_id, state, requested_by,"
    f" requested_at, started_at, ended_at, reason, cancel_requested) {_N} SELECT 'r' || {_I}, '{REMOTE}',"
    f" '{_ROOT}.' || {_I}, {_PERSON}, {_PERSON}, 'complete', 'search',"
    f" {_MICROSECONDS} + i, {_MICROSECONDS} + i, {_MICROSECONDS} + i, '', false FROM n",
    f"INSERT INTO audit (seq, at, kind, who, patient_key, study_instance_uid, remote, outcome, detail) {_N}"
    f" SELECT i + 1, {_MICROSECONDS} + i, 'retrieval', 'search', {_PERSON}, '{_ROOT}.' || {_I},"
    f" '{REMOTE}', 'complete', '{{}}' FROM n",
)
_OF_IMAGES: Final = (
    f"INSERT INTO instances (id, series, sop_instance_uid, sop_class_uid, instance_number, frames, rows, columns,"
    f" burned_in, key, digest, transfer_syntax, data_offset, data_length, state, reason, attempts, received_at)"
    f" {_N} SELECT i + 1, i / 50 + 1, {_SOP}, '{CT}', CAST(i % 50 + 1 AS TEXT), 1, 512, 512, '', {_KEY}, '',"
    f" '1.2.840.10008.1.2', 340, 524288, 'rendered', '', 1, {_MICROSECONDS} + i FROM n",
    f"INSERT INTO receipts (id, spool_name, in_spool, outcome, reason, instance, sop_instance_uid, study_instance_uid,"
    f" size, digest, remote, calling_ae_title, address, retrieval, lease, received_at) {_N} SELECT i + 1,"
    f" {_KEY} || '.dcm', false, 'new', '', i + 1, {_SOP}, {_STUDY}, 524628, '', '{REMOTE}', 'CENTRAL',"
    f" '192.0.2.1', 'r' || CAST(i / {IMAGES_OF_STUDY} AS TEXT), 1, {_MICROSECONDS} + i FROM n",
    f"INSERT INTO ledger (id, retrieval, sop_instance_uid, sop_class_uid, series_instance_uid, instance_number, state,"
    f" reason) {_N} SELECT i + 1, 'r' || CAST(i / {IMAGES_OF_STUDY} AS TEXT), {_SOP}, '{CT}',"
    f" {_STUDY} || '.' || CAST(i / 50 % 2 AS TEXT), CAST(i % 50 + 1 AS TEXT), 'rendered', '' FROM n",
    f'INSERT INTO renditions (id, instance, format, frame, blob_key, width, height, bytes, sha256, recipe, "window",'
    f" presentation_state, flags) {_N} SELECT i + 1, i + 1, 'jpeg', 1, 'renditions/' || {_KEY} || '/1.jpg', 512, 512,"
    f" {len(PICTURE)}, '{_DIGEST}', '{{\"quality\": 90}}', '40/400', '', '[]' FROM n",
)
_NUMBERED: Final = ("patients", "patient_links", "searches", "studies", "series", "instances", "receipts", "ledger",
                    "renditions")  # fmt: skip


def sqlite_catalogue(folder: Path, images: int) -> Path:
    """The file of a catalogue of so many images in `folder`, made where it is not there yet, or of an older netty."""
    place = folder / f"{images}-{REVISION}"
    whole = place / "whole"
    if not whole.exists():
        for older in folder.glob(f"{images}-*"):
            shutil.rmtree(older)
        print(f"growth: making {images} images in {place}", file=sys.stderr, flush=True)
        make(f"sqlite:///{place / 'netty.db'}", images, place)
        whole.touch()
    return place / "netty.db"


def make(url: str, images: int, folder: Path) -> None:
    """Fill an empty database with so many images."""
    migrate(url, folder)
    database = open_database(url)
    try:
        studies = images // IMAGES_OF_STUDY
        for statements, count in ((_OF_PATIENTS, patients_in(images)), (_OF_STUDIES, studies), (_OF_IMAGES, images)):
            for first in range(0, count, _AT_ONCE):
                with database.write() as connection:
                    _fill(connection, statements, first, min(first + _AT_ONCE, count) - 1)
        with database.write() as connection:
            _remember_numbers(connection)
        _note(FoundStudies(database), images)
    finally:
        database.close()


def _fill(connection: Connection, statements: tuple[str, ...], first: int, last: int) -> None:
    for statement in statements:
        connection.execute(text(statement), {"first": first, "last": last})


def _remember_numbers(connection: Connection) -> None:
    """PostgreSQL's sequences know nothing of numbers that were given."""
    if connection.dialect.name != "postgresql":
        return
    for table, key in [*((name, "id") for name in _NUMBERED), ("audit", "seq")]:
        connection.execute(text(f"SELECT setval(pg_get_serial_sequence('{table}', '{key}'), max({key})) FROM {table}"))


def asked_for(images: int, count: int) -> Iterator[int]:
    """The patients that are looked at: all over the catalogue, but not in its order."""
    patients = patients_in(images)
    return ((number * 7919 + 11) % patients for number in range(count))  # 7919 is prime


def _note(found: FoundStudies, images: int) -> None:
    """The last answer of the remote for those patients: what is held, and one study that is not."""
    for number in {*asked_for(images, ASKED_FOR)}:
        first = number * STUDIES_OF_PATIENT
        uids = [*map(study_uid, range(first, first + STUDIES_OF_PATIENT)), study_uid(number) + ".999"]
        found.note(REMOTE, patient_key(number), [_found(uid, patient_key(number)) for uid in uids], _NOON)


def _found(uid: str, patient_id: str) -> FoundStudy:
    """The study as the remote lists it."""
    series = [
        FoundSeries(f"{uid}.{one}", "CT", tuple(FoundInstance(f"{uid}.{one}.{each}", CT) for each in range(50)))
        for one in range(2)
    ]
    return FoundStudy(uid, patient_id, "20260101", "120000", series=tuple(series))
