"""Customers who become one or are forgotten, mailboxes that nobody can guess, and how long what is kept."""

import hashlib
import hmac
from uuid import UUID

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Let customers be erased, and name mailboxes by a key of the merchant's."""
    op.add_column("customer", sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("customer", sa.Column("keeps_balance", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("customer", sa.Column("merged_into", sa.String(255), nullable=True))
    op.create_index(
        "ix_customer_merged_into",
        "customer",
        ["merchant_id", "merged_into"],
        postgresql_where=sa.text("merged_into IS NOT NULL"),
        sqlite_where=sa.text("merged_into IS NOT NULL"),
    )
    op.add_column("mailbox", sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("merchant", sa.Column("remembers_erased", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "erasure",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("erasure_id", sa.Uuid(), nullable=False),
        sa.Column("customer_digest", sa.LargeBinary(32), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("balance", sa.String(5), nullable=False),
        sa.Column("balances", sa.JSON(), nullable=False),
        sa.CheckConstraint("balance IN ('lapse', 'keep')", name="ck_erasure_balance"),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchant.merchant_id"], name="fk_erasure_merchant_id"),
        sa.PrimaryKeyConstraint("merchant_id", "erasure_id", "customer_digest", name="pk_erasure"),
    )
    op.create_index("ix_erasure_merchant_id_customer_digest", "erasure", ["merchant_id", "customer_digest"])
    op.add_column("referral", sa.Column("rewarded_before", sa.BigInteger(), nullable=True))
    op.add_column("adjustment", sa.Column("is_opening", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("adjustment", sa.Column("opened_as", sa.String(255), nullable=True))
    op.create_index(
        "uq_adjustment_opening",
        "adjustment",
        ["merchant_id", "opened_as", "currency"],
        unique=True,
        postgresql_where=sa.text("opened_as IS NOT NULL"),
        sqlite_where=sa.text("opened_as IS NOT NULL"),
    )
    with op.batch_alter_table("reward") as reward:
        reward.drop_constraint("uq_reward_merchant_id_conversion_id_side_customer_id_given_as", type_="unique")
    op.create_index(
        "uq_reward_earned",
        "reward",
        ["merchant_id", "conversion_id", "side", "customer_id", "given_as"],
        unique=True,
        postgresql_where=sa.text("is_earned"),
        sqlite_where=sa.text("is_earned = 1"),
    )
    op.create_table(
        "merge",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("merge_id", sa.Uuid(), nullable=False),
        sa.Column("former_id", sa.String(255), nullable=False),
        sa.Column("customer_id", sa.String(255), nullable=False),
        sa.Column("moved", sa.JSON(), nullable=False),
        sa.Column("denied", sa.JSON(), nullable=False),
        sa.Column("kept", sa.JSON(), nullable=False),
        sa.Column("merged_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["merchant_id", "customer_id"],
            ["customer.merchant_id", "customer.customer_id"],
            name="fk_merge_merchant_id_customer_id",
        ),
        sa.PrimaryKeyConstraint("merchant_id", "merge_id", name="pk_merge"),
    )
    op.create_index("ix_merge_merchant_id_former_id", "merge", ["merchant_id", "former_id"])
    op.create_index("ix_merge_merchant_id_customer_id", "merge", ["merchant_id", "customer_id"])
    op.create_table(
        "retention",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in KEPT),
        sa.Column("forgotten_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("visits_from", sa.Date(), nullable=True),
        *(sa.CheckConstraint(f"{name} BETWEEN 2 AND 36500", name=f"ck_retention_{name}") for name in KEPT),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchant.merchant_id"], name="fk_retention_merchant_id"),
        sa.PrimaryKeyConstraint("merchant_id", name="pk_retention"),
    )
    _let_names_change()
    _name_mailboxes_anew()


KEPT = ("visits_days", "events_days", "answers_days")
NAMED = {
    "adjustment": "merchant_id, adjustment_id, direction, amount, currency, is_opening, created_at",
    "redemption_return": "merchant_id, entry_id, redemption_id, return_id, amount, recorded_at",
    "reward_change": "merchant_id, entry_id, reward_id, conversion_id, step, amount, lapsed_amount, recorded_at",
}
"""What only ever grows -> its columns that never change: all but whose it is, and what somebody wrote."""


def _let_names_change() -> None:
    on_postgresql = op.get_bind().dialect.name == "postgresql"
    for table, columns in NAMED.items():
        op.execute(f"DROP TRIGGER {table}_no_update" + (f" ON {table}" if on_postgresql else ""))
        refusal = (
            "EXECUTE FUNCTION refuse_change()"
            if on_postgresql
            else f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        )
        op.execute(f"CREATE TRIGGER {table}_no_update BEFORE UPDATE OF {columns} ON {table} FOR EACH ROW {refusal}")


def _name_mailboxes_anew() -> None:
    """A digest that anybody can make of an address tells whether it is known; one with a key does not.

    Of mailboxes, only those that are nobody's are to be kept: the others are there to be waited for.
    """
    connection = op.get_bind()
    merchants = sa.table("merchant", sa.column("merchant_id", sa.Uuid), sa.column("guest_key", sa.LargeBinary))
    mailboxes = sa.table(
        "mailbox",
        sa.column("merchant_id", sa.Uuid),
        sa.column("mailbox_id", sa.Uuid),
        sa.column("is_shared", sa.Boolean),
    )
    customers = sa.table(
        "customer",
        sa.column("merchant_id", sa.Uuid),
        sa.column("folded_email", sa.String),
        sa.column("person_id", sa.Uuid),
    )
    m, c = mailboxes.c, customers.c
    shared = set(connection.execute(sa.select(m.merchant_id, m.mailbox_id).where(m.is_shared)).tuples())
    connection.execute(sa.delete(mailboxes))
    for merchant_id, key in connection.execute(sa.select(merchants.c.merchant_id, merchants.c.guest_key)).all():
        of_merchant = (c.merchant_id == merchant_id, c.folded_email.is_not(None))
        united = sa.select(c.folded_email).where(*of_merchant, c.person_id.is_not(None)).distinct()
        for mailbox in connection.scalars(united).all():
            theirs = sa.update(customers).where(*of_merchant, c.folded_email == mailbox, c.person_id.is_not(None))
            connection.execute(theirs.values(person_id=_keyed(key, mailbox)))
        if any(owner == merchant_id for owner, _ in shared):
            for mailbox in connection.scalars(sa.select(c.folded_email).where(*of_merchant).distinct()).all():
                if (merchant_id, _open(merchant_id, mailbox)) in shared:
                    row = {"merchant_id": merchant_id, "mailbox_id": _keyed(key, mailbox), "is_shared": True}
                    connection.execute(sa.insert(mailboxes).values(row))


def _open(merchant_id: UUID, mailbox: str) -> UUID:
    return UUID(bytes=hashlib.sha256(merchant_id.bytes + mailbox.encode()).digest()[:16], version=5)


def _keyed(key: bytes, mailbox: str) -> UUID:
    return UUID(bytes=hmac.digest(key, f"mailbox:{mailbox}".encode(), "sha256")[:16], version=5)
