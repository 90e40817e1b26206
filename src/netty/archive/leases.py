"""The leases: what may be stored here because we asked for it."""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Row, select

from netty.archive.database import Database
from netty.archive.tables import leases
from netty.errors import LocalError
from netty.model.lease import Lease
from netty.model.retrieval import Retrieval

_MESSAGE_IDS: Final = 65535  # PS3.7 9.3.4.1: a US value; 0 is left out, some peers take it for absent


class Leases:
    """Leases, written before their C-MOVE leaves. Times are seconds since the epoch."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def open(self, retrieval: Retrieval, expires_at: float) -> Lease:
        """A new lease with a message ID that no other lease in the database has."""
        row = {
            "retrieval": retrieval.id,
            "remote": retrieval.remote,
            "study_instance_uid": retrieval.study_instance_uid,
            "patient_id": retrieval.patient_id,
            "patient_key": retrieval.patient_key,
            "expires_at": datetime.fromtimestamp(expires_at, UTC),
        }
        with self._database.write() as connection:
            number = connection.execute(leases.insert().returning(leases.c.id), row).scalar_one()
            taken = set(connection.scalars(select(leases.c.message_id).where(leases.c.message_id.is_not(None))))
            message_id = _next_free(number, taken)
            connection.execute(leases.update().where(leases.c.id == number).values(message_id=message_id))
            return _lease(connection.execute(select(leases).where(leases.c.id == number)).one())

    def keep_until(self, retrieval_id: str, expires_at: float) -> None:
        """Set when the leases of a retrieval expire."""
        with self._database.write() as connection:
            connection.execute(
                leases.update()
                .where(leases.c.retrieval == retrieval_id)
                .values(expires_at=datetime.fromtimestamp(expires_at, UTC))
            )

    def end_by(self, retrieval_id: str, expires_at: float) -> None:
        """Let the leases of a retrieval expire then at the latest; what expires earlier stays as it is."""
        latest = datetime.fromtimestamp(expires_at, UTC)
        with self._database.write() as connection:
            of_it = (leases.c.retrieval == retrieval_id) & (leases.c.expires_at > latest)
            connection.execute(leases.update().where(of_it).values(expires_at=latest))

    def open_for(self, study_instance_uid: str, now: float) -> list[Lease]:
        """The leases of a study that have not expired."""
        query = select(leases).where(
            leases.c.study_instance_uid == study_instance_uid,
            leases.c.expires_at > datetime.fromtimestamp(now, UTC),
        )
        with self._database.read() as connection:
            return [_lease(row) for row in connection.execute(query.order_by(leases.c.id))]

    def remove_expired(self, now: float) -> int:
        """Remove what has expired; gives how many."""
        with self._database.write() as connection:
            expired = leases.c.expires_at <= datetime.fromtimestamp(now, UTC)
            return connection.execute(leases.delete().where(expired)).rowcount


def _next_free(number: int, taken: Collection[int | None]) -> int:
    """The message ID (1 to 65535) of the lease with this number: in turn, so that late images meet no new lease."""
    for step in range(_MESSAGE_IDS):
        message_id = (number - 1 + step) % _MESSAGE_IDS + 1
        if message_id not in taken:
            return message_id
    raise LocalError("There are {count} open leases; no message ID is left for another C-MOVE.", count=_MESSAGE_IDS)


def _lease(row: Row[Any]) -> Lease:
    return Lease(
        id=row.id,
        retrieval_id=row.retrieval,
        remote=row.remote,
        message_id=row.message_id,
        study_instance_uid=row.study_instance_uid,
        patient_id=row.patient_id,
        expires_at=row.expires_at.timestamp(),
        patient_key=row.patient_key,
    )
