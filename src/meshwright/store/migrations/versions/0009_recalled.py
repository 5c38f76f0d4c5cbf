"""Answers that are given again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One table, swept by its time and emptied by owner."""
    op.create_table(
        "recalled",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("until", sa.Double(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("cost_nano", sa.BigInteger()),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_recalled"),
    )
    op.create_index("ix_recalled_owner", "recalled", ["owner"])
    op.create_index("ix_recalled_until", "recalled", ["until"])


def downgrade() -> None:
    """Without it: they are made anew."""
    op.drop_table("recalled")
