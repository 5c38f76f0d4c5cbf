"""Keys know whose they are, so that one can take the place of another."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A column that is empty for every key there is: each is its principal's first."""
    op.add_column("keys", sa.Column("principal", sa.Text, nullable=False, server_default=""))
