"""Decisions know their task, so that spending can be added up by it."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

PIECE = 1000


def upgrade() -> None:
    """A column, filled from the traces that are there."""
    op.add_column("decisions", sa.Column("task", sa.Text(), nullable=False, server_default=""))
    rows = sa.table("decisions", sa.column("id", sa.Text), sa.column("trace", sa.LargeBinary), sa.column("task", sa.Text))
    bind, last = op.get_bind(), ""
    while True:
        piece = bind.execute(sa.select(rows.c.id, rows.c.trace).where(rows.c.id > last).order_by(rows.c.id).limit(PIECE)).all()
        if not piece:
            return
        last = piece[-1].id
        for id, trace in piece:
            decision = json.loads(trace).get("decision") or {}
            if task := (decision.get("features") or {}).get("task"):
                bind.execute(sa.update(rows).where(rows.c.id == id).values(task=task))


def downgrade() -> None:
    """Without it."""
    op.drop_column("decisions", "task")
