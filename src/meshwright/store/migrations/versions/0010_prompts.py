"""Prompts, encrypted, where policy says that they are kept."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One table."""
    op.create_table(
        "prompts",
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("principal", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("decision", name="pk_prompts"),
    )
    for column in ("principal", "at"):
        op.create_index(f"ix_prompts_{column}", "prompts", [column])


def downgrade() -> None:
    """Without it: what was kept is gone."""
    op.drop_table("prompts")
