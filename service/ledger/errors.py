"""What the ledger refuses. Each error carries the facts; none of them has changed anything."""

from collections.abc import Iterable
from uuid import UUID


class LedgerError(Exception):
    """Root of everything that the ledger raises."""


class InsufficientFunds(LedgerError):
    """A posting would take an account below its floor."""

    def __init__(self, account: str, currency: str, *, balance: int, wanted: int) -> None:
        super().__init__(f"{account} holds {balance} {currency} (minor units), {wanted} wanted")
        self.account = account
        self.currency = currency
        self.balance = balance
        self.wanted = wanted


class OutOfOrder(LedgerError):
    """A transaction has an id before that of one which was booked before it on an owner's account."""

    def __init__(self, merchant_id: UUID, accounts: Iterable[str]) -> None:
        super().__init__("a transaction would come before one that was booked already")
        self.merchant_id = merchant_id
        self.accounts = sorted(accounts)


class ReferenceReused(LedgerError):
    """The reference was posted before, with other content."""

    def __init__(self, reference: str) -> None:
        super().__init__(f"{reference} was posted before with other content")
        self.reference = reference


class TransactionUnknown(LedgerError):
    """The merchant has no such transaction."""

    def __init__(self, transaction_id: object) -> None:
        super().__init__(f"no transaction {transaction_id}")
        self.transaction_id = transaction_id
