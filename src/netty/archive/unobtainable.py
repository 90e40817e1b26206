"""Instances that a remote lists and that cannot be had: they are not asked for again."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import bindparam, select

from netty.archive.database import Database, insert_or_replace, portions
from netty.archive.tables import unobtainable

_OF_STUDIES: Final = select(unobtainable).where(
    unobtainable.c.remote == bindparam("of_remote"),
    unobtainable.c.study_instance_uid.in_(bindparam("uids", expanding=True)),
)


class Unobtainables:
    """Final answers per remote and study."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, remote: str, study_instance_uid: str) -> dict[str, str]:
        """SOP Instance UID -> reason."""
        return self.of_studies(remote, [study_instance_uid])[study_instance_uid]

    def of_studies(self, remote: str, study_instance_uids: Collection[str]) -> dict[str, dict[str, str]]:
        """The same of several studies."""
        found: dict[str, dict[str, str]] = {uid: {} for uid in study_instance_uids}
        with self._database.read() as connection:
            for some in portions(list(found)):
                for row in connection.execute(_OF_STUDIES, {"of_remote": remote, "uids": some}):
                    found[row.study_instance_uid][row.sop_instance_uid] = row.reason
        return found

    def note(
        self, remote: str, study_instance_uid: str, reasons: Mapping[str, str], at: datetime | None = None
    ) -> None:
        """Write down reasons by SOP Instance UID; a newer reason replaces the older."""
        study = {"remote": remote, "study_instance_uid": study_instance_uid, "at": at or datetime.now(UTC)}
        rows = [study | {"sop_instance_uid": uid, "reason": reason} for uid, reason in reasons.items()]
        with self._database.write() as connection:
            insert_or_replace(connection, unobtainable, rows, ["remote", "study_instance_uid", "sop_instance_uid"])

    def forget(self, remote: str, study_instance_uid: str) -> None:
        """Ask again: forget what is noted of a study."""
        with self._database.write() as connection:
            connection.execute(
                unobtainable.delete().where(
                    unobtainable.c.remote == remote, unobtainable.c.study_instance_uid == study_instance_uid
                )
            )
