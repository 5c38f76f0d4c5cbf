"""What was charged for a lease whose journal may never come, until it comes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One column."""
    op.add_column("leases", sa.Column("written_off", sa.BigInteger(), nullable=False, server_default="0"))


def downgrade() -> None:
    """Without it: what was charged stays charged."""
    op.drop_column("leases", "written_off")
