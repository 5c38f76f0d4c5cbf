"""What was found out about answers, and by which name a caller knows its answer."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One table, one column."""
    op.add_column("decisions", sa.Column("answer", sa.Text(), nullable=False, server_default=""))
    op.create_index("ix_decisions_answer", "decisions", ["answer"])
    op.create_table(
        "feedback",
        sa.Column("n", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False, autoincrement=True),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("decision", "model", "kind", "principal")),
        *(sa.Column(name, sa.Double(), nullable=False) for name in ("at", "asked")),
        sa.Column("score", sa.Double()),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("expected", sa.Double()),
        sa.Column("prior", sa.Double()),
        sa.Column("sketch", sa.LargeBinary(), nullable=False),
        sa.Column("aside", sa.Double()),
        sa.PrimaryKeyConstraint("n", name="pk_feedback"),
        sqlite_autoincrement=True,
    )
    columns = ["decision", "model", "kind", "principal"]
    op.create_index(f"ix_feedback_{'_'.join(columns)}", "feedback", columns, unique=True)
    op.create_index("ix_feedback_asked", "feedback", ["asked"])


def downgrade() -> None:
    """Without them: what was said of answers is lost."""
    op.drop_table("feedback")
    op.drop_index("ix_decisions_answer", "decisions")
    op.drop_column("decisions", "answer")
