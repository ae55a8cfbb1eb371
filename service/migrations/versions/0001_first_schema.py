"""The first schema: everything from merchants to the books."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

APPEND_ONLY = ("txn", "posting", "program_terms", "refund", "reversal")


def upgrade() -> None:
    """Make every table, and see to it that what only grows can only grow."""
    op.create_table(
        "merchant",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", name="pk_merchant"),
    )
    op.create_table(
        "visit",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("link_id", sa.Uuid(), nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("visitor", sa.LargeBinary(length=16), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("visited_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "link_id", "hour", "visitor", name="pk_visit"),
        postgresql_partition_by="RANGE (hour)",
    )
    op.create_table(
        "api_key",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("key_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("key_id", sa.Uuid(), nullable=False),
        sa.Column("scope", sa.String(length=12), nullable=False),
        sa.Column("hint", sa.String(length=24), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("scope IN ('checkout', 'marketing', 'admin')", name="ck_api_key_scope"),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchant.merchant_id"], name="fk_api_key_merchant_id"),
        sa.PrimaryKeyConstraint("merchant_id", "key_hash", name="pk_api_key"),
        sa.UniqueConstraint("merchant_id", "key_id", name="uq_api_key_merchant_id_key_id"),
    )
    op.create_table(
        "customer",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.String(length=255), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("first_name", sa.String(length=80), nullable=True),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("folded_email", sa.String(length=800), nullable=True),
        sa.Column("locale", sa.String(length=35), nullable=True),
        sa.Column("since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchant.merchant_id"], name="fk_customer_merchant_id"),
        sa.PrimaryKeyConstraint("merchant_id", "customer_id", name="pk_customer"),
        sa.UniqueConstraint("merchant_id", "owner_id", name="uq_customer_merchant_id_owner_id"),
    )
    op.create_table(
        "idempotency",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(length=32), nullable=False),
        sa.Column("status", sa.BigInteger(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchant.merchant_id"], name="fk_idempotency_merchant_id"),
        sa.PrimaryKeyConstraint("merchant_id", "key", name="pk_idempotency"),
    )
    op.create_index("ix_idempotency_created_at", "idempotency", ["created_at"], unique=False)
    op.create_table(
        "program",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("destination_url", sa.String(length=2000), nullable=False),
        sa.Column("allowed_hosts", sa.JSON(), nullable=False),
        sa.Column("landing", sa.String(length=8), nullable=False),
        sa.Column("status", sa.String(length=8), nullable=False),
        sa.Column("terms_version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("landing IN ('redirect', 'page')", name="ck_program_landing"),
        sa.CheckConstraint("status IN ('active', 'paused', 'ended')", name="ck_program_status"),
        sa.CheckConstraint("terms_version >= 1", name="ck_program_terms_version"),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchant.merchant_id"], name="fk_program_merchant_id"),
        sa.PrimaryKeyConstraint("merchant_id", "program_id", name="pk_program"),
    )
    op.create_table(
        "link",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("link_id", sa.Uuid(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.String(length=255), nullable=False),
        sa.Column("channel", sa.String(length=40), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("folded_code", sa.String(length=40), nullable=False),
        sa.Column("destination_url", sa.String(length=2000), nullable=True),
        sa.Column("status", sa.String(length=8), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("status IN ('active', 'revoked')", name="ck_link_status"),
        sa.ForeignKeyConstraint(
            ["merchant_id", "customer_id"],
            ["customer.merchant_id", "customer.customer_id"],
            name="fk_link_merchant_id_customer_id",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id", "program_id"],
            ["program.merchant_id", "program.program_id"],
            name="fk_link_merchant_id_program_id",
        ),
        sa.PrimaryKeyConstraint("merchant_id", "link_id", name="pk_link"),
        sa.UniqueConstraint("merchant_id", "folded_code", name="uq_link_merchant_id_folded_code"),
        sa.UniqueConstraint(
            "merchant_id",
            "program_id",
            "customer_id",
            "channel",
            name="uq_link_merchant_id_program_id_customer_id_channel",
        ),
    )
    op.create_table(
        "program_terms",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("terms_version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("terms", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["merchant_id", "program_id"],
            ["program.merchant_id", "program.program_id"],
            name="fk_program_terms_merchant_id_program_id",
        ),
        sa.PrimaryKeyConstraint("merchant_id", "program_id", "terms_version", name="pk_program_terms"),
    )
    op.create_table(
        "redemption",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("redemption_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.String(length=255), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("captured_amount", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("order_id", sa.String(length=255), nullable=True),
        sa.Column("status", sa.String(length=8), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(status = 'captured') = (captured_amount IS NOT NULL)", name="ck_redemption_captured_once"),
        sa.CheckConstraint("status IN ('reserved', 'captured', 'voided')", name="ck_redemption_status"),
        sa.CheckConstraint("amount > 0", name="ck_redemption_amount"),
        sa.CheckConstraint("captured_amount BETWEEN 1 AND amount", name="ck_redemption_captured_amount"),
        sa.ForeignKeyConstraint(
            ["merchant_id", "customer_id"],
            ["customer.merchant_id", "customer.customer_id"],
            name="fk_redemption_merchant_id_customer_id",
        ),
        sa.PrimaryKeyConstraint("merchant_id", "redemption_id", name="pk_redemption"),
    )
    op.create_index("ix_redemption_merchant_id_customer_id", "redemption", ["merchant_id", "customer_id"], unique=False)
    op.create_index(
        "ix_redemption_stale",
        "redemption",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text("status = 'reserved'"),
        sqlite_where=sa.text("status = 'reserved'"),
    )
    op.create_table(
        "conversion",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("conversion_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.String(length=255), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(length=32), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("refunded_amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("customer_id", sa.String(length=255), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("decisions", sa.JSON(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=True),
        sa.Column("terms_version", sa.BigInteger(), nullable=True),
        sa.Column("link_id", sa.Uuid(), nullable=True),
        sa.Column("advocate_id", sa.String(length=255), nullable=True),
        sa.Column("ordered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "status IN ('attributed', 'repeat', 'unattributed', 'declined', 'flagged')", name="ck_conversion_status"
        ),
        sa.CheckConstraint(
            "status IN ('unattributed', 'declined') OR (advocate_id IS NOT NULL AND link_id IS NOT NULL AND program_id IS NOT NULL AND terms_version IS NOT NULL)",
            name="ck_conversion_referred",
        ),
        sa.CheckConstraint("amount >= 0", name="ck_conversion_amount"),
        sa.CheckConstraint("refunded_amount BETWEEN 0 AND amount", name="ck_conversion_refunded_amount"),
        sa.ForeignKeyConstraint(
            ["merchant_id", "customer_id"],
            ["customer.merchant_id", "customer.customer_id"],
            name="fk_conversion_merchant_id_customer_id",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id", "link_id"], ["link.merchant_id", "link.link_id"], name="fk_conversion_merchant_id_link_id"
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id", "program_id", "terms_version"],
            ["program_terms.merchant_id", "program_terms.program_id", "program_terms.terms_version"],
            name="fk_conversion_merchant_id_program_id_terms_version",
        ),
        sa.PrimaryKeyConstraint("merchant_id", "conversion_id", name="pk_conversion"),
        sa.UniqueConstraint("merchant_id", "order_id", name="uq_conversion_merchant_id_order_id"),
    )
    op.create_index(
        "ix_conversion_merchant_id_customer_id_conversion_id",
        "conversion",
        ["merchant_id", "customer_id", "conversion_id"],
        unique=False,
    )
    op.create_table(
        "referral",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("friend_id", sa.String(length=255), nullable=False),
        sa.Column("advocate_id", sa.String(length=255), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("link_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("friend_id <> advocate_id", name="ck_referral_two_people"),
        sa.ForeignKeyConstraint(
            ["merchant_id", "advocate_id"],
            ["customer.merchant_id", "customer.customer_id"],
            name="fk_referral_merchant_id_advocate_id",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id", "friend_id"],
            ["customer.merchant_id", "customer.customer_id"],
            name="fk_referral_merchant_id_friend_id",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id", "link_id"], ["link.merchant_id", "link.link_id"], name="fk_referral_merchant_id_link_id"
        ),
        sa.PrimaryKeyConstraint("merchant_id", "friend_id", name="pk_referral"),
    )
    op.create_index("ix_referral_merchant_id_advocate_id", "referral", ["merchant_id", "advocate_id"], unique=False)
    op.create_table(
        "refund",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("conversion_id", sa.Uuid(), nullable=False),
        sa.Column("refund_id", sa.String(length=255), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("refunded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount > 0", name="ck_refund_amount"),
        sa.ForeignKeyConstraint(
            ["merchant_id", "conversion_id"],
            ["conversion.merchant_id", "conversion.conversion_id"],
            name="fk_refund_merchant_id_conversion_id",
        ),
        sa.PrimaryKeyConstraint("merchant_id", "entry_id", name="pk_refund"),
        sa.UniqueConstraint(
            "merchant_id", "conversion_id", "refund_id", name="uq_refund_merchant_id_conversion_id_refund_id"
        ),
    )
    op.create_table(
        "reward",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("reward_id", sa.Uuid(), nullable=False),
        sa.Column("conversion_id", sa.Uuid(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("terms_version", sa.BigInteger(), nullable=False),
        sa.Column("side", sa.String(length=8), nullable=False),
        sa.Column("customer_id", sa.String(length=255), nullable=False),
        sa.Column("advocate_id", sa.String(length=255), nullable=False),
        sa.Column("friend_id", sa.String(length=255), nullable=False),
        sa.Column("counted", sa.Boolean(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("reversed_amount", sa.BigInteger(), nullable=False),
        sa.Column("lapsed_amount", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("given_as", sa.String(length=8), nullable=False),
        sa.Column("status", sa.String(length=9), nullable=False),
        sa.Column("available_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("review_note", sa.String(length=500), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("given_as IN ('credit', 'discount')", name="ck_reward_given_as"),
        sa.CheckConstraint("side IN ('advocate', 'friend')", name="ck_reward_side"),
        sa.CheckConstraint(
            "status IN ('pending', 'available', 'lapsed', 'denied', 'reversed')", name="ck_reward_status"
        ),
        sa.CheckConstraint("amount > 0", name="ck_reward_amount"),
        sa.CheckConstraint("lapsed_amount BETWEEN 0 AND amount - reversed_amount", name="ck_reward_lapsed_amount"),
        sa.CheckConstraint("reversed_amount BETWEEN 0 AND amount", name="ck_reward_reversed_amount"),
        sa.ForeignKeyConstraint(
            ["merchant_id", "conversion_id"],
            ["conversion.merchant_id", "conversion.conversion_id"],
            name="fk_reward_merchant_id_conversion_id",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id", "customer_id"],
            ["customer.merchant_id", "customer.customer_id"],
            name="fk_reward_merchant_id_customer_id",
        ),
        sa.PrimaryKeyConstraint("merchant_id", "reward_id", name="pk_reward"),
        sa.UniqueConstraint("merchant_id", "conversion_id", "side", name="uq_reward_merchant_id_conversion_id_side"),
    )
    op.create_index(
        "ix_reward_due",
        "reward",
        ["available_at"],
        unique=False,
        postgresql_where=sa.text("status = 'pending'"),
        sqlite_where=sa.text("status = 'pending'"),
    )
    op.create_index(
        "ix_reward_expiring",
        "reward",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text("status = 'available' AND lapsed_amount IS NULL AND expires_at IS NOT NULL"),
        sqlite_where=sa.text("status = 'available' AND lapsed_amount IS NULL AND expires_at IS NOT NULL"),
    )
    op.create_index(
        "ix_reward_merchant_id_customer_id_reward_id",
        "reward",
        ["merchant_id", "customer_id", "reward_id"],
        unique=False,
    )
    op.create_index(
        "ix_reward_merchant_id_program_id_advocate_id",
        "reward",
        ["merchant_id", "program_id", "advocate_id"],
        unique=False,
    )
    op.create_table(
        "reversal",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("reward_id", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount > 0", name="ck_reversal_amount"),
        sa.ForeignKeyConstraint(
            ["merchant_id", "entry_id"],
            ["refund.merchant_id", "refund.entry_id"],
            name="fk_reversal_merchant_id_entry_id",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id", "reward_id"],
            ["reward.merchant_id", "reward.reward_id"],
            name="fk_reversal_merchant_id_reward_id",
        ),
        sa.PrimaryKeyConstraint("merchant_id", "entry_id", "reward_id", name="pk_reversal"),
    )
    op.create_table(
        "balance",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("slot", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("floor", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("amount >= floor", name="ck_balance_floor"),
        sa.CheckConstraint("amount BETWEEN -4000000000000000000 AND 4000000000000000000", name="ck_balance_range"),
        sa.PrimaryKeyConstraint("merchant_id", "account", "currency", "slot", name="pk_balance"),
    )
    op.create_table(
        "txn",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("transaction_id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.String(length=160), nullable=False),
        sa.Column("event", sa.String(length=40), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(length=32), nullable=False),
        sa.Column("effective_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "transaction_id", name="pk_txn"),
        sa.UniqueConstraint("merchant_id", "reference", name="uq_txn_merchant_id_reference"),
    )
    op.create_table(
        "posting",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("transaction_id", sa.Uuid(), nullable=False),
        sa.Column("line", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("debit", sa.String(length=64), nullable=False),
        sa.Column("credit", sa.String(length=64), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount > 0", name="ck_posting_amount_positive"),
        sa.CheckConstraint("debit <> credit", name="ck_posting_two_accounts"),
        sa.ForeignKeyConstraint(
            ["merchant_id", "transaction_id"],
            ["txn.merchant_id", "txn.transaction_id"],
            name="fk_posting_merchant_id_transaction_id",
        ),
        sa.PrimaryKeyConstraint("merchant_id", "transaction_id", "line", name="pk_posting"),
    )
    op.create_index(
        "ix_posting_merchant_id_credit_transaction_id",
        "posting",
        ["merchant_id", "credit", "transaction_id"],
        unique=False,
    )
    op.create_index(
        "ix_posting_merchant_id_debit_transaction_id",
        "posting",
        ["merchant_id", "debit", "transaction_id"],
        unique=False,
    )

    on_postgresql = op.get_bind().dialect.name == "postgresql"
    if on_postgresql:
        op.execute("CREATE TABLE visit_rest PARTITION OF visit DEFAULT")
        op.execute("ALTER TABLE balance SET (fillfactor = 70)")
        op.execute(_POSTGRESQL_REFUSAL)
    for table in APPEND_ONLY:
        for event in ("UPDATE", "DELETE"):
            op.execute(_trigger(table, event, on_postgresql=on_postgresql))
        if on_postgresql:
            op.execute(
                f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}"
                " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
            )


_POSTGRESQL_REFUSAL = """
    CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
    END $$
"""


def _trigger(table: str, event: str, *, on_postgresql: bool) -> str:
    name = f"{table}_no_{event.lower()}"
    if on_postgresql:
        return f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    return f"CREATE TRIGGER {name} BEFORE {event} ON {table} BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
