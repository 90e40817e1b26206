"""Registration: from received files to rows, and from rendered frames to rows."""

from collections.abc import Collection, Sequence
from datetime import datetime

from netty.archive.database import Database
from netty.archive.held import RenderState
from netty.archive.received import KeptBlob, NewRendition, Received, Registered, ToRender


class Registration:
    """Writes what was received and rendered. A SOP instance is visible once."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def register(self, batch: Sequence[Received]) -> list[Registered]:
        """Receipt, study, series, instance, ledger and audit of a batch in one transaction.

        Idempotent by spool name: a name registered before gives the answer of that time.
        """
        raise NotImplementedError

    def unrendered(self, limit: int) -> list[ToRender]:
        """Instances that wait for the renderer: the least tried first, then the oldest."""
        raise NotImplementedError

    def rendered(self, instance_id: int, renditions: Sequence[NewRendition], kept_blob: KeptBlob | None = None) -> bool:
        """Rows of renditions whose blobs are synced; the ledgers say RENDERED. False where it was deleted meanwhile."""
        raise NotImplementedError

    def not_rendered(
        self, instance_id: int, state: RenderState, reason: str, kept_blob: KeptBlob | None = None
    ) -> None:
        """No renditions: NO_PICTURE and FAILED are final (ledger RENDERED, FAILED); WAITING counts a failed attempt."""
        raise NotImplementedError

    def spool_names(self) -> set[str]:
        """The spool files that have a row: whatever else lies sealed in the spool is to be registered."""
        raise NotImplementedError

    def finished_spool_files(self, settled_before: datetime, limit: int = 1000) -> list[str]:
        """Spool files that nothing needs any more: rendered, and their study has settled before this moment.

        What has no picture or could not be rendered, and is not kept, stays.
        """
        raise NotImplementedError

    def spool_files_removed(self, names: Collection[str]) -> None:
        """Say that these files are gone from the spool."""
        raise NotImplementedError

    def to_quarantine(self) -> list[str]:
        """Spool files on hold or with other bytes that are still to be moved to the quarantine."""
        raise NotImplementedError

    def quarantined(self, names: Collection[str]) -> None:
        """Say that these files lie in the quarantine now."""
        raise NotImplementedError
