"""What goes into the books: postings that cannot be unbalanced, and the transaction that carries them."""

import re
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from service.ledger.accounts import Account

_REFERENCE = re.compile(r"[!#-~]{1,160}")
_EVENT = re.compile(r"[a-z_]{1,40}")


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

    @property
    def fields(self) -> tuple[str, str, str, int]:
        """What is stored of it: the names of both accounts, the currency, the amount."""
        return self.debit.name, self.credit.name, self.currency, self.amount


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
    postings: tuple[Posting, ...]

    def __post_init__(self) -> None:
        if not _REFERENCE.fullmatch(self.reference):
            raise ValueError("a reference is 1 to 160 printable ASCII characters without blanks and quotes")
        if not _EVENT.fullmatch(self.event):
            raise ValueError("an event is 1 to 40 small letters or underscores")
        if not self.postings:
            raise ValueError("a transaction needs at least one posting")
