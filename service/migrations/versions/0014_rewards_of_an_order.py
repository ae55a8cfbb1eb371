"""The rewards of one order, found without reading the merchant's others."""

from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Give rewards the index that a unique key was until it held for some of them alone."""
    op.create_index("ix_reward_merchant_id_conversion_id", "reward", ["merchant_id", "conversion_id"])
