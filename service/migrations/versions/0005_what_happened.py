"""What happened, and the numbers that are rolled up of it. What happened before is told once more, to be counted."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

NAME = sa.String(255).with_variant(sa.String(255, collation="C"), "postgresql")
SUBJECTS = {
    "link": ("link_made", "link_id", "NULL", "NULL", "created_at"),
    "conversion": ("order_recorded", "conversion_id", "amount", "currency", "recorded_at"),
    "redemption": ("credit_redeemed", "redemption_id", "captured_amount", "currency", "created_at"),
    "adjustment": ("balance_adjusted", "adjustment_id", "amount", "currency", "created_at"),
}


def upgrade() -> None:
    """Make the tables, and queue all that there is."""
    _events()
    _totals()
    op.create_index("ix_link_merchant_id_customer_id", "link", ["merchant_id", "customer_id"])
    for table, (kind, subject, amount, currency, at) in SUBJECTS.items():
        settled = " WHERE status = 'captured'" if table == "redemption" else ""
        op.execute(
            "INSERT INTO event (merchant_id, event_id, kind, subject_id, part_id, amount, currency, recorded_at, position)"
            f" SELECT merchant_id, {subject}, '{kind}', {subject}, NULL, {amount}, {currency}, {at}, NULL"
            f" FROM {table}{settled}"
        )
    visit = ("merchant_id", "link_id", "hour", "visitor")
    queued = f"INSERT INTO fresh_visit ({', '.join(visit)}) VALUES ({', '.join(f'NEW.{name}' for name in visit)})"
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            f"CREATE FUNCTION queue_visit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {queued}; RETURN NULL; END $$"
        )
        op.execute("CREATE TRIGGER visit_is_fresh AFTER INSERT ON visit FOR EACH ROW EXECUTE FUNCTION queue_visit()")
    else:
        op.execute(f"CREATE TRIGGER visit_is_fresh AFTER INSERT ON visit BEGIN {queued}; END")
    names = ", ".join(visit)
    op.execute(f"INSERT INTO fresh_visit ({names}) SELECT {names} FROM visit WHERE true ON CONFLICT DO NOTHING")


def _events() -> None:
    op.create_table(
        "event",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("part_id", sa.Uuid(), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(3), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("(amount IS NULL) = (currency IS NULL)", name="ck_event_money"),
        sa.CheckConstraint("position > 0", name="ck_event_position"),
        sa.PrimaryKeyConstraint("merchant_id", "event_id", name="pk_event"),
    )
    op.create_index(
        "ix_event_unplaced",
        "event",
        ["merchant_id", "event_id"],
        postgresql_where=sa.text("position IS NULL"),
        sqlite_where=sa.text("position IS NULL"),
    )
    op.create_index("uq_event_merchant_id_position", "event", ["merchant_id", "position"], unique=True)
    op.create_table(
        "event_cursor",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("reader", sa.String(20), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("position >= 0", name="ck_event_cursor_position"),
        sa.PrimaryKeyConstraint("merchant_id", "reader", name="pk_event_cursor"),
    )


def _totals() -> None:
    op.create_table(
        "stats_entry",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=True),
        sa.Column("channel", sa.String(40), nullable=True),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("customer_id", sa.String(255), nullable=True),
        sa.Column("advocate_id", NAME, nullable=True),
        sa.Column("links", sa.BigInteger(), nullable=False),
        sa.Column("orders", sa.BigInteger(), nullable=False),
        sa.Column("referred_orders", sa.BigInteger(), nullable=False),
        sa.Column("new_customers", sa.BigInteger(), nullable=False),
        sa.Column("clients", sa.BigInteger(), nullable=False),
        sa.Column("returned", sa.BigInteger(), nullable=False),
        sa.Column("revenue", sa.BigInteger(), nullable=False),
        sa.Column("refunded", sa.BigInteger(), nullable=False),
        sa.Column("reward_cost", sa.BigInteger(), nullable=False),
        sa.Column("liability", sa.BigInteger(), nullable=False),
        sa.Column("rewards", sa.BigInteger(), nullable=False),
        sa.Column("customers", sa.BigInteger(), nullable=False),
        sa.Column("repeaters", sa.BigInteger(), nullable=False),
        sa.Column("spent", sa.BigInteger(), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("presence", sa.JSON(), nullable=True),
        sa.Column("cohort", sa.Date(), nullable=True),
        sa.Column("is_referred", sa.Boolean(), nullable=True),
        sa.PrimaryKeyConstraint("merchant_id", "subject_id", "day", name="pk_stats_entry"),
    )
    op.create_index("ix_stats_entry_merchant_id_customer_id", "stats_entry", ["merchant_id", "customer_id"])
    op.create_index("ix_stats_entry_merchant_id_day", "stats_entry", ["merchant_id", "day"])
    op.create_table(
        "fresh_visit",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("link_id", sa.Uuid(), nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("visitor", sa.LargeBinary(16), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "link_id", "hour", "visitor", name="pk_fresh_visit"),
    )
    op.create_table(
        "stats_visitor",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("link_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("visitor", sa.LargeBinary(16), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "link_id", "day", "visitor", name="pk_stats_visitor"),
    )
    op.create_table(
        "stats_daily",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("scope", sa.SmallInteger(), nullable=False, autoincrement=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.String(40), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("links", sa.BigInteger(), nullable=False),
        sa.Column("visits", sa.BigInteger(), nullable=False),
        sa.Column("visitors", sa.BigInteger(), nullable=False),
        sa.Column("orders", sa.BigInteger(), nullable=False),
        sa.Column("referred_orders", sa.BigInteger(), nullable=False),
        sa.Column("new_customers", sa.BigInteger(), nullable=False),
        sa.Column("clients", sa.BigInteger(), nullable=False),
        sa.Column("revenue", sa.BigInteger(), nullable=False),
        sa.Column("refunded", sa.BigInteger(), nullable=False),
        sa.Column("reward_cost", sa.BigInteger(), nullable=False),
        sa.Column("liability", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "merchant_id", "scope", "program_id", "channel", "day", "currency", name="pk_stats_daily"
        ),
    )
    op.create_table(
        "stats_reason",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("scope", sa.SmallInteger(), nullable=False, autoincrement=False),
        sa.Column("channel", sa.String(40), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.String(24), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("orders", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "merchant_id", "scope", "channel", "day", "program_id", "reason", "currency", name="pk_stats_reason"
        ),
    )
    op.create_table(
        "stats_cohort",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("scope", sa.SmallInteger(), nullable=False, autoincrement=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.String(40), nullable=False),
        sa.Column("cohort", sa.Date(), nullable=False),
        sa.Column("is_referred", sa.Boolean(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("customers", sa.BigInteger(), nullable=False),
        sa.Column("repeaters", sa.BigInteger(), nullable=False),
        sa.Column("spent", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "merchant_id",
            "scope",
            "program_id",
            "channel",
            "cohort",
            "is_referred",
            "currency",
            "month",
            name="pk_stats_cohort",
        ),
    )
    op.create_table(
        "stats_advocate",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("scope", sa.SmallInteger(), nullable=False, autoincrement=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.String(40), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("advocate_id", NAME, nullable=False),
        sa.Column("friends", sa.BigInteger(), nullable=False),
        sa.Column("returned", sa.BigInteger(), nullable=False),
        sa.Column("orders", sa.BigInteger(), nullable=False),
        sa.Column("revenue", sa.BigInteger(), nullable=False),
        sa.Column("refunded", sa.BigInteger(), nullable=False),
        sa.Column("rewards", sa.BigInteger(), nullable=False),
        sa.Column("net_lifetime_value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "merchant_id", "scope", "program_id", "channel", "currency", "advocate_id", name="pk_stats_advocate"
        ),
    )
    op.create_index(
        "ix_stats_advocate_friends",
        "stats_advocate",
        ["merchant_id", "scope", "program_id", "channel", "currency", "friends", "advocate_id"],
    )
    op.create_index(
        "ix_stats_advocate_rewards",
        "stats_advocate",
        ["merchant_id", "scope", "program_id", "channel", "currency", "rewards", "advocate_id"],
    )
    op.create_index(
        "ix_stats_advocate_value",
        "stats_advocate",
        ["merchant_id", "scope", "program_id", "channel", "currency", "net_lifetime_value", "advocate_id"],
    )
    op.create_table(
        "stats_presence",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.SmallInteger(), nullable=False, autoincrement=False),
        sa.Column("scope", sa.SmallInteger(), nullable=False, autoincrement=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.String(40), nullable=False),
        sa.Column("grain", sa.SmallInteger(), nullable=False, autoincrement=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("previous", sa.Date(), nullable=False),
        sa.Column("people", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "merchant_id",
            "role",
            "scope",
            "program_id",
            "channel",
            "grain",
            "day",
            "previous",
            name="pk_stats_presence",
        ),
    )
