"""Posting in the order of what happens to a customer, whatever the clocks of several machines say.

A statement stands in the order of ids, which are made by the clock of whoever books. Where that is behind the clock of
somebody who booked for the same customer before, this process's ids go on after the one that it met, and the work is
done again.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from uuid import UUID

from sqlalchemy.orm import Session

from service.database.engine import Database, WorkFirst
from service.ids import go_past
from service.ledger import books
from service.ledger.books import Transaction

log = logging.getLogger("orchard.rewards")


def post(session: Session, merchant_id: UUID, transaction: Transaction) -> None:
    """Post one transaction. Raises books.InsufficientFunds."""
    with _in_order():
        books.post(session, merchant_id, transaction)


def post_many(session: Session, merchant_id: UUID, transactions: Sequence[Transaction]) -> None:
    """Post transactions in their order."""
    with _in_order():
        books.post_many(session, merchant_id, transactions)


@contextmanager
def _in_order() -> Iterator[None]:
    """Raises WorkFirst where the clock of ids is behind."""
    try:
        yield
    except books.OutOfOrder as error:
        raise WorkFirst(partial(_go_ahead, error)) from error


def _go_ahead(late: books.OutOfOrder, database: Database) -> None:
    with database.reading() as session:
        newest = books.newest_id(session, late.merchant_id, late.accounts)
    if not go_past(newest):
        log.error("an account of %s has an id of a day ahead: orchard ledger rebuild mends it", late.merchant_id)
