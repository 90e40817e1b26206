"""Renditions of several kinds: pictures, their thumbnails, loops; and CT images through further windows.

Revision ID: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Whatever is there is a picture by the image's own window."""
    op.add_column("renditions", sa.Column("kind", sa.Text(), nullable=False, server_default="picture"))
    op.add_column("renditions", sa.Column("view", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    """Pictures only; the files of the others are then without a row, and `netty verify --repair` removes them."""
    op.execute("DELETE FROM renditions WHERE kind <> 'picture' OR view <> ''")
    op.drop_column("renditions", "view")
    op.drop_column("renditions", "kind")
