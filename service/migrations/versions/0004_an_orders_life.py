"""An order's whole life: voids, amendments, refunds that are reversed, credit that is returned, and what all of it changes
of rewards.
"""

from fractions import Fraction
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from alembic import op

from service import currencies

revision = "0004"
down_revision = "0003"

APPEND_ONLY = ("amendment", "refund_reversal", "redemption_return", "reward_change", "record_block", "record_seal")
OLD_STATUS = "status IN ('attributed', 'repeat', 'unattributed', 'declined', 'flagged')"
NEW_STATUS = "status IN ('attributed', 'repeat', 'unattributed', 'declined', 'flagged', 'voided')"
OLD_REFERRED = "status IN ('unattributed', 'declined') OR (advocate_id"
NEW_REFERRED = "status IN ('unattributed', 'declined', 'voided') OR (advocate_id"
OLD_KEY = "CONSTRAINT uq_reward_merchant_id_conversion_id_side UNIQUE (merchant_id, conversion_id, side)"
NEW_KEY = (
    "CONSTRAINT uq_reward_merchant_id_conversion_id_side_customer_id_given_as"
    " UNIQUE (merchant_id, conversion_id, side, customer_id, given_as)"
)


def upgrade() -> None:
    """Add what is new, and say of what was recorded before what the new tables would have said."""
    on_postgresql = op.get_bind().dialect.name == "postgresql"
    _orders(on_postgresql=on_postgresql)
    _new_tables()
    _rewards(on_postgresql=on_postgresql)
    _redemptions()
    _currencies()
    _records()
    for table in APPEND_ONLY:
        _refuse_change(table, on_postgresql=on_postgresql)


def _orders(*, on_postgresql: bool) -> None:
    document, time = ("json_build_object", "TIMESTAMP WITH TIME ZONE") if on_postgresql else ("json_object", "DATETIME")
    # a discount of which the shop said nothing was booked as the terms gave it: that is what it took off
    booked = (
        "FROM reward WHERE reward.merchant_id = conversion.merchant_id"
        " AND reward.conversion_id = conversion.conversion_id AND reward.given_as = 'discount'"
    )
    op.execute(
        f"UPDATE conversion SET discount_amount = (SELECT reward.amount {booked})"
        f" WHERE discount_amount = 0 AND EXISTS (SELECT 1 {booked})"
    )
    op.execute("ALTER TABLE conversion ADD COLUMN reported JSON NOT NULL DEFAULT '{}'")
    op.execute(
        f"UPDATE conversion SET reported = {document}('amount', amount, 'discount_amount', discount_amount,"
        " 'eligible_amount', eligible_amount)"
    )
    op.execute("ALTER TABLE conversion ADD COLUMN late_attribution JSON")
    op.execute("ALTER TABLE conversion ADD COLUMN shop_metadata JSON")
    op.execute(f"ALTER TABLE conversion ADD COLUMN voided_at {time}")
    op.execute(
        "ALTER TABLE conversion ADD COLUMN void_reason VARCHAR(16) CONSTRAINT ck_conversion_void_reason"
        " CHECK (void_reason IN ('payment_failed', 'cancelled', 'fraud', 'test', 'other'))"
    )
    op.execute("ALTER TABLE refund ADD COLUMN is_full BOOLEAN NOT NULL DEFAULT false")
    op.execute(
        "ALTER TABLE refund ADD COLUMN eligible_share BIGINT NOT NULL DEFAULT 0"
        " CONSTRAINT ck_refund_eligible_share CHECK (eligible_share >= 0)"
    )
    _tell_shares()
    if on_postgresql:
        for name in ("is_full", "eligible_share"):
            op.execute(f"ALTER TABLE refund ALTER {name} DROP DEFAULT")
    op.execute("ALTER TABLE conversion ADD COLUMN void_note VARCHAR(500)")
    op.execute("ALTER TABLE conversion DROP COLUMN fingerprint")
    voided = "CONSTRAINT ck_conversion_voided CHECK ((status = 'voided') = (voided_at IS NOT NULL))"
    if on_postgresql:
        referred = "IS NOT NULL AND link_id IS NOT NULL AND program_id IS NOT NULL AND terms_version IS NOT NULL)"
        for name, check in (("status", NEW_STATUS), ("referred", f"{NEW_REFERRED} {referred}")):
            op.execute(f"ALTER TABLE conversion DROP CONSTRAINT ck_conversion_{name}")
            op.execute(f"ALTER TABLE conversion ADD CONSTRAINT ck_conversion_{name} CHECK ({check})")
        op.execute(f"ALTER TABLE conversion ADD {voided}")
        op.execute("ALTER TABLE conversion ALTER reported DROP DEFAULT")
    else:
        _replace_table(
            "conversion",
            (OLD_STATUS, NEW_STATUS),
            (OLD_REFERRED, NEW_REFERRED),
            ("CONSTRAINT ck_conversion_status", f"{voided}, CONSTRAINT ck_conversion_status"),
        )


