"""Files, and batches that Meshwright runs itself."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Four tables."""
    op.create_table(
        "files",
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("id", "owner", "name", "purpose")),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("created", sa.Double(), nullable=False),
        sa.Column("expires", sa.Double()),
        sa.PrimaryKeyConstraint("id", name="pk_files"),
    )
    op.create_index("ix_files_owner_created_id", "files", ["owner", "created", "id"])
    op.create_table(
        "file_pieces",
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("file", "n", name="pk_file_pieces"),
        sa.ForeignKeyConstraint(["file"], ["files.id"], name="fk_file_pieces_file", ondelete="CASCADE"),
    )
    op.create_table(
        "batches",
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("id", "owner", "kind", "endpoint", "status")),
        sa.Column("created", sa.Double(), nullable=False),
        sa.Column("expires", sa.Double(), nullable=False),
        sa.Column("window", sa.Text(), nullable=False),
        sa.Column("input_file", sa.Text(), nullable=False),
        sa.Column("metadata", sa.LargeBinary(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("problems", sa.LargeBinary(), nullable=False),
        *(sa.Column(name, sa.Double()) for name in ("begun", "cancelling", "finalizing", "ended")),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("output_file", "error_file", "runner")),
        sa.Column("leased", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_batches"),
    )
    op.create_index("ix_batches_status", "batches", ["status"])
    op.create_index("ix_batches_owner_kind_created_id", "batches", ["owner", "kind", "created", "id"])
    op.create_table(
        "batch_rows",
        sa.Column("batch", sa.Text(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("custom_id", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("result", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("batch", "n", name="pk_batch_rows"),
        sa.ForeignKeyConstraint(["batch"], ["batches.id"], name="fk_batch_rows_batch", ondelete="CASCADE"),
    )
    op.create_index("ix_batch_rows_batch_state_n", "batch_rows", ["batch", "state", "n"])


def downgrade() -> None:
    """Without them."""
    for table in ("batch_rows", "batches", "file_pieces", "files"):
        op.drop_table(table)
