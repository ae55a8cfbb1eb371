"""The proof of large books, which the worker makes and the API tells."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
oldest_writer = "0018"


def upgrade() -> None:
    """One row for each merchant who asked for it."""
    op.create_table(
        "verification_run",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("is_asked", sa.Boolean(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=True),
        sa.Column("looked_at", sa.BigInteger(), nullable=False),
        sa.Column("touched_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("report", sa.JSON(), nullable=True),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("looked_at >= 0", name="ck_verification_run_looked_at"),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchant.merchant_id"], name="fk_verification_run_merchant_id"),
        sa.PrimaryKeyConstraint("merchant_id", name="pk_verification_run"),
    )
