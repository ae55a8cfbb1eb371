"""Writing a new transaction: its row, its postings, its place among the unsealed, and the balances that it changes.

PostgreSQL takes it all as one statement, which spares three ways to the server and most of what a statement costs
here. SQLite, which has no such statement and no way to go, takes it one by one; so does a PostgreSQL of many machines,
which hands whole statements to the one that has the rows, but not this one. Whose session that is says so in its info:
`is_of_many`.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Column, TextualSelect, Uuid, bindparam, text
from sqlalchemy.orm import Session

from service.ledger.balances import newest_id
from service.ledger.tables import (
    balance_table,
    insertion,
    numbered,
    posting_table,
    transaction_table,
    unsealed_table,
)

Row = Mapping[str, Any]
NEW = "ON CONFLICT (merchant_id, reference) DO NOTHING RETURNING transaction_id"
RAISE = (
    "ON CONFLICT (merchant_id, account, currency, slot) DO UPDATE"
    " SET amount = balance.amount + excluded.amount,"
    " last_id = CASE WHEN balance.last_id < excluded.last_id THEN excluded.last_id ELSE balance.last_id END"
)
_CLAIM = insertion(transaction_table, NEW).columns(transaction_id=Uuid).execution_options(prepared=True)
_WAIT = insertion(unsealed_table)
_BOOKED_LATER = "merchant_id = :merchant_id AND account IN ({names}) AND last_id >= :transaction_id"
_CASTS = {"line": "smallint", "slot": "smallint", "amount": "bigint", "floor": "bigint", "last_id": "uuid"}


def write(
    session: Session, transaction: Row, lines: Sequence[Row], balances: Sequence[Row], *, after: Sequence[str]
) -> bool:
    """Write a transaction with whole rows of its postings and of the changes of balances.

    balances: of accounts that rise, or that may be anything; they are opened where they are missing, in this order.
    after: accounts of owners. Returns False, having done nothing, if it was there, or if its id is not after that of
    whatever was booked on these before.
    """
    if balances and session.get_bind().dialect.name == "postgresql" and "is_of_many" not in session.info:
        values = {**transaction, **numbered(_renamed("line", lines)), **numbered(_renamed("balance", balances))}
        values |= {f"after_{number}": name for number, name in enumerate(after)}
        return session.execute(_at_once(len(lines), len(balances), len(after)), values).first() is not None
    if after and newest_id(session, transaction["merchant_id"], after) >= transaction["transaction_id"]:
        return False
    if session.execute(_CLAIM, numbered([transaction])).first() is None:
        return False
    session.execute(insertion(posting_table, rows=len(lines)), numbered(lines))
    session.execute(_WAIT, numbered([{name: transaction[name] for name in ("merchant_id", "transaction_id")}]))
    if balances:
        raise_balances(session, balances)
    return True


def raise_balances(session: Session, balances: Sequence[Row]) -> None:
    """Add these to the balances, which are opened where they are missing, in this order."""
    session.execute(insertion(balance_table, RAISE, rows=len(balances)), numbered(balances))


def _renamed(prefix: str, rows: Sequence[Row]) -> list[Row]:
    own = ("merchant_id", "transaction_id")
    return [{f"{prefix}_{name}": value for name, value in row.items() if name not in own} for row in rows]


@cache
def _at_once(lines: int, balances: int, after: int) -> TextualSelect:
    line = [column for column in posting_table.columns if column.key not in ("merchant_id", "transaction_id")]
    balance = [column for column in balance_table.columns if column.key != "merchant_id"]
    names = ", ".join(column.key for column in transaction_table.columns)
    given = ", ".join(f":{column.key}" for column in transaction_table.columns)
    in_order = f"WHERE NOT EXISTS (SELECT 1 FROM balance WHERE {_BOOKED_LATER})" if after else ""
    in_order = in_order.format(names=", ".join(f"CAST(:after_{number} AS text)" for number in range(after)))
    statement = f"""
        WITH claimed AS (INSERT INTO txn ({names}) SELECT {given} {in_order} {NEW}),
        lines AS (INSERT INTO posting (merchant_id, transaction_id, {_names(line)})
            SELECT :merchant_id, transaction_id, {_names(line)} FROM claimed, {_values("line", line, lines)}),
        waits AS (INSERT INTO unsealed (merchant_id, transaction_id) SELECT :merchant_id, transaction_id FROM claimed),
        kept AS (INSERT INTO balance (merchant_id, {_names(balance)})
            SELECT :merchant_id, {_names(balance)} FROM claimed, {_values("balance", balance, balances)} {RAISE})
        SELECT transaction_id FROM claimed
    """
    types = [bindparam(column.key, type_=column.type) for column in transaction_table.columns]
    written = text(" ".join(statement.split())).bindparams(*types)
    return written.columns(transaction_id=Uuid).execution_options(prepared=True)


def _names(columns: Sequence[Column[Any]]) -> str:
    return ", ".join(column.key for column in columns)


def _values(prefix: str, columns: Sequence[Column[Any]], rows: int) -> str:
    """`(VALUES (...), (...)) AS prefix (names)`, each value cast to its type, which PostgreSQL cannot guess here."""
    tuples = [
        ", ".join(f"CAST(:{prefix}_{name}_{row} AS {_CASTS.get(name, 'text')})" for name in (c.key for c in columns))
        for row in range(rows)
    ]
    return f"(VALUES {', '.join(f'({values})' for values in tuples)}) AS {prefix} ({_names(columns)})"
