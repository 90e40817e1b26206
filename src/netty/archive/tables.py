"""All tables of the catalogue, in one metadata; `migrations` builds exactly these.

Keys are our own numbers; UIDs and what else comes from outside are plain columns. Whatever stands in studies, series
and instances is visible: images on hold, and other bytes under a known UID, stand in `quarantined` only.

The migrations make the tables; what they say of PostgreSQL alone (postgresql_where) is left out here, for it would load
that dialect into every process.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.types import TypeDecorator

from netty.image.rendition import RenditionKind

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def microseconds(moment: datetime) -> int:
    """A point in time as it is kept: microseconds since the epoch."""
    return (moment - EPOCH) // _MICROSECOND


class Moment(TypeDecorator[datetime]):
    """A point in time, kept as microseconds since the epoch: the same in every database, and it sorts."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else microseconds(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else EPOCH + timedelta(microseconds=value)


metadata: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_KEY = BigInteger().with_variant(Integer(), "sqlite")  # only INTEGER numbers rows by itself in SQLite


def _id() -> Column[int]:
    return Column("id", _KEY, primary_key=True)


def _text(name: str, **options: Any) -> Column[str]:
    return Column(name, Text, nullable=False, **options)


def _number(name: str, **options: Any) -> Column[int]:
    return Column(name, BigInteger, nullable=False, **options)


def _moment(name: str, nullable: bool = False) -> Column[datetime]:
    return Column(name, Moment, nullable=nullable)


def _owned_by(name: str, target: str, **options: Any) -> Column[int]:
    return Column(name, _KEY, ForeignKey(target, ondelete="CASCADE"), nullable=False, **options)


# --- who and where ---------------------------------------------------------------------------------------------------

remotes: Final = Table(
    "remotes",
    metadata,
    _id(),
    _text("name", unique=True),
    _text("title"),
    _text("host"),
    Column("port", Integer, nullable=False),
    Column("addresses", JSON, nullable=False),
    Column("called_from", JSON, nullable=False),
    Column("max_moves", Integer, nullable=False),
    Column("hours", JSON, nullable=False),
    Column("managed", Boolean, nullable=False),
    Column("paused", Boolean, nullable=False),
    Column("response_restarts_on", Text),
    Column("levels", JSON(none_as_null=True)),
)

patients: Final = Table(
    "patients", metadata, _id(), _text("key", unique=True), _text("name"), _text("birth_date"), _moment("created_at")
)

patient_links: Final = Table(
    "patient_links",
    metadata,
    _id(),
    _owned_by("patient", "patients.id"),
    _text("remote"),
    _text("patient_id"),
    UniqueConstraint("remote", "patient_id"),  # one person per number at a facility
    UniqueConstraint("patient", "remote"),
)

# --- what the remotes say --------------------------------------------------------------------------------------------

searches: Final = Table(
    "searches",
    metadata,
    _id(),
    _text("remote"),
    _text("patient_id"),
    _moment("searched_at", nullable=True),
    _text("failure"),
    _moment("failed_at", nullable=True),
    UniqueConstraint("remote", "patient_id"),
)

found_studies: Final = Table(
    "found_studies",
    metadata,
    _id(),
    _owned_by("search", "searches.id"),
    Column("place", Integer, nullable=False),  # in the remote's answer
    _text("study_instance_uid"),
    Column("study", JSON, nullable=False),  # read and written whole
    UniqueConstraint("search", "study_instance_uid"),
)

unobtainable: Final = Table(
    "unobtainable",
    metadata,
    _id(),
    _text("remote"),
    _text("study_instance_uid"),
    _text("sop_instance_uid"),
    _text("reason"),
    _moment("at"),
    UniqueConstraint("remote", "study_instance_uid", "sop_instance_uid"),
)

# --- what we ask for -------------------------------------------------------------------------------------------------

retrievals: Final = Table(
    "retrievals",
    metadata,
    Column("id", Text, primary_key=True),
    _text("remote"),
    _text("study_instance_uid", index=True),
    _text("patient_key"),
    _text("patient_id"),
    _text("state"),
    _text("requested_by"),
    _moment("requested_at"),
    _moment("started_at", nullable=True),
    _moment("ended_at", nullable=True),
    Column("claimed_completed", Integer),
    Column("claimed_failed", Integer),
    Column("claimed_warning", Integer),
    Column("claimed_status", Integer),
    _text("reason"),
    Column("cancel_requested", Boolean, nullable=False),
    Index(None, "state", "requested_at"),
    Index(None, "requested_at"),
)

ledger: Final = Table(
    "ledger",
    metadata,
    _id(),
    Column("retrieval", Text, ForeignKey("retrievals.id", ondelete="CASCADE"), nullable=False),
    _text("sop_instance_uid", index=True),
    _text("sop_class_uid"),
    _text("series_instance_uid"),
    _text("instance_number"),
    _text("state"),
    _text("reason"),
    UniqueConstraint("retrieval", "sop_instance_uid"),
)

leases: Final = Table(
    "leases",
    metadata,
    _id(),
    Column("retrieval", Text, ForeignKey("retrievals.id", ondelete="CASCADE"), nullable=False, index=True),
    _text("remote"),
    Column("message_id", Integer, unique=True),
    _text("study_instance_uid", index=True),
    _text("patient_id"),
    _text("patient_key"),
    _moment("expires_at"),
    sqlite_autoincrement=True,  # numbers are not used again, hence message IDs only after a whole round
)

# --- what is held ----------------------------------------------------------------------------------------------------

