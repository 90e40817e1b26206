"""Images seen through presentation states, and series whose images share a range of values.

Revision ID: 0002
"""

import sqlalchemy as sa
from alembic import op

from netty.dicom.uids import GRAYSCALE_SOFTCOPY_PRESENTATION_STATE

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def _key() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables, and number renditions once and for all.

    Presentation states whose file is there are read once more, for what they refer to.
    """
    op.create_table(
        "presentations",
        sa.Column("id", _key(), nullable=False),
        sa.Column("presentation_state", _key(), nullable=False),
        sa.Column("sop_instance_uid", sa.Text(), nullable=False),
        sa.Column("image", _key(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["presentation_state"],
            ["instances.id"],
            name="fk_presentations_presentation_state_instances",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["image"], ["instances.id"], name="fk_presentations_image_instances", ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_presentations"),
        sa.UniqueConstraint(
            "presentation_state", "sop_instance_uid", name="uq_presentations_presentation_state_sop_instance_uid"
        ),
    )
    op.create_index("ix_presentations_image", "presentations", ["image"])
    op.create_index(
        "ix_presentations_open",
        "presentations",
        ["sop_instance_uid"],
        sqlite_where=sa.text("image IS NULL"),
        postgresql_where=sa.text("image IS NULL"),
    )
    op.create_table(
        "series_ranges",
        sa.Column("series", _key(), nullable=False),
        sa.ForeignKeyConstraint(["series"], ["series.id"], name="fk_series_ranges_series_series", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("series", name="pk_series_ranges"),
    )
    with op.batch_alter_table("renditions", recreate="auto", table_kwargs={"sqlite_autoincrement": True}) as renditions:
        if op.get_context().dialect.name == "sqlite":  # a table made anew, whose numbers are not used again
            renditions.alter_column("id", nullable=False)
    instances = sa.table("instances", *map(sa.column, ("state", "attempts", "sop_class_uid", "spool_name")))
    op.execute(
        instances.update()
        .where(
            instances.c.sop_class_uid == GRAYSCALE_SOFTCOPY_PRESENTATION_STATE,
            instances.c.state == "no_picture",
            instances.c.spool_name.is_not(None),
        )
        .values(state="waiting", attempts=0)
    )