def _tell_shares() -> None:
    """What of each refund was eligible: as it was named, or its share of the order, rounded half-even."""
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        op.execute("ALTER TABLE refund DISABLE TRIGGER refund_no_update")
    else:
        op.execute("DROP TRIGGER refund_no_update")
    query = (
        "SELECT r.merchant_id, r.entry_id, r.amount, r.eligible_amount, c.amount AS paid, c.eligible_amount AS eligible"
        " FROM refund r JOIN conversion c ON c.merchant_id = r.merchant_id AND c.conversion_id = r.conversion_id"
    )
    for row in connection.execute(sa.text(query)).all():
        share = round(Fraction(row.eligible * row.amount, row.paid))
        told = {"share": share if row.eligible_amount is None else row.eligible_amount}
        same = {"merchant": row.merchant_id, "entry": row.entry_id}
        statement = "UPDATE refund SET eligible_share = :share WHERE merchant_id = :merchant AND entry_id = :entry"
        connection.execute(sa.text(statement), told | same)
    if connection.dialect.name == "postgresql":
        op.execute("ALTER TABLE refund ENABLE TRIGGER refund_no_update")
    else:
        op.execute(
            "CREATE TRIGGER refund_no_update BEFORE UPDATE ON refund"
            " BEGIN SELECT RAISE(ABORT, 'refund is append-only'); END"
        )