studies: Final = Table(
    "studies",
    metadata,
    _id(),
    _text("study_instance_uid", unique=True),
    _text("patient_key", index=True),
    _text("patient_id", index=True),
    _text("patient_name"),
    _text("birth_date"),
    _text("sex"),
    _text("study_date"),
    _text("study_time"),
    _text("accession_number"),
    _text("description"),
    _text("remote"),
    _moment("created_at"),
)

series: Final = Table(
    "series",
    metadata,
    _id(),
    _owned_by("study", "studies.id"),
    _text("series_instance_uid"),
    _text("modality"),
    _text("number"),
    _text("description"),
    UniqueConstraint("study", "series_instance_uid"),
)

instances: Final = Table(
    "instances",
    metadata,
    _id(),
    _owned_by("series", "series.id", index=True),
    _text("sop_instance_uid", unique=True),
    _text("sop_class_uid"),
    _text("instance_number"),
    Column("frames", Integer, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("columns", Integer, nullable=False),
    _text("burned_in"),
    _text("key", unique=True),  # the stem of its blobs' names
    _text("digest"),
    _text("transfer_syntax"),
    Column("spool_name", Text),  # NULL once the file is gone
    _number("data_offset"),
    _number("data_length"),
    _text("state"),
    _text("reason"),
    Column("attempts", Integer, nullable=False),
    Column("kept_blob", Text),
    Column("kept_bytes", BigInteger),
    Column("kept_sha256", Text),
    _moment("received_at"),
    # Whether a person looked at pixels that may show the patient, and let them be shown.
    Column("pixels_released", Boolean, nullable=False, server_default=text("false")),
    Index("ix_instances_waiting", "attempts", "id", sqlite_where=text("state = 'waiting'")),  # and postgresql_where
)

renditions: Final = Table(
    "renditions",
    metadata,
    _id(),
    _owned_by("instance", "instances.id", index=True),
    _text("format"),
    Column("frame", Integer, nullable=False),
    _text("blob_key", unique=True),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    _number("bytes"),
    _text("sha256"),
    Column("recipe", JSON, nullable=False),
    _text("window"),
    _text("presentation_state"),
    Column("flags", JSON, nullable=False),
    _text("kind", server_default=str(RenditionKind.PICTURE)),
    _text("view", server_default=""),
    sqlite_autoincrement=True,  # numbers are not used again: browsers keep the picture that they saw under one
)

presentations: Final = Table(
    "presentations",  # each image that a presentation state refers to, here or not
    metadata,
    _id(),
    _owned_by("presentation_state", "instances.id"),
    _text("sop_instance_uid"),
    # The image for which this is settled; NULL where it is still to be rendered, also after the image was lost.
    Column("image", _KEY, ForeignKey("instances.id", ondelete="SET NULL"), index=True),
    _text("reason"),  # why there are no such renditions, empty where there are
    Column("attempts", Integer, nullable=False),
    UniqueConstraint("presentation_state", "sop_instance_uid"),
    Index("ix_presentations_open", "sop_instance_uid", sqlite_where=text("image IS NULL")),  # and postgresql_where
)

series_ranges: Final = Table(
    "series_ranges",  # series with an image that was rendered from its own values alone: they are to share a range
    metadata,
    Column("series", _KEY, ForeignKey("series.id", ondelete="CASCADE"), primary_key=True),
)

receipts: Final = Table(
    "receipts",
    metadata,
    _id(),
    _text("spool_name", unique=True),
    Column("in_spool", Boolean, nullable=False),
    _text("outcome"),
    _text("reason"),
    Column("instance", _KEY, ForeignKey("instances.id", ondelete="SET NULL"), index=True),
    _text("sop_instance_uid"),
    _text("study_instance_uid", index=True),
    _number("size"),
    _text("digest"),
    _text("remote"),
    _text("calling_ae_title"),
    _text("address"),
    _text("retrieval"),
    _number("lease"),
    _moment("received_at"),
    Index(None, "retrieval", "received_at"),
    Index("ix_receipts_in_spool", "id", sqlite_where=text("in_spool")),  # and postgresql_where
)

quarantined: Final = Table(
    "quarantined",
    metadata,
    _id(),
    _owned_by("receipt", "receipts.id", unique=True),
    _text("patient_key"),
    _text("study_instance_uid", index=True),
    _text("sop_instance_uid", index=True),
    Column("received", JSON, nullable=False),  # the whole receipt, so that a person can release it
    Column("moved", Boolean, nullable=False),  # whether the file lies in the quarantine already
)

# --- who did what ----------------------------------------------------------------------------------------------------

audit: Final = Table(
    "audit",
    metadata,
    Column("seq", _KEY, primary_key=True),
    _moment("at"),
    _text("kind"),
    _text("who"),
    _text("patient_key", index=True),
    _text("study_instance_uid", index=True),
    _text("remote"),
    _text("outcome"),
    Column("detail", JSON, nullable=False),
    sqlite_autoincrement=True,
)

users: Final = Table(
    "users",
    metadata,
    _id(),
    _text("name", unique=True),
    _text("password_hash"),
    _text("role"),
    Column("must_change", Boolean, nullable=False),
    Column("failures", Integer, nullable=False),
    _moment("locked_until", nullable=True),
    _moment("created_at"),
    _moment("last_login_at", nullable=True),
)

sessions: Final = Table(
    "sessions",
    metadata,
    _id(),
    _text("cookie_sha256", unique=True),
    _owned_by("user", "users.id", index=True),
    _text("csrf_token"),
    _moment("started_at"),
    _moment("seen_at"),
)
