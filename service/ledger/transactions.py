"""What goes into the books: postings that cannot be unbalanced, and the transaction that carries them."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from service.ledger.accounts import Account


@dataclass(frozen=True, slots=True)
class Posting:
    """One movement: `amount` minor units (> 0) of `currency` from the credit account to the debit account."""

    debit: Account
    credit: Account
    amount: int
    currency: str

    def __post_init__(self) -> None:
        if self.amount <= 0:
            raise ValueError("a posting moves a positive amount")
        if self.debit == self.credit:
            raise ValueError("a posting moves between two accounts")


@dataclass(frozen=True, slots=True)
class Transaction:
    """One event in the books, with all of its postings. `reference` names it for ever within the merchant.

    effective_at: when it counts. recorded_at: when it was written.
    """

    transaction_id: UUID
    reference: str
    event: str
    effective_at: datetime
    recorded_at: datetime
    postings: Sequence[Posting]


def fingerprint(event: str, effective_at: datetime, postings: Iterable[Posting]) -> bytes:
    """SHA-256 of what a transaction says. Length-prefixed, so that no two contents encode alike."""
    fields = [event, effective_at.astimezone(UTC).isoformat()]
    for posting in postings:
        fields += [posting.debit.name, posting.credit.name, posting.currency, str(posting.amount)]
    encoded = b"".join(b"%d:%s" % (len(field.encode()), field.encode()) for field in fields)
    return hashlib.sha256(encoded).digest()
