"""Retrievals and their ledgers."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from netty.archive.database import Database
from netty.model.retrieval import Claimed, LedgerCount, LedgerEntry, LedgerState, Retrieval, RetrievalState


class Retrievals:
    """Retrievals with what each expects."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, retrieval: Retrieval, ledger: Iterable[LedgerEntry]) -> Retrieval:
        """Write a retrieval with its ledger; where one of this remote and study has not ended, gives that one."""
        raise NotImplementedError

    def get(self, retrieval_id: str) -> Retrieval:
        """One retrieval; UsageError where there is none."""
        raise NotImplementedError

    def of_studies(self, study_instance_uids: Collection[str]) -> list[Retrieval]:
        """All retrievals of these studies, newest first."""
        raise NotImplementedError

    def update(
        self,
        retrieval_id: str,
        *,
        state: RetrievalState | None = None,
        claimed: Claimed | None = None,
        reason: str | None = None,
        started_at: datetime | None = None,
        ended_at: datetime | None = None,
    ) -> None:
        """Change what is given, leave the rest."""
        raise NotImplementedError

    def request_cancel(self, retrieval_id: str) -> bool:
        """Ask an unfinished retrieval to stop; False where it has ended already."""
        raise NotImplementedError

    def unfinished_of(self, remote: str, study_instance_uid: str) -> Retrieval | None:
        """The retrieval of a study from a remote that has not ended."""
        raise NotImplementedError

    def queued(self, limit: int = 100) -> list[Retrieval]:
        """Those that wait, oldest first."""
        raise NotImplementedError

    def ledger(self, retrieval_id: str) -> list[LedgerEntry]:
        """The whole ledger, in the order in which it was written."""
        raise NotImplementedError

    def count(self, retrieval_id: str) -> LedgerCount:
        """The ledger, counted."""
        raise NotImplementedError

    def counts(self, retrieval_ids: Collection[str]) -> dict[str, LedgerCount]:
        """The ledgers of several retrievals, counted in one query."""
        raise NotImplementedError

    def mark(self, retrieval_id: str, states: Mapping[str, tuple[LedgerState, str]]) -> None:
        """Set state and reason of entries by SOP Instance UID."""
        raise NotImplementedError

    def last_arrival(self, retrieval_id: str) -> datetime | None:
        """When the last image of a retrieval was received."""
        raise NotImplementedError

    def list(self, states: Collection[RetrievalState] | None = None, limit: int = 100) -> list[Retrieval]:
        """Newest first."""
        raise NotImplementedError
