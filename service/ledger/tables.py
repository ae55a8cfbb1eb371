"""The tables of the books.

`txn` and `posting` are the journal, `block` and `seal` the chain over it: these only ever grow. `unsealed` names what
waits for its block. `balance` is a cache of sums of postings, with the transaction that came last, and `rebuild` says
how far the making of a new one is.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    TextClause,
    UniqueConstraint,
    Uuid,
    bindparam,
    text,
)
from sqlalchemy.types import TypeDecorator

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
LARGEST_BALANCE = 4_000_000_000_000_000_000
"""Far below 2**63, so that a sum fails a CHECK before it can overflow either database."""

ACCOUNT = String(64).with_variant(String(64, collation="C"), "postgresql")
CURRENCY = String(3).with_variant(String(3, collation="C"), "postgresql")
"""In the order of their bytes on every server: the order in which balances are locked is the same in Python."""

metadata = MetaData(naming_convention=NAMING_CONVENTION)


class Instant(TypeDecorator[datetime]):
    """A moment in UTC: `timestamptz` on PostgreSQL, ISO text in UTC on SQLite, always aware in Python."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Store in UTC."""
        return value if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Read as UTC, also where the database forgot the zone."""
        if value is None or value.tzinfo is UTC:
            return value
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


@cache
def insertion(table: Table, ending: str = "", *, rows: int = 1) -> TextClause:
    """An insert of whole rows, with an ON CONFLICT ending that both databases write alike.

    As text, since SQLAlchemy compiles its own ON CONFLICT constructs anew at each execution; with all rows in one
    statement, since each statement costs its way to the server. Its values come from `numbered`.
    """
    names = [column.key for column in table.columns]
    values = ", ".join("(" + ", ".join(f":{name}_{row}" for name in names) + ")" for row in range(rows))
    types = [bindparam(f"{column.key}_{row}", type_=column.type) for column in table.columns for row in range(rows)]
    sql = f"INSERT INTO {table.name} ({', '.join(names)}) VALUES {values} {ending}"
    return text(sql).bindparams(*types).execution_options(prepared=" RETURNING " not in ending)


def numbered(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The values of these rows, whole ones, as `insertion` names them."""
    return {f"{name}_{number}": value for number, row in enumerate(rows) for name, value in row.items()}


transaction_table = Table(
    "txn",
    metadata,
    Column("merchant_id", Uuid, primary_key=True),
    Column("transaction_id", Uuid, primary_key=True),
    Column("reference", String(160), nullable=False),
    Column("event", String(40), nullable=False),
    Column("fingerprint", LargeBinary(32), nullable=False),
    Column("effective_at", Instant, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    UniqueConstraint("merchant_id", "reference"),
)

posting_table = Table(
    "posting",
    metadata,
    Column("merchant_id", Uuid, primary_key=True),
    Column("transaction_id", Uuid, primary_key=True),
    Column("line", SmallInteger, primary_key=True, autoincrement=False),
    Column("debit", ACCOUNT, nullable=False),
    Column("credit", ACCOUNT, nullable=False),
    Column("currency", CURRENCY, nullable=False),
    Column("amount", BigInteger, nullable=False),
    ForeignKeyConstraint(["merchant_id", "transaction_id"], ["txn.merchant_id", "txn.transaction_id"]),
    CheckConstraint("amount > 0", name="amount_positive"),
    CheckConstraint("debit <> credit", name="two_accounts"),
    Index(None, "merchant_id", "debit", "transaction_id", "line"),
    Index(None, "merchant_id", "credit", "transaction_id", "line"),
)

balance_table = Table(
    "balance",
    metadata,
    Column("merchant_id", Uuid, primary_key=True),
    Column("account", ACCOUNT, primary_key=True),
    Column("currency", CURRENCY, primary_key=True),
    Column("slot", SmallInteger, primary_key=True, autoincrement=False),
    Column("kind", String(20), nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("floor", BigInteger, nullable=True),
    Column("last_id", Uuid, nullable=False),
    CheckConstraint("amount >= floor", name="floor"),
    CheckConstraint(f"amount BETWEEN -{LARGEST_BALANCE} AND {LARGEST_BALANCE}", name="range"),
)

block_table = Table(
    "block",
    metadata,
    Column("merchant_id", Uuid, primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("previous", LargeBinary(32), nullable=False),
    Column("hash", LargeBinary(32), nullable=False),
    Column("transactions", BigInteger, nullable=False),
    Column("sealed_at", Instant, nullable=False),
    UniqueConstraint("merchant_id", "previous"),
    UniqueConstraint("merchant_id", "hash"),
    CheckConstraint("number > 0", name="number"),
    CheckConstraint("transactions > 0", name="transactions"),
)

seal_table = Table(
    "seal",
    metadata,
    Column("merchant_id", Uuid, primary_key=True),
    Column("transaction_id", Uuid, primary_key=True),
    Column("block", BigInteger, nullable=False),
    Column("digest", LargeBinary(32), nullable=False),
    ForeignKeyConstraint(["merchant_id", "transaction_id"], ["txn.merchant_id", "txn.transaction_id"]),
    ForeignKeyConstraint(["merchant_id", "block"], ["block.merchant_id", "block.number"]),
)

unsealed_table = Table(
    "unsealed",
    metadata,
    Column("merchant_id", Uuid, primary_key=True),
    Column("transaction_id", Uuid, primary_key=True),
)

rebuild_table = Table(
    "rebuild",
    metadata,
    Column("merchant_id", Uuid, primary_key=True),
    Column("done_up_to", String(64), nullable=False),
)
