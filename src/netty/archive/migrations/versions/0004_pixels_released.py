"""Images whose pixels a person has looked at and let be shown.

Revision ID: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nobody has let anything be shown so far."""
    released: sa.Column[bool] = sa.Column(
        "pixels_released", sa.Boolean(), nullable=False, server_default=sa.text("false")
    )
    op.add_column("instances", released)


def downgrade() -> None:
    """Forget who was let be shown."""
    op.drop_column("instances", "pixels_released")
