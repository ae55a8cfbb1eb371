"""Who adjusted a balance, reviewed a reward, and changed terms."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
oldest_writer = "0014"


def upgrade() -> None:
    """Give each the id of the API key by which it was done; what came before, and what commands do, has none."""
    op.add_column("adjustment", sa.Column("key_id", sa.Uuid(), nullable=True))
    op.add_column("reward", sa.Column("review_key_id", sa.Uuid(), nullable=True))
    op.add_column("program_terms", sa.Column("key_id", sa.Uuid(), nullable=True))
