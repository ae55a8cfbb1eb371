"""What the tests of the books share: a merchant of their own, postings, and a look at everything."""

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from service.books import audit
from service.database.engine import Database, RaceLost
from service.ids import new_id
from service.ledger import books, proof
from service.ledger.books import (
    ADJUSTMENTS,
    EXPENSE,
    LAPSED,
    SETTLED,
    Posting,
    Transaction,
    available,
    owed,
    pending,
    reserved,
)
from tests import citus

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
ANA, BEN = "0a" * 16, "b0" * 16


class Books:
    """One merchant's books."""

    def __init__(self, database: Database, merchant_id: UUID | None = None) -> None:
        self.database = database
        self.merchant_id = merchant_id or new_id()

    def post(
        self, reference: str, *postings: Posting, event: str = "test", at: datetime = NOW, recorded_at: datetime = NOW
    ) -> books.Transaction:
        """Post in a transaction of its own."""

        def work(session: Session) -> books.Transaction:
            try:
                return post(
                    session, self.merchant_id, reference, *postings, event=event, at=at, recorded_at=recorded_at
                )
            except books.OutOfOrder as error:  # nobody locks an owner here
                raise RaceLost from error

        return self.database.write(work)

    def seal(self, now: datetime = NOW) -> proof.Block | None:
        """Seal what waits."""
        return self.database.write(lambda session: proof.seal_next_block(session, self.merchant_id, now=now))

    def problems(self, expected_head: proof.Head | None = None) -> list[str]:
        """Everything that the audit finds."""
        with self.database.reading() as session:
            return problems(session, self.merchant_id, expected_head)

    def balance(self, owner: str = ANA, currency: str = "EUR") -> books.OwnerBalance:
        """What an owner has."""
        with self.database.reading() as session:
            return books.owner_balances(session, self.merchant_id, owner).get(currency, books.OwnerBalance(currency))

    def balances(self) -> dict[tuple[str, str], int]:
        """(account, currency) -> minor units, of all accounts."""
        query = text("SELECT account, currency, SUM(amount) FROM balance WHERE merchant_id = :m GROUP BY 1, 2")
        with self.database.reading() as session:
            rows = session.execute(query, {"m": stored(self.database, self.merchant_id)})
            return {(row[0], row[1]): int(row[2]) for row in rows}

    def fill(self) -> None:
        """A life: earned, ripened, adjusted, spent, lapsed, taken back, owed and paid, in three currencies."""
        for currency in ("EUR", "JPY", "KWD"):
            spent, back = p(reserved(ANA), SETTLED, 800, currency), p(reserved(ANA), available(ANA), 100, currency)
            ripe, paid = p(pending(ANA), available(ANA), 60, currency), p(available(ANA), owed(ANA), 50, currency)
            steps: list[tuple[str, list[Posting]]] = [
                ("earned", [p(EXPENSE, pending(ANA), 1000, currency), p(EXPENSE, SETTLED, 500, currency)]),
                ("ripened", [p(pending(ANA), available(ANA), 1000, currency)]),
                ("adjusted", [p(ADJUSTMENTS, available(ANA), 7, currency)]),
                ("reserved", [p(available(ANA), reserved(ANA), 900, currency)]),
                (
                    "captured",
                    [spent, back],
                ),
                ("refunded", [p(available(ANA), EXPENSE, 150, currency), p(owed(ANA), EXPENSE, 50, currency)]),
                ("earned", [p(EXPENSE, pending(ANA), 60, currency), p(EXPENSE, pending(BEN), 10, currency)]),
                (
                    "ripened",
                    [ripe, paid],
                ),
                ("lapsed", [p(available(ANA), LAPSED, 12, currency)]),
            ]
            for number, (event, postings) in enumerate(steps):
                self.post(f"{currency}:{number}", *postings, event=event)


p = Posting


def post(
    session: Session,
    merchant_id: UUID,
    reference: str,
    *postings: Posting,
    event: str = "test",
    at: datetime = NOW,
    recorded_at: datetime = NOW,
) -> books.Transaction:
    """Post within the transaction of this session."""
    return books.post(session, merchant_id, Transaction(new_id(), reference, event, at, recorded_at, postings))


def problems(session: Session, merchant_id: UUID, expected_head: proof.Head | None = None) -> list[str]:
    """Everything that the audit finds."""
    return list(proof.Verification(session, merchant_id, expected_head=expected_head).problems())


def stored(database: Database, name: UUID) -> UUID | str:
    """An id as this database keeps it."""
    return name.hex if database.is_sqlite else name


def tampered(
    books: Books, tamper: Callable[[Connection], object], expected_head: proof.Head | None = None
) -> list[str]:
    """What the audit finds after somebody changed the database behind all guards. All of it is undone."""
    with books.database.engine.connect() as connection:
        if books.database.is_sqlite:
            connection.exec_driver_sql("PRAGMA ignore_check_constraints = ON")
            connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
            names = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
            for name in connection.execute(text(names)).scalars().all():
                connection.exec_driver_sql(f"DROP TRIGGER {name}")
        else:
            citus.let_guards_be()
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
            for table, check in (("balance", "floor"), ("posting", "amount_positive"), ("posting", "two_accounts")):
                connection.exec_driver_sql(f"ALTER TABLE {table} DROP CONSTRAINT ck_{table}_{check}")
        try:
            tamper(connection)
            with Session(connection) as session:
                found = problems(session, books.merchant_id, expected_head)
                assert audit.verify(session, books.merchant_id).problems  # the business does not trip over it
                return found
        finally:
            connection.rollback()
            if books.database.is_sqlite:
                connection.exec_driver_sql("PRAGMA ignore_check_constraints = OFF")
