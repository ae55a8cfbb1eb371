"""What is left of each reward, what of a customer's credit never lapses, and of what each redemption was taken.

What redemptions of before took is not known: of what comes back of them, nothing lapses.
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"

LIVING = "status = 'available' AND is_ripe AND used_amount IS NULL AND given_as = 'credit'"
HAVE = """
    SELECT balance.merchant_id, customer.customer_id, balance.currency, balance.amount
      FROM balance JOIN customer
           ON customer.merchant_id = balance.merchant_id
              AND 'available:' || {owner} = balance.account
     WHERE balance.kind = 'available'
"""
SHARES = """
    WITH have AS ({have}),
    goodwill AS (
        SELECT merchant_id, customer_id, currency,
               SUM(CASE WHEN direction = 'credit' THEN amount ELSE -amount END) AS amount
          FROM adjustment GROUP BY merchant_id, customer_id, currency
    ),
    living AS (
        SELECT merchant_id, reward_id, customer_id, currency, amount - reversed_amount AS worth,
               SUM(amount - reversed_amount) OVER (
                   PARTITION BY merchant_id, customer_id, currency
                   ORDER BY expires_at IS NOT NULL, expires_at DESC, reward_id DESC
               ) AS up_to
          FROM reward WHERE amount > reversed_amount AND {living}
    ),
    shares AS (
        SELECT living.merchant_id, living.reward_id, living.worth,
               have.amount - CASE WHEN goodwill.amount > 0 THEN goodwill.amount ELSE 0 END
                   - (living.up_to - living.worth) AS share
          FROM living
          JOIN have ON have.merchant_id = living.merchant_id AND have.customer_id = living.customer_id
               AND have.currency = living.currency
          LEFT JOIN goodwill ON goodwill.merchant_id = living.merchant_id
               AND goodwill.customer_id = living.customer_id AND goodwill.currency = living.currency
    )
    UPDATE reward SET left_amount = CASE WHEN shares.share < shares.worth THEN shares.share ELSE shares.worth END
      FROM shares
     WHERE shares.merchant_id = reward.merchant_id AND shares.reward_id = reward.reward_id AND shares.share > 0
"""
"""What of each reward would lapse as it was reckoned until now: goodwill was spent last, and what expires last before."""
LASTING = """
    WITH have AS ({have}),
    lots AS (
        SELECT merchant_id, customer_id, currency, SUM(left_amount) AS amount
          FROM reward WHERE left_amount > 0 GROUP BY merchant_id, customer_id, currency
    )
    INSERT INTO customer_total (merchant_id, customer_id, currency, earned, spent, lasting)
    SELECT have.merchant_id, have.customer_id, have.currency, 0, 0, have.amount - COALESCE(lots.amount, 0)
      FROM have
      LEFT JOIN lots ON lots.merchant_id = have.merchant_id AND lots.customer_id = have.customer_id
           AND lots.currency = have.currency
     WHERE have.amount > COALESCE(lots.amount, 0)
    ON CONFLICT (merchant_id, customer_id, currency) DO UPDATE SET lasting = excluded.lasting
"""


def upgrade() -> None:
    """Make the lots, and fill them so that they add up to what each customer has."""
    op.create_table(
        "redemption_part",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("redemption_id", sa.Uuid(), nullable=False),
        sa.Column("reward_id", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("given_back", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount > 0", name="ck_redemption_part_amount"),
        sa.CheckConstraint("given_back BETWEEN 0 AND amount", name="ck_redemption_part_given_back"),
        sa.ForeignKeyConstraint(
            ["merchant_id", "redemption_id"],
            ["redemption.merchant_id", "redemption.redemption_id"],
            name="fk_redemption_part_merchant_id_redemption_id",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id", "reward_id"],
            ["reward.merchant_id", "reward.reward_id"],
            name="fk_redemption_part_merchant_id_reward_id",
        ),
        sa.PrimaryKeyConstraint("merchant_id", "redemption_id", "reward_id", name="pk_redemption_part"),
    )
    op.create_index("ix_redemption_part_merchant_id_reward_id", "redemption_part", ["merchant_id", "reward_id"])
    op.execute(
        "ALTER TABLE reward ADD COLUMN left_amount BIGINT NOT NULL DEFAULT 0"
        " CONSTRAINT ck_reward_left_amount CHECK (left_amount BETWEEN 0 AND amount - reversed_amount)"
        f" CONSTRAINT ck_reward_left_of_what_lives CHECK (left_amount = 0 OR ({LIVING}))"
    )
    op.execute(
        "ALTER TABLE customer_total ADD COLUMN lasting BIGINT NOT NULL DEFAULT 0"
        " CONSTRAINT ck_customer_total_lasting CHECK (lasting >= 0)"
    )
    fill()
    op.create_index(
        "ix_reward_left",
        "reward",
        ["merchant_id", "customer_id", "currency", "expires_at", "reward_id"],
        postgresql_where=sa.text("left_amount > 0"),
        sqlite_where=sa.text("left_amount > 0"),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE reward ALTER left_amount DROP DEFAULT")
        op.execute("ALTER TABLE customer_total ALTER lasting DROP DEFAULT")


def fill() -> None:
    """Fill the lots of those who have something, so that they add up to it."""
    on_postgresql = op.get_bind().dialect.name == "postgresql"
    owner = "REPLACE(CAST(customer.owner_id AS TEXT), '-', '')" if on_postgresql else "customer.owner_id"
    have = HAVE.format(owner=owner)
    op.execute(SHARES.format(have=have, living=LIVING))
    op.execute(LASTING.format(have=have))
