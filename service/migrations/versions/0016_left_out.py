"""How many follows of a link were left out of its visits, since too many came from one network."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
oldest_writer = "0014"


def upgrade() -> None:
    """One row a link and hour, which is all that is kept of them."""
    op.create_table(
        "visit_left_out",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("link_id", sa.Uuid(), nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("visits", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("visits > 0", name="ck_visit_left_out_visits"),
        sa.PrimaryKeyConstraint("merchant_id", "link_id", "hour", name="pk_visit_left_out"),
    )
