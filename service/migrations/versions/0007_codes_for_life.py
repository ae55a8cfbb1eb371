"""Slugs of merchants, codes that never die, a link for each destination, and what a visit says of itself."""

import hashlib
from uuid import UUID

import sqlalchemy as sa
from alembic import op

from service.merchants.slugs import next_to, slug_of

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Give every merchant a slug, and every code that was given out a row that stays."""
    _slugs()
    _codes()
    _links()
    _visits()


def _slugs() -> None:
    op.create_table(
        "slug",
        sa.Column("slug", sa.String(40), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchant.merchant_id"], name="fk_slug_merchant_id"),
        sa.PrimaryKeyConstraint("slug", name="pk_slug"),
    )
    op.add_column("merchant", sa.Column("slug", sa.String(40), nullable=True))
    connection = op.get_bind()
    slugs = sa.table("slug", sa.column("slug", sa.String), sa.column("merchant_id", sa.Uuid))
    merchants = sa.table(
        "merchant", sa.column("merchant_id", sa.Uuid), sa.column("name", sa.String), sa.column("slug", sa.String)
    )
    given: dict[str, UUID] = {}
    for row in connection.execute(sa.select(merchants).order_by(merchants.c.merchant_id)).all():
        slug, number = slug_of(row.name), 1
        while slug in given:
            number += 1
            slug = next_to(slug_of(row.name), number)
        given[slug] = row.merchant_id
        connection.execute(sa.update(merchants).where(merchants.c.merchant_id == row.merchant_id).values(slug=slug))
        connection.execute(sa.insert(slugs).values(slug=slug, merchant_id=row.merchant_id))
    with op.batch_alter_table("merchant") as merchant:
        merchant.alter_column("slug", existing_type=sa.String(40), nullable=False)


def _codes() -> None:
    op.create_table(
        "code",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("folded_code", sa.String(40), nullable=False),
        sa.Column("link_id", sa.Uuid(), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["merchant_id", "link_id"], ["link.merchant_id", "link.link_id"], name="fk_code_merchant_id_link_id"
        ),
        sa.PrimaryKeyConstraint("merchant_id", "folded_code", name="pk_code"),
    )
    op.create_index("ix_code_merchant_id_link_id", "code", ["merchant_id", "link_id"])
    op.execute(
        "INSERT INTO code (merchant_id, folded_code, link_id, given_at)"
        " SELECT merchant_id, folded_code, link_id, created_at FROM link"
    )


def _links() -> None:
    op.add_column("link", sa.Column("destination_key", sa.LargeBinary(16), nullable=True))
    connection = op.get_bind()
    links = sa.table(
        "link",
        sa.column("merchant_id", sa.Uuid),
        sa.column("link_id", sa.Uuid),
        sa.column("destination_url", sa.String),
        sa.column("destination_key", sa.LargeBinary),
    )
    connection.execute(sa.update(links).where(links.c.destination_url.is_(None)).values(destination_key=b""))
    own = sa.select(links).where(links.c.destination_url.is_not(None))
    for row in connection.execute(own).all():
        key = hashlib.blake2b(row.destination_url.encode(), digest_size=16).digest()
        same = (links.c.merchant_id == row.merchant_id, links.c.link_id == row.link_id)
        connection.execute(sa.update(links).where(*same).values(destination_key=key))
    with op.batch_alter_table("link") as link:
        link.alter_column("destination_key", existing_type=sa.LargeBinary(16), nullable=False)
        link.drop_constraint("uq_link_merchant_id_folded_code", type_="unique")
        link.drop_constraint("uq_link_merchant_id_program_id_customer_id_channel", type_="unique")
        link.create_unique_constraint(
            "uq_link_one",
            ["merchant_id", "program_id", "customer_id", "channel", "destination_key"],
        )
        link.drop_column("folded_code")


def _visits() -> None:
    op.create_table(
        "visitor_key",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("key", sa.LargeBinary(32), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "day", name="pk_visitor_key"),
    )
    for column in ("device VARCHAR(8)", "language VARCHAR(8)", "referring_host VARCHAR(253)", "channel VARCHAR(40)"):
        op.execute(f"ALTER TABLE visit ADD COLUMN {column}")
