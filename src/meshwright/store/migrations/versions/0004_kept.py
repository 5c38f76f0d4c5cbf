"""Answers and conversations that callers come back to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Five tables."""
    _answers()
    _below("answer_labels", "answer", "answers", sa.Column("name", sa.Text(), nullable=False), sa.Column("value", sa.Text(), nullable=False))
    _below("answer_events", "answer", "answers", sa.Column("first", sa.Integer(), nullable=False), sa.Column("body", sa.LargeBinary(), nullable=False))
    op.create_table(
        "conversations",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("created", sa.Double(), nullable=False),
        sa.Column("expires", sa.Double(), nullable=False),
        sa.Column("metadata", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_conversations"),
    )
    op.create_index("ix_conversations_expires", "conversations", ["expires"])
    _below(
        "conversation_items",
        "conversation",
        "conversations",
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("served", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
    )
    op.create_index("ix_conversation_items_conversation_id", "conversation_items", ["conversation", "id"])


def _answers() -> None:
    op.create_table(
        "answers",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("created", sa.Double(), nullable=False),
        sa.Column("expires", sa.Double(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("request", sa.LargeBinary(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("served", sa.Text(), nullable=False),
        sa.Column("previous", sa.Text(), nullable=False),
        sa.Column("conversation", sa.Text(), nullable=False),
        sa.Column("touched", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_answers"),
    )
    for columns in (["expires"], ["owner", "kind", "created", "id"], ["status", "touched"]):
        op.create_index(f"ix_answers_{'_'.join(columns)}", "answers", columns)


def _below(name: str, parent: str, parents: str, *columns: sa.Column[object]) -> None:
    """A table whose rows go with their parent's; its key is the parent's and its own first column."""
    op.create_table(
        name,
        sa.Column(parent, sa.Text(), nullable=False),
        *columns,
        sa.PrimaryKeyConstraint(parent, columns[0].name, name=f"pk_{name}"),
        sa.ForeignKeyConstraint([parent], [f"{parents}.id"], name=f"fk_{name}_{parent}", ondelete="CASCADE"),
    )


def downgrade() -> None:
    """Without them: what was kept is lost."""
    for table in ("conversation_items", "conversations", "answer_events", "answer_labels", "answers"):
        op.drop_table(table)
