"""The transaction that was booked last on each account, so that none comes before it, whatever the clocks say."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"

LAST = """
    SELECT transaction_id FROM posting
     WHERE posting.merchant_id = balance.merchant_id AND posting.{side} = balance.account
       AND posting.currency = balance.currency
     ORDER BY transaction_id DESC LIMIT 1
"""


def upgrade() -> None:
    """Find the last one on each owner's account; of the merchant's own ones, which have several slots, none is kept."""
    none = "00000000-0000-0000-0000-000000000000"
    if op.get_bind().dialect.name != "postgresql":
        none = none.replace("-", "")
    op.add_column("balance", sa.Column("last_id", sa.Uuid(), nullable=False, server_default=none))
    debited, credited = LAST.format(side="debit"), LAST.format(side="credit")
    both = f"SELECT * FROM ({debited}) AS debited UNION ALL SELECT * FROM ({credited}) AS credited"
    last = f"SELECT transaction_id FROM ({both}) AS last ORDER BY transaction_id DESC LIMIT 1"
    op.execute(f"UPDATE balance SET last_id = COALESCE(({last}), last_id) WHERE floor IS NOT NULL")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE balance ALTER last_id DROP DEFAULT")
