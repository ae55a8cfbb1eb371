"""Pages on which customers share."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "share_page",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("share_page_id", sa.Uuid(), nullable=False),
        sa.Column("link_id", sa.Uuid(), nullable=False),
        sa.Column("return_url", sa.String(2000), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["merchant_id", "link_id"], ["link.merchant_id", "link.link_id"], name="fk_share_page_merchant_id_link_id"
        ),
        sa.PrimaryKeyConstraint("merchant_id", "share_page_id", name="pk_share_page"),
    )
    op.create_index("ix_share_page_expires_at", "share_page", ["expires_at"])
