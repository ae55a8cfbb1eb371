"""What an order's amounts are: paid, taken off for the referral, and what rewards are computed of."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the columns. What was recorded before knew one amount, which was all three."""
    on_postgresql = op.get_bind().dialect.name == "postgresql"
    for name in ("discount_amount", "eligible_amount"):
        # as SQL, since SQLite adds a column with its check in one statement, and a table only by copying it
        op.execute(
            f"ALTER TABLE conversion ADD COLUMN {name} BIGINT NOT NULL DEFAULT 0"
            f" CONSTRAINT ck_conversion_{name} CHECK ({name} >= 0)"
        )
        if on_postgresql:
            op.execute(f"ALTER TABLE conversion ALTER {name} DROP DEFAULT")
    op.execute("UPDATE conversion SET eligible_amount = amount")
    op.execute(
        "ALTER TABLE refund ADD COLUMN eligible_amount BIGINT"
        " CONSTRAINT ck_refund_eligible_amount CHECK (eligible_amount >= 0)"
    )
