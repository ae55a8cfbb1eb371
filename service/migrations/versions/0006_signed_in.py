"""Who is signed in to the dashboard, and customers by their mailbox, which somebody may search for."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make the table and the index."""
    known = sa.text("folded_email IS NOT NULL")
    op.create_index(
        "ix_customer_folded_email",
        "customer",
        ["merchant_id", "folded_email"],
        postgresql_where=known,
        sqlite_where=known,
    )
    op.create_table(
        "dashboard_session",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("session_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("key_id", sa.Uuid(), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["merchant_id", "key_id"],
            ["api_key.merchant_id", "api_key.key_id"],
            name="fk_dashboard_session_merchant_id_key_id",
        ),
        sa.PrimaryKeyConstraint("merchant_id", "session_hash", name="pk_dashboard_session"),
    )
