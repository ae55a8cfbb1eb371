"""The door to the books: post in double entry, and read what was posted. All of it inside the caller's transaction.

- `post(session, merchant_id, transaction)` writes one balanced `Transaction` once for each reference. Returns the
  stored one, also on a replay. Raises `ReferenceReused` if it carries other content, `InsufficientFunds` if an owner's
  account would fall below zero, and `OutOfOrder` if its id is before that of the last one on an owner's account, which
  `newest_id(session, merchant_id, accounts)` tells; none has changed anything.
- `post_many(session, merchant_id, transactions)` posts many `Transaction`s at once, in their order, all or none.
- `Posting(debit, credit, amount, currency)`: minor units, > 0; an unbalanced one cannot be written. Raises ValueError.
- `Account(kind, owner)`, and by their names `EXPENSE`, `ADJUSTMENTS`, `SETTLED`, `LAPSED`, `OPENING` (the merchant's),
  `pending(owner)`, `available(owner)`, `reserved(owner)`, `owed(owner)`; `accounts_of(owner)` are all that one can
  have. `parse_account(name)` raises ValueError. owner: an opaque name, of which the books know nothing else.
- `owner_balances(session, merchant_id, owner)` -> currency -> `OwnerBalance`; `account_balances(session, merchant_id,
  accounts)` -> (account, currency) -> minor units on the account's normal side. Both cost the same at any age.
- `transaction(session, merchant_id, transaction_id)` raises `TransactionUnknown`; `transactions(..., limit=, before=)`
  are the newest ones.
- `entries_of_owner(...)` and `entries_of_account(...)`: statements, newest first, page by page, each entry with the
  balance that it left.
- `metadata`: the tables, for whoever migrates the database.

Reads never lock; `post` locks the owners' accounts that it touches, in the order of their names, and the merchant's
own accounts last. Another merchant's books do not exist: every verb takes the merchant.
"""

from service.ledger.accounts import (
    ADJUSTMENTS,
    EXPENSE,
    LAPSED,
    OPENING,
    SETTLED,
    Account,
    Kind,
    accounts_of,
    available,
    owed,
    parse_account,
    pending,
    reserved,
)
from service.ledger.balances import OwnerBalance, account_balances, newest_id, owner_balances
from service.ledger.batches import post_many
from service.ledger.errors import InsufficientFunds, LedgerError, OutOfOrder, ReferenceReused, TransactionUnknown
from service.ledger.journal import post, transaction, transactions
from service.ledger.statements import AccountEntry, EntryPosition, OwnerEntry, entries_of_account, entries_of_owner
from service.ledger.tables import metadata
from service.ledger.transactions import Posting, Transaction

__all__ = [
    "ADJUSTMENTS",
    "EXPENSE",
    "LAPSED",
    "OPENING",
    "SETTLED",
    "Account",
    "AccountEntry",
    "EntryPosition",
    "InsufficientFunds",
    "Kind",
    "LedgerError",
    "OutOfOrder",
    "OwnerBalance",
    "OwnerEntry",
    "Posting",
    "ReferenceReused",
    "Transaction",
    "TransactionUnknown",
    "account_balances",
    "accounts_of",
    "available",
    "entries_of_account",
    "entries_of_owner",
    "metadata",
    "newest_id",
    "owed",
    "owner_balances",
    "parse_account",
    "pending",
    "post",
    "post_many",
    "reserved",
    "transaction",
    "transactions",
]
