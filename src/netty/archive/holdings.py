"""What is held: visible, and readable from our own disk."""

from collections.abc import Collection

from netty.archive.database import Database
from netty.archive.held import HeldStudy, RenditionPlace


class Holdings:
    """The studies that may be shown. What is on hold is in no answer of this class."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def held(self, study_instance_uid: str) -> frozenset[str]:
        """The SOP Instance UIDs of a study that are here."""
        raise NotImplementedError

    def held_of(self, study_instance_uids: Collection[str]) -> dict[str, frozenset[str]]:
        """The same of several studies; studies of which nothing is here have an empty set."""
        raise NotImplementedError

    def studies(
        self,
        patient_ids: Collection[str] | None = None,
        *,
        patient_key: str = "",
        study_instance_uids: Collection[str] | None = None,
        limit: int | None = None,
    ) -> list[HeldStudy]:
        """Studies, newest first, with counts and without series; all of them where nothing is asked for.

        Where a Patient ID of two facilities names two people, `patient_key` is the right question.
        """
        raise NotImplementedError

    def study(self, study_instance_uid: str) -> HeldStudy | None:
        """One study with its series, instances and renditions."""
        raise NotImplementedError

    def rendition(self, rendition_id: int) -> RenditionPlace | None:
        """One rendition by its number."""
        raise NotImplementedError

    def delete_study(self, study_instance_uid: str, who: str) -> list[str]:
        """Forget a study, audited; gives the blob keys that are to be removed afterwards.

        Its spool files are among `Registration.finished_spool_files` from then on.
        """
        raise NotImplementedError
