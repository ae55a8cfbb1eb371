"""Between which kinds of accounts money may move: declared once, and asked of every transaction."""

from collections.abc import Sequence
from datetime import datetime

from service.ids import new_id
from service.ledger.books import Kind, Posting, Transaction, available, owed

TRANSFERS = frozenset(
    {
        (Kind.EXPENSE, Kind.PENDING),
        (Kind.EXPENSE, Kind.SETTLED),
        (Kind.EXPENSE, Kind.AVAILABLE),
        (Kind.EXPENSE, Kind.LAPSED),
        (Kind.PENDING, Kind.AVAILABLE),
        (Kind.PENDING, Kind.EXPENSE),
        (Kind.AVAILABLE, Kind.EXPENSE),
        (Kind.OWED, Kind.EXPENSE),
        (Kind.SETTLED, Kind.EXPENSE),
        (Kind.LAPSED, Kind.EXPENSE),
        (Kind.AVAILABLE, Kind.OWED),
        (Kind.AVAILABLE, Kind.RESERVED),
        (Kind.RESERVED, Kind.AVAILABLE),
        (Kind.RESERVED, Kind.SETTLED),
        (Kind.SETTLED, Kind.AVAILABLE),
        (Kind.AVAILABLE, Kind.LAPSED),
        (Kind.ADJUSTMENTS, Kind.AVAILABLE),
        (Kind.AVAILABLE, Kind.ADJUSTMENTS),
        (Kind.OPENING, Kind.AVAILABLE),
        (Kind.PENDING, Kind.PENDING),
        (Kind.AVAILABLE, Kind.AVAILABLE),
        (Kind.RESERVED, Kind.RESERVED),
        (Kind.OWED, Kind.OWED),
    }
)
"""(debit, credit) of every posting that there may be. One that is added needs its text in the statement and its line in
the report of what is owed, which tests/test_house.py asks for."""


def refuse_unlisted(postings: Sequence[Posting]) -> None:
    """Raise ValueError for a posting between accounts that nothing of ours moves."""
    for posting in postings:
        if (posting.debit.kind, posting.credit.kind) not in TRANSFERS:
            raise ValueError(f"nothing moves from {posting.credit.kind} to {posting.debit.kind}")


def pay(owner: str, amount: int, currency: str) -> list[Posting]:
    """What an owner pays of their debt out of what they have available; nothing where that is nothing."""
    return [Posting(available(owner), owed(owner), amount, currency)] if amount else []


def transaction(
    reference: str, event: str, postings: list[Posting], *, effective_at: datetime, recorded_at: datetime
) -> Transaction:
    """What is to be posted. Raises ValueError for postings that nothing of ours makes."""
    refuse_unlisted(postings)
    return Transaction(new_id(), reference, event, effective_at, recorded_at, tuple(postings))
