"""The digests of received data sets name their algorithm; those that are there are SHA-256.

Revision ID: 0003
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_TABLES = ("instances", "receipts")


def upgrade() -> None:
    """Name the columns for what they hold."""
    for table in _TABLES:
        op.execute(f"ALTER TABLE {table} RENAME COLUMN sha256 TO digest")


def downgrade() -> None:
    """Back to the name that says SHA-256."""
    for table in _TABLES:
        op.execute(f"ALTER TABLE {table} RENAME COLUMN digest TO sha256")
