"""What is held of an account is what its leases hold; one that is below zero takes nothing from the others."""

from __future__ import annotations

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Sums anew; as a rule they are what they were."""
    op.execute(
        "UPDATE accounts SET held = COALESCE((SELECT SUM(CASE WHEN leases.held > 0 THEN leases.held ELSE 0 END) "
        "FROM leases WHERE leases.account = accounts.id), 0)"
    )


def downgrade() -> None:
    """As they were before."""
    op.execute(
        "UPDATE accounts SET held = COALESCE((SELECT SUM(leases.held) FROM leases WHERE leases.account = accounts.id), 0)"
    )
