"""What belongs to one order, and the friends of one advocate, found without reading the others."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"

COUNTING = "counted AND status NOT IN ('denied', 'reversed')"


def upgrade() -> None:
    """Give rewards the index that a unique key was until it held for some of them alone; and what else was read whole."""
    op.create_index("ix_reward_merchant_id_conversion_id", "reward", ["merchant_id", "conversion_id"])
    op.create_index(
        "ix_reward_counting",
        "reward",
        ["merchant_id", "program_id", "advocate_id", "friend_id"],
        postgresql_where=sa.text(COUNTING),
        sqlite_where=sa.text(COUNTING),
    )
    op.create_index(
        "ix_reward_earned_by_friend",
        "reward",
        ["merchant_id", "friend_id", "conversion_id"],
        postgresql_where=sa.text("is_earned"),
        sqlite_where=sa.text("is_earned = 1"),
    )
    op.create_index(
        "ix_redemption_reserved_for_order",
        "redemption",
        ["merchant_id", "order_id", "redemption_id"],
        postgresql_where=sa.text("status = 'reserved'"),
        sqlite_where=sa.text("status = 'reserved'"),
    )
