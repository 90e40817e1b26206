"""Instances that a remote lists and that cannot be had: they are not asked for again."""

from collections.abc import Mapping
from datetime import datetime

from netty.archive.database import Database


class Unobtainables:
    """Final answers per remote and study."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, remote: str, study_instance_uid: str) -> dict[str, str]:
        """SOP Instance UID -> reason."""
        raise NotImplementedError

    def note(
        self, remote: str, study_instance_uid: str, reasons: Mapping[str, str], at: datetime | None = None
    ) -> None:
        """Write down reasons by SOP Instance UID; a newer reason replaces the older."""
        raise NotImplementedError

    def forget(self, remote: str, study_instance_uid: str) -> None:
        """Ask again: forget what is noted of a study."""
        raise NotImplementedError