def _new_tables() -> None:
    op.create_table(
        "amendment",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("conversion_id", sa.Uuid(), nullable=False),
        sa.Column("amendment_id", sa.String(255), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("discount_amount", sa.BigInteger(), nullable=True),
        sa.Column("eligible_amount", sa.BigInteger(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount >= 0", name="ck_amendment_amount"),
        sa.CheckConstraint("discount_amount >= 0", name="ck_amendment_discount_amount"),
        sa.CheckConstraint("eligible_amount >= 0", name="ck_amendment_eligible_amount"),
        sa.ForeignKeyConstraint(
            ["merchant_id", "conversion_id"],
            ["conversion.merchant_id", "conversion.conversion_id"],
            name="fk_amendment_merchant_id_conversion_id",
        ),
        sa.PrimaryKeyConstraint("merchant_id", "entry_id", name="pk_amendment"),
        sa.UniqueConstraint(
            "merchant_id",
            "conversion_id",
            "amendment_id",
            name="uq_amendment_merchant_id_conversion_id_amendment_id",
        ),
    )
    op.create_table(
        "refund_reversal",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("refund_entry_id", sa.Uuid(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["merchant_id", "refund_entry_id"],
            ["refund.merchant_id", "refund.entry_id"],
            name="fk_refund_reversal_merchant_id_refund_entry_id",
        ),
        sa.PrimaryKeyConstraint("merchant_id", "refund_entry_id", name="pk_refund_reversal"),
    )
    op.create_table(
        "redemption_return",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("redemption_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.String(255), nullable=False),
        sa.Column("return_id", sa.String(255), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount > 0", name="ck_redemption_return_amount"),
        sa.ForeignKeyConstraint(
            ["merchant_id", "redemption_id"],
            ["redemption.merchant_id", "redemption.redemption_id"],
            name="fk_redemption_return_merchant_id_redemption_id",
        ),
        sa.PrimaryKeyConstraint("merchant_id", "entry_id", name="pk_redemption_return"),
        sa.UniqueConstraint(
            "merchant_id",
            "redemption_id",
            "return_id",
            name="uq_redemption_return_merchant_id_redemption_id_return_id",
        ),
    )
    op.create_index(
        "ix_redemption_return_merchant_id_customer_id_recorded_at",
        "redemption_return",
        ["merchant_id", "customer_id", "recorded_at"],
    )


def _rewards(*, on_postgresql: bool) -> None:
    """`reversal` becomes `reward_change`, which has every change and not only those of refunds."""
    op.execute(
        "ALTER TABLE reward ADD COLUMN nth_referral BIGINT NOT NULL DEFAULT 1"
        " CONSTRAINT ck_reward_nth_referral CHECK (nth_referral > 0)"
    )
    op.execute(
        "UPDATE reward SET nth_referral = 1 + (SELECT count(DISTINCT o.friend_id) FROM reward o WHERE"
        " o.merchant_id = reward.merchant_id AND o.program_id = reward.program_id AND o.counted"
        " AND o.advocate_id = reward.advocate_id AND o.friend_id <> reward.friend_id"
        " AND o.status NOT IN ('denied', 'reversed') AND o.created_at < reward.created_at)"
    )
    op.execute("ALTER TABLE reward ADD COLUMN is_earned BOOLEAN NOT NULL DEFAULT true")
    op.execute("ALTER TABLE reward ADD COLUMN is_ripe BOOLEAN NOT NULL DEFAULT false")
    op.execute("UPDATE reward SET is_ripe = true WHERE given_as = 'credit' AND status IN ('available', 'lapsed')")
    op.execute(
        "ALTER TABLE reward ADD COLUMN used_amount BIGINT CONSTRAINT ck_reward_used_amount CHECK (used_amount >= 0)"
    )
    _ripen_what_was_reversed_later()
    if on_postgresql:
        op.drop_constraint("uq_reward_merchant_id_conversion_id_side", "reward")
        op.execute(f"ALTER TABLE reward ADD {NEW_KEY}")
        for name in ("nth_referral", "is_earned", "is_ripe"):
            op.execute(f"ALTER TABLE reward ALTER {name} DROP DEFAULT")
    else:
        _replace_table("reward", (OLD_KEY, NEW_KEY))
    op.create_table(
        "reward_change",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("reward_id", sa.Uuid(), nullable=False),
        sa.Column("conversion_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.String(255), nullable=False),
        sa.Column("step", sa.String(16), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("lapsed_amount", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount <> 0", name="ck_reward_change_amount"),
        sa.CheckConstraint(
            "step IN ('refund', 'reversal', 'void', 'reopening', 'amendment', 'attribution', 'deny')",
            name="ck_reward_change_step",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id", "reward_id"],
            ["reward.merchant_id", "reward.reward_id"],
            name="fk_reward_change_merchant_id_reward_id",
        ),
        sa.PrimaryKeyConstraint("merchant_id", "entry_id", "reward_id", name="pk_reward_change"),
    )
    op.create_index(
        "ix_reward_change_merchant_id_conversion_id", "reward_change", ["merchant_id", "conversion_id"], unique=False
    )
    op.create_index("ix_reward_change_merchant_id_reward_id", "reward_change", ["merchant_id", "reward_id"])
    op.create_index(
        "ix_reward_change_merchant_id_customer_id_recorded_at",
        "reward_change",
        ["merchant_id", "customer_id", "recorded_at"],
    )
    columns = "merchant_id, entry_id, reward_id, conversion_id, customer_id, step, amount, lapsed_amount, recorded_at"
    op.execute(
        f"INSERT INTO reward_change ({columns})"
        " SELECT v.merchant_id, v.entry_id, v.reward_id, r.conversion_id, w.customer_id, 'refund', -v.amount, 0, r.recorded_at"
        " FROM reversal v JOIN refund r ON r.merchant_id = v.merchant_id AND r.entry_id = v.entry_id"
        " JOIN reward w ON w.merchant_id = v.merchant_id AND w.reward_id = v.reward_id"
    )
    op.execute(
        f"INSERT INTO reward_change ({columns})"
        " SELECT merchant_id, reward_id, reward_id, conversion_id, customer_id, 'deny', reversed_amount - amount, 0, created_at"
        " FROM reward WHERE status = 'denied' AND reversed_amount < amount"
    )
    op.drop_table("reversal")
    _say_what_had_lapsed()
    op.execute("UPDATE reward SET status = 'available' WHERE status = 'lapsed' AND lapsed_amount = 0")


REWARD = sa.table(
    "reward",
    sa.column("merchant_id", sa.Uuid()),
    sa.column("reward_id", sa.Uuid()),
    sa.column("conversion_id", sa.Uuid()),
    sa.column("status"),
    sa.column("amount"),
    sa.column("lapsed_amount"),
    sa.column("used_amount"),
    sa.column("is_ripe", sa.Boolean()),
    sa.column("expires_at", sa.DateTime(timezone=True)),
)
CHANGE = sa.table(
    "reward_change",
    sa.column("merchant_id", sa.Uuid()),
    sa.column("entry_id", sa.Uuid()),
    sa.column("reward_id", sa.Uuid()),
    sa.column("amount"),
    sa.column("lapsed_amount"),
    sa.column("recorded_at", sa.DateTime(timezone=True)),
)
TXN = sa.table(
    "txn",
    sa.column("merchant_id", sa.Uuid()),
    sa.column("transaction_id", sa.Uuid()),
    sa.column("reference"),
    sa.column("recorded_at", sa.DateTime(timezone=True)),
)
POSTING = sa.table(
    "posting", sa.column("merchant_id", sa.Uuid()), sa.column("transaction_id", sa.Uuid()), sa.column("amount")
)


def _named(row: sa.Row[Any], step: str) -> str:
    return f"conversion:{UUID(str(row.conversion_id))}:{step}:{UUID(str(row.reward_id))}"


def _same(table: sa.TableClause, row: sa.Row[Any]) -> tuple[Any, ...]:
    return table.c.merchant_id == row.merchant_id, table.c.reward_id == row.reward_id


def _ripen_what_was_reversed_later() -> None:
    """The books tell which of the rewards that were wholly taken back had been ripe."""
    connection = op.get_bind()
    reversed_ = connection.execute(sa.select(REWARD).where(REWARD.c.status == "reversed")).all()
    for start in range(0, len(reversed_), 500):
        names = {(row.merchant_id, _named(row, "release")): row for row in reversed_[start : start + 500]}
        known = sa.select(TXN.c.merchant_id, TXN.c.reference)
        for merchant_id, name in connection.execute(known.where(TXN.c.reference.in_([name for _, name in names]))):
            row = names[merchant_id, name]
            connection.execute(sa.update(REWARD).where(*_same(REWARD, row)).values(is_ripe=True))


def _say_what_had_lapsed() -> None:
    """The books tell what lapsed of each reward when its time was over; refunds after that took of it first."""
    connection = op.get_bind()
    for row in connection.execute(sa.select(REWARD).where(REWARD.c.lapsed_amount.is_not(None))).all():
        of_lapse = (TXN.c.merchant_id == row.merchant_id, TXN.c.reference == _named(row, "lapse"))
        lapse = (
            sa.select(TXN.c.recorded_at, POSTING.c.amount)
            .join_from(
                TXN,
                POSTING,
                sa.and_(POSTING.c.merchant_id == TXN.c.merchant_id, POSTING.c.transaction_id == TXN.c.transaction_id),
            )
            .where(*of_lapse)
        )
        over_at, left = next(iter(connection.execute(lapse)), (row.expires_at, 0))
        changes = connection.execute(sa.select(CHANGE).where(*_same(CHANGE, row)).order_by(CHANGE.c.recorded_at)).all()
        worth = row.amount + sum(change.amount for change in changes if change.recorded_at <= over_at)
        used = sa.update(REWARD).where(*_same(REWARD, row)).values(used_amount=worth - left)
        connection.execute(used)
        for change in changes:
            if change.recorded_at > over_at and left:  # what was taken back came out of what had lapsed first
                part = min(-change.amount, left)
                left -= part
                told = (*_same(CHANGE, row), CHANGE.c.entry_id == change.entry_id)
                connection.execute(sa.update(CHANGE).where(*told).values(lapsed_amount=-part))


def _redemptions() -> None:
    """`claim`: the order, while this is the one redemption for it. Before, an order could have several."""
    op.execute(
        "ALTER TABLE redemption ADD COLUMN returned_amount BIGINT NOT NULL DEFAULT 0"
        " CONSTRAINT ck_redemption_returned_amount CHECK (returned_amount >= 0"
        " AND returned_amount <= coalesce(captured_amount, 0))"
    )
    op.execute("ALTER TABLE redemption ADD COLUMN shop_metadata JSON")
    op.create_index("ix_redemption_merchant_id_order_id", "redemption", ["merchant_id", "order_id"])
    op.execute(
        "ALTER TABLE redemption ADD COLUMN claim VARCHAR(255)"
        " CONSTRAINT ck_redemption_claim CHECK (status <> 'voided' OR claim IS NULL)"
    )
    op.execute(
        "UPDATE redemption SET claim = order_id WHERE status <> 'voided' AND order_id IS NOT NULL AND redemption_id ="
        " (SELECT o.redemption_id FROM redemption o WHERE o.merchant_id = redemption.merchant_id"
        " AND o.order_id = redemption.order_id AND o.status <> 'voided' ORDER BY o.redemption_id LIMIT 1)"
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE redemption ALTER returned_amount DROP DEFAULT")
    op.create_index("uq_redemption_merchant_id_claim", "redemption", ["merchant_id", "claim"], unique=True)
    op.create_index(
        "ix_redemption_merchant_id_customer_id_redemption_id",
        "redemption",
        ["merchant_id", "customer_id", "redemption_id"],
    )


def _currencies() -> None:
    """The decimals of every currency in which somebody has books, as they are known today; the merchants' days, and theirs to say."""
    op.create_table(
        "merchant_currency",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("exponent", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("exponent BETWEEN 0 AND 6", name="ck_merchant_currency_exponent"),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchant.merchant_id"], name="fk_merchant_currency_merchant_id"),
        sa.PrimaryKeyConstraint("merchant_id", "currency", name="pk_merchant_currency"),
    )
    for table in ("program", "customer", "link"):
        op.execute(f"ALTER TABLE {table} ADD COLUMN shop_metadata JSON")
    op.execute("ALTER TABLE merchant ADD COLUMN time_zone VARCHAR(64) NOT NULL DEFAULT 'UTC'")
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        op.execute("ALTER TABLE merchant ALTER time_zone DROP DEFAULT")
    of_terms = sa.table("program_terms", sa.column("merchant_id", sa.Uuid()), sa.column("terms", sa.JSON()))
    balance = sa.table("balance", sa.column("merchant_id", sa.Uuid()), sa.column("currency"))
    used = {(row.merchant_id, row.terms["currency"]) for row in connection.execute(sa.select(of_terms))}
    used |= {(row.merchant_id, row.currency) for row in connection.execute(sa.select(balance).distinct())}
    kept = sa.table(
        "merchant_currency", sa.column("merchant_id", sa.Uuid()), sa.column("currency"), sa.column("exponent")
    )
    rows = [
        {"merchant_id": merchant, "currency": currency, "exponent": currencies.decimals(currency)}
        for merchant, currency in used
    ]
    if rows:
        connection.execute(sa.insert(kept), rows)


def _records() -> None:
    """The chain of digests over orders and redemptions. What was recorded before is sealed by the worker's next rounds."""
    for table in ("conversion", "redemption"):
        op.execute(f"ALTER TABLE {table} ADD COLUMN is_sealed BOOLEAN NOT NULL DEFAULT false")
        if op.get_bind().dialect.name == "postgresql":
            op.execute(f"ALTER TABLE {table} ALTER is_sealed DROP DEFAULT")
        op.create_index(
            f"ix_{table}_unsealed",
            table,
            ["merchant_id", f"{table}_id"],
            postgresql_where=sa.text("NOT is_sealed"),
            sqlite_where=sa.text("is_sealed = 0"),
        )
    op.create_index("ix_conversion_merchant_id_ordered_at", "conversion", ["merchant_id", "ordered_at"])
    op.create_index(
        "ix_conversion_merchant_id_advocate_id_conversion_id",
        "conversion",
        ["merchant_id", "advocate_id", "conversion_id"],
    )
    op.create_table(
        "record_block",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
        sa.Column("sealed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("number > 0", name="ck_record_block_number"),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchant.merchant_id"], name="fk_record_block_merchant_id"),
        sa.PrimaryKeyConstraint("merchant_id", "number", name="pk_record_block"),
    )
    op.create_table(
        "record_seal",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("noun", sa.String(10), nullable=False),
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("block", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.CheckConstraint("noun IN ('conversion', 'redemption')", name="ck_record_seal_noun"),
        sa.ForeignKeyConstraint(
            ["merchant_id", "block"],
            ["record_block.merchant_id", "record_block.number"],
            name="fk_record_seal_merchant_id_block",
        ),
        sa.PrimaryKeyConstraint("merchant_id", "record_id", "block", name="pk_record_seal"),
    )
    op.create_index("ix_record_seal_merchant_id_block", "record_seal", ["merchant_id", "block"])


def _replace_table(name: str, *changes: tuple[str, str]) -> None:
    """On SQLite: the table anew with these parts of its definition changed, with all its rows and indexes."""
    connection = op.get_bind()
    parts = connection.execute(
        sa.text("SELECT type, sql FROM sqlite_master WHERE tbl_name = :name AND sql IS NOT NULL"), {"name": name}
    ).all()
    [definition] = [part.sql for part in parts if part.type == "table"]
    for old, new in changes:
        if old not in definition:
            raise RuntimeError(f"the definition of {name} has no {old}")
        definition = definition.replace(old, new)
    columns = ", ".join(column["name"] for column in sa.inspect(connection).get_columns(name))
    op.execute(_named_anew(definition, name))
    op.execute(f"INSERT INTO {name}_anew ({columns}) SELECT {columns} FROM {name}")
    op.execute(f"DROP TABLE {name}")
    op.execute(f"ALTER TABLE {name}_anew RENAME TO {name}")
    for part in parts:
        if part.type != "table":
            op.execute(part.sql)


def _named_anew(definition: str, name: str) -> str:
    before, opening, rest = definition.partition("(")
    return f"{before.replace(name, name + '_anew')}{opening}{rest}"


def _refuse_change(table: str, *, on_postgresql: bool) -> None:
    for event in ("UPDATE", "DELETE"):
        body = (
            "EXECUTE FUNCTION refuse_change()"
            if on_postgresql
            else f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        )
        op.execute(f"CREATE TRIGGER {table}_no_{event.lower()} BEFORE {event} ON {table} FOR EACH ROW {body}")
    if on_postgresql:
        op.execute(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
