"""Persons who have several customers, guests, and orders that name nobody."""

import hashlib
import secrets
from uuid import UUID

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

MOST_CUSTOMERS = 200
NOBODY = ("noreply", "donotreply", "nobody", "none", "unknown")
REFERRED = (
    "status IN ('unattributed', 'declined', 'voided') OR (advocate_id IS NOT NULL AND link_id IS NOT NULL"
    " AND program_id IS NOT NULL AND terms_version IS NOT NULL AND customer_id IS NOT NULL)"
)


def upgrade() -> None:
    """Let customers who share a mailbox be one person, and orders be nobody's."""
    op.create_table(
        "mailbox",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("mailbox_id", sa.Uuid(), nullable=False),
        sa.Column("is_shared", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchant.merchant_id"], name="fk_mailbox_merchant_id"),
        sa.PrimaryKeyConstraint("merchant_id", "mailbox_id", name="pk_mailbox"),
    )
    op.add_column("customer", sa.Column("person_id", sa.Uuid(), nullable=True))
    _unite()
    op.create_index(
        "ix_customer_person_id",
        "customer",
        ["merchant_id", "person_id"],
        postgresql_where=sa.text("person_id IS NOT NULL"),
        sqlite_where=sa.text("person_id IS NOT NULL"),
    )
    _guest_keys()
    with op.batch_alter_table("conversion") as conversion:
        conversion.alter_column("customer_id", existing_type=sa.String(255), nullable=True)
        conversion.drop_constraint("ck_conversion_referred", type_="check")
        conversion.create_check_constraint("ck_conversion_referred", REFERRED)


def _unite() -> None:
    """Make one of those who have had one mailbox so far. What was decided before stays."""
    connection = op.get_bind()
    customers = sa.table(
        "customer",
        sa.column("merchant_id", sa.Uuid),
        sa.column("folded_email", sa.String),
        sa.column("person_id", sa.Uuid),
    )
    mailboxes = sa.table(
        "mailbox",
        sa.column("merchant_id", sa.Uuid),
        sa.column("mailbox_id", sa.Uuid),
        sa.column("is_shared", sa.Boolean),
    )
    c, count = customers.c, sa.func.count()
    several = sa.select(c.merchant_id, c.folded_email, count).where(c.folded_email.is_not(None))
    several = several.group_by(c.merchant_id, c.folded_email).having(count > 1)
    for merchant_id, mailbox, number in connection.execute(several).all():
        if mailbox.partition("@")[0].translate(dict.fromkeys(map(ord, "-_."))) in NOBODY:
            continue
        mailbox_id = UUID(bytes=hashlib.sha256(merchant_id.bytes + mailbox.encode()).digest()[:16], version=5)
        if number > MOST_CUSTOMERS:
            shared = {"merchant_id": merchant_id, "mailbox_id": mailbox_id, "is_shared": True}
            connection.execute(sa.insert(mailboxes).values(shared))
            continue
        theirs = sa.update(customers).where(c.merchant_id == merchant_id, c.folded_email == mailbox)
        connection.execute(theirs.values(person_id=mailbox_id))


def _guest_keys() -> None:
    """Give every merchant the key by which guests are named."""
    op.add_column("merchant", sa.Column("guest_key", sa.LargeBinary(32), nullable=True))
    connection = op.get_bind()
    merchants = sa.table("merchant", sa.column("merchant_id", sa.Uuid), sa.column("guest_key", sa.LargeBinary))
    for (merchant_id,) in connection.execute(sa.select(merchants.c.merchant_id)).all():
        key = sa.update(merchants).where(merchants.c.merchant_id == merchant_id)
        connection.execute(key.values(guest_key=secrets.token_bytes(32)))
    with op.batch_alter_table("merchant") as merchant:
        merchant.alter_column("guest_key", existing_type=sa.LargeBinary(32), nullable=False)
