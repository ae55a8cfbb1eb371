"""How shops' pages look: what is said of a brand, and logos."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "logo",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.String(32), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchant.merchant_id"], name="fk_logo_merchant_id"),
        sa.PrimaryKeyConstraint("merchant_id", "digest", name="pk_logo"),
    )
    op.create_table(
        "brand",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("of_id", sa.Uuid(), nullable=False),
        sa.Column("said", sa.JSON(), nullable=False),
        sa.Column("logo_digest", sa.String(32), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchant.merchant_id"], name="fk_brand_merchant_id"),
        sa.ForeignKeyConstraint(
            ["merchant_id", "logo_digest"],
            ["logo.merchant_id", "logo.digest"],
            name="fk_brand_merchant_id_logo_digest",
        ),
        sa.PrimaryKeyConstraint("merchant_id", "of_id", name="pk_brand"),
    )
