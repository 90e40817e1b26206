"""The leases: what may be stored here because we asked for it."""

from netty.archive.database import Database
from netty.model.lease import Lease
from netty.model.retrieval import Retrieval


class Leases:
    """Leases, written before their C-MOVE leaves. Times are seconds since the epoch."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def open(self, retrieval: Retrieval, expires_at: float) -> Lease:
        """A new lease with a message ID that no other lease in the database has."""
        raise NotImplementedError

    def keep_until(self, retrieval_id: str, expires_at: float) -> None:
        """Set when the leases of a retrieval expire."""
        raise NotImplementedError

    def open_for(self, study_instance_uid: str, now: float) -> list[Lease]:
        """The leases of a study that have not expired."""
        raise NotImplementedError

    def remove_expired(self, now: float) -> int:
        """Remove what has expired; gives how many."""
        raise NotImplementedError
