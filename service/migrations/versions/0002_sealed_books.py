"""The chain over the books, adjustments by hand, and totals that are kept instead of summed."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

REFUSED = {
    "block": ("UPDATE", "DELETE"),
    "seal": ("UPDATE", "DELETE"),
    "adjustment": (
        "UPDATE OF merchant_id, adjustment_id, customer_id, direction, amount, currency, created_at",
        "DELETE",
    ),
}
"""The note of an adjustment may be erased with the person whom it is about."""

PENDING = sa.text("status = 'pending'")
RESERVED = sa.text("status = 'reserved'")
EXPIRING = sa.text("status = 'available' AND lapsed_amount IS NULL AND expires_at IS NOT NULL")


def upgrade() -> None:
    """Make the tables, and fill in what follows from what is there."""
    _chain()
    _adjustments()
    _totals()
    of_customer = ["merchant_id", "customer_id"]
    for name, table, column, where in (
        ("ix_reward_due_of_customer", "reward", "available_at", PENDING),
        ("ix_reward_expiring_of_customer", "reward", "expires_at", EXPIRING),
        ("ix_redemption_stale_of_customer", "redemption", "expires_at", RESERVED),
    ):
        op.create_index(name, table, [*of_customer, column], postgresql_where=where, sqlite_where=where)
    op.drop_index("ix_redemption_merchant_id_customer_id", "redemption")
    on_postgresql = op.get_bind().dialect.name == "postgresql"
    _statements(on_postgresql=on_postgresql)
    for table, events in REFUSED.items():
        for event in events:
            op.execute(_trigger(table, event, on_postgresql=on_postgresql))
        if on_postgresql:
            op.execute(
                f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}"
                " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
            )


def _chain() -> None:
    op.create_table(
        "block",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("previous", sa.LargeBinary(length=32), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("transactions", sa.BigInteger(), nullable=False),
        sa.Column("sealed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("number > 0", name="ck_block_number"),
        sa.CheckConstraint("transactions > 0", name="ck_block_transactions"),
        sa.PrimaryKeyConstraint("merchant_id", "number", name="pk_block"),
        sa.UniqueConstraint("merchant_id", "hash", name="uq_block_merchant_id_hash"),
        sa.UniqueConstraint("merchant_id", "previous", name="uq_block_merchant_id_previous"),
    )
    op.create_table(
        "seal",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("transaction_id", sa.Uuid(), nullable=False),
        sa.Column("block", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["merchant_id", "block"], ["block.merchant_id", "block.number"], name="fk_seal_merchant_id_block"
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id", "transaction_id"],
            ["txn.merchant_id", "txn.transaction_id"],
            name="fk_seal_merchant_id_transaction_id",
        ),
        sa.PrimaryKeyConstraint("merchant_id", "transaction_id", name="pk_seal"),
    )
    op.create_table(
        "unsealed",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("transaction_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "transaction_id", name="pk_unsealed"),
    )
    op.create_table(
        "rebuild",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("done_up_to", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", name="pk_rebuild"),
    )
    op.execute("INSERT INTO unsealed (merchant_id, transaction_id) SELECT merchant_id, transaction_id FROM txn")


def _adjustments() -> None:
    op.create_table(
        "adjustment",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("adjustment_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.String(length=255), nullable=False),
        sa.Column("direction", sa.String(length=6), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount > 0", name="ck_adjustment_amount"),
        sa.CheckConstraint("direction IN ('credit', 'debit')", name="ck_adjustment_direction"),
        sa.CheckConstraint("note <> ''", name="ck_adjustment_note"),
        sa.ForeignKeyConstraint(
            ["merchant_id", "customer_id"],
            ["customer.merchant_id", "customer.customer_id"],
            name="fk_adjustment_merchant_id_customer_id",
        ),
        sa.PrimaryKeyConstraint("merchant_id", "adjustment_id", name="pk_adjustment"),
    )
    op.create_index("ix_adjustment_merchant_id_customer_id", "adjustment", ["merchant_id", "customer_id"])


def _totals() -> None:
    op.create_table(
        "customer_total",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.String(length=255), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("earned", sa.BigInteger(), nullable=False),
        sa.Column("spent", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("earned >= 0", name="ck_customer_total_earned"),
        sa.CheckConstraint("spent >= 0", name="ck_customer_total_spent"),
        sa.ForeignKeyConstraint(
            ["merchant_id", "customer_id"],
            ["customer.merchant_id", "customer.customer_id"],
            name="fk_customer_total_merchant_id_customer_id",
        ),
        sa.PrimaryKeyConstraint("merchant_id", "customer_id", "currency", name="pk_customer_total"),
    )
    op.execute("""
        INSERT INTO customer_total (merchant_id, customer_id, currency, earned, spent)
        SELECT merchant_id, customer_id, currency, SUM(earned), SUM(spent) FROM (
            SELECT merchant_id, customer_id, currency, amount - reversed_amount AS earned, 0 AS spent
            FROM reward WHERE given_as = 'credit' AND status <> 'denied'
            UNION ALL
            SELECT merchant_id, customer_id, currency, 0, captured_amount FROM redemption WHERE status = 'captured'
        ) AS happened GROUP BY merchant_id, customer_id, currency
    """)


def _statements(*, on_postgresql: bool) -> None:
    """Let a page of a statement be looked up in its order."""
    for side in ("debit", "credit"):
        op.drop_index(f"ix_posting_merchant_id_{side}_transaction_id", "posting")
    if on_postgresql:
        _order_by_bytes()
    for side in ("debit", "credit"):
        columns = ["merchant_id", side, "transaction_id", "line"]
        op.create_index(f"ix_posting_{'_'.join(columns)}", "posting", columns)


def _order_by_bytes() -> None:
    for table, columns in (("balance", ("account",)), ("posting", ("debit", "credit"))):
        accounts = [f'ALTER {column} TYPE varchar(64) COLLATE "C"' for column in columns]
        op.execute(f'ALTER TABLE {table} {", ".join(accounts)}, ALTER currency TYPE varchar(3) COLLATE "C"')


def _trigger(table: str, event: str, *, on_postgresql: bool) -> str:
    name = f"{table}_no_{event.partition(' ')[0].lower()}"
    if on_postgresql:
        return f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    return f"CREATE TRIGGER {name} BEFORE {event} ON {table} BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
