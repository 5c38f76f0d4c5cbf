"""Teams, users, bounds, allowances, and what is spent and lent of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Four tables, and columns of three."""
    for name in ("team", "user"):
        op.add_column("keys", sa.Column(name, sa.Text(), nullable=False, server_default=""))
    op.add_column("keys", sa.Column("priority", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("keys", sa.Column("bounds", sa.JSON(), nullable=False, server_default="{}"))
    op.add_column("begun", sa.Column("model", sa.Text(), nullable=False, server_default=""))
    op.add_column("begun", sa.Column("charges", sa.JSON(), nullable=False, server_default="{}"))
    op.add_column("attempts", sa.Column("charged_nano", sa.BigInteger()))
    op.create_table(
        "parties",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("created", sa.Double(), nullable=False),
        sa.Column("bounds", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_parties"),
    )
    op.create_table(
        "allowances",
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("owner", "measure", "per")),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "measure", "per", name="pk_allowances"),
    )
    op.create_table(
        "accounts",
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("id", "owner", "measure", "per")),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger()),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("spent", "held", "wants")),
        sa.PrimaryKeyConstraint("id", name="pk_accounts"),
    )
    op.create_index("ix_accounts_owner", "accounts", ["owner"])
    op.create_table(
        "leases",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("life", sa.Text(), nullable=False),
        sa.Column("held", sa.BigInteger(), nullable=False),
        sa.Column("renewed", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("account", "life", name="pk_leases"),
    )
    op.create_index("ix_leases_life", "leases", ["life"])


def downgrade() -> None:
    """Without them: nothing is limited any more."""
    for table in ("leases", "accounts", "allowances", "parties"):
        op.drop_table(table)
    for table, column in (
        ("attempts", "charged_nano"),
        ("begun", "charges"),
        ("begun", "model"),
        ("keys", "bounds"),
        ("keys", "priority"),
        ("keys", "user"),
        ("keys", "team"),
    ):
        op.drop_column(table, column)
